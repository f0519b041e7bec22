"""What several figures of the branchpoint branch share: colours of methods, numbers as text."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from .branchpoint_tables import TRUTH
from .palette import BLACK

TRUTH_STYLE = {"label": "Branchpoints", "colour": BLACK}
TITLES = {
    "ap": "Average precision",
    "auc": "AUC",
    "f1": "F1 (0.5)",
    "top1": "Top-1 by intron",
}


def looks(styles: Mapping[str, Mapping]) -> dict[str, Mapping]:
    """Label and colour by method, the truth first."""
    return {TRUTH: TRUTH_STYLE, **styles}


def interval_text(row: pd.Series) -> str:
    """A number with its interval, as 0.182 (0.170–0.195)."""
    if pd.isna(row["value"]):
        return "–"
    text = f"{row['value']:.3f}"
    return text if pd.isna(row["low"]) else f"{text} ({row['low']:.3f}–{row['high']:.3f})"


def of(table: pd.DataFrame, **values: str) -> pd.DataFrame:
    """Rows whose columns have these values."""
    for name, value in values.items():
        table = table[table[name] == value]
    return table
