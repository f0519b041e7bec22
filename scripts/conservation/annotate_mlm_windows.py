"""Bases, masking, region classes and repeats of the windows on which the MLM is measured."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from splicebert.arrays import ArrayWriter
from splicebert.conservation import read_regions
from splicebert.conservation_tables import CONSERVATION_WINDOWS
from splicebert.genome import Genome, rename_contigs
from splicebert.intervals import FeatureIndex
from splicebert.jobs import job, open_genome
from splicebert.masking import bert_masking
from splicebert.sequence import base_codes, is_soft_masked
from splicebert.tables import REGION_NAMES, atomic_path, read_table

CHUNK = 1000


def pack_columns(matrix: np.ndarray) -> np.ndarray:
    """Pack 0/1 columns into bits: (..., columns <= 16) -> uint16 (...), bit k = column k."""
    return (matrix.astype(np.uint16) << np.arange(matrix.shape[-1], dtype=np.uint16)).sum(
        axis=-1, dtype=np.uint16
    )


def annotated_chunks(
    windows: pd.DataFrame, regions: pd.DataFrame, genome: Genome, seed: int
) -> Iterator[dict[str, np.ndarray]]:
    """Yield the arrays of a chunk of windows, 5'->3': bases, treatment, seen, repeat, regions."""
    painted = FeatureIndex(regions, REGION_NAMES).paint_chunks(
        windows, chunk_size=CHUNK, strand_aware=True
    )
    for number, (rows, matrix) in enumerate(painted):
        chunk = windows.iloc[rows]
        sequences = [
            genome.fetch(w.chrom, w.start, w.end, w.strand) for w in chunk.itertuples(index=False)
        ]
        bases = np.stack([base_codes(sequence) for sequence in sequences])
        treatment, seen = bert_masking(bases, [seed, number])
        yield {
            "bases": bases,
            "treatment": treatment,
            "seen": seen,
            "repeat": np.stack([is_soft_masked(sequence) for sequence in sequences]),
            "regions": pack_columns(matrix),
        }


def main(snakemake):
    with job(snakemake) as log:
        windows = read_table(snakemake.input.windows, CONSERVATION_WINDOWS)
        length = int((windows["end"] - windows["start"]).iloc[0])
        fields = dict.fromkeys(("bases", "treatment", "seen"), ((length,), "uint8"))
        fields |= {"repeat": ((length,), "bool"), "regions": ((length,), "uint16")}
        about = {"regions": list(REGION_NAMES)}
        with (
            open_genome(snakemake) as genome,
            atomic_path(snakemake.output.annotation) as path,
            ArrayWriter(path, windows["window_id"], fields, attributes=about) as writer,
        ):
            regions = rename_contigs(
                read_regions(snakemake.input.regions), genome.contigs, genome.path, must_exist=False
            )
            for chunk in annotated_chunks(windows, regions, genome, snakemake.params.seed):
                for row in range(len(chunk["bases"])):
                    writer.append(**{name: values[row] for name, values in chunk.items()})
        log.info("%d windows of %d nt", len(windows), length)


if __name__ == "__main__":
    main(snakemake)  # noqa: F821
