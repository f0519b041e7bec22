"""Name this branch's numbers as the published table names them."""

import pandas as pd

from splicebert.jobs import job
from splicebert.report import REPRODUCED
from splicebert.tables import read_table, write_table
from splicebert.variant_kinds import MPRA_KINDS, MUTAGENESIS_TITLE, NO_MODEL, SCORES, SUBSETS
from splicebert.variant_tables import GROUP_COUNTS, PERFORMANCE

GROUPS = {"disrupting": "SDV", "other": "other"}


def name_performance(table: pd.DataFrame, kinds: dict[str, str]) -> pd.DataFrame:
    """Rows of REPRODUCED from PERFORMANCE: AP and AUC of each score on each subset.

    Parameters
    ----------
    table
        Rows of PERFORMANCE.
    kinds
        Data set -> kind.
    """
    title = table["dataset"].map(lambda name: MPRA_KINDS[kinds[name]].title)
    score = table["score"].map(SCORES)
    rows = table.assign(
        quantity=title + ", " + table["subset"].map(SUBSETS),
        model=score.where(table["model"] == NO_MODEL, table["model"] + " " + score),
    )
    parts = []
    for metric in ("ap", "auc"):
        low, high = rows[f"{metric}_low"], rows[f"{metric}_high"]
        parts.append(rows.assign(metric=metric, value=rows[metric], low=low, high=high))
    return pd.concat(parts, ignore_index=True)


def name_counts(table: pd.DataFrame, threshold: float) -> pd.DataFrame:
    """Rows of REPRODUCED from GROUP_COUNTS; no model decides them."""
    sites = table["subset"] == "sites"
    title = table["kind"].map({name: kind.title for name, kind in MPRA_KINDS.items()})
    quantity = (title + ", " + table["subset"].map(SUBSETS)).where(~sites, MUTAGENESIS_TITLE)
    names = GROUPS | {
        "conserved": f"phastCons>={threshold:g}",
        "not conserved": f"phastCons<{threshold:g}",
    }
    return table.assign(
        quantity=quantity, model=table["group"].map(names), metric="count", value=table["n"] * 1.0
    )


def main(snakemake):
    params = snakemake.params
    with job(snakemake) as log:
        parts = [
            name_performance(read_table(snakemake.input.performance, PERFORMANCE), params.kinds),
            name_counts(read_table(snakemake.input.counts, GROUP_COUNTS), params.threshold),
        ]
        columns = [name for name in REPRODUCED.names if name not in ("branch", "protocol")]
        table = pd.concat([part.reindex(columns=columns) for part in parts], ignore_index=True)
        table = table.assign(branch="variant", protocol=params.protocol)
        write_table(table, snakemake.output.table, REPRODUCED)
        log.info("%d numbers", len(table))


if __name__ == "__main__":
    main(snakemake)  # noqa: F821
