"""Name this branch's numbers as the published table would name them."""

from splicebert.branchpoint_tables import BRANCHPOINT_PERFORMANCE
from splicebert.jobs import job
from splicebert.report import REPRODUCED
from splicebert.tables import read_table, write_table

QUANTITY = "test"  # the test sets of all folds, pooled


def main(snakemake):
    params = snakemake.params
    with job(snakemake) as log:
        table = read_table(snakemake.input.performance, BRANCHPOINT_PERFORMANCE)
        table = table.assign(
            branch="branchpoint",
            quantity=QUANTITY,
            model=table["method"],
            protocol=params.protocol,
        )
        write_table(table[REPRODUCED.names], snakemake.output.table, REPRODUCED)
        log.info("%d numbers", len(table))


if __name__ == "__main__":
    main(snakemake)  # noqa: F821
