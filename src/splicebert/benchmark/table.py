"""The table: ratios, share of the floor, and how it is shown."""

from __future__ import annotations

import numpy as np
import pandas as pd

from .machine import forward_bytes, forward_flops


def add_ratios(table: pd.DataFrame, flops: dict[str, float], config, copy: float) -> pd.DataFrame:
    """Add speed against the published route (batch 8 and best batch), and the floor reached."""
    out = []
    for _, rows in table.groupby(["task", "length"], sort=False):
        published = rows[rows["route"].str.startswith("published")]["nt_per_s"]
        memory = rows["peak_mib"].iloc[0]
        out.append(
            rows.assign(
                x_published=rows["nt_per_s"] / published.iloc[0],
                x_best_published=rows["nt_per_s"] / published.max(),
                less_memory=memory / rows["peak_mib"],
            )
        )
    table = pd.concat(out, ignore_index=True)
    table["floor"] = [_floor(row, flops, config, copy) for row in table.itertuples()]
    return table


def _floor(row, flops: dict[str, float], config, copy: float) -> float:
    """Share of the best speed that the machine allows for a full forward pass."""
    dtype = "float16" if row.dtype.startswith("float16") else row.dtype
    if row.task not in ("hidden states", "MLM logits") or dtype not in flops:
        return float("nan")
    size = {"float32": 4, "int8": 1}.get(dtype, 2)
    work = forward_flops(config, int(row.tokens)) / flops[dtype]
    return row.nt_per_s * max(work, forward_bytes(config, size) / copy)


def show(table: pd.DataFrame) -> str:
    """Format the table for a terminal, or for Markdown."""
    columns = {
        "task": "task", "length": "nt", "route": "route", "dtype": "dtype",
        "nt_per_s": "nt/s", "x_published": "x", "x_best_published": "x best",
        "peak_mib": "peak MiB", "less_memory": "less memory", "error": "error", "floor": "floor",
    }  # fmt: skip
    formats = {
        "nt_per_s": "{:,.0f}", "x_published": "{:.2f}", "x_best_published": "{:.2f}",
        "peak_mib": "{:,.0f}", "less_memory": "{:.1f}", "error": "{:.1e}", "floor": "{:.2f}",
    }  # fmt: skip
    shown = table[list(columns)].copy()
    for column, form in formats.items():
        shown[column] = [form.format(v) if np.isfinite(v) else "" for v in table[column]]
    rows = [list(columns.values()), *shown.astype(str).to_numpy().tolist()]
    widths = [max(len(row[i]) for row in rows) for i in range(len(columns))]
    lines = ["| " + " | ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)) + " |"
             for row in rows]  # fmt: skip
    lines.insert(1, "|" + "|".join("-" * (w + 2) for w in widths) + "|")
    return "\n".join(lines)
