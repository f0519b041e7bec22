"""Index a FASTA for random access."""

from splicebert.genome import index_fasta
from splicebert.jobs import job


def main(snakemake):
    with job(snakemake) as log:
        index_fasta(snakemake.input.fasta, snakemake.output.fai, snakemake.output.gzi)
        log.info("indexed %s", snakemake.input.fasta)


if __name__ == "__main__":
    main(snakemake)  # noqa: F821
