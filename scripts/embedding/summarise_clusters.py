"""NMI and ARI of clusters against labels, donors and acceptors apart, with bootstrap intervals."""

import pandas as pd

from splicebert.embedding_scores import agreement, site_blocks
from splicebert.embedding_tables import CLUSTERING, CLUSTERS, EMBEDDING_SITES
from splicebert.jobs import job
from splicebert.tables import read_table, stack, write_table


def score_run(
    sites: pd.DataFrame, clusters: pd.DataFrame, length: int, bootstrap: dict
) -> pd.DataFrame:
    """Rows of CLUSTERING (without the data set) of one run.

    Parameters
    ----------
    sites
        EMBEDDING_SITES.
    clusters
        CLUSTERS.
    length
        nt of a window; sites whose windows overlap are resampled together.
    bootstrap
        replicates, seed.
    """
    known = sites[["site_id", "site", "positive"]].assign(block=site_blocks(sites, length))
    table = clusters.merge(known, on="site_id", how="left", validate="many_to_one")
    rows = []
    for head, part in table.groupby(["method", "layer", "subset", "site"], sort=False):
        columns = (part[name].to_numpy() for name in ("block", "cluster", "positive"))
        scores = agreement(*columns, **bootstrap)
        tail = (len(part), part["cluster"].nunique())
        rows += [(*head, metric, *value, *tail) for metric, value in scores.items()]
    return pd.DataFrame(rows, columns=CLUSTERING.names[1:])


def main(snakemake):
    inputs, params = snakemake.input, snakemake.params
    tables = []
    with job(snakemake) as log:
        for (dataset, run), sites, clusters in zip(
            params.runs, inputs.sites, inputs.clusters, strict=True
        ):
            table = score_run(
                read_table(sites, EMBEDDING_SITES),
                read_table(clusters, CLUSTERS),
                params.length,
                params.bootstrap,
            )
            table.insert(0, "dataset", dataset)
            tables.append(table)
            log.info("%s, %s: %d scores", dataset, run, len(table))
        write_table(stack(tables, CLUSTERING), snakemake.output.clustering, CLUSTERING)


if __name__ == "__main__":
    main(snakemake)  # noqa: F821
