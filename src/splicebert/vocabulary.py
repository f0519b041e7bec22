"""Vocabularies of model folders: one token a nucleotide, or one k-mer a nucleotide.

Importable without torch, because commands and Snakemake ask for a folder's family first.
"""

from __future__ import annotations

from itertools import product
from pathlib import Path

from .errors import ModelError
from .sequence import BASES, VOCABULARY

SPECIAL = VOCABULARY[:5]
# Families of BERTs: each of them reads logits, hidden states and attention, and can be fine-tuned.
BERTS = ("splicebert", "dnabert")


def read_words(folder: str | Path) -> tuple[str, ...]:
    """Read vocab.txt of a model folder, a token a line; ModelError where it is missing."""
    path = Path(folder) / "vocab.txt"
    if not path.is_file():
        raise ModelError(f"{path}: no such file; expected the vocabulary, one token a line")
    return tuple(path.read_text().split())


def kmer_length(words: tuple[str, ...]) -> int | None:
    """Length of the k-mers of a vocabulary; None unless it is that of a DNABERT.

    That is [PAD] [UNK] [CLS] [SEP] [MASK] and then each of the 4**k k-mers once, in any order.
    """
    kmers = words[len(SPECIAL) :]
    k = len(kmers[0]) if kmers else 0
    if words[: len(SPECIAL)] != SPECIAL or k < 2 or len(kmers) != len(BASES) ** k:
        return None
    return k if set(kmers) == set(map("".join, product(BASES, repeat=k))) else None


def family_of(folder: str | Path) -> str:
    """Name the adapter of a model folder by its vocabulary.

    Raises
    ------
    ModelError
        vocab.txt is missing, or is of neither family.
    """
    words = read_words(folder)
    if words == VOCABULARY:
        return "splicebert"
    if kmer_length(words):
        return "dnabert"
    raise ModelError(unknown_words(folder, words))


def unknown_words(folder: str | Path, words: tuple[str, ...]) -> str:
    """Say that a vocabulary is not known."""
    return (
        f"{Path(folder) / 'vocab.txt'}: the vocabulary is {' '.join(words[:12])}; expected "
        f"{' '.join(VOCABULARY)}, or {' '.join(SPECIAL)} and all k-mers of A, C, G, T. A model "
        "with another vocabulary needs an adapter of its own"
    )
