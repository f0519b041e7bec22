"""Dependency maps of one shard of the windows."""

import pandas as pd

from splicebert.arrays import ArrayWriter
from splicebert.dependency import (
    STATUS,
    count_nt,
    dependency_maps,
    genome_positions,
    map_attributes,
    map_fields,
    position_status,
)
from splicebert.dependency_tables import DEPENDENCY_WINDOWS
from splicebert.errors import SpliceBERTError
from splicebert.jobs import job, open_genome, open_model
from splicebert.tables import atomic_path, read_table


def shard_windows(windows: pd.DataFrame, shard: int, shards: int) -> pd.DataFrame:
    """Windows of one of `shards` nearly equal parts, in order; SpliceBERTError of none."""
    n = len(windows)
    part = windows.iloc[n * shard // shards : n * (shard + 1) // shards]
    if part.empty:
        raise SpliceBERTError(
            f"{n} windows can't be cut into {shards} shards; set dependency.shards to {n} or less"
        )
    return part.reset_index(drop=True)


def main(snakemake):
    params, shard = snakemake.params, int(snakemake.wildcards.shard)
    with job(snakemake) as log, open_genome(snakemake) as genome:
        table = read_table(snakemake.input.windows, DEPENDENCY_WINDOWS)
        windows = shard_windows(table, shard, params.shards)
        sequences = [genome.fetch(w.chrom, w.start, w.end, w.strand) for w in windows.itertuples()]
        model, runtime = open_model(snakemake)
        maps = dependency_maps(
            model, sequences, runtime, label=snakemake.rule, total_nt=count_nt(sequences)
        )
        unknown = dict.fromkeys(STATUS, 0)
        with (
            atomic_path(snakemake.output.maps) as path,
            ArrayWriter(
                path, windows["window_id"], map_fields(params.length), chunk=1,
                attributes=map_attributes(),
            ) as writer,
        ):  # fmt: skip
            for window, sequence, values in zip(windows.itertuples(), sequences, maps, strict=True):
                place, size = (window.start, window.end), genome.contigs[window.chrom]
                status = position_status(sequence, place, size, window.strand)
                positions = genome_positions(place, window.strand)
                writer.append(map=values, status=status, position=positions)
                for code, reason in enumerate(STATUS):
                    unknown[reason] += int((status == code).sum())
        log.info("%d windows of %d nt; positions: %s", len(windows), params.length, unknown)


if __name__ == "__main__":
    main(snakemake)  # noqa: F821
