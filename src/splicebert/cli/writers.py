"""What the commands write: TSV, parquet and npz, a piece at a time, complete or not at all."""

from __future__ import annotations

import gzip
import io
import sys
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, NamedTuple, Protocol, TextIO

import numpy as np

from ..errors import SpliceBERTError
from ..tables import FLOAT_FORMAT, atomic_path

STDOUT = "-"
# Values held before they are written as a row group: 64 MB of float32.
GROUP_VALUES = 1 << 24


class Column(NamedTuple):
    """A column of the output.

    kind : "vector" is float32 (rows, width): list<float> in parquet, a column a value in TSV;
        "int?" may be missing (None): a null, an empty field
    first : number of the first of these columns
    """

    name: str
    kind: Literal["str", "int", "int?", "float", "vector"]
    width: int = 1
    first: int = 0


Columns = Mapping[str, Sequence[Any] | np.ndarray]


class Table(Protocol):
    """Something that takes rows."""

    def write(self, columns: Columns) -> None:
        """Append rows: column name -> values, all of one length."""


def check_output(path: str, kinds: Sequence[str]) -> None:
    """Raise SpliceBERTError unless `path` is - or the name of a file of one of `kinds`."""
    if path != STDOUT and not path.endswith(tuple(kinds)):
        raise SpliceBERTError(
            f"output {path}: unknown kind of file; expected a name in {', '.join(kinds)}, or - for "
            "TSV on stdout"
        )
    if path != STDOUT and Path(path).is_dir():
        raise SpliceBERTError(f"output {path}: is a folder; expected the name of a file")


@contextmanager
def open_table(
    path: str,
    columns: Sequence[Column],
    *,
    metadata: Mapping[bytes, bytes] | None = None,
    group_values: int | None = None,
) -> Iterator[Table]:
    """Open a table to write: .parquet, .tsv, .tsv.gz or - for stdout.

    Parameters
    ----------
    path, columns
        The file and its columns.
    metadata
        Of a parquet file.
    group_values
        Values of a row group of a parquet file, which are held until it is written; None:
        `GROUP_VALUES`.

    Yields
    ------
    Table
        A file appears under `path` when the block ends, and not at all when it raises.
    """
    if path == STDOUT:
        with TsvTable(sys.stdout, columns) as table:
            yield table
        return
    with atomic_path(path) as temporary:
        if path.endswith(".parquet"):
            options = {"metadata": metadata, "group_values": group_values}
            with ParquetTable(temporary, columns, **options) as table:
                yield table
        else:
            with _open_text(temporary, path) as handle, TsvTable(handle, columns) as table:
                yield table


@contextmanager
def _open_text(temporary: Path, path: str) -> Iterator[TextIO]:
    with temporary.open("wb") as raw:
        if not path.endswith(".gz"):
            with io.TextIOWrapper(raw, encoding="utf-8", newline="\n") as text:
                yield text
            return
        # Neither the time nor the temporary name goes into the gzip header.
        with (
            gzip.GzipFile("", "wb", 6, raw, mtime=0) as packed,
            io.TextIOWrapper(packed, encoding="utf-8", newline="\n") as text,
        ):
            yield text


