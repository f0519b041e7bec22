"""Decompress a genome."""

from splicebert.jobs import job
from splicebert.sources import decompress


def main(snakemake):
    with job(snakemake) as log:
        size = decompress(snakemake.input.compressed, snakemake.output.fasta)
        log.info("%s: %d bytes", snakemake.output.fasta, size)


if __name__ == "__main__":
    main(snakemake)  # noqa: F821
