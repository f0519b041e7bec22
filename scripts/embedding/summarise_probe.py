"""AUC and AP of the linear probes by layer, donors and acceptors apart, with intervals."""

import pandas as pd

from splicebert.embedding_scores import site_blocks
from splicebert.embedding_tables import EMBEDDING_SITES, LAYER_PROBE, SITE_PROBE
from splicebert.jobs import job
from splicebert.statistics import rank_scores
from splicebert.tables import read_table, stack, write_table


def score_run(
    sites: pd.DataFrame, probe: pd.DataFrame, length: int, bootstrap: dict
) -> pd.DataFrame:
    """Rows of LAYER_PROBE (without the data set) of one run; parameters as of summarise_clusters.

    The scores of all folds are ranked together.
    """
    known = sites[["site_id", "positive"]].assign(block=site_blocks(sites, length))
    table = probe.merge(known, on="site_id", how="left", validate="many_to_one")
    rows = []
    for head, part in table.groupby(["method", "layer", "site"], sort=False):
        columns = (part[name].to_numpy() for name in ("positive", "score", "block"))
        scores = rank_scores(*columns, **bootstrap)
        tail = (len(part), part["fold"].nunique())
        rows += [(*head, metric, *getattr(scores, metric), *tail) for metric in ("auc", "ap")]
    return pd.DataFrame(rows, columns=LAYER_PROBE.names[1:])


def main(snakemake):
    inputs, params = snakemake.input, snakemake.params
    tables = []
    with job(snakemake) as log:
        for (dataset, run), sites, scores in zip(
            params.runs, inputs.sites, inputs.scores, strict=True
        ):
            table = score_run(
                read_table(sites, EMBEDDING_SITES),
                read_table(scores, SITE_PROBE),
                params.length,
                params.bootstrap,
            )
            table.insert(0, "dataset", dataset)
            tables.append(table)
            log.info("%s, %s:\n%s", dataset, run, table.to_string(index=False))
        write_table(stack(tables, LAYER_PROBE), snakemake.output.probe, LAYER_PROBE)


if __name__ == "__main__":
    main(snakemake)  # noqa: F821
