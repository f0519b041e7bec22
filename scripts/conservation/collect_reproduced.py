"""Name this branch's numbers as the published table names them."""

import pandas as pd

from splicebert.conservation_tables import (
    MLM_ACCURACY,
    MLM_SUMMARY,
    PROBE_METRICS,
    REPEAT_FRACTIONS,
)
from splicebert.jobs import job
from splicebert.report import REPRODUCED
from splicebert.tables import read_table, write_table

ACCURACY_METRIC = {
    "all": "balanced_accuracy",
    "nonrepeat": "balanced_accuracy_nonrepeat",
    "repeat": "balanced_accuracy_repeat",
}


def name_accuracy(table: pd.DataFrame) -> pd.DataFrame:
    """Rows of REPRODUCED from MLM_ACCURACY."""
    return table.assign(quantity=table["region"], metric=table["bases"].map(ACCURACY_METRIC))


def name_probe(table: pd.DataFrame, threshold: float) -> pd.DataFrame:
    """Rows of REPRODUCED from PROBE_METRICS, of the split by base: what was published.

    The split by chromosome is another quantity and stays in PROBE_METRICS. The prevalence is
    published as a method of its own, without a model.
    """
    rows = table[table["split"] == "base"].assign(
        quantity=f"phastCons>={threshold:g}", protocol="published"
    )
    prevalence = rows["metric"] == "prevalence"
    rows.loc[prevalence, "model"] = "prevalence"
    rows.loc[prevalence, "metric"] = "fraction"
    return rows.drop_duplicates(["dataset", "quantity", "model", "metric"])


def name_repeats(table: pd.DataFrame, dataset: str) -> pd.DataFrame:
    """Rows of REPRODUCED from REPEAT_FRACTIONS."""
    return table.assign(
        dataset=dataset,
        quantity=table["region"],
        model="repeats",
        metric="fraction",
        value=table["fraction"],
    )


def main(snakemake):
    params, inputs = snakemake.params, snakemake.input
    with job(snakemake) as log:
        parts = []
        if inputs.accuracy:  # none where the configuration names no model for it
            parts.append(name_accuracy(read_table(inputs.accuracy, MLM_ACCURACY)))
            parts.append(read_table(inputs.summary, MLM_SUMMARY).assign(quantity="all"))
        if inputs.metrics:
            metrics = read_table(inputs.metrics, PROBE_METRICS)
            parts.append(name_probe(metrics, params.threshold))
        for dataset, path in zip(params.datasets, inputs.repeats, strict=True):
            parts.append(name_repeats(read_table(path, REPEAT_FRACTIONS), dataset))
        columns = [name for name in REPRODUCED.names if name != "branch"]
        table = pd.concat([part.reindex(columns=columns) for part in parts], ignore_index=True)
        table = table.assign(
            branch="conservation", protocol=table["protocol"].fillna(params.protocol)
        )
        write_table(table, snakemake.output.table, REPRODUCED)
        log.info("%d numbers", len(table))


if __name__ == "__main__":
    main(snakemake)  # noqa: F821
