"""Put the UMAPs of one run into a table that is all that its figures need."""

import pandas as pd

from splicebert.embedding_tables import CLUSTERS, EMBEDDING_SITES, LAYER_POINTS
from splicebert.jobs import job
from splicebert.tables import read_table, write_table


def layer_points(sites: pd.DataFrame, clusters: pd.DataFrame) -> pd.DataFrame:
    """Rows of CLUSTERS with the classes of the sites (LAYER_POINTS)."""
    columns = sites[["site_id", "site", "positive", "label", "gene"]]
    table = clusters.merge(columns, on="site_id", how="left", validate="many_to_one")
    return table[LAYER_POINTS.names]


def main(snakemake):
    inputs = snakemake.input
    with job(snakemake) as log:
        points = layer_points(
            read_table(inputs.sites, EMBEDDING_SITES), read_table(inputs.clusters, CLUSTERS)
        )
        write_table(points, snakemake.output.points, LAYER_POINTS)
        log.info("%d points", len(points))


if __name__ == "__main__":
    main(snakemake)  # noqa: F821
