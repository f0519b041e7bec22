"""Sequences of any lengths as one row of tokens: no padding, so no work on padding.

sequences   ACG          TTGCA
tokens      [CLS] A C G [SEP] [CLS] T T G C A [SEP]
positions   0     1 2 3 4     0     1 2 3 4 5 6
cumulative  0                 5                     12
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch

from ..errors import ModelError
from ..sequence import MASK, packed_tokens


class Group(NamedTuple):
    """Neighbouring sequences of one length, which are a dense array.

    first : first token; sequence : first sequence; count : sequences; length : tokens of each
    """

    first: int
    sequence: int
    count: int
    length: int

    @property
    def tokens(self) -> slice:
        """Where its tokens are."""
        return slice(self.first, self.first + self.count * self.length)


class Packed(NamedTuple):
    """Model input.

    ids : int64 (tokens,); positions : int64 (tokens,), 0 at each [CLS]
    cumulative : int32 (sequences + 1,), first token of each sequence and the end
    lengths : int64 (sequences,) NumPy, tokens of each with [CLS] and [SEP]
    groups : neighbours of one length
    """

    ids: torch.Tensor
    positions: torch.Tensor
    cumulative: torch.Tensor
    lengths: np.ndarray
    groups: tuple[Group, ...]


class Rows(NamedTuple):
    """Tokens whose states are wanted.

    index : int64 (rows,), tokens of `Packed`, sequence by sequence
    counts : int64 (sequences,) NumPy, rows of each sequence
    cumulative : int32 (sequences + 1,), first row of each sequence and the end
    """

    index: torch.Tensor
    counts: np.ndarray
    cumulative: torch.Tensor


def _starts(lengths: np.ndarray) -> np.ndarray:
    return np.concatenate([[0], np.cumsum(lengths)])


def to_device(array: np.ndarray, device: torch.device) -> torch.Tensor:
    """Copy to the device; to a GPU from pinned memory, without waiting for it."""
    tensor = torch.from_numpy(array)
    if device.type == "cuda":
        return tensor.pin_memory().to(device, non_blocking=True)
    return tensor


def find_groups(lengths: np.ndarray) -> tuple[Group, ...]:
    """Return the runs of equal lengths."""
    if not len(lengths):
        return ()
    left = np.flatnonzero(np.diff(lengths, prepend=-1))
    counts = np.diff(left, append=len(lengths))
    starts = _starts(lengths)
    return tuple(
        Group(int(starts[i]), int(i), int(n), int(lengths[i]))
        for i, n in zip(left, counts, strict=True)
    )


def pack_ids(ids: np.ndarray, lengths: np.ndarray, device: torch.device) -> Packed:
    """Pack tokens that are in one row already.

    Parameters
    ----------
    ids
        int64 (tokens,).
    lengths
        int64 (sequences,), their sum is the number of tokens.
    device
        Where to put them.
    """
    return pack_tensor(to_device(ids, device), lengths)


def pack_tensor(ids: torch.Tensor, lengths: np.ndarray) -> Packed:
    """Pack tokens, int64 (tokens,), that are on their device already; see `pack_ids`."""
    starts, device = _starts(lengths), ids.device
    positions = np.arange(len(ids)) - np.repeat(starts[:-1], lengths)
    return Packed(
        ids,
        to_device(positions, device),
        to_device(starts.astype(np.int32), device),
        lengths,
        find_groups(lengths),
    )


def pack(
    sequences: Sequence[str], masks: np.ndarray | None = None, *, device: torch.device
) -> Packed:
    """Tokenise and pack sequences.

    Parameters
    ----------
    sequences
        Nucleotides 5'->3'.
    masks
        bool (nucleotides of all sequences,), bases to hide; None hides nothing.
    device
        Where to put the tokens.
    """
    ids, nucleotides = packed_tokens(sequences)
    if masks is not None:
        ids[nucleotide_tokens(nucleotides)[masks]] = MASK
    return pack_ids(ids, nucleotides + 2, device)


def joined_masks(
    masks: Sequence[np.ndarray | None] | None, sequences: Sequence[str]
) -> np.ndarray | None:
    """Masks of all sequences as bool (nucleotides of all,); None where nothing is hidden."""
    if masks is None or all(mask is None for mask in masks):
        return None
    for mask, sequence in zip(masks, sequences, strict=True):
        if mask is not None and len(mask) != len(sequence):
            raise ModelError(f"a mask of {len(mask)} bases for a sequence of {len(sequence)} nt")
    return np.concatenate(
        [
            np.zeros(len(s), bool) if m is None else np.asarray(m, bool)
            for m, s in zip(masks, sequences, strict=True)
        ]
    )


def nucleotide_tokens(nucleotides: np.ndarray) -> np.ndarray:
    """Tokens that are no [CLS] or [SEP]: int64, for sequences of so many nucleotides each."""
    number = np.repeat(np.arange(len(nucleotides)), nucleotides)
    return np.arange(int(nucleotides.sum())) + 2 * number + 1


def all_rows(packed: Packed) -> Rows:
    """Return the rows of every nucleotide."""
    counts = packed.lengths - 2
    return _rows(nucleotide_tokens(counts), counts, packed)


def first_rows(packed: Packed) -> Rows:
    """Return the row of each [CLS]."""
    return _rows(_starts(packed.lengths)[:-1], np.ones(len(packed.lengths), np.int64), packed)


def some_rows(packed: Packed, offsets: Sequence[np.ndarray | None]) -> Rows:
    """Return the rows of the nucleotides at 0-based `offsets` of each sequence; None takes all.

    Raises
    ------
    ModelError
        An offset lies outside its sequence, or there are not as many arrays as sequences.
    """
    nucleotides = packed.lengths - 2
    if len(offsets) != len(nucleotides):
        raise ModelError(
            f"offsets of {len(offsets)} sequences; expected one array for each of the "
            f"{len(nucleotides)} sequences"
        )
    wanted = [
        np.arange(n) if o is None else np.asarray(o, np.int64)
        for o, n in zip(offsets, nucleotides, strict=True)
    ]
    counts = np.array([len(o) for o in wanted], np.int64)
    flat = np.concatenate(wanted) if wanted else np.empty(0, np.int64)
    owner = np.repeat(np.arange(len(wanted)), counts)
    wrong = np.flatnonzero((flat < 0) | (flat >= nucleotides[owner]))
    if len(wrong):
        row = owner[wrong[0]]
        raise ModelError(
            f"offset {flat[wrong[0]]} (0-based) of sequence {row}; expected 0 to "
            f"{nucleotides[row] - 1}"
        )
    return _rows(flat + 1 + _starts(packed.lengths)[owner], counts, packed)


def _rows(index: np.ndarray, counts: np.ndarray, packed: Packed) -> Rows:
    device = packed.ids.device
    cumulative = to_device(_starts(counts).astype(np.int32), device)
    return Rows(to_device(index, device), counts, cumulative)
