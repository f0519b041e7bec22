"""Score in-silico SNVs in the transcripts of a genome, with which variants are compared."""

from pathlib import Path

from splicebert.jobs import job, open_genome, open_model
from splicebert.tables import EXONS, TRANSCRIPTS, read_table
from splicebert.transcripts import Annotation
from splicebert.vcf_run import score_background
from splicebert.vcf_sites import SiteIndex


def main(snakemake):
    inputs, params = snakemake.input, snakemake.params
    with job(snakemake) as log, open_genome(snakemake) as genome:
        tables = (
            read_table(inputs.transcripts, TRANSCRIPTS),
            read_table(inputs.exons, EXONS),
        )
        index = SiteIndex(Annotation(*tables), genome, params.near)
        model, runtime = open_model(snakemake)
        folder, draw = Path(params.model["folder"]), params.draw
        tally = score_background(
            snakemake.output.background,
            index,
            genome,
            folder,
            model,
            runtime,
            length=params.length,
            number=draw["snvs"],
            seed=draw["seed"],
        )
        log.info("%d in-silico SNVs, %s", tally.rows, tally.speed())


if __name__ == "__main__":
    main(snakemake)  # noqa: F821
