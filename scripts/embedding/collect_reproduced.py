"""Name this branch's numbers as the published table names them."""

import pandas as pd

from splicebert.embedding_kinds import DINUCLEOTIDE
from splicebert.embedding_scores import figure_layer
from splicebert.embedding_tables import CLUSTERING
from splicebert.jobs import job
from splicebert.report import REPRODUCED
from splicebert.tables import read_table, write_table

QUANTITY = {"motif": "ss-motif", "usage": "SSE-K562"}
"""Kind of a data set -> name of the paper's own one."""


def main_rows(table: pd.DataFrame, layers: dict, quantity: str) -> pd.DataFrame:
    """Rows of the main figure: all sites clustered together, each method at its layer."""
    parts = []
    for method, part in table[table["subset"] == "all"].groupby("method", sort=False):
        layer = figure_layer(layers, method, part["layer"].unique())
        parts.append(part[part["layer"] == layer])
    rows = pd.concat(parts)
    return rows.assign(quantity=quantity, metric=rows["metric"] + "_" + rows["site"])


def layer_rows(table: pd.DataFrame, quantity: str) -> pd.DataFrame:
    """Rows of the supplementary figure: GT alone and AG alone, by layer."""
    rows = table[table["subset"] != "all"]
    layer = rows["site"].map(DINUCLEOTIDE) + " layer " + rows["layer"].astype(str)
    return rows.assign(quantity=quantity + " " + layer)


def name_rows(table: pd.DataFrame, datasets: dict) -> pd.DataFrame:
    """Rows of REPRODUCED (without branch and protocol) from CLUSTERING.

    Parameters
    ----------
    table
        CLUSTERING.
    datasets
        Data set -> kind (motif or usage), layers (method -> layer of the main figure), and whether
        it is published: only the paper's own sets are called as it calls them.
    """
    parts = []
    for dataset, settings in datasets.items():
        own = table[table["dataset"] == dataset]
        quantity = QUANTITY[settings["kind"]] if settings["published"] else dataset
        parts += [main_rows(own, settings["layers"], quantity), layer_rows(own, quantity)]
    return pd.concat(parts, ignore_index=True).rename(columns={"method": "model"})


def main(snakemake):
    params = snakemake.params
    with job(snakemake) as log:
        table = name_rows(read_table(snakemake.input.clustering, CLUSTERING), params.datasets)
        table = table.assign(branch="embedding", protocol=params.protocol)
        write_table(table[REPRODUCED.names], snakemake.output.table, REPRODUCED)
        log.info("%d numbers", len(table))


if __name__ == "__main__":
    main(snakemake)  # noqa: F821
