"""Splice junctions with read counts, and how much each splice site is used."""

from __future__ import annotations

from collections.abc import Iterable
from os import PathLike

import numpy as np
import pandas as pd

from splicebert.errors import FormatError, SpliceBERTError
from splicebert.textfile import (
    Lines,
    check_field_count,
    parse_records,
    raise_first,
    record_rows,
    split_lines,
)

JUNCTION_COLUMNS = ["chrom", "start", "end", "strand", "reads"]
STAR_COLUMNS = (
    *("chrom", "start", "end", "strand", "motif", "annotated"),
    *("reads", "multi_reads", "overhang"),
)
BED12_COLUMNS = (
    *("chrom", "start", "end", "name", "reads", "strand", "thick_start", "thick_end"),
    *("item_rgb", "block_count", "block_sizes", "block_starts"),
)
STAR_STRAND = {0: ".", 1: "+", 2: "-"}


def read_junctions(path: str | PathLike) -> pd.DataFrame:
    """Read junctions: `SJ.out.tab` of STAR (9 columns) or BED12 of `regtools junctions extract`.

    Of STAR the uniquely mapped reads are counted. The blocks of a BED12 junction are the anchors of
    its reads: the intron begins where the first ends.

    Parameters
    ----------
    path
        Plain, gzip or bgzip.

    Returns
    -------
    DataFrame
        In file order: chrom str; start, end int64, the intron, 0-based half-open; strand +, - or .
        where it is unknown; reads int64.

    Raises
    ------
    FormatError
        Names the file and the 1-based line: neither 9 nor 12 columns, a number that is none, an
        intron of no length, another strand, blocks that are not two or do not fit.
    """
    lines = split_lines(path)
    rows = record_rows(lines, (b"track", b"browser"))
    count = check_field_count(lines, rows, len(STAR_COLUMNS), "a junction")
    if count not in (len(STAR_COLUMNS), len(BED12_COLUMNS)):
        raise FormatError(
            f"found {count} columns; expected 9 (SJ.out.tab of STAR) or 12 (BED12 of regtools)",
            lines.path,
            int(rows[0]) + 1,
        )
    star = count == len(STAR_COLUMNS)
    table = _parse_star(lines, rows) if star else _parse_bed12(lines, rows)
    start, end, reads = table["start"], table["end"], table["reads"]
    raise_first(
        (start < 0) | (start >= end),
        lines,
        rows,
        lambda i: f"the intron is {start[i]}-{end[i]} (0-based, half-open), expected start < end",
    )
    raise_first(reads < 0, lines, rows, lambda i: f"{reads[i]} reads, expected 0 or more")
    return table[JUNCTION_COLUMNS]


def _parse_star(lines: Lines, rows: np.ndarray) -> pd.DataFrame:
    """Junctions of STAR: 1-based first and last base of the intron, strand as 0, 1 or 2."""
    table = parse_records(lines, rows, STAR_COLUMNS, ("start", "end", "strand", "reads"))
    raise_first(
        ~table["strand"].isin(STAR_STRAND),
        lines,
        rows,
        lambda i: f"strand is {table['strand'][i]}, expected 0 (unknown), 1 (+) or 2 (-)",
    )
    return table.assign(start=table["start"] - 1, strand=table["strand"].map(STAR_STRAND))


def _parse_bed12(lines: Lines, rows: np.ndarray) -> pd.DataFrame:
    """Junctions of regtools: the intron lies between two blocks; the score counts reads."""
    table = parse_records(lines, rows, BED12_COLUMNS, ("start", "end", "reads"))
    strand = table["strand"].replace("?", ".")
    raise_first(
        ~strand.isin(["+", "-", "."]),
        lines,
        rows,
        lambda i: f"strand is {strand[i]!r}, expected + or -, or . or ? for unknown",
    )
    sizes, starts = (_two(table[name]) for name in ("block_sizes", "block_starts"))
    for name, found in (("Sizes", sizes), ("Starts", starts)):
        text = table[f"block_{name.lower()}"]
        raise_first(
            found["first"].isna() | (table["block_count"] != "2"),
            lines,
            rows,
            lambda i, name=name, text=text: (
                f"block{name} is {text[i]!r} with blockCount {table['block_count'][i]}, expected "
                "two blocks, as in 30,25"
            ),
        )
    sizes, starts = sizes.astype("int64"), starts.astype("int64")
    length = table["end"] - table["start"]
    raise_first(
        (starts["first"] != 0) | (starts["last"] + sizes["last"] != length),
        lines,
        rows,
        lambda i: (
            f"blockStarts {table['block_starts'][i]} and blockSizes {table['block_sizes'][i]} do "
            f"not begin and end with the record of {length[i]} nt"
        ),
    )
    start, end = table["start"] + sizes["first"], table["end"] - sizes["last"]
    return table.assign(start=start, end=end, strand=strand)


