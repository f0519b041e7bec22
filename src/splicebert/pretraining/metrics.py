"""How training goes: TSV files, TensorBoard events, and the log."""

from __future__ import annotations

import logging
from pathlib import Path

import pandas as pd

from ..learning.events import event_writer
from ..schema import Schema
from ..tables import read_table, write_table
from .tables import METRICS, PERPLEXITIES

log = logging.getLogger(__name__)


class Metrics:
    """The metrics of a run, written as they come.

    Parameters
    ----------
    folder
        Of the run's state; it holds metrics.tsv and regions.tsv.
    events
        Folder of TensorBoard events.
    step
        Steps that the run's checkpoint has done; later rows, which a killed process left, go.
    """

    def __init__(self, folder: Path, events: Path, step: int) -> None:
        self.paths = {"metrics": folder / "metrics.tsv", "regions": folder / "regions.tsv"}
        self.tables = {
            name: _cut(path, schema, step)
            for (name, path), schema in zip(
                self.paths.items(), (METRICS, PERPLEXITIES), strict=True
            )
        }
        self._board = event_writer(events, step)

    def add(self, row: dict, regions: pd.DataFrame | None) -> None:
        """Add a row of METRICS and, where the model was evaluated, its PERPLEXITIES."""
        if regions is not None:
            whole = regions.iloc[0]
            row |= {k: whole[k] for k in ("cross_entropy", "perplexity", "accuracy")}
            self._append("regions", regions.assign(step=row["step"]), PERPLEXITIES)
            self._draw_regions(regions, row["step"])
        self._append("metrics", pd.DataFrame([row], columns=METRICS.names), METRICS)
        for name in METRICS.names[1:]:
            if row.get(name) is not None:
                kind = "validation" if name in METRICS.names[-3:] else "training"
                self._board.add_scalar(f"{kind}/{name}", row[name], row["step"])
        self._board.flush()
        log.info(" ".join(f"{k}={_short(v)}" for k, v in row.items() if v is not None))

    def _append(self, name: str, rows: pd.DataFrame, schema: Schema) -> None:
        table = self.tables[name]
        rows = rows[schema.names]
        self.tables[name] = rows if table.empty else pd.concat([table, rows], ignore_index=True)
        write_table(self.tables[name], self.paths[name], schema)

    def _draw_regions(self, regions: pd.DataFrame, step: int) -> None:
        for row in regions[regions["n_bases"] > 0].itertuples(index=False):
            place = f"{row.region.replace('|', '.')}/{row.bases}".replace(" ", "_")
            self._board.add_scalar(f"perplexity/{place}", row.perplexity, step)

    def close(self) -> None:
        """Close the event file."""
        self._board.close()


def _cut(path: Path, schema: Schema, step: int) -> pd.DataFrame:
    if not step or not path.is_file():
        return schema.empty()
    table = read_table(path, schema)
    return table[table["step"] <= step].reset_index(drop=True)


def _short(value: float) -> str:
    return f"{value:.5g}" if isinstance(value, float) else str(value)
