"""Attention between donor and acceptor of the introns of one shard: profiles, and sums by head."""

from collections.abc import Iterable, Iterator

import numpy as np
import pandas as pd

from splicebert.arrays import ArrayWriter
from splicebert.attention_scores import (
    ProfileSums,
    donor_acceptor_offsets,
    items,
    link_profiles,
    shard_rows,
)
from splicebert.attention_tables import PAIRS
from splicebert.errors import SpliceBERTError
from splicebert.inference import run_attention_rows
from splicebert.jobs import job, open_genome, open_model
from splicebert.tables import atomic_path, read_table


def stream_profiles(
    rows: Iterable[np.ndarray], offsets: np.ndarray, flank: int, sums: ProfileSums
) -> Iterator[np.ndarray]:
    """Yield the profiles of each intron, maximum over heads, and add those of its heads up.

    Parameters
    ----------
    rows
        float32 (layers, heads, 2, nt) of each intron: rows of donor and acceptor.
    offsets
        int64 (introns, 2), donor and acceptor.
    flank
        Columns on either side of the other site.
    sums
        What the heads' profiles are added to.

    Yields
    ------
    float32 (layers, 2, 2 * flank + 1)
    """
    for values, (donor, acceptor) in zip(rows, offsets, strict=True):
        profiles = link_profiles(values, donor, acceptor, flank)
        sums.add(profiles)
        # The maximum of NaNs is NaN: a column outside the window is so in every head.
        yield profiles.max(axis=1)


def write_sums(path: str, sums: ProfileSums) -> None:
    """Write the sums of heads, a row `layer:head` (both from 1) each: total and count."""
    layers, heads = sums.total.shape[:2]
    ids = [f"{layer}:{head}" for layer in range(1, layers + 1) for head in range(1, heads + 1)]
    shape = sums.count.shape
    fields = {"total": (shape, "float64"), "count": (shape, "int64")}
    with atomic_path(path) as part, ArrayWriter(part, ids, fields) as writer:
        for total in sums.total.reshape(-1, *shape):
            writer.append(total=total, count=sums.count)


def read_shard(path: str, shard: int, shards: int) -> pd.DataFrame:
    """Introns of one shard; SpliceBERTError where there is none."""
    introns = shard_rows(read_table(path, PAIRS), shard, shards)
    if introns.empty:
        raise SpliceBERTError(
            f"shard {shard} of {shards} holds no intron of {path}; lower attention.shards"
        )
    return introns


def main(snakemake):
    params = snakemake.params
    flank = params.flank
    with job(snakemake) as log, open_genome(snakemake) as genome:
        introns = read_shard(snakemake.input.introns, int(snakemake.wildcards.shard), params.shards)
        model, runtime = open_model(snakemake)
        offsets = donor_acceptor_offsets(introns)
        rows = run_attention_rows(
            model,
            items(introns, genome, offsets),
            runtime,
            maximum=False,
            total_nt=int((introns["end"] - introns["start"]).sum()),
            label=snakemake.rule,
        )
        layers, sums = range(1, model.n_layers), ProfileSums()
        fields = {f"layer_{layer}": ((2, 2 * flank + 1), "float32") for layer in layers}
        with (
            atomic_path(snakemake.output.profiles) as path,
            ArrayWriter(path, introns["pair_id"], fields) as writer,
        ):
            for profiles in stream_profiles(rows, offsets, flank, sums):
                writer.append(**dict(zip(fields, profiles, strict=True)))
        write_sums(snakemake.output.heads, sums)
        log.info("%d introns, %d layers, %d heads", len(introns), *sums.total.shape[:2])


if __name__ == "__main__":
    main(snakemake)  # noqa: F821
