"""The six groups of pairs, and the introns, derived from an annotation."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd

from .pairs import GROUPS, INTRON_GROUP, number, place_windows

PLACE = ["chrom", "p", "q", "strand"]


def intron_ends(introns: pd.DataFrame, transcripts: pd.DataFrame) -> pd.DataFrame:
    """First and last bases of the introns of canonical transcripts.

    Parameters
    ----------
    introns, transcripts
        Schemas INTRONS and TRANSCRIPTS.

    Returns
    -------
    Columns chrom, strand, tx_start, tx_end, tx (a number), first, last (0-based bases), by
    transcript and then from the lower end of the genome up.
    """
    spans = transcripts.loc[transcripts["is_canonical"], ["tx_id", "start", "end"]]
    spans = spans.rename(columns={"start": "tx_start", "end": "tx_end"})
    spans = spans.assign(tx=np.arange(len(spans)))
    table = introns.merge(spans, on="tx_id", validate="many_to_one")
    table = table.assign(first=table["start"], last=table["end"] - 1)
    table = table.sort_values(["tx", "start"], kind="stable", ignore_index=True)
    return table[["chrom", "strand", "tx_start", "tx_end", "tx", "first", "last"]]


def _combine(
    ends: pd.DataFrame, p: tuple[str, np.ndarray], q: tuple[str, np.ndarray], group: str | None
) -> pd.DataFrame:
    """Pair one end of some introns with one end of others.

    Parameters
    ----------
    ends
        From `intron_ends`.
    p, q
        Which end (first or last), and of which rows.
    group
        Name of the group; None: two sites of one kind, donor_pair or acceptor_pair.
    """
    table = ends.iloc[p[1]][["chrom", "strand", "tx_start", "tx_end"]].reset_index(drop=True)
    plus = (table["strand"] == "+").to_numpy()
    for name, kind, (end, rows) in (("p", "type1", p), ("q", "type2", q)):
        table[name] = ends[end].to_numpy()[rows]
        table[kind] = np.where(plus == (end == "first"), "D", "A").astype(object)
    alike = np.where(table["type1"] == "D", "donor_pair", "acceptor_pair").astype(object)
    table["group"] = alike if group is None else group
    return table.assign(distance=(table["q"] - table["p"]).abs())


def _combinations(ends: pd.DataFrame, largest: int) -> Iterator[pd.DataFrame]:
    """Yield the pairs of each group (save the random one) whose distance may be in reach."""
    tx, everywhere = ends["tx"].to_numpy(), np.arange(len(ends))
    yield _combine(ends, ("first", everywhere), ("last", everywhere), "intronic_pair")
    for apart in range(1, len(ends)):
        low = np.flatnonzero(tx[apart:] == tx[:-apart])
        gap = ends["first"].to_numpy()[low + apart] - ends["last"].to_numpy()[low]
        low = low[gap <= largest]  # the nearest ends of the two introns
        if not len(low):
            return
        high = low + apart
        between = "exonic_pair" if apart == 1 else "unpair"
        yield _combine(ends, ("first", high), ("last", low), between)
        yield _combine(ends, ("first", low), ("last", high), "unpair")
        for end in ("first", "last"):
            yield _combine(ends, (end, low), (end, high), None)


def distance_bins(distance: np.ndarray, smallest: int, largest: int, width: int) -> np.ndarray:
    """Number the bins of distances: int64, from 0; the last one holds `largest`, too.

    Distances out of the limits, of pairs that a file gives, have further bins of the same width.
    """
    distance, last = np.asarray(distance), max((largest - smallest - 1) // width, 0)
    beyond = last + 1 + (distance - largest - 1) // width
    within = np.minimum((distance - smallest) // width, last)
    return np.where(distance > largest, beyond, within)


def within_reach(table: pd.DataFrame, smallest: int, largest: int) -> pd.DataFrame:
    """Rows with a distance in [smallest, largest], each place once a group."""
    near = table[table["distance"].between(smallest, largest)]
    return near.drop_duplicates(["group", *PLACE], ignore_index=True)


def sample_bins(table: pd.DataFrame, settings: Mapping, seed: list[int]) -> pd.DataFrame:
    """Draw up to `per_bin` pairs of each bin of distance, without replacement, order kept."""
    drawn = table.iloc[np.random.default_rng(seed).permutation(len(table))]
    bins = distance_bins(
        drawn["distance"], settings["smallest"], settings["largest"], settings["bin"]
    )
    kept = drawn.groupby(bins).head(settings["per_bin"])
    return table.loc[np.sort(kept.index)].reset_index(drop=True)


def random_pairs(intronic: pd.DataFrame, length: int, seed: list[int]) -> pd.DataFrame:
    """Draw one pair of bases for each intronic pair: same transcript, same distance.

    Parameters
    ----------
    intronic
        Pairs whose windows of `length` nt lie in their transcripts.
    length, seed
        The window's length in nt; seed of the draw.
    """
    last = (intronic["tx_end"] - length).to_numpy()
    left = np.random.default_rng(seed).integers(intronic["tx_start"].to_numpy(), last + 1)
    p = left + length // 2 - intronic["distance"].to_numpy() // 2
    return intronic.assign(
        group="random_pair", p=p, q=p + intronic["distance"].to_numpy(), type1=".", type2="."
    )


def derive_pairs(
    ends: pd.DataFrame, settings: Mapping, length: int
) -> tuple[pd.DataFrame, Counter]:
    """Derive the six groups from an annotation.

    Parameters
    ----------
    ends
        From `intron_ends`.
    settings
        smallest, largest, bin (nt), per_bin (pairs), seed.
    length
        Length of a window in nt.

    Returns
    -------
    Columns of PAIRS, group by group, and how many were skipped for which reason.
    """
    smallest, largest, seed = (settings[name] for name in ("smallest", "largest", "seed"))
    reach = pd.concat(list(_combinations(ends, largest)), ignore_index=True)
    placed, skipped = place_windows(within_reach(reach, smallest, largest), length)
    parts = []
    for number_of_group, group in enumerate(GROUPS[:-1]):
        own = placed[placed["group"] == group].reset_index(drop=True)
        parts.append(sample_bins(own, settings, [seed, number_of_group]))
    drawn = random_pairs(parts[0], length, [seed, len(parts)])
    parts.append(place_windows(drawn, length)[0])
    return number(pd.concat(parts, ignore_index=True)), skipped


def derive_introns(ends: pd.DataFrame) -> pd.DataFrame:
    """Every intron of the canonical transcripts once, as a pair of its first and last base."""
    rows = np.arange(len(ends))
    table = _combine(ends, ("first", rows), ("last", rows), INTRON_GROUP)
    return number(table.drop_duplicates(PLACE, ignore_index=True))
