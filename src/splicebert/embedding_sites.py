"""The site sets of the embedding branch: their labels, and how they are read and checked."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping
from os import PathLike
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from .bed import bed_rows, check_strand, parse_bed
from .embedding_kinds import DINUCLEOTIDE
from .embedding_tables import EMBEDDING_SITES
from .errors import GenomeError
from .genome import contig_aliases, rename_contigs
from .tables import validate
from .textfile import raise_first, split_lines

if TYPE_CHECKING:
    from .genome import Genome

log = logging.getLogger(__name__)
KINDS = ("motif", "usage")
MOTIF = r"(?:GT|AG)\((?P<non>non-)?(?P<site>donor|acceptor)\)"
USAGE = r"(?P<site>donor|acceptor)\(SSE (?P<sign>[<>]) ?(?P<limit>\d*\.?\d+)\)"
EXPECTED = {
    "motif": "GT(donor), GT(non-donor), AG(acceptor) or AG(non-acceptor)",
    "usage": "donor(SSE < 0.2), donor(SSE > 0.8), acceptor(SSE < 0.2) or acceptor(SSE > 0.8)",
}


def motif_label(site: str, positive: bool) -> str:
    """Label of a site of the splice-site set, as the paper's BED has it."""
    return f"{DINUCLEOTIDE[site]}({'' if positive else 'non-'}{site})"


def usage_label(site: str, positive: bool, low: float, high: float) -> str:
    """Label of a site of the usage set: below `low` or above `high`."""
    return f"{site}(SSE > {high:g})" if positive else f"{site}(SSE < {low:g})"


def read_site_bed(path: str | PathLike, kind: str) -> pd.DataFrame:
    """Read sites in the paper's form.

    Parameters
    ----------
    path
        BED6 with the columns chrom, start, end, name, name2, strand; the label is the last
        |-separated field of name, the gene name2 (`.` for none, see `genes_at`).
    kind
        motif (real sites and other GT or AG) or usage (SSE).

    Returns
    -------
    DataFrame
        Schema `EMBEDDING_SITES`, in file order.

    Raises
    ------
    FormatError
        As `read_bed`; also another label, no strand, or a site that is not two bases long.
    """
    lines = split_lines(path)
    rows = bed_rows(lines)
    bed = parse_bed(lines, rows, min_columns=6)
    check_strand(bed["strand"], lines, rows, ("+", "-"))
    length = bed["end"] - bed["start"]
    raise_first(
        length != 2, lines, rows, lambda i: f"a site of {length[i]} nt, expected a dinucleotide"
    )
    label = bed["name"].str.rsplit("|", n=1).str[-1]
    parts = label.str.extract(f"^{MOTIF if kind == 'motif' else USAGE}$")
    wrong = parts["site"].isna()
    if kind == "motif":
        wrong |= label.str[:2] != parts["site"].map(DINUCLEOTIDE)
    raise_first(wrong, lines, rows, lambda i: f"label is {label[i]!r}, expected {EXPECTED[kind]}")
    positive = parts["non"].isna() if kind == "motif" else parts["sign"] == ">"
    table = bed[["chrom", "start", "end", "strand"]].assign(
        site=parts["site"], positive=positive, label=label, usage=np.nan
    )
    table["gene"] = bed["score"].where(bed["score"] != ".", None)
    return finish(table, path)


def finish(table: pd.DataFrame, path: str | PathLike | None = None) -> pd.DataFrame:
    """Name each site and check the table; a site that occurs again is told apart by .2, .3, …"""
    place = table["chrom"] + ":" + table["start"].astype(str) + "-" + table["end"].astype(str)
    name = place + ":" + table["strand"]
    again = name.groupby(name).cumcount()
    table = table.assign(site_id=name.where(again == 0, name + "." + (again + 1).astype(str)))
    return validate(table[EMBEDDING_SITES.names], EMBEDDING_SITES, path)


def genes_at(sites: pd.DataFrame, transcripts: pd.DataFrame) -> pd.Series:
    """Gene of the transcript that holds each site, on its strand.

    Parameters
    ----------
    sites
        Columns chrom, start, end (0-based half-open), strand.
    transcripts
        The same columns and gene_name, contigs spelt alike.

    Returns
    -------
    Series of str, index of `sites`; missing where no transcript holds the site. Of several
    transcripts the one with the highest start, and of these the first in the table.
    """
    genes = pd.Series(None, index=sites.index, dtype=object)
    groups = dict(list(transcripts.groupby(["chrom", "strand"])))
    for key, part in sites.groupby(["chrom", "strand"]):
        if key not in groups:
            continue
        # Of equal starts the first in the table comes last, where the search begins.
        held = groups[key].iloc[::-1].sort_values("start", kind="stable")
        starts, ends = held["start"].to_numpy(), held["end"].to_numpy()
        reach, names = np.maximum.accumulate(ends), held["gene_name"].to_numpy()
        last = np.searchsorted(starts, part["start"].to_numpy(), side="right") - 1
        for site, end, before in zip(part.index, part["end"], last, strict=True):
            at = before
            while at >= 0 and reach[at] >= end > ends[at]:
                at -= 1
            if at >= 0 and ends[at] >= end:
                genes[site] = names[at]
    return genes


def check_dinucleotides(sites: pd.DataFrame, genome: Genome, kind: str) -> int:
    """Count the sites that read GT or AG as their kind says; refuse what is on another genome.

    Raises
    ------
    GenomeError
        Of the splice-site set any other dinucleotide; of the usage set (GC donors exist) more
        than half of them.
    """
    rows = sites.itertuples(index=False)
    found = np.array([genome.fetch(r.chrom, r.start, r.end, r.strand).upper() for r in rows])
    wrong = np.flatnonzero(found != sites["site"].map(DINUCLEOTIDE).to_numpy(str))
    if len(wrong) > (0 if kind == "motif" else len(sites) / 2):
        first = sites.iloc[wrong[0]]
        raise GenomeError(
            f"{genome.path}: {len(wrong)} of {len(sites)} sites have another dinucleotide than GT "
            f"(donor) or AG (acceptor), the first is {first['site_id']} (0-based, half-open): "
            f"{found[wrong[0]]} for {first['label']}. Are the sites on another assembly?"
        )
    return len(sites) - len(wrong)


def on_genome(
    table: pd.DataFrame, contigs: Mapping[str, int], source: str, skip: Collection[str]
) -> pd.DataFrame:
    """Spell contigs as the genome does; leave out `skip` and those that the genome lacks.

    Raises
    ------
    GenomeError
        Nothing is left.
    """
    skipped = {alias for name in skip for alias in contig_aliases(name)}
    table = rename_contigs(table, contigs, source, must_exist=False)
    known = table["chrom"].isin(contigs)
    if not known.all():
        names = ", ".join(table.loc[~known, "chrom"].unique()[:5])
        log.warning("%s: %d rows lie on contigs that it lacks: %s", source, (~known).sum(), names)
    kept = table[known & ~table["chrom"].isin(skipped)]
    if kept.empty:
        raise GenomeError(
            f"{source}: none of the {len(table)} rows lies on its {len(contigs)} contigs outside "
            f"{', '.join(skip) or 'none'}; are they on another assembly?"
        )
    return kept.reset_index(drop=True)
