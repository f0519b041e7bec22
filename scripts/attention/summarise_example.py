"""Choose the layer of the example intron, and put its attention and its parts into tables."""

import pandas as pd

from splicebert.attention_tables import EXAMPLE_ARCS, EXAMPLE_ROWS, PAIR_GROUPS, PARTS
from splicebert.jobs import job
from splicebert.tables import read_table, write_table


def choose_layer(groups: pd.DataFrame) -> int:
    """Return the layer that tells the pairs of introns best from random ones as far apart.

    Parameters
    ----------
    groups
        Rows of PAIR_GROUPS of one data set and model. Without a comparison, the first layer.
    """
    own = groups[(groups["group"] == "intronic_pair") & (groups["layer"] != "mean")]
    values = own.set_index(own["layer"].astype(int))["matched_auc"].sort_index()
    return int(values.idxmax()) if values.notna().any() else 1


def on_genome(rows: pd.DataFrame, parts: pd.DataFrame) -> pd.DataFrame:
    """Add the position on the genome (EXAMPLE_ARCS) to rows of EXAMPLE_ROWS."""
    window = parts[parts["part"] == "window"].iloc[0]
    plus = window["strand"] == "+"
    offset = rows["offset"].astype("int64")
    position = window["start"] + offset if plus else window["end"] - 1 - offset
    return rows.assign(position=position)


def main(snakemake):
    inputs, outputs, names = snakemake.input, snakemake.output, snakemake.wildcards
    with job(snakemake) as log:
        groups = read_table(inputs.groups, PAIR_GROUPS)
        own = (groups["dataset"] == names.dataset) & (groups["model"] == names.model)
        layer = choose_layer(groups[own])
        parts = read_table(inputs.parts, PARTS)
        rows = read_table(inputs.rows, EXAMPLE_ROWS)
        rows = on_genome(rows[rows["layer"] == layer].reset_index(drop=True), parts)
        write_table(rows, outputs.rows, EXAMPLE_ARCS)
        write_table(parts, outputs.parts, PARTS)
        log.info("%s, layer %d", parts["pair_id"].iloc[0], layer)


if __name__ == "__main__":
    main(snakemake)  # noqa: F821