def _two(text: pd.Series) -> pd.DataFrame:
    """Two comma-separated numbers, columns first and last as text; missing where it is not so."""
    return text.str.extract(r"^(?P<first>\d{1,9}),(?P<last>\d{1,9}),?$")


def merge_junctions(tables: Iterable[pd.DataFrame]) -> pd.DataFrame:
    """Add up the reads of the same junction in several tables (replicates); unknown strands go.

    Returns
    -------
    DataFrame
        Columns of `read_junctions`, sorted by chrom, strand, start and end, each junction once.
    """
    table = pd.concat(list(tables), ignore_index=True)
    table = table[table["strand"] != "."]
    keys = ["chrom", "strand", "start", "end"]
    return table.groupby(keys, as_index=False, sort=True)["reads"].sum()[JUNCTION_COLUMNS]


def site_usage(junctions: pd.DataFrame) -> pd.DataFrame:
    """Usage of every splice site that a junction uses, from junction counts alone.

        site       |G T
        uses       |--------------|          reads of junctions that begin (end) at the site
        skips   |-------------------|        reads of junctions that reach over it
        usage = uses / (uses + skips), junctions of the same strand

    It is the SSE (splice-site strength estimate) as far as junctions tell: reads that run through
    the site unspliced are not in a junction file, so retained introns and a rival site further
    inside the intron, whose transcripts hold this site as exon, do not lower it; a junction that
    joins two genes lowers the usage of all sites between.

    Parameters
    ----------
    junctions
        As from `merge_junctions`.

    Returns
    -------
    DataFrame
        One row a site: chrom, start, end (the two intron bases next to the exon, 0-based
        half-open), strand, site (donor or acceptor), usage (float64, 0..1), reads (int64,
        uses + skips).

    Raises
    ------
    SpliceBERTError
        No junctions.
    """
    if junctions.empty:
        raise SpliceBERTError("no junction has a strand; map the reads with strand information")
    parts = []
    for (chrom, strand), group in junctions.groupby(["chrom", "strand"], sort=True):
        for edge in ("start", "end"):
            position, uses = _sum_by(group[edge].to_numpy(), group["reads"].to_numpy())
            skips = _reads_across(group, position)
            low = position if edge == "start" else position - 2
            donor = (edge == "start") == (strand == "+")
            columns = {
                "chrom": chrom,
                "start": low,
                "end": low + 2,
                "strand": strand,
                "site": "donor" if donor else "acceptor",
                "uses": uses,
                "reads": uses + skips,
            }
            parts.append(pd.DataFrame(columns))
    table = pd.concat(parts, ignore_index=True)
    table = table[table["reads"] > 0].reset_index(drop=True)
    table.insert(5, "usage", table.pop("uses") / table["reads"])
    return table


def _sum_by(position: np.ndarray, reads: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Different positions, sorted, and the reads at each."""
    places, index = np.unique(position, return_inverse=True)
    return places, np.bincount(index, weights=reads, minlength=len(places)).astype(np.int64)


def _reads_across(junctions: pd.DataFrame, position: np.ndarray) -> np.ndarray:
    """Reads of the junctions that begin before and end behind each position: int64 (n,).

    An intron that ends at or before the position has begun before it, too: the difference of two
    cumulative counts is what reaches over it.
    """
    before = _cumulative(junctions["start"], junctions["reads"], position, side="left")
    ended = _cumulative(junctions["end"], junctions["reads"], position, side="right")
    return before - ended


def _cumulative(
    edge: pd.Series, reads: pd.Series, position: np.ndarray, *, side: str
) -> np.ndarray:
    """Reads of the junctions with an edge below (side left) or at or below (right) a position."""
    order = np.argsort(edge.to_numpy(), kind="stable")
    total = np.concatenate([[0], np.cumsum(reads.to_numpy()[order])])
    return total[np.searchsorted(edge.to_numpy()[order], position, side=side)]
