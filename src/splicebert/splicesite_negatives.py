"""Negatives that somebody chose: places that look like splice sites and are none, from a BED."""

from __future__ import annotations

import logging
from collections.abc import Collection
from os import PathLike
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

from .bed import bed_rows, check_strand, parse_bed
from .embedding_sites import on_genome
from .errors import GenomeError
from .splicesite_kinds import DINUCLEOTIDE
from .textfile import raise_first, split_lines

if TYPE_CHECKING:
    from .genome import Genome

log = logging.getLogger(__name__)
PLACE = ["chrom", "start", "strand"]


class Negatives(NamedTuple):
    """Places that are no splice sites.

    sites : chrom, start, end (the dinucleotide, 0-based half-open), strand, site; each place once
    counts : records of the file, and those left out by reason
    """

    sites: pd.DataFrame
    counts: dict[str, int]


def read_negatives(
    path: str | PathLike, genome: Genome, introns: pd.DataFrame, skip: Collection[str]
) -> Negatives:
    """Read negatives, such as the false positives of a predictor.

    Parameters
    ----------
    path
        BED6 of dinucleotides on either strand: GT is a negative of donors, AG of acceptors. Name
        and score are not looked at.
    genome
        Sequence; contigs are spelt as in it (1 becomes chr1, and the reverse).
    introns
        Of the annotation. A place that is the donor or acceptor of one is left out and counted.
    skip
        Contigs that are left out.

    Raises
    ------
    FormatError
        As `read_bed`, with the line; also no strand, not two bases, or neither GT nor AG.
    GenomeError
        No record lies on a contig of the genome outside `skip`.
    """
    lines = split_lines(path)
    rows = bed_rows(lines)
    bed = parse_bed(lines, rows, min_columns=6)
    check_strand(bed["strand"], lines, rows, ("+", "-"))
    size = bed["end"] - bed["start"]
    raise_first(size != 2, lines, rows, lambda i: f"a site of {size[i]} nt, expected 2 (GT or AG)")
    table = bed[["chrom", "start", "end", "strand"]].assign(record=np.arange(len(bed)))
    try:
        table = on_genome(table, genome.contigs, genome.path, skip)
    except GenomeError as error:
        raise GenomeError(f"{path}: {error}") from None
    pair = _dinucleotides(table, genome).set_axis(table["record"]).reindex(range(len(bed)))
    raise_first(
        pair.notna() & ~pair.isin(list(DINUCLEOTIDE.values())),
        lines,
        rows,
        lambda i: (
            f"{pair[i] or 'nothing'} at {bed['chrom'][i]}:{bed['start'][i]}-{bed['end'][i]} "
            f"({bed['strand'][i]}, 0-based, half-open) of {genome.path}, expected GT or AG. Are "
            "the places on another assembly, or on the other strand?"
        ),
    )
    kind = {letters: site for site, letters in DINUCLEOTIDE.items()}
    table = table.assign(site=pair[table["record"]].map(kind).to_numpy())
    return _without_real(table, introns, len(bed))


def _dinucleotides(table: pd.DataFrame, genome: Genome) -> pd.Series:
    rows = table.itertuples(index=False)
    found = [genome.fetch(r.chrom, r.start, r.end, r.strand).upper() for r in rows]
    return pd.Series(found, index=table.index, dtype=object)


def _without_real(table: pd.DataFrame, introns: pd.DataFrame, records: int) -> Negatives:
    """Leave out repeated places and the ends of introns."""
    again = table.duplicated(PLACE)
    first, last = introns[PLACE], introns.assign(start=introns["end"] - 2)[PLACE]
    real = is_among(table, pd.concat([first, last])) & ~again
    counts = {
        "records of negatives": records,
        "negatives on contigs left out": records - len(table),
        "negatives repeated": int(again.sum()),
        "negatives that are annotated sites": int(real.sum()),
    }
    if real.any():
        log.warning("%d negatives are annotated splice sites: these are left out", real.sum())
    kept = table.loc[~again & ~real, ["chrom", "start", "end", "strand", "site"]]
    return Negatives(kept.reset_index(drop=True), counts)


def is_among(table: pd.DataFrame, other: pd.DataFrame) -> np.ndarray:
    """Tell which places (chrom, start, strand) of a table are in another one: bool (rows,)."""
    return pd.MultiIndex.from_frame(table[PLACE]).isin(pd.MultiIndex.from_frame(other[PLACE]))
