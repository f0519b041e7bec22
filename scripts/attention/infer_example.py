"""Attention of the donor and of the acceptor of the example intron to its whole window."""

import numpy as np
import pandas as pd

from splicebert.attention_scores import donor_acceptor_offsets, items
from splicebert.attention_tables import DIRECTIONS, EXAMPLE_ROWS, PAIRS, PARTS
from splicebert.inference import run_attention_rows
from splicebert.jobs import job, open_genome, open_model
from splicebert.tables import read_table, write_table


def row_table(rows: np.ndarray) -> pd.DataFrame:
    """Rows of EXAMPLE_ROWS from float32 (layers, 2, nt): the donor's and the acceptor's row."""
    layers, sites, nt = rows.shape
    return pd.DataFrame(
        {
            "layer": np.repeat(np.arange(1, layers + 1), sites * nt),
            "direction": np.tile(np.repeat(np.array(DIRECTIONS, object), nt), layers),
            "offset": np.tile(np.arange(nt), layers * sites),
            "attention": rows.ravel(),
        }
    )


def main(snakemake):
    with job(snakemake) as log, open_genome(snakemake) as genome:
        introns = read_table(snakemake.input.introns, PAIRS)
        wanted = read_table(snakemake.input.example, PARTS)["pair_id"].iloc[0]
        introns = introns[introns["pair_id"] == wanted].reset_index(drop=True)
        model, runtime = open_model(snakemake)
        windows = items(introns, genome, donor_acceptor_offsets(introns))
        rows = next(iter(run_attention_rows(model, windows, runtime, progress=False)))
        write_table(row_table(rows), snakemake.output.rows, EXAMPLE_ROWS)
        log.info("%s: %d layers, window of %d nt", wanted, len(rows), rows.shape[-1])


if __name__ == "__main__":
    main(snakemake)  # noqa: F821
