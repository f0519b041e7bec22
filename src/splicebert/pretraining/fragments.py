"""Which fragments a step reads, and which process reads which of them when.

A step is drawn whole from its own random generator, `default_rng([seed, step])`; processes and
accumulation then share it out. Nothing of the genomes is read here.
"""

from __future__ import annotations

import heapq
from typing import NamedTuple

import numpy as np

from .corpus import Pool
from .settings import SPECIALS, Phase


class Fragments(NamedTuple):
    """Fragments of a step, shortest first; all int64 (fragments,) but the draws.

    part, start : genome and first byte in its codes; length : nt
    shift : row of the position table at which the fragment's [CLS] stands
    draws : float32 (nt of all fragments, 3), the random numbers of the masking
    """

    part: np.ndarray
    start: np.ndarray
    length: np.ndarray
    shift: np.ndarray
    draws: np.ndarray

    @property
    def first(self) -> np.ndarray:
        """First row of each fragment in `draws`: int64 (fragments,)."""
        return np.cumsum(self.length) - self.length

    @property
    def tokens(self) -> int:
        """Tokens, [CLS] and [SEP] included."""
        return int((self.length + SPECIALS).sum())


def draw_lengths(phase: Phase, rng: np.random.Generator) -> np.ndarray:
    """Draw lengths until the batch is full, and sort them: int64 (fragments,), at least one."""
    most = max(1, phase.batch_tokens // (phase.min_length + SPECIALS))
    lengths = rng.integers(phase.min_length, phase.max_length, size=most, endpoint=True)
    fits = np.cumsum(lengths + SPECIALS) <= phase.batch_tokens
    return np.sort(lengths[: max(1, int(fits.sum()))])


def draw_places(
    source: Pool, lengths: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Draw where fragments of these lengths lie, every place alike.

    A base of the pool is drawn as the first one; a fragment that would leave its transcript is
    drawn again. So a transcript comes up in proportion to the fragments that it holds.

    Returns
    -------
    part, start : int64 (fragments,), genome and first byte in its codes
    """
    tx, start = np.empty((2, len(lengths)), np.int64)
    waiting = np.arange(len(lengths))
    while len(waiting):
        base = rng.integers(source.cumulative[-1], size=len(waiting))
        found = np.searchsorted(source.cumulative, base, side="right") - 1
        within = base - source.cumulative[found]
        fits = within + lengths[waiting] <= source.length[found]
        tx[waiting[fits]], start[waiting[fits]] = found[fits], within[fits]
        waiting = waiting[~fits]
    return source.part[tx], source.offset[tx] + start


def draw_step(
    source: Pool, phase: Phase, seed: int, step: int, *, positions: int | None = None
) -> Fragments:
    """Draw the whole batch of a step.

    Parameters
    ----------
    source
        Training transcripts.
    phase
        Lengths and size of the batch.
    seed, step
        What the draws depend on, and all they depend on; steps count from 0 over all phases.
    positions
        Rows of the position table, where fragments may start anywhere in it; None: at its start.
    """
    rng = np.random.default_rng([seed, step])
    lengths = draw_lengths(phase, rng)
    part, start = draw_places(source, lengths, rng)
    shift = np.zeros(len(lengths), np.int64)
    if positions is not None:
        shift = rng.integers(0, positions - lengths - SPECIALS, endpoint=True)
    draws = rng.random((int(lengths.sum()), 3), np.float32)
    return Fragments(part, start, lengths, shift, draws)


def share_out(lengths: np.ndarray, shares: int) -> list[np.ndarray]:
    """Divide fragments into shares of about as many tokens each: the longest to the lightest.

    Parameters
    ----------
    lengths
        int64 (fragments,), shortest first.
    shares
        How many.

    Returns
    -------
    Ascending numbers of the fragments of each share; a share may be empty.
    """
    if shares == 1:
        return [np.arange(len(lengths))]
    heap = [(0, share) for share in range(shares)]
    taken: list[list[int]] = [[] for _ in range(shares)]
    for number in range(len(lengths) - 1, -1, -1):
        tokens, share = heap[0]
        taken[share].append(number)
        heapq.heapreplace(heap, (tokens + int(lengths[number]) + SPECIALS, share))
    return [np.array(share[::-1], np.int64) for share in taken]


def passes(batch_tokens: int, processes: int, micro_tokens: int | None) -> int:
    """Forward and backward passes of a step, so that none has more than about `micro_tokens`."""
    if micro_tokens is None:
        return 1
    return max(1, -(-batch_tokens // (processes * micro_tokens)))
