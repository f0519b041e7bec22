"""Masked fragments as the packed input of the model.

fragments   A C G          T T G C A
ids         [CLS] A [MASK] G [SEP] [CLS] T T G C [MASK] [SEP]
rows                2                            10             the tokens to predict
labels              C                            A
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch

from ..masking import MASKED, NOT_CHOSEN, masking_of
from ..models.packing import Packed, Rows, nucleotide_tokens, pack_ids, to_device
from ..sequence import CLS, MASK, SEP, A, N
from .corpus import Corpus
from .fragments import Fragments, share_out
from .settings import SPECIALS

CODE_TO_TOKEN = np.array([A, A + 1, A + 2, A + 3, N])


class Batch(NamedTuple):
    """Masked fragments on the host.

    ids : int64 (tokens,); lengths : int64 (fragments,), tokens of each; shift : int64 (fragments,),
    rows of the position table before each; rows : int64 (predicted,), the tokens to predict;
    counts : int64 (fragments,), how many of each; labels : int64 (predicted,), their true tokens
    """

    ids: np.ndarray
    lengths: np.ndarray
    shift: np.ndarray
    rows: np.ndarray
    counts: np.ndarray
    labels: np.ndarray


class ModelInput(NamedTuple):
    """The same on the device: packed tokens, the rows to predict, labels int64 (predicted,)."""

    packed: Packed
    rows: Rows
    labels: torch.Tensor


def make_batch(
    codes: np.ndarray,
    treatment: np.ndarray,
    seen: np.ndarray,
    lengths: np.ndarray,
    shift: np.ndarray | None = None,
) -> Batch:
    """Put masked fragments behind one another as tokens.

    Parameters
    ----------
    codes, treatment, seen
        uint8 (nt of all fragments,): true bases, and what `masking_of` says of them.
    lengths
        int64 (fragments,), nt of each.
    shift
        int64 (fragments,), rows of the position table before each; None: 0.
    """
    place = nucleotide_tokens(lengths)
    tokens = lengths + SPECIALS
    ends = np.cumsum(tokens)
    ids = np.empty(int(tokens.sum()), np.int64)
    ids[ends - tokens], ids[ends - 1] = CLS, SEP
    ids[place] = np.where(treatment == MASKED, MASK, CODE_TO_TOKEN[seen])
    chosen = np.flatnonzero(treatment != NOT_CHOSEN)
    owner = np.searchsorted(np.cumsum(lengths), chosen, side="right")
    return Batch(
        ids,
        tokens,
        np.zeros_like(lengths) if shift is None else shift,
        place[chosen],
        np.bincount(owner, minlength=len(lengths)),
        CODE_TO_TOKEN[codes[chosen]],
    )


def read_batch(corpus: Corpus, fragments: Fragments, numbers: np.ndarray) -> Batch:
    """Read some of a step's fragments and mask them as the step's own draws say."""
    first, length = fragments.first, fragments.length
    pieces = [corpus.codes(fragments.part[i], fragments.start[i], length[i]) for i in numbers]
    codes = np.concatenate([*pieces, np.empty(0, np.uint8)])
    draws = [fragments.draws[first[i] : first[i] + length[i]] for i in numbers]
    treatment, seen = masking_of(codes, np.concatenate([*draws, np.empty((0, 3), np.float32)]))
    return make_batch(codes, treatment, seen, length[numbers], fragments.shift[numbers])


def read_share(
    corpus: Corpus, fragments: Fragments, *, rank: int, processes: int, passes: int
) -> list[Batch]:
    """Read what one process does of a step, a batch for each of its passes."""
    shares = share_out(fragments.length, processes * passes)
    return [read_batch(corpus, fragments, shares[rank * passes + i]) for i in range(passes)]


def to_model(batch: Batch, device: torch.device) -> ModelInput:
    """Copy a batch to the device."""
    packed = pack_ids(batch.ids, batch.lengths, device)
    if batch.shift.any():
        shift = to_device(np.repeat(batch.shift, batch.lengths), device)
        packed = packed._replace(positions=packed.positions + shift)
    cumulative = np.concatenate([[0], np.cumsum(batch.counts)]).astype(np.int32)
    rows = Rows(to_device(batch.rows, device), batch.counts, to_device(cumulative, device))
    return ModelInput(packed, rows, to_device(batch.labels, device))


def pieces(lengths: np.ndarray, tokens: int) -> Iterator[slice]:
    """Yield runs of neighbouring fragments of at most about so many tokens, at least one each."""
    first, total = 0, 0
    for number, length in enumerate(lengths + SPECIALS):
        if total and total + length > tokens:
            yield slice(first, number)
            first, total = number, 0
        total += int(length)
    if total:
        yield slice(first, len(lengths))
