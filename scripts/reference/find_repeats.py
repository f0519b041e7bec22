"""Write the soft-masked (lower-case) runs of a genome as BED."""

import re
from collections.abc import Iterator

import pandas as pd

from splicebert.formats import write_bed
from splicebert.genome import Genome
from splicebert.jobs import job, open_genome
from splicebert.tables import atomic_path

PIECE = 1 << 24
LOWER = re.compile(r"[a-z]+")


def soft_masked_runs(genome: Genome, chrom: str, piece: int = PIECE) -> Iterator[tuple[int, int]]:
    """Yield the lower-case runs of a contig as (start, end), 0-based half-open.

    The contig is read in pieces; a run that crosses a border comes out whole.
    """
    pending = None
    length = genome.contigs[chrom]
    for left in range(0, length, piece):
        sequence = genome.fetch(chrom, left, min(left + piece, length))
        for match in LOWER.finditer(sequence):
            start, end = left + match.start(), left + match.end()
            if pending and pending[1] == start:
                pending = (pending[0], end)
                continue
            if pending:
                yield pending
            pending = (start, end)
    if pending:
        yield pending


def main(snakemake):
    with (
        job(snakemake) as log,
        open_genome(snakemake) as genome,
    ):
        rows = [
            (chrom, start, end)
            for chrom in genome.contigs
            for start, end in soft_masked_runs(genome, chrom)
        ]
        repeats = pd.DataFrame(rows, columns=["chrom", "start", "end"])
        with atomic_path(snakemake.output.repeats) as path:
            write_bed(repeats, path)
        if not rows:
            log.warning(
                "%s has no lower-case base: it is not soft-masked, so nothing counts as a repeat",
                snakemake.input.fasta,
            )
        covered = int((repeats["end"] - repeats["start"]).sum())
        log.info(
            "%d soft-masked runs, %d of %d nt", len(rows), covered, sum(genome.contigs.values())
        )


if __name__ == "__main__":
    main(snakemake)  # noqa: F821
