"""The sites of one data set: from a BED, from junction counts, or drawn from the annotation."""

import logging

import numpy as np
import pandas as pd

from splicebert.embedding_draw import (
    annotated_sites,
    balanced,
    draw_motif_sites,
    draw_usage_sites,
)
from splicebert.embedding_sites import check_dinucleotides, genes_at, on_genome, read_site_bed
from splicebert.embedding_tables import EMBEDDING_SITES
from splicebert.genome import Genome, check_within, rename_contigs
from splicebert.jobs import job, open_genome
from splicebert.junctions import merge_junctions, read_junctions, site_usage
from splicebert.tables import INTRONS, TRANSCRIPTS, read_table, write_table

log = logging.getLogger(__name__)
DRAWN = 5000
STRANDLESS = 0.1
"""Share of the reads of a file above which those without a strand are worth a warning."""


def from_bed(
    path: str, genome: Genome, kind: str, *, per_class: int | None, seed: int | None
) -> pd.DataFrame:
    """Sites of a BED in the paper's form, at most `per_class` of each class (None: all)."""
    table = rename_contigs(read_site_bed(path, kind), genome.contigs, genome.path, must_exist=True)
    check_within(table, genome.contigs, genome.path)
    return balanced(table, per_class, np.random.default_rng(seed))


def read_annotation(inputs, genome: Genome, skip: list[str]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Transcripts and introns of the genome, contigs spelt as in its FASTA."""
    tables = (read_table(inputs.transcripts, TRANSCRIPTS), read_table(inputs.introns, INTRONS))
    transcripts, introns = (on_genome(t, genome.contigs, genome.path, skip) for t in tables)
    check_within(transcripts, genome.contigs, genome.path)
    return transcripts, introns


def name_genes(table: pd.DataFrame, transcripts: pd.DataFrame) -> pd.DataFrame:
    """Give the sites whose source names no gene the gene that holds them, if one does.

    Contigs are spelt alike; transcripts elsewhere than on the genome name nothing.
    """
    unnamed = table["gene"].isna()
    genes = genes_at(table[unnamed], transcripts).reindex(table.index)
    log.info("gene named by the source: %d sites, by place: %d", (~unnamed).sum(), genes.count())
    return table.assign(gene=table["gene"].where(~unnamed, genes))


def with_genes(usage: pd.DataFrame, annotated: pd.DataFrame | None) -> pd.DataFrame:
    """Add the gene of each site that is annotated at that very place; missing elsewhere."""
    if annotated is None:
        return usage.assign(gene=None)
    keys = ["chrom", "start", "strand", "site"]
    return usage.merge(annotated[[*keys, "gene"]], on=keys, how="left", validate="many_to_one")


def report_strandless(path: str, junctions: pd.DataFrame) -> None:
    """Log how many junctions of a file are left out because their strand is unknown."""
    lost = junctions["strand"] == "."
    reads, all_reads = junctions.loc[lost, "reads"].sum(), junctions["reads"].sum()
    level = logging.WARNING if reads > STRANDLESS * all_reads else logging.INFO
    log.log(
        level,
        "%s: %d of %d junctions have no strand and are left out (%d of %d reads)",
        *(path, lost.sum(), len(junctions), reads, all_reads),
    )


def from_junctions(inputs, genome: Genome, params) -> pd.DataFrame:
    """Usage set of junction files, which are added up."""
    skip = params.sites["skip_contigs"]
    tables = [read_junctions(path) for path in inputs.junctions]
    for path, table in zip(inputs.junctions, tables, strict=True):
        report_strandless(path, table)
    junctions = merge_junctions(tables)
    junctions = on_genome(junctions, genome.contigs, genome.path, skip)
    check_within(junctions, genome.contigs, genome.path)
    annotated = None
    if inputs.introns:
        transcripts, introns = read_annotation(inputs, genome, skip)
        annotated = annotated_sites(introns, transcripts)
    return draw_usage_sites(
        with_genes(site_usage(junctions), annotated),
        genome,
        params.usage,
        per_class=params.per_class or DRAWN,
        seed=params.sites["seed"],
    )


def prepare(inputs, genome: Genome, params) -> pd.DataFrame:
    """Sites of the data set (EMBEDDING_SITES), from whatever source it names."""
    seed = params.sites.get("seed")
    if inputs.sites:
        table = from_bed(inputs.sites, genome, params.kind, per_class=params.per_class, seed=seed)
        if not inputs.transcripts:
            return table
        transcripts = read_table(inputs.transcripts, TRANSCRIPTS)
        return name_genes(
            table, rename_contigs(transcripts, genome.contigs, genome.path, must_exist=False)
        )
    if inputs.junctions:
        return from_junctions(inputs, genome, params)
    transcripts, introns = read_annotation(inputs, genome, params.sites["skip_contigs"])
    return draw_motif_sites(
        transcripts, introns, genome, per_class=params.per_class or DRAWN, seed=seed
    )


def main(snakemake):
    with job(snakemake) as log, open_genome(snakemake) as genome:
        table = prepare(snakemake.input, genome, snakemake.params)
        fitting = check_dinucleotides(table, genome, snakemake.params.kind)
        write_table(table, snakemake.output.sites, EMBEDDING_SITES)
        log.info("%d sites, %d of them GT or AG:", len(table), fitting)
        log.info("%s", table.groupby(["site", "label"]).size().to_string())


if __name__ == "__main__":
    main(snakemake)  # noqa: F821
