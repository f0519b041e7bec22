"""A user's own examples: parquet or TSV with sequence and labels, the other columns optional."""

from __future__ import annotations

from os import PathLike
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from ..errors import FormatError
from ..schema import Column, Schema
from ..tables import read_table, validate
from .examples import check_examples
from .folds import assign_folds
from .tables import EXAMPLES, IGNORED

TEXT = Schema(
    "examples",
    (
        Column("sequence", "str", "nucleotides 5'->3'"),
        Column("labels", "str", "numbers between commas, or of each nucleotide 0, 1 or ."),
    ),
    extra=True,
)


def read_user_examples(path: str | PathLike, task: str) -> pd.DataFrame:
    """Read examples of a user; EXAMPLES, without a column for a fold where the file has none.

    Parameters
    ----------
    path
        .parquet (labels a list, or text), .tsv or .tsv.gz (labels text).
    task
        "token" or "sequence".

    Raises
    ------
    FormatError
        A column is missing, or a label can't be read.
    """
    table = _read(Path(path))
    missing = [name for name in ("sequence", "labels") if name not in table.columns]
    if missing:
        raise FormatError(
            f"no column {missing[0]}; found {', '.join(map(str, table.columns))}; expected "
            "sequence and labels, and where you have them example_id, group, fold",
            path,
        )
    count = len(table)
    if "example_id" not in table:
        table["example_id"] = [f"example{number}" for number in range(1, count + 1)]
    if "group" not in table:
        table["group"] = table["example_id"]
    table["example_id"] = table["example_id"].astype(str)
    table["group"] = table["group"].astype(str)
    table["labels"] = [_labels(value, task) for value in table["labels"]]
    fold = table.pop("fold") if "fold" in table else None
    found = validate(table.assign(fold=-1), EXAMPLES, path)
    found["sequence"] = found["sequence"].str.upper()
    check_examples(found, task, path)
    return found.drop(columns="fold") if fold is None else found.assign(fold=fold.to_numpy())


def _read(path: Path) -> pd.DataFrame:
    if not path.name.endswith(".parquet"):
        return read_table(path, TEXT)
    try:
        return pq.read_table(path, partitioning=None).to_pandas()
    except pa.ArrowInvalid as error:
        raise FormatError(f"not a parquet file: {error}", path) from error


def _labels(value: object, task: str) -> object:
    """Labels as an array; what can't be read stays, for `validate` to name its row."""
    if isinstance(value, (int, np.integer)) and task == "sequence":
        return [int(value)]
    if not isinstance(value, str):
        return value
    text = value.strip()
    if task == "token" and text and set(text) <= set("01."):
        return [IGNORED if letter == "." else int(letter) for letter in text]
    try:
        return [int(part) for part in text.split(",")]
    except ValueError:
        return value


def with_folds(table: pd.DataFrame, *, folds: int, how: str | None, seed: int) -> pd.DataFrame:
    """Assign examples to folds: EXAMPLES.

    Parameters
    ----------
    table
        From `read_user_examples`.
    folds, seed
        As of `assign_folds`.
    how
        group, stratified or given; None: given where the table has the column fold, group where
        examples share groups, else stratified.
    """
    if how is None:
        grouped = table["group"].duplicated().any()
        how = "given" if "fold" in table else "group" if grouped else "stratified"
    if how == "given" and "fold" not in table:
        raise FormatError("no column fold; expected one for given folds. Or take group, stratified")
    groups = table["fold"] if how == "given" else table["group"]
    positive = [int((labels == 1).any()) for labels in table["labels"]]
    found = assign_folds(positive, groups, folds=folds, how=how, seed=seed)
    return validate(table.assign(fold=found), EXAMPLES)
