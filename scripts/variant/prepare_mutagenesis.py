"""The sites of the in-silico mutagenesis in their windows."""

import json
from collections import Counter
from pathlib import Path

import pandas as pd

from splicebert.genome import Genome, Track, check_within, rename_contigs
from splicebert.jobs import job, open_genome
from splicebert.tables import EXONS, TRANSCRIPTS, atomic_path, read_table, write_table
from splicebert.transcripts import read_annotation, read_tx_bed
from splicebert.variant_inputs import NO_CONTIG, number_groups, track_values
from splicebert.variant_sites import choose_transcripts, draw_sites, place_sites, site_distances
from splicebert.variant_tables import SITES

COLUMNS = ["tx_id", "chrom", "start", "end", "strand"]


def read_transcripts(inputs) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Transcripts to draw from and exons: the data set's own, or those of its genome."""
    if inputs.get("annotation"):
        exons = read_annotation(inputs.annotation, infer_gene_type=True).exons
    else:
        exons = read_table(inputs.annotated_exons, EXONS)
    if inputs.get("transcripts"):
        return read_tx_bed(inputs.transcripts)[COLUMNS], exons
    table = read_table(inputs.annotated_transcripts, TRANSCRIPTS)
    return table.loc[table["is_canonical"], COLUMNS].reset_index(drop=True), exons


def on_genome(
    transcripts: pd.DataFrame, genome: Genome, skipped: Counter, missing: str
) -> pd.DataFrame:
    """Spell contigs as the genome does; leave out those that it lacks if `missing` is skip."""
    must_exist = missing == "error"
    table = rename_contigs(transcripts, genome.contigs, genome.path, must_exist=must_exist)
    known = table["chrom"].isin(genome.contigs)
    skipped[NO_CONTIG] += int((~known).sum())
    table = table[known].reset_index(drop=True)
    check_within(table, genome.contigs, genome.path)
    return table


def main(snakemake):
    params, inputs = snakemake.params, snakemake.input
    settings, skipped = params.mutagenesis, Counter()
    with (
        job(snakemake) as log,
        open_genome(snakemake) as genome,
        Track(inputs.phastcons) as phastcons,
    ):
        transcripts, exons = read_transcripts(inputs)
        transcripts = on_genome(transcripts, genome, skipped, settings["missing_contigs"])
        chosen = choose_transcripts(
            transcripts, exons, settings["transcripts"], settings["seed"], skipped
        )
        table = draw_sites(
            chosen,
            genome,
            phastcons,
            margin=params.length // 2,
            **{name: settings[name] for name in ("fraction", "most", "seed")},
        )
        table = place_sites(site_distances(table, exons), params.length)
        table["phastcons"] = track_values(table, inputs.phastcons).astype(float)
        table["phylop"] = track_values(table, inputs.get("phylop") or None).astype(float)
        write_table(number_groups(table, genome)[SITES.names], snakemake.output.sites, SITES)
        about = {
            "transcripts": len(chosen),
            "sites": len(table),
            "left_out": {reason: n for reason, n in skipped.items() if n},
        }
        with atomic_path(snakemake.output.about) as target:
            Path(target).write_text(json.dumps(about, indent=1) + "\n")
        log.info("%s", json.dumps(about, indent=1))


if __name__ == "__main__":
    main(snakemake)  # noqa: F821
