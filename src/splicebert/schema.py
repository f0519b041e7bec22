"""What a table has to look like, and the check that says where it does not."""

from __future__ import annotations

from dataclasses import dataclass, replace
from os import PathLike
from typing import Any

import numpy as np
import pandas as pd

from splicebert.errors import FormatError

DTYPES = (
    *("str", "bool", "int64", "Int64", "int32", "int16", "int8", "float64", "float32"),
    "list<int8>",
)
_BOOLS = {"True": True, "true": True, "False": False, "false": False, True: True, False: False}


@dataclass(frozen=True)
class Column:
    """One column of a table.

    Parameters
    ----------
    name
        Name in the file and in the frame.
    dtype
        One of `DTYPES`: str is Python strings, Int64 the integer of pandas that can be missing,
        list<int8> an array int8 (n,) in every row (parquet only).
    meaning
        What it holds, with unit or coordinate base.
    nullable
        Whether values may be missing (None, NaN; an empty field in TSV).
    minimum
        Smallest number allowed.
    allowed
        Values allowed.
    """

    name: str
    dtype: str
    meaning: str
    nullable: bool = False
    minimum: float | None = None
    allowed: tuple | None = None

    def __post_init__(self) -> None:
        if self.dtype not in DTYPES:
            allowed = ", ".join(DTYPES)
            raise ValueError(
                f"column {self.name}: dtype is {self.dtype!r}, expected one of {allowed}"
            )


@dataclass(frozen=True)
class Schema:
    """The columns of a table, in order.

    Parameters
    ----------
    name
        Name of the table in error messages.
    columns
        The columns that every such table has.
    key
        Columns whose values together are unique; empty for none.
    extra
        Whether further columns are allowed; they come after those of the schema.
    ordered
        Pairs of columns of which the first may not exceed the second, as start and end.
    """

    name: str
    columns: tuple[Column, ...]
    key: tuple[str, ...] = ()
    extra: bool = False
    ordered: tuple[tuple[str, str], ...] = ()

    @property
    def names(self) -> list[str]:
        """Names of the columns, in order."""
        return [column.name for column in self.columns]

    def extend(self, name: str, *columns: Column, **changes: Any) -> Schema:
        """Return a schema with a new name, further columns, and other fields replaced."""
        return replace(self, name=name, columns=self.columns + columns, **changes)

    def empty(self) -> pd.DataFrame:
        """Return a frame of no rows with these columns and dtypes."""
        return pd.DataFrame(
            {c.name: pd.Series([], dtype=_pandas_dtype(c.dtype)) for c in self.columns}
        )


def _pandas_dtype(dtype: str) -> str:
    return "object" if dtype in ("str", "list<int8>") else dtype


def validate(
    frame: pd.DataFrame,
    schema: Schema,
    path: str | PathLike | None = None,
    *,
    first_line: int | None = None,
) -> pd.DataFrame:
    """Check a table against its schema.

    Parameters
    ----------
    frame
        The table; not changed.
    schema
        What it has to look like.
    path
        The file it comes from or goes to, for the message.
    first_line
        1-based line of the first row in a text file; errors then name lines, else 0-based rows.

    Returns
    -------
    DataFrame
        Columns in the order of the schema, extra ones after them; the schema's dtypes; rows
        numbered from 0.

    Raises
    ------
    FormatError
        A column is missing, unknown or of another type; a value is missing, too small or not
        allowed; an interval is inverted; a key is repeated. Names the column, the first row and
        how many there are.
    """
    _check_columns(frame, schema, path)
    fault = _Fault(schema, path, first_line)
    out = {column.name: _coerce(frame[column.name], column, fault) for column in schema.columns}
    for name in frame.columns:
        out.setdefault(name, frame[name].reset_index(drop=True))
    table = pd.DataFrame(out)
    for low, high in schema.ordered:
        wrong = (table[low] > table[high]).fillna(False)
        fault.check(wrong, low, lambda i, a=low, b=high: f"{table[a][i]} exceeds {b} {table[b][i]}")
    if schema.key:
        key = list(schema.key)
        fault.check(
            table.duplicated(key),
            " + ".join(key),
            lambda i: f"{' '.join(map(str, table.loc[i, key]))!r} a second time, expected unique",
        )
    return table


def _check_columns(frame: pd.DataFrame, schema: Schema, path: str | PathLike | None) -> None:
    found = [str(name) for name in frame.columns]
    missing = [name for name in schema.names if name not in found]
    unknown = [] if schema.extra else [name for name in found if name not in schema.names]
    repeated = sorted({name for name in found if found.count(name) > 1})
    for names, what in ((repeated, "repeats"), (missing, "lacks"), (unknown, "has unknown")):
        if names:
            raise FormatError(
                f"table {schema.name} {what} column{'s' * (len(names) > 1)} {', '.join(names)}; "
                f"found {', '.join(found) or 'none'}; expected {', '.join(schema.names)}",
                path,
            )


