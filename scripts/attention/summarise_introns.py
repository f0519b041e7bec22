"""Layer profiles of the introns, and enrichment by layer and by head."""

import contextlib
from collections.abc import Sequence

import numpy as np
import pandas as pd

from splicebert.arrays import ArrayReader
from splicebert.attention_statistics import enrichment, median_profiles
from splicebert.attention_tables import (
    DIRECTIONS,
    ENRICHMENT,
    HEAD_ENRICHMENT,
    LAYER_PROFILES,
    PAIRS,
)
from splicebert.errors import FormatError
from splicebert.jobs import job
from splicebert.tables import read_table, stack, write_table


def profile_table(layer: int, median: np.ndarray, n: np.ndarray) -> pd.DataFrame:
    """Rows of LAYER_PROFILES without data set and model."""
    flank = median.shape[1] // 2
    return pd.DataFrame(
        {
            "layer": layer,
            "direction": np.repeat(np.array(DIRECTIONS, object), median.shape[1]),
            "relative_position": np.tile(np.arange(-flank, flank + 1), len(DIRECTIONS)),
            "median": median.ravel(),
            "n": n.ravel(),
        }
    )


def enrichment_table(layer: int, median: np.ndarray, introns: int) -> pd.DataFrame:
    """Rows of ENRICHMENT without data set and model."""
    known = np.where(np.isfinite(median), median, -np.inf).max(axis=1)
    return pd.DataFrame(
        {
            "layer": layer,
            "direction": DIRECTIONS,
            "enrichment": enrichment(median),
            "scale": np.where(np.isfinite(known), known, np.nan),
            "n": introns,
        }
    )


def head_table(ids: Sequence[str], total: np.ndarray, count: np.ndarray) -> pd.DataFrame:
    """Rows of HEAD_ENRICHMENT without data set and model, of the heads' mean profiles.

    Parameters
    ----------
    ids
        layer:head of each row, both from 1.
    total
        float64 (rows, 2, columns), sums over introns.
    count
        int64 (rows, 2, columns), introns behind each sum.
    """
    mean = np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0)
    places = np.array([name.split(":") for name in ids], int).reshape(-1, 2)
    places = places.repeat(len(DIRECTIONS), axis=0)
    return pd.DataFrame(
        {
            "layer": places[:, 0],
            "head": places[:, 1],
            "direction": list(DIRECTIONS) * len(ids),
            "enrichment": enrichment(mean).ravel(),
            "n": count.max(axis=-1).ravel(),
        }
    )


def read_heads(paths: Sequence[str]) -> pd.DataFrame:
    """Rows of HEAD_ENRICHMENT, without data set and model, of all shards together."""
    total, count, ids = 0.0, 0, None
    for path in paths:
        with ArrayReader(path) as reader:
            if ids is not None and list(reader.window_ids) != ids:
                raise FormatError(
                    f"its layers and heads are not those of {paths[0]}; delete the older file and "
                    "run again",
                    path,
                )
            ids = list(reader.window_ids)
            total, count = total + reader.read("total"), count + reader.read("count")
    return head_table(ids, total, count)


def summarise(paths: Sequence[str], introns: Sequence | None) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Rows of LAYER_PROFILES and ENRICHMENT, without data set and model.

    One layer of all shards is in memory at a time.

    Parameters
    ----------
    paths
        Profiles, a file a shard.
    introns
        pair_id of each intron, in order; None where they are not known.

    Raises
    ------
    FormatError
        The profiles are not of these introns.
    """
    profiles, enriched = [], []
    with contextlib.ExitStack() as stack_of_files:
        readers = [stack_of_files.enter_context(ArrayReader(path)) for path in paths]
        found = [name for reader in readers for name in reader.window_ids]
        if introns is not None and found != list(introns):
            raise FormatError(
                f"its shards hold profiles of {len(found)} introns, which are not the "
                f"{len(introns)} of inputs.introns.parquet; delete the older files and run again",
                paths[0],
            )
        layer = 1
        while f"layer_{layer}" in readers[0]:
            values = np.concatenate([reader.read(f"layer_{layer}") for reader in readers])
            median, n = median_profiles(values)
            profiles.append(profile_table(layer, median, n))
            enriched.append(enrichment_table(layer, median, len(values)))
            layer += 1
    return pd.concat(profiles, ignore_index=True), pd.concat(enriched, ignore_index=True)


def main(snakemake):
    params, inputs, outputs = snakemake.params, snakemake.input, snakemake.output
    tables: dict[str, list[pd.DataFrame]] = {"profiles": [], "enrichment": [], "heads": []}
    with job(snakemake) as log:
        for number, (dataset, model) in enumerate(params.runs):
            own = slice(number * params.shards, (number + 1) * params.shards)
            known = read_table(inputs.introns[number], PAIRS)["pair_id"] if inputs.introns else None
            profiles, enriched = summarise(inputs.profiles[own], known)
            heads = read_heads(inputs.heads[own])
            for name, frame in zip(tables, (profiles, enriched, heads), strict=True):
                frame.insert(0, "dataset", dataset)
                frame.insert(1, "model", model)
                tables[name].append(frame)
            log.info("%s, %s:\n%s", dataset, model, enriched.to_string(index=False))
        for name, schema in zip(tables, (LAYER_PROFILES, ENRICHMENT, HEAD_ENRICHMENT), strict=True):
            write_table(stack(tables[name], schema), outputs[name], schema)


if __name__ == "__main__":
    main(snakemake)  # noqa: F821
