"""What is read from single rows of attention maps: pair scores, and profiles around a site.

A position or a column outside the window is NaN: nothing is wrapped around to the other end.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from .errors import SpliceBERTError
from .genome import Genome
from .inference import Item

AROUND = np.arange(-1, 2)


def site_offsets_of(pairs: pd.DataFrame) -> np.ndarray:
    """Where p and q lie in their windows, read 5'->3'.

        + strand    start . . p . . end     offset  p - start
        - strand    end . . p . . start     offset  end - 1 - p

    Parameters
    ----------
    pairs
        Columns p, q, start, end (0-based, forward strand) and strand.

    Returns
    -------
    int64 (pairs, 2), 0-based.
    """
    sites = pairs[["p", "q"]].to_numpy(np.int64)
    start, end = (pairs[name].to_numpy(np.int64)[:, None] for name in ("start", "end"))
    plus = (pairs["strand"] == "+").to_numpy()[:, None]
    return np.where(plus, sites - start, end - 1 - sites)


def donor_acceptor_offsets(introns: pd.DataFrame) -> np.ndarray:
    """Where donor and acceptor lie in their windows: int64 (introns, 2), 0-based, 5'->3'."""
    kinds = introns["type1"] + introns["type2"]
    if not kinds.isin(["DA", "AD"]).all():
        row = int(np.flatnonzero(~kinds.isin(["DA", "AD"]))[0])
        raise SpliceBERTError(
            f"{introns['pair_id'].iloc[row]}: sites of types {kinds.iloc[row]!r}; expected a donor "
            "and an acceptor (D, A)"
        )
    offsets = site_offsets_of(introns)
    return np.where((introns["type1"] == "D").to_numpy()[:, None], offsets, offsets[:, ::-1])


def shard_rows(table: pd.DataFrame, shard: int, shards: int) -> pd.DataFrame:
    """Rows of one shard (0-based) of `shards` of about the same size, in order."""
    n = len(table)
    part = slice(n * shard // shards, n * (shard + 1) // shards)
    return table.iloc[part].reset_index(drop=True)


def around(offsets: np.ndarray) -> np.ndarray:
    """Each offset with its neighbours: int64 (n, sites) -> (n, 3 * sites), site by site."""
    return (offsets[:, :, None] + AROUND).reshape(len(offsets), -1)


def items(pairs: pd.DataFrame, genome: Genome, offsets: np.ndarray) -> Iterator[Item]:
    """Yield the window of each pair with the rows wanted of it.

    Parameters
    ----------
    pairs
        Columns chrom, start, end, strand.
    genome
        Where the sequences are.
    offsets
        int64 (pairs, rows); those outside the window ask for its outermost position instead, and
        are left out of the results by who reads them.
    """
    for pair, wanted in zip(pairs.itertuples(index=False), offsets, strict=True):
        sequence = genome.fetch(pair.chrom, pair.start, pair.end, pair.strand)
        yield Item(sequence, offsets=np.clip(wanted, 0, len(sequence) - 1))


def columns(values: np.ndarray, centre: int, flank: int) -> np.ndarray:
    """Cut columns out of rows.

    Parameters
    ----------
    values
        float (..., nt).
    centre, flank
        Offset of the middle column, and how many on either side.

    Returns
    -------
    (..., 2 * flank + 1), NaN outside [0, nt).
    """
    left, right = centre - flank, centre + flank + 1
    low, high = max(left, 0), min(right, values.shape[-1])
    out = np.full((*values.shape[:-1], right - left), np.nan, values.dtype)
    if low < high:
        out[..., low - left : high - left] = values[..., low:high]
    return out


def blank_outside(rows: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """Rows (..., rows, nt) with NaN in those whose offset (rows,) lies outside the window."""
    outside = (offsets < 0) | (offsets >= rows.shape[-1])
    return np.where(outside[:, None], rows.dtype.type(np.nan), rows)


def pair_scores(rows: np.ndarray, p: int, q: int) -> np.ndarray:
    """Attention between two bases (protocol section 3).

    With a(x->y) = the mean of the rows x-1, x, x+1 at the columns y-1, y, y+1, the score is the
    maximum over the 3 columns of (a(p->q) + a(q->p)) / 2.

    Parameters
    ----------
    rows
        float32 (layers, 6, nt), maximum over heads: rows p-1, p, p+1, q-1, q, q+1.
    p, q
        0-based offsets of the two bases.

    Returns
    -------
    float32 (layers + 1,): first of the mean over the layers, as in the paper, then of each layer;
    NaN where a row or a column lies outside the window.
    """
    known = blank_outside(rows, around(np.array([[p, q]]))[0])
    sites = known.reshape(len(rows), 2, len(AROUND), -1).mean(axis=2)
    sites = np.concatenate([sites.mean(axis=0, keepdims=True), sites])
    there, back = columns(sites[:, 0], q, 1), columns(sites[:, 1], p, 1)
    return ((there + back) / 2).max(axis=-1)


def layer_names(layers: int) -> list[str]:
    """What the values of `pair_scores` are of: mean, then 1 to the number of layers."""
    return ["mean", *map(str, range(1, layers + 1))]


def link_profiles(rows: np.ndarray, donor: int, acceptor: int, flank: int) -> np.ndarray:
    """Attention of a donor around its acceptor, and of the acceptor around its donor.

    Parameters
    ----------
    rows
        float32 (..., 2, nt), the rows of the donor and of the acceptor.
    donor, acceptor
        Their 0-based offsets.
    flank
        Columns on either side of the other site.

    Returns
    -------
    (..., 2, 2 * flank + 1): donor to acceptor, acceptor to donor; columns 5'->3', NaN outside the
    window.
    """
    known = blank_outside(rows, np.array([donor, acceptor]))
    there = columns(known[..., 0, :], acceptor, flank)
    return np.stack([there, columns(known[..., 1, :], donor, flank)], axis=-2)


class ProfileSums:
    """Sums of profiles over introns, so that no intron's heads need be kept.

    Attributes
    ----------
    total : float64 (layers, heads, 2, columns)
    count : int64 (2, columns), introns whose window holds the column
    """

    def __init__(self) -> None:
        self.total: np.ndarray | None = None
        self.count: np.ndarray | None = None

    def add(self, profiles: np.ndarray) -> None:
        """Add the profiles of an intron: (layers, heads, 2, columns), NaN outside its window."""
        known = np.isfinite(profiles[0, 0])
        if self.total is None:
            self.total, self.count = np.zeros(profiles.shape), np.zeros(known.shape, np.int64)
        self.total += np.where(known, profiles, 0)
        self.count += known
