"""Write the transcripts of a genome as the training text of a corpus."""

from pathlib import Path

from splicebert.jobs import job, open_genome
from splicebert.pretraining.corpus import choose_transcripts, corpus_index, on_genome, write_corpus
from splicebert.tables import TRANSCRIPTS, read_table


def main(snakemake):
    params = snakemake.params
    with job(snakemake) as log, open_genome(snakemake) as genome:
        table = read_table(snakemake.input.transcripts, TRANSCRIPTS)
        table = on_genome(choose_transcripts(table, params.choice), genome, params.missing_contigs)
        index = corpus_index(table, genome, params.validation)
        about = write_corpus(index, genome, Path(snakemake.output.codes).parent)
        log.info("%s", about)


if __name__ == "__main__":
    main(snakemake)  # noqa: F821
