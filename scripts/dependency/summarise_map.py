"""Put the dependency map of one region, and what lies in it, into tables."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from splicebert.arrays import ArrayReader
from splicebert.dependency_tables import (
    DEPENDENCY_INTRONS,
    DEPENDENCY_PARTS,
    DEPENDENCY_WINDOWS,
    MAP_CELLS,
)
from splicebert.errors import SpliceBERTError
from splicebert.jobs import job
from splicebert.tables import read_table, write_table


def find_map(paths: Sequence[str], window_id: str) -> tuple[np.ndarray, np.ndarray]:
    """Map and genome positions of a window, from the shard that holds it."""
    for path in paths:
        with ArrayReader(path) as reader:
            rows = np.flatnonzero(reader.window_ids == window_id)
            if len(rows):
                row = slice(int(rows[0]), int(rows[0]) + 1)
                return reader.read("map", row)[0], reader.read("position", row)[0]
    raise SpliceBERTError(
        f"no map of window {window_id} in {', '.join(paths)}; delete these files and run again"
    )


def cell_table(values: np.ndarray, positions: np.ndarray) -> pd.DataFrame:
    """Rows of MAP_CELLS: the cells of a map that have a value."""
    rows, columns = np.nonzero(np.isfinite(values))
    return pd.DataFrame(
        {
            "mutated": positions[rows],
            "observed": positions[columns],
            "mutated_offset": rows,
            "observed_offset": columns,
            "dependency": values[rows, columns],
        }
    )


def main(snakemake):
    inputs, outputs = snakemake.input, snakemake.output
    with job(snakemake) as log:
        windows = read_table(inputs.windows, DEPENDENCY_WINDOWS)
        window = windows[windows["number"] == int(snakemake.wildcards.number)]
        window_id = window["window_id"].iloc[0]
        write_table(window.reset_index(drop=True), outputs.window, DEPENDENCY_WINDOWS)
        for name, schema in (("parts", DEPENDENCY_PARTS), ("introns", DEPENDENCY_INTRONS)):
            table = read_table(inputs[name], schema)
            own = table[table["window_id"] == window_id].reset_index(drop=True)
            write_table(own, outputs[name], schema)
        cells = cell_table(*find_map(inputs.maps, window_id))
        write_table(cells, outputs.cells, MAP_CELLS)
        log.info("%s: %d cells", window_id, len(cells))


if __name__ == "__main__":
    main(snakemake)  # noqa: F821
