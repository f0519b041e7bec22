"""From nucleotides to the tokens of a family: single letters, or overlapping k-mers.

A k-mer model has a token a nucleotide, too: that of base i is the k-mer which begins k // 2 bases
before it. Those that reach past an end of the sequence, or hold an N, are [UNK]:

    k = 3       sequence    A     C     G     N     T     A
                tokens      [UNK] ACG   [UNK] [UNK] [UNK] [UNK]        (NAC ACG CGN GNT NTA TAN)
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
import torch

from ..errors import ModelError
from ..sequence import BASES, CLS, MASK, SEP, UNK, VOCABULARY, kmers
from ..vocabulary import SPECIAL, kmer_length, read_words, unknown_words
from .packing import Packed, nucleotide_tokens, pack, pack_ids


class Tokeniser(Protocol):
    """What turns sequences into tokens; words : the vocabulary, by token."""

    words: tuple[str, ...]

    def pack(
        self,
        sequences: Sequence[str],
        masks: np.ndarray | None = None,
        *,
        device: torch.device,
    ) -> Packed:
        """Tokenise and pack sequences, a token a nucleotide; see `packing.pack`."""


class Letters:
    """A token a nucleotide, as in SpliceBERT."""

    words = VOCABULARY
    pack = staticmethod(pack)


class Kmers:
    """A k-mer a nucleotide, as in DNABERT.

    Parameters
    ----------
    words
        The vocabulary: [PAD] [UNK] [CLS] [SEP] [MASK] and all k-mers, in any order.

    Attributes
    ----------
    k : int
    centre : int
        Position of a token's own base within its k-mer.
    """

    def __init__(self, words: tuple[str, ...]) -> None:
        self.words = words
        self.k = len(words[-1])
        self.centre = self.k // 2
        self._token = np.full(len(BASES) ** self.k + 1, UNK, np.int64)  # the last: -1, with an N
        for token, word in enumerate(words[len(SPECIAL) :], len(SPECIAL)):
            self._token[kmers(word, self.k)] = token

    def tokens_of_bases(self) -> np.ndarray:
        """Tokens by their own base: int64 (4, 4**(k - 1)), rows A, C, G, T."""
        own = np.array([word[self.centre] for word in self.words[len(SPECIAL) :]])
        return len(SPECIAL) + np.stack([np.flatnonzero(own == base) for base in BASES])

    def check(self, sequences: Sequence[str]) -> None:
        """Raise ModelError where a sequence is shorter than a k-mer."""
        for row, sequence in enumerate(sequences):
            if len(sequence) < self.k:
                raise ModelError(
                    f"sequence {row} of the batch (0-based) has {len(sequence)} nt; a model of "
                    f"{self.k}-mers needs {self.k} or more"
                )

    def pack(
        self,
        sequences: Sequence[str],
        masks: np.ndarray | None = None,
        *,
        device: torch.device,
    ) -> Packed:
        """Tokenise and pack sequences.

        Parameters
        ----------
        sequences
            Nucleotides 5'->3'.
        masks
            bool (nucleotides of all sequences,), bases to hide: every token that sees one of them
            becomes [MASK].
        device
            Where to put the tokens.
        """
        self.check(sequences)
        lengths = np.fromiter(map(len, sequences), np.int64, len(sequences))
        before, behind = "N" * self.centre, "N" * (self.k - 1 - self.centre)
        text = before + (behind + before).join(sequences) + behind if len(sequences) else ""
        # Of each nucleotide, where its k-mer begins in the text.
        number = np.repeat(np.arange(len(lengths)), lengths)
        begins = np.arange(len(number)) + (self.k - 1) * number
        tokens = self._token[kmers(text, self.k)[begins]]
        if masks is not None:
            hidden = np.zeros(len(text), bool)
            hidden[begins + self.centre] = masks
            views = np.lib.stride_tricks.sliding_window_view(hidden, self.k)
            tokens[views[begins].any(axis=1)] = MASK
        ends = np.cumsum(lengths + 2)
        ids = np.empty(int(ends[-1]) if len(ends) else 0, np.int64)
        ids[ends - lengths - 2], ids[ends - 1] = CLS, SEP
        ids[nucleotide_tokens(lengths)] = tokens
        return pack_ids(ids, lengths + 2, device)


def read_kmers(folder: str | Path) -> Kmers:
    """Read the k-mers of a DNABERT's folder.

    Raises
    ------
    ModelError
        vocab.txt is missing or does not hold the special tokens and all k-mers of one length.
    """
    words = read_words(folder)
    if not kmer_length(words):
        raise ModelError(unknown_words(folder, words))
    return Kmers(words)


def read_tokeniser(folder: str | Path) -> Tokeniser:
    """Read the tokens of a model folder of either family; ModelError where it is of neither."""
    words = read_words(folder)
    return Letters() if words == VOCABULARY else read_kmers(folder)
