"""Sequences of one site of a training set, or of a benchmark: from files or from a genome."""

import json
from pathlib import Path

import pandas as pd

from splicebert.embedding_sites import on_genome
from splicebert.genome import Genome, check_within
from splicebert.jobs import job
from splicebert.splicesite_inputs import about, derive, read_files
from splicebert.splicesite_negatives import read_negatives
from splicebert.tables import INTRONS, TRANSCRIPTS, atomic_path, read_table, write_table
from splicebert.training.folds import assign_folds
from splicebert.training.tables import EXAMPLES


def read_examples(inputs, params) -> tuple[pd.DataFrame, dict[str, int]]:
    """Sequences of both classes, from the files or from the genome that the job has; counts."""
    draw = {"length": params.length, "per_class": params.per_class, "seed": params.seed}
    if inputs.get("positive"):
        table = read_files(inputs.positive, inputs.negative, params.site, **draw)
        return table, about(table, params.site)
    with Genome(inputs.fasta, fai=inputs.fai, gzi=inputs.gzi) as genome:
        tables = (read_table(inputs.transcripts, TRANSCRIPTS), read_table(inputs.introns, INTRONS))
        transcripts, introns = (
            on_genome(table, genome.contigs, genome.path, params.skip_contigs) for table in tables
        )
        check_within(transcripts, genome.contigs, genome.path)
        counts = {}
        if inputs.get("negatives"):
            found = read_negatives(inputs.negatives, genome, introns, params.skip_contigs)
            draw |= {"negatives": found.sites, "share": params.share}
            counts = found.counts
        table = derive(transcripts, introns, genome, params.site, **draw)
        return table, about(table, params.site) | counts


def with_folds(table: pd.DataFrame, folds: dict | None) -> pd.DataFrame:
    """Rows of EXAMPLES; fold -1 where there are no folds (a benchmark)."""
    fold = -1
    if folds is not None:
        fold = assign_folds(
            table["label"].to_numpy(), table["group"].to_numpy(),
            folds=folds["number"], how=folds["how"], seed=folds["seed"],
        )  # fmt: skip
    labels = [[int(label)] for label in table["label"]]
    return table.drop(columns="label").assign(labels=labels, fold=fold)[EXAMPLES.names]


def main(snakemake):
    params, outputs = snakemake.params, snakemake.output
    with job(snakemake) as log:
        table, counts = read_examples(snakemake.input, params)
        write_table(with_folds(table, params.folds), outputs.examples, EXAMPLES)
        with atomic_path(outputs.about) as target:
            Path(target).write_text(json.dumps(counts, indent=1) + "\n")
        log.info("%s", json.dumps(counts, indent=1))


if __name__ == "__main__":
    main(snakemake)  # noqa: F821
