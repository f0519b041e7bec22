"""Block scores of the introns in the windows, and their means with intervals."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pandas as pd

from splicebert.arrays import ArrayReader
from splicebert.attention_statistics import block_mean
from splicebert.dependency_scores import LINKS, intron_blocks, score_link
from splicebert.dependency_tables import (
    BLOCK_SUMMARY,
    BLOCKS,
    DEPENDENCY_INTRONS,
    DEPENDENCY_WINDOWS,
    QUANTITIES,
)
from splicebert.jobs import job
from splicebert.tables import read_table, stack, write_table

PLACE = ["chrom", "start", "end", "strand"]


def read_maps(paths: Sequence[str]) -> Iterator[tuple[str, np.ndarray]]:
    """Yield (window_id, map) of all shards, one map in memory at a time."""
    for path in paths:
        with ArrayReader(path) as reader:
            for row, window_id in enumerate(reader.window_ids):
                yield window_id, reader.read("map", slice(row, row + 1))[0]


def score_windows(
    paths: Sequence[str],
    windows: pd.DataFrame,
    introns: pd.DataFrame,
    sizes: Mapping[str, Mapping[str, int]],
) -> pd.DataFrame:
    """Rows of BLOCKS without data set and model: each link of each intron of each window.

    Parameters
    ----------
    paths
        Shards of maps, in order.
    windows, introns
        DEPENDENCY_WINDOWS, DEPENDENCY_INTRONS.
    sizes
        As of `site_blocks`.
    """
    rows = []
    places = windows.set_index("window_id")[["start", "end", "strand"]]
    by_window = dict(list(introns.groupby("window_id")))
    for window_id, values in read_maps(paths):
        window = places.loc[window_id]
        for intron in by_window.get(window_id, introns[:0]).to_dict("records"):
            blocks = intron_blocks(intron, (window["start"], window["end"]), sizes)
            for link in LINKS:
                found = score_link(values, blocks, link)._asdict()
                found["reason"] = found["reason"] or None
                rows.append(intron | {"link": link} | found)
    return pd.DataFrame(rows, columns=BLOCKS.names[2:])


def summarise(table: pd.DataFrame, bootstrap: Mapping[str, int]) -> pd.DataFrame:
    """Rows of BLOCK_SUMMARY without data set and model: means over introns, each place once."""
    table = table.assign(difference=table["score"] - table["background_mean"])
    table = table.drop_duplicates([*PLACE, "link"])
    rows = []
    for link in LINKS:
        for quantity in QUANTITIES:
            part = table[(table["link"] == link) & table[quantity].notna()]
            mean = block_mean(part[quantity].to_numpy(float), part["tx_id"].to_numpy(), **bootstrap)
            rows.append((link, quantity, len(part), part["tx_id"].nunique(), *mean))
    return pd.DataFrame(rows, columns=BLOCK_SUMMARY.names[2:])


def main(snakemake):
    inputs, params, outputs = snakemake.input, snakemake.params, snakemake.output
    blocks, means = [], []
    with job(snakemake) as log:
        for number, (dataset, model) in enumerate(params.runs):
            own = slice(number * params.shards, (number + 1) * params.shards)
            windows = read_table(inputs.windows[number], DEPENDENCY_WINDOWS)
            introns = read_table(inputs.introns[number], DEPENDENCY_INTRONS)
            table = score_windows(inputs.maps[own], windows, introns, params.blocks)
            mean = summarise(table, params.bootstrap)
            for frame, kept in ((table, blocks), (mean, means)):
                frame.insert(0, "dataset", dataset)
                frame.insert(1, "model", model)
                kept.append(frame)
            log.info("%s, %s:\n%s", dataset, model, mean.to_string(index=False))
            for (link, reason), n in table.groupby(["link", "reason"]).size().items():
                log.info("%s: %d introns have no score: %s", link, n, reason)
        write_table(stack(blocks, BLOCKS), outputs.blocks, BLOCKS)
        write_table(stack(means, BLOCK_SUMMARY), outputs.summary, BLOCK_SUMMARY)


if __name__ == "__main__":
    main(snakemake)  # noqa: F821
