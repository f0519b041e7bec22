"""Variants and mutagenesis sites as what a model is asked."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from .genome import Genome
from .scores import exon_site_offsets
from .sequence import BASES, reverse_complement
from .variant_plan import Group, Query
from .variant_scores import snv_rows


def snv_groups(table: pd.DataFrame, genome: Genome) -> Iterator[Group]:
    """Yield what a model has to run for the variants of some whole groups.

    Parameters
    ----------
    table
        Rows of SNVS, in any order; variants outside their window are left out.
    genome
        Sequence; N outside a contig.
    """
    inside = table[table["offset"].between(0, table["end"] - table["start"] - 1)]
    for _, rows in inside.groupby("group", sort=True):
        first = rows.iloc[0]
        sequence = genome.fetch(first["chrom"], first["start"], first["end"], first["strand"])
        queries = (_query(row, len(sequence)) for row in rows.itertuples(index=False))
        yield Group(sequence.upper(), tuple(queries))


def _query(row, length: int) -> Query:
    sites = exon_site_offsets((row.exon_start, row.exon_end), (row.start, row.end), row.strand)
    _, alt = strand_bases(row)
    return Query(row.variant_id, row.offset, (alt,), True, snv_rows(row.offset, sites, length))


def strand_bases(row) -> tuple[str, str]:
    """REF and ALT of a row of SNVS on the strand of its window."""
    if row.strand == "+":
        return row.ref, row.alt
    return reverse_complement(row.ref), reverse_complement(row.alt)


def site_groups(table: pd.DataFrame, genome: Genome) -> Iterator[Group]:
    """Yield what a model has to run for the sites of some whole groups: rows of SITES."""
    for _, rows in table.groupby("group", sort=True):
        first = rows.iloc[0]
        sequence = genome.fetch(first["chrom"], first["start"], first["end"], first["strand"])
        sequence = sequence.upper()
        everywhere = np.arange(len(sequence))
        yield Group(
            sequence,
            tuple(
                Query(row.site_id, row.offset, _others(sequence[row.offset]), False, everywhere)
                for row in rows.itertuples(index=False)
            ),
        )


def _others(base: str) -> tuple[str, ...]:
    return tuple(letter for letter in BASES if letter != base)
