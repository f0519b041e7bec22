"""Block scores: is a part of a dependency map higher than parts alike of the same map?

A block is the rectangle of the map between two sites, such as the bases of a donor and those of
its acceptor. Its background are the blocks of the same size at the same distance from the
diagonal, that is the two sites moved together along the window:

        j  donor    acceptor
    i   .............B1......        B1, B2: background, the block moved along the diagonal
    donor  ...........BLOCK..
        ..................B2.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd

LINKS = {
    "donor_acceptor": ("donor", "acceptor"),
    "branchpoint_acceptor": ("branchpoint", "acceptor"),
}
"""Link -> its two sites, 5' one first."""
MIN_BACKGROUND = 10
"""With fewer blocks of background a z score or a rank would say little."""
SCORED, NO_SITE, OUTSIDE, OVERLAP, UNKNOWN, FEW = (
    "",
    "no branchpoint is known",
    "a site reaches out of the window",
    "the two sites overlap",
    "a site holds a base that is not known",
    f"fewer than {MIN_BACKGROUND} blocks of background",
)
REASONS = (SCORED, NO_SITE, OUTSIDE, OVERLAP, UNKNOWN, FEW)
"""Why a link has no score; empty where it has one."""


class BlockScore(NamedTuple):
    """A block against its background, in log2 odds; all NaN, with a reason, where there is none.

    score : the higher of the two directions
    first_to_second, second_to_first : mean of the map with the one site mutated, the other observed
    background_mean, background_sd : of the scores of the background blocks
    z : (score - background_mean) / background_sd; NaN where the background does not vary
    rank : share of the background blocks below the score, ties count half; 0.5 by chance
    n_background : number of background blocks (they overlap each other)
    reason : one of `REASONS`
    """

    score: float
    first_to_second: float
    second_to_first: float
    background_mean: float
    background_sd: float
    z: float
    rank: float
    n_background: int
    reason: str


def no_score(reason: str, n: int = 0) -> BlockScore:
    """A score that is not there, and why."""
    return BlockScore(*[float("nan")] * 7, n, reason)


def site_blocks(
    donor: int, acceptor: int, branchpoint: int | None, sizes: Mapping[str, Mapping[str, int]]
) -> dict[str, tuple[int, int]]:
    """Blocks of an intron's sites, as offsets in its window read 5'->3'.

        exon exon exon | G T intron intron ... A ... intron A G | exon exon
               exon <--donor--> intron    before < > behind  intron <--acceptor--> exon

    Parameters
    ----------
    donor
        Offset of the first intron base.
    acceptor
        Offset of the first exon base behind the intron.
    branchpoint
        Offset of the branchpoint A; None where it is not known.
    sizes
        donor and acceptor: nt of the block in the exon and in the intron (`exon`, `intron`);
        branchpoint: nt `before` and `behind` the A.

    Returns
    -------
    Site -> first offset and exclusive end.
    """
    left, right, middle = (sizes[name] for name in ("donor", "acceptor", "branchpoint"))
    blocks = {
        "donor": (donor - left["exon"], donor + left["intron"]),
        "acceptor": (acceptor - right["intron"], acceptor + right["exon"]),
    }
    if branchpoint is not None:
        span = (branchpoint - middle["before"], branchpoint + middle["behind"] + 1)
        blocks["branchpoint"] = span
    return blocks


def intron_blocks(
    intron: Mapping, window: tuple[int, int], sizes: Mapping[str, Mapping[str, int]]
) -> dict[str, tuple[int, int]]:
    """Blocks of an intron's sites in its window.

        + strand    window start . . [ intron ) . .      donor  start - window start
        - strand    window end . . ( intron ] . .        donor  window end - end

    Parameters
    ----------
    intron
        start, end (0-based half-open, forward strand), strand, branchpoint (0-based; may be
        missing).
    window
        Start and end, likewise.
    sizes
        As of `site_blocks`.
    """
    left, right = window
    plus, point = intron["strand"] == "+", intron["branchpoint"]
    donor = intron["start"] - left if plus else right - intron["end"]
    acceptor = intron["end"] - left if plus else right - intron["start"]
    branchpoint = None
    if not pd.isna(point):
        branchpoint = int(point) - left if plus else right - 1 - int(point)
    return site_blocks(int(donor), int(acceptor), branchpoint, sizes)


def score_link(values: np.ndarray, blocks: Mapping[str, tuple[int, int]], link: str) -> BlockScore:
    """Score of a link of an intron; see `score_block`."""
    first, second = LINKS[link]
    if first not in blocks or second not in blocks:
        return no_score(NO_SITE)
    return score_block(values, blocks[first], blocks[second])


def score_block(values: np.ndarray, first: tuple[int, int], second: tuple[int, int]) -> BlockScore:
    """Mean of the map between two sites against blocks of the same size and distance.

    A dependency may show in one direction only (a mutated donor changes what is expected at the
    acceptor, or the reverse), so the score of a block, and of each background block alike, is the
    higher of the two means. Background blocks are those in which both sites have been moved by at
    least the length of the longer one, so that no base stays in its own site, without leaving the
    window; one that holds an unknown position is left out.

    Parameters
    ----------
    values
        float (nt, nt), from `dependency.dependency_maps`.
    first, second
        First offset and exclusive end of the two sites, 5' one first.

    Returns
    -------
    BlockScore
    """
    nt = len(values)
    if not (first[0] >= 0 and second[1] <= nt and second[0] >= 0 and first[1] <= nt):
        return no_score(OUTSIDE)
    if first[1] > second[0]:
        return no_score(OVERLAP)
    shifts = np.arange(-first[0], nt - second[1] + 1)
    there = shifted_means(values, first, second, shifts)
    back = shifted_means(values.T, first, second, shifts)
    either = np.maximum(there, back)
    own = int(np.flatnonzero(shifts == 0)[0])
    if np.isnan(either[own]):
        return no_score(UNKNOWN)
    apart = np.abs(shifts) >= max(first[1] - first[0], second[1] - second[0])
    background = either[apart & np.isfinite(either)]
    if len(background) < MIN_BACKGROUND:
        return no_score(FEW, len(background))
    return _compare(either[own], there[own], back[own], background)


def _compare(score: float, there: float, back: float, background: np.ndarray) -> BlockScore:
    mean, sd = float(background.mean()), float(background.std(ddof=1))
    below = (background < score).mean() + (background == score).mean() / 2
    z = (score - mean) / sd if sd > 0 else float("nan")
    found = (score, there, back, mean, sd, z, below)
    return BlockScore(*map(float, found), len(background), SCORED)


def shifted_means(
    values: np.ndarray, rows: tuple[int, int], columns: tuple[int, int], shifts: np.ndarray
) -> np.ndarray:
    """Means of a block moved along the diagonal.

    Parameters
    ----------
    values
        float (nt, nt).
    rows, columns
        First offset and exclusive end of the block.
    shifts
        int (n,), nt by which rows and columns are moved; none leaves the map.

    Returns
    -------
    float64 (n,), NaN where the block holds a NaN.
    """
    height, width = rows[1] - rows[0], columns[1] - columns[0]
    means = np.empty(len(shifts))
    for number, shift in enumerate(shifts):
        top, left = rows[0] + shift, columns[0] + shift
        means[number] = values[top : top + height, left : left + width].mean(dtype=np.float64)
    return means
