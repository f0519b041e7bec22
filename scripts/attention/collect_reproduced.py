"""Name this branch's numbers as the published table names them."""

from collections.abc import Collection

import pandas as pd

from splicebert.attention_tables import ENRICHMENT, PAIR_GROUPS
from splicebert.jobs import job
from splicebert.report import REPRODUCED
from splicebert.tables import read_table, write_table

PUBLISHED_INTRONS = "MANE introns"


def name_groups(table: pd.DataFrame) -> pd.DataFrame:
    """Rows of REPRODUCED from PAIR_GROUPS: the mean score of the mean over layers."""
    rows = table[table["layer"] == "mean"].assign(metric="mean_pair_score")
    return rows.rename(
        columns={"group": "quantity", "mean": "value", "mean_low": "low", "mean_high": "high"}
    )


def name_enrichment(table: pd.DataFrame, published: Collection[str]) -> pd.DataFrame:
    """Rows of REPRODUCED from ENRICHMENT; only the paper's own introns are called MANE introns."""
    own = table["dataset"].isin(list(published))
    introns = own.map({True: PUBLISHED_INTRONS, False: "introns"})
    return table.assign(
        quantity=introns + " layer " + table["layer"].astype(str),
        metric="enrichment_" + table["direction"],
        value=table["enrichment"],
    )


def main(snakemake):
    with job(snakemake) as log:
        parts = [
            name_groups(read_table(snakemake.input.groups, PAIR_GROUPS)),
            name_enrichment(
                read_table(snakemake.input.enrichment, ENRICHMENT), snakemake.params.published
            ),
        ]
        columns = [name for name in REPRODUCED.names if name not in ("branch", "protocol")]
        table = pd.concat([part.reindex(columns=columns) for part in parts], ignore_index=True)
        table = table.assign(branch="attention", protocol=snakemake.params.protocol)
        write_table(table, snakemake.output.table, REPRODUCED)
        log.info("%d numbers", len(table))


if __name__ == "__main__":
    main(snakemake)  # noqa: F821
