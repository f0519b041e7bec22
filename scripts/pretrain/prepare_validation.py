"""Draw the validation fragments of a run, mask them, and tell what lies at each masked base."""

from contextlib import ExitStack

from splicebert.genome import Genome
from splicebert.jobs import job
from splicebert.pretraining.corpus import Corpus
from splicebert.pretraining.tables import VALIDATION_BASES, VALIDATION_FRAGMENTS
from splicebert.pretraining.validation import Annotation, draw_fragments, masked_bases
from splicebert.tables import REGIONS, read_table, write_table


def main(snakemake):
    inputs, params = snakemake.input, snakemake.params
    files = zip(params.genomes, inputs.fasta, inputs.fai, inputs.gzi, inputs.regions, strict=True)
    with job(snakemake) as log, ExitStack() as stack:
        annotations = {
            name: Annotation(
                stack.enter_context(Genome(fasta, fai=fai, gzi=gzi)), read_table(regions, REGIONS)
            )
            for name, fasta, fai, gzi, regions in files
        }
        fragments = draw_fragments(Corpus(params.corpus), params.validation)
        bases = masked_bases(fragments, annotations, params.validation["seed"])
        write_table(fragments, snakemake.output.fragments, VALIDATION_FRAGMENTS)
        write_table(bases, snakemake.output.bases, VALIDATION_BASES)
        log.info("%d masked bases in %d fragments", len(bases), len(fragments))


if __name__ == "__main__":
    main(snakemake)  # noqa: F821