@dataclass(frozen=True)
class _Fault:
    """Raises for the first row at fault."""

    schema: Schema
    path: str | PathLike | None
    first_line: int | None

    def check(self, wrong: Any, column: str, describe: Any) -> None:
        rows = np.flatnonzero(np.asarray(wrong, dtype=bool))
        if rows.size == 0:
            return
        first = int(rows[0])
        where = f"row {first}: " if self.first_line is None else ""
        line = None if self.first_line is None else first + self.first_line
        more = f" ({rows.size} such rows)" if rows.size > 1 else ""
        raise FormatError(
            f"table {self.schema.name}: {where}column {column}: found {describe(first)}{more}",
            self.path,
            line,
        )


def _show(value: Any) -> str:
    value = value.item() if isinstance(value, np.generic) else value
    return f"{value!r} ({type(value).__name__})"


def _coerce(series: pd.Series, column: Column, fault: _Fault) -> pd.Series:
    """Return the column with its dtype, or raise for its first bad value."""
    series = series.reset_index(drop=True)
    if column.dtype == "str":
        series = series.astype(object)
    null = series.isna()
    if not column.nullable:
        fault.check(null, column.name, lambda i: f"no value, expected {column.dtype}")
    values, good = _convert(series, column.dtype)
    fault.check(
        ~good & ~null,
        column.name,
        lambda i: f"{_show(series[i])}, expected {column.dtype}",
    )
    values = _as_dtype(values, null, column, fault)
    if column.minimum is not None:
        small = (values < column.minimum).fillna(False)
        fault.check(small, column.name, lambda i: f"{values[i]}, expected >= {column.minimum}")
    if column.allowed is not None:
        other = ~values.isin(column.allowed) & ~null
        allowed = ", ".join(map(str, column.allowed))
        fault.check(other, column.name, lambda i: f"{values[i]!r}, expected one of {allowed}")
    return values


def _convert(series: pd.Series, dtype: str) -> tuple[pd.Series, np.ndarray]:
    """Return the values as strings, truths or numbers, and which of them are of that kind."""
    if dtype == "str":
        if pd.api.types.infer_dtype(series, skipna=True) in ("string", "empty"):
            return series, np.ones(len(series), dtype=bool)
        return series, np.array([isinstance(value, str) for value in series], dtype=bool)
    if dtype == "list<int8>":
        lists = [_int8_list(value) for value in series]
        return pd.Series(lists, dtype=object), np.array([v is not None for v in lists], bool)
    if dtype == "bool":
        # A number is no truth, though Python holds 1 == True.
        text = series.map(lambda value: isinstance(value, (str, bool, np.bool_)))
        values = series.where(text).map(_BOOLS)
        return values, values.notna().to_numpy(dtype=bool)
    if pd.api.types.infer_dtype(series, skipna=True) in ("boolean", "datetime64"):
        return series, np.zeros(len(series), dtype=bool)
    values = pd.to_numeric(series, errors="coerce")
    good = values.notna().to_numpy(dtype=bool)
    if dtype.lower().startswith("int") and not pd.api.types.is_integer_dtype(values):
        bounds = values.abs() < 2**53  # past it a float no longer tells neighbours apart
        good &= ((values % 1 == 0) & bounds).fillna(False).to_numpy(dtype=bool)
    return values, good


def _as_dtype(values: pd.Series, null: pd.Series, column: Column, fault: _Fault) -> pd.Series:
    """Cast checked values; integers that the dtype can't hold are at fault."""
    if column.dtype == "str":
        return values.where(~null, None) if null.any() else values
    if column.dtype == "list<int8>":
        return values
    if column.dtype in ("int32", "int16", "int8"):
        limits = np.iinfo(column.dtype)
        fault.check(
            (values < limits.min) | (values > limits.max),
            column.name,
            lambda i: f"{values[i]}, expected {column.dtype}, {limits.min} to {limits.max}",
        )
    return values.astype(column.dtype)


def _int8_list(value: Any) -> np.ndarray | None:
    """Whole numbers of -128 to 127 as int8 (n,); None for anything else."""
    if not isinstance(value, (list, tuple, np.ndarray)):
        return None
    array = np.asarray(value)
    if array.ndim != 1 or (array.size and array.dtype.kind not in "iu"):
        return None
    if array.size and not (array.min() >= -128 and array.max() <= 127):
        return None
    return array.astype(np.int8, copy=False)
