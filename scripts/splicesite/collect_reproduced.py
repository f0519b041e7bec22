"""Name this branch's numbers as the published table names them."""

import pandas as pd

from splicebert.jobs import job
from splicebert.report import REPRODUCED
from splicebert.splicesite_tables import SITE_SUMMARY
from splicebert.tables import read_table, write_table


def name_summary(table: pd.DataFrame, protocol: str) -> pd.DataFrame:
    """Rows of REPRODUCED from SITE_SUMMARY: the mean over the folds, `Fly, donor` and the like."""
    return table.assign(
        branch="splicesite",
        quantity=table["set"] + ", " + table["site"],
        model=table["method"],
        protocol=protocol,
    )[REPRODUCED.names]


def main(snakemake):
    with job(snakemake) as log:
        table = read_table(snakemake.input.summary, SITE_SUMMARY)
        table = name_summary(table, snakemake.params.protocol)
        write_table(table, snakemake.output.table, REPRODUCED)
        log.info("%d numbers", len(table))


if __name__ == "__main__":
    main(snakemake)  # noqa: F821