class TsvTable:
    """Tab-separated rows; 6 significant digits of a float, an empty field for NaN."""

    def __init__(self, handle: TextIO, columns: Sequence[Column]) -> None:
        self._handle = handle
        self._columns = columns
        names, formats = [], []
        for column in columns:
            numbers = range(column.first, column.first + column.width)
            vector = column.kind == "vector"
            names += [f"{column.name}_{i}" for i in numbers] if vector else [column.name]
            form = {"str": "%s", "int": "%d", "int?": "%s"}.get(column.kind, FLOAT_FORMAT)
            formats += [form] * (column.width if vector else 1)
        self._row = "\t".join(formats) + "\n"
        self._header = "\t".join(names) + "\n"

    def __enter__(self) -> TsvTable:
        return self

    def __exit__(self, kind: object, *exc: object) -> None:
        if kind is None:
            self._write_header()

    def _write_header(self) -> None:
        """Write the names of the columns, once: not before a row, so that none stands alone."""
        self._handle.write(self._header)
        self._header = ""

    def write(self, columns: Columns) -> None:
        """Append rows."""
        self._write_header()
        fields: list[list] = []
        missing = False
        for column in self._columns:
            values = columns[column.name]
            if column.kind in ("float", "vector"):
                values = np.asarray(values)
                missing |= bool(np.isnan(values).any())
            if column.kind == "int?":
                values = ["" if value is None else value for value in values]
            if column.kind == "vector":
                fields += values.T.tolist()
            else:
                fields.append(values.tolist() if isinstance(values, np.ndarray) else values)
        rows = [self._row % row for row in zip(*fields, strict=True)]
        self._handle.writelines(map(_blank, rows) if missing else rows)


def _blank(row: str) -> str:
    """Empty the fields that are NaN."""
    fields = row.rstrip("\n").split("\t")
    return "\t".join("" if field == "nan" else field for field in fields) + "\n"


class ParquetTable:
    """Row groups of a parquet file; NaN in a float column is a null."""

    def __init__(
        self,
        path: Path,
        columns: Sequence[Column],
        *,
        metadata: Mapping[bytes, bytes] | None = None,
        group_values: int | None = None,
    ) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        types = {
            "str": pa.string(),
            "int": pa.int64(),
            "int?": pa.int64(),
            "float": pa.float64(),
            "vector": pa.list_(pa.float32()),
        }
        self._pa = pa
        self._columns = columns
        self._schema = pa.schema(
            [(column.name, types[column.kind]) for column in columns], metadata
        )
        self._group_values = group_values or GROUP_VALUES
        text = [column.name for column in columns if column.kind == "str"]
        self._writer = pq.ParquetWriter(
            path, self._schema, compression="zstd", use_dictionary=text or False
        )
        self._held: list[Any] = []
        self._values = 0

    def __enter__(self) -> ParquetTable:
        return self

    def __exit__(self, kind: object, *exc: object) -> None:
        if kind is None:
            self._flush()
        self._writer.close()

    def write(self, columns: Columns) -> None:
        """Append rows; a row group is written when enough have come together."""
        arrays = [self._array(column, columns[column.name]) for column in self._columns]
        self._held.append(self._pa.record_batch(arrays, schema=self._schema))
        self._values += len(arrays[0]) * sum(column.width for column in self._columns)
        if self._values >= self._group_values:
            self._flush()

    def _array(self, column: Column, values: Sequence[Any] | np.ndarray) -> Any:
        pa = self._pa
        if column.kind != "vector":
            type_ = self._schema.field(column.name).type
            return pa.array(values, type_, from_pandas=column.kind == "float")
        matrix = np.ascontiguousarray(values, np.float32)
        starts = np.arange(len(matrix) + 1, dtype=np.int32) * column.width
        return pa.ListArray.from_arrays(pa.array(starts), pa.array(matrix.ravel()))

    def _flush(self) -> None:
        if self._held:
            self._writer.write_table(self._pa.Table.from_batches(self._held, self._schema))
        self._held, self._values = [], 0


class NpzFile:
    """An .npz written an array at a time, so that only one is in memory."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive

    def write(self, name: str, array: np.ndarray) -> None:
        """Append an array; no pickles."""
        with self._archive.open(f"{name}.npy", "w", force_zip64=True) as handle:
            np.lib.format.write_array(handle, np.asanyarray(array), allow_pickle=False)


@contextmanager
def open_npz(path: str) -> Iterator[NpzFile]:
    """Open an .npz to write; it appears when the block ends, and not at all when it raises."""
    with atomic_path(path) as temporary, zipfile.ZipFile(temporary, "w") as archive:
        yield NpzFile(archive)
