"""Pairs of splice sites for the attention analysis: read, derived, sampled, put into windows.

Both bases of a pair are intron bases beside an exon, whatever the strand:

    genome     ====exon====]p ........intron........ q[====exon====
    + strand                donor (G of GT)   acceptor (G of AG)
    - strand                acceptor          donor

so an intron [start, end) has p = start and q = end - 1, and lies |q - p| = length - 1 apart.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from os import PathLike

import numpy as np
import pandas as pd

from .attention_tables import PARTS
from .bed import read_bedpe
from .errors import FormatError, GenomeError, SpliceBERTError
from .genome import rename_contigs
from .sites import centred_window

INTRON_GROUP = "intron"
GROUPS = ("intronic_pair", "exonic_pair", "unpair", "donor_pair", "acceptor_pair", "random_pair")
"""The six groups in the order of the figure: donor and acceptor of one intron, of one exon, of
neither; two donors; two acceptors; two bases of a transcript at the distance of an intron's."""


def read_group(path: str | PathLike, group: str) -> pd.DataFrame:
    """Read the pairs of one group from a BEDPE of the paper's form.

    Returns
    -------
    Columns of PAIRS without the window, in file order; pair_id counts the records from 0.

    Raises
    ------
    FormatError
        What `read_bedpe` refuses, and pairs that name another group.
    """
    table = read_bedpe(path)
    other = ~table["group"].isin([group, "."])
    if other.any():
        raise FormatError(
            f"{int(other.sum())} pairs are of group {table['group'][other].iloc[0]!r}, expected "
            f"{group!r}; are files swapped in the configuration?",
            path,
        )
    return number(table.assign(group=group))


def number(table: pd.DataFrame) -> pd.DataFrame:
    """Name pairs group:number, the number counting the rows of the group from 0."""
    count = table.groupby("group", sort=False).cumcount().astype(str)
    return table.assign(pair_id=(table["group"] + ":" + count).astype(object))


def on_genome(
    table: pd.DataFrame, contigs: Mapping[str, int], source: str, *, missing: str
) -> tuple[pd.DataFrame, int]:
    """Spell contigs as the genome does, without rows on a contig that it lacks.

    Parameters
    ----------
    table
        Has a column chrom.
    contigs
        Contig -> length.
    source
        The genome's file, for messages.
    missing
        error, or skip to leave out rows on a contig that the genome lacks.

    Returns
    -------
    The rows on the genome, and how many were left out.
    """
    table = rename_contigs(table, contigs, source, must_exist=missing == "error")
    known = table["chrom"].isin(contigs)
    if not known.any():
        names = ", ".join(table["chrom"].unique()[:5])
        raise GenomeError(
            f"{source}: none of the {len(table)} rows lies on a contig that it holds; they name "
            f"{names or 'none'}. Use the genome on whose assembly they are"
        )
    return table[known].reset_index(drop=True), int((~known).sum())


def place_windows(table: pd.DataFrame, length: int) -> tuple[pd.DataFrame, Counter]:
    """Centre a window on each pair; leave out pairs whose window does not suit.

    Parameters
    ----------
    table
        Columns p, q, tx_start, tx_end (0-based).
    length
        Length of a window in nt; its lower end is (p + q) // 2 - length // 2.

    Returns
    -------
    The rows that are left with start and end, and how many were skipped for which reason.
    """
    start, end = centred_window(table["p"], table["q"], length)
    leaves = (start < table["tx_start"]) | (end > table["tx_end"])
    low, high = np.minimum(table["p"], table["q"]), np.maximum(table["p"], table["q"])
    outside = ~leaves & ((low < start) | (high >= end))
    skipped = Counter(
        {
            "window leaves the transcript": int(leaves.sum()),
            "a site lies outside the window": int(outside.sum()),
        }
    )
    kept = table.assign(start=start, end=end)[~leaves & ~outside]
    return kept.reset_index(drop=True), skipped


def choose_introns(
    introns: pd.DataFrame, settings: Mapping, length: int
) -> tuple[pd.DataFrame, Counter]:
    """Introns of a length in reach with their windows, at most `most` of them.

    Parameters
    ----------
    introns
        Columns of PAIRS without the window.
    settings
        smallest, largest (distance, nt), most (None: all), seed.
    length
        Length of a window in nt.
    """
    near = introns[introns["distance"].between(settings["smallest"], settings["largest"])]
    placed, skipped = place_windows(near.reset_index(drop=True), length)
    skipped["length out of the limits"] = len(introns) - len(near)
    if settings["most"] is not None:
        order = np.random.default_rng(settings["seed"]).permutation(len(placed))
        placed = placed.iloc[np.sort(order[: settings["most"]])].reset_index(drop=True)
    return placed, skipped


def choose_example(introns: pd.DataFrame, wanted: str | None) -> pd.Series:
    """Choose the intron to draw: the one named, or the first of about median length."""
    if wanted is not None:
        found = introns[introns["pair_id"] == wanted]
        if found.empty:
            raise SpliceBERTError(
                f"attention.introns.example: no intron {wanted!r} among the {len(introns)}; inputs."
                f"introns.parquet names them in pair_id, such as {introns['pair_id'].iloc[0]!r}"
            )
        return found.iloc[0]
    away = (introns["distance"] - introns["distance"].median()).abs()
    return introns.loc[away.idxmin()]


def window_parts(example: pd.Series, introns: pd.DataFrame) -> pd.DataFrame:
    """Introns and exons in the window of the example (PARTS).

    Parameters
    ----------
    example
        A row of PAIRS.
    introns
        The introns that are known, of all lengths; what a transcript holds besides its known
        introns is called exon.
    """
    keys = ["chrom", "strand", "tx_start", "tx_end"]
    own = introns[(introns[keys] == example[keys]).all(axis=1)]
    inner = sorted(zip(own[["p", "q"]].min(axis=1), own[["p", "q"]].max(axis=1) + 1, strict=True))
    span = min(example["p"], example["q"]), max(example["p"], example["q"]) + 1
    edges = [example["tx_start"], *(edge for pair in inner for edge in pair), example["tx_end"]]
    rows = [("window", example["start"], example["end"])]
    rows += [("exon", left, right) for left, right in zip(edges[::2], edges[1::2], strict=True)]
    rows += [("example" if (start, end) == span else "intron", start, end) for start, end in inner]
    table = pd.DataFrame(rows, columns=["part", "start", "end"])
    for edge in ("start", "end"):
        table[edge] = table[edge].clip(example["start"], example["end"])
    table = table[table["start"] < table["end"]].reset_index(drop=True)
    head = {name: example[name] for name in ("pair_id", "chrom", "strand")}
    return table.assign(**head)[PARTS.names]
