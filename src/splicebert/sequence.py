"""Nucleotide sequences as tokens, one-hot rows, base codes and k-mers.

Every function reads its sequence 5'->3', treats U as T, ignores case and takes other letters as N.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .errors import SpliceBERTError

VOCABULARY = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "N", "A", "C", "G", "T")
PAD, UNK, CLS, SEP, MASK, N, A, C, G, T = range(10)
BASES = "ACGT"

_COMPLEMENT = str.maketrans("ACGTUNRYSWKMBDHVacgtunryswkmbdhv", "TGCAANYRSWMKVHDBtgcaanyrswmkvhdb")


def _lookup(values: dict[str, int], other: int) -> np.ndarray:
    table = np.full(256, other, np.uint8)
    for letter, value in values.items():
        table[[ord(letter), ord(letter.lower())]] = value
    return table


_TOKEN = _lookup({"A": A, "C": C, "G": G, "T": T, "U": T}, N)
# Characters that stand for [CLS] and [SEP] while many sequences are translated at once.
_CLS, _SEP = "\xfe", "\xff"
_PACKED_TOKEN = _TOKEN.copy()
_PACKED_TOKEN[[0xFE, 0xFF]] = CLS, SEP
_CODE = _lookup({"A": 0, "C": 1, "G": 2, "T": 3, "U": 3}, 4)


def as_bytes(sequence: str | bytes) -> np.ndarray:
    """Return a sequence as ASCII codes, uint8 (nt,); a letter outside ASCII becomes '?'."""
    raw = sequence if isinstance(sequence, bytes) else sequence.encode("ascii", "replace")
    return np.frombuffer(raw, np.uint8)


def tokens(sequence: str | bytes) -> np.ndarray:
    """Tokens of the nucleotides, without [CLS] and [SEP].

    Returns
    -------
    uint8 (nt,), N 5, A 6, C 7, G 8, T 9 (protocol of the published models).
    """
    return _TOKEN[as_bytes(sequence)]


def token_batch(sequences: Sequence[str | bytes]) -> tuple[np.ndarray, np.ndarray]:
    """Model input for several sequences: [CLS] before, [SEP] after, [PAD] behind.

    Returns
    -------
    ids : int64 (batch, longest + 2)
    lengths : int64 (batch,), nucleotides of each sequence
    """
    lengths = np.array([len(s) for s in sequences], np.int64)
    ids = np.full((len(lengths), int(lengths.max(initial=0)) + 2), PAD, np.int64)
    ids[:, 0] = CLS
    for row, (sequence, length) in enumerate(zip(sequences, lengths, strict=True)):
        ids[row, 1 : length + 1] = tokens(sequence)
        ids[row, length + 1] = SEP
    return ids, lengths


def packed_tokens(sequences: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Model input for several sequences behind one another: [CLS] ... [SEP] [CLS] ... [SEP].

    All of them are translated at once, without a loop over sequences.

    Returns
    -------
    ids : int64 (tokens,)
    lengths : int64 (sequences,), nucleotides of each
    """
    text = _CLS + (_SEP + _CLS).join(sequences) + _SEP if len(sequences) else ""
    if text.count(_CLS) != len(sequences) or text.count(_SEP) != len(sequences):
        return packed_tokens([s.replace(_CLS, "N").replace(_SEP, "N") for s in sequences])
    ids = _PACKED_TOKEN[np.frombuffer(text.encode("latin-1", "replace"), np.uint8)]
    return ids.astype(np.int64), np.fromiter(map(len, sequences), np.int64, len(sequences))


def base_codes(sequence: str | bytes) -> np.ndarray:
    """Bases as numbers: uint8 (nt,), A 0, C 1, G 2, T 3, anything else 4."""
    return _CODE[as_bytes(sequence)]


def is_soft_masked(sequence: str | bytes) -> np.ndarray:
    """Tell which nucleotides are lower case (repeats): bool (nt,)."""
    letters = as_bytes(sequence)
    return (letters >= ord("a")) & (letters <= ord("z"))


def reverse_complement(sequence: str) -> str:
    """Reverse complement; case and IUPAC codes are kept, U pairs with A."""
    return sequence.translate(_COMPLEMENT)[::-1]


def one_hot(sequence: str | bytes) -> np.ndarray:
    """One-hot rows: float32 (nt, 4), order ACGT; a row of zeros for N."""
    table = np.vstack([np.eye(4, dtype=np.float32), np.zeros((1, 4), np.float32)])
    return table[base_codes(sequence)]


def kmers(sequence: str | bytes, k: int) -> np.ndarray:
    """Overlapping k-mers as numbers in base 4.

    Returns
    -------
    int64 (nt - k + 1,), AA..A = 0, TT..T = 4**k - 1, first base most significant; -1 where the
    k-mer holds an N. Empty where the sequence is shorter than k.
    """
    if k < 1:
        raise SpliceBERTError(f"k is {k}; a k-mer needs k >= 1")
    codes = base_codes(sequence).astype(np.int64)
    if len(codes) < k:
        return np.empty(0, np.int64)
    view = np.lib.stride_tricks.sliding_window_view(codes, k)
    values = view @ (4 ** np.arange(k - 1, -1, -1))
    return np.where((view == 4).any(axis=1), -1, values)
