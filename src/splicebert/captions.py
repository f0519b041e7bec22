"""What the captions of the report say in numbers; functions that report/*.rst call.

They read tables when the report is written, so that no job depends on them.
"""

from __future__ import annotations

import csv
import gzip
from pathlib import Path

COMPARISON = "results/tables/published_vs_reproduced.tsv"
NONE = "The paper printed no number of this."


def read_rows(path: str | Path) -> list[dict[str, str]]:
    """Rows of a TSV, plain or gzipped, as text."""
    opened = gzip.open if str(path).endswith(".gz") else open
    with opened(path, "rt", encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t"))


def count(path: str | Path, column: str, **values: str) -> str:
    """Largest number in a column of a table, with its thousands marked.

    Parameters
    ----------
    path
        A table, such as `snakemake.output.groups`.
    column
        Of numbers, such as `n`.
    values
        Column=value: the rows that count; all of them without.
    """
    rows = [row for row in read_rows(path) if all(row[k] == v for k, v in values.items())]
    numbers = [int(float(row[column])) for row in rows if row[column]]
    return f"{max(numbers):,}" if numbers else "0"


def total(path: str | Path, column: str, **values: str) -> str:
    """Sum of a column, as `count`."""
    rows = [row for row in read_rows(path) if all(row[k] == v for k, v in values.items())]
    return f"{sum(int(float(row[column])) for row in rows if row[column]):,}"


def distinct(path: str | Path, column: str) -> str:
    """How many different values a column has."""
    return f"{len({row[column] for row in read_rows(path)}):,}"


def published(branch: str, start: str = "", metric: str = "", table: str = COMPARISON) -> str:
    """The paper's numbers, each beside this run's where it has one.

    Parameters
    ----------
    branch
        Of the published table.
    start
        Beginning of its data set, such as `ss-motif`.
    metric
        Beginning of its metric.
    table
        published_vs_reproduced.tsv. Nothing is said without it, as in a report of one branch.
    """
    if not Path(table).exists():
        return ""
    rows = [
        row
        for row in read_rows(table)
        if row["branch"] == branch
        and row["dataset"].startswith(start)
        and row["metric"].startswith(metric)
    ]
    if not rows:
        return NONE
    parts = [
        f"{row['dataset']}, {row['method']}, {row['metric']} {float(row['value']):.4g}"
        + (f" (this run {float(row['reproduced']):.4g})" if row["reproduced"] else "")
        for row in rows
    ]
    text = "Published (*" + "; ".join(parts).replace("*", "").replace("|", " ") + "*)."
    if any(row["reproduced"] for row in rows):
        return text
    return text + " This run is on other data or with other models, and has none of these numbers."


FUNCTIONS = {"count": count, "total": total, "distinct": distinct, "published": published}
