"""Big per-window arrays: one zip of zarr arrays, written in chunks, windows known by their id."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import zarr

from .errors import FormatError, SpliceBERTError

ID_ARRAY = "window_id"


def _pack(ids: Sequence[str]) -> np.ndarray:
    """Ids as uint8 (n, longest): zarr has no settled format for strings yet."""
    raw = np.array([str(i).encode() for i in ids])
    return raw.view(np.uint8).reshape(len(raw), -1) if len(raw) else np.zeros((0, 1), np.uint8)


def _unpack(packed: np.ndarray) -> np.ndarray:
    width = packed.shape[1]
    raw = np.ascontiguousarray(packed).view(f"S{width}").reshape(-1)
    return np.array([value.decode() for value in raw], dtype=object)


class ArrayWriter:
    """Writes arrays whose first axis is the window, row by row, in bounded memory.

    Parameters
    ----------
    path
        A .zarr.zip file; write to a temporary name (`tables.atomic_path`).
    window_ids
        Id of each window, in row order.
    fields
        name -> (shape of one row, dtype).
    chunk
        Windows a chunk.
    attributes
        JSON values kept with the arrays.
    """

    def __init__(
        self,
        path: str | PathLike,
        window_ids: Sequence[str],
        fields: Mapping[str, tuple[tuple[int, ...], Any]],
        *,
        chunk: int = 256,
        attributes: Mapping[str, Any] | None = None,
    ) -> None:
        self._store = zarr.storage.ZipStore(Path(path), mode="w")
        group = zarr.create_group(self._store, attributes=dict(attributes or {}))
        packed = _pack(window_ids)
        ids = group.create_array(ID_ARRAY, shape=packed.shape, dtype="uint8", chunks=packed.shape)
        ids[:] = packed
        self._n, self._chunk, self._row = len(window_ids), chunk, 0
        self._arrays, self._buffer = {}, {}
        for name, (shape, dtype) in fields.items():
            rows = max(1, min(chunk, self._n))
            self._arrays[name] = group.create_array(
                name, shape=(self._n, *shape), chunks=(rows, *shape), dtype=dtype
            )
            self._buffer[name] = np.empty((chunk, *shape), dtype)

    def __enter__(self) -> ArrayWriter:
        return self

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        try:
            if kind is None:
                self.close()
        finally:
            self._store.close()

    def append(self, **values: np.ndarray) -> None:
        """Add the next window: one row of each field."""
        if set(values) != set(self._arrays):
            raise SpliceBERTError(f"fields {sorted(values)}; expected {sorted(self._arrays)}")
        if self._row == self._n:
            raise SpliceBERTError(f"more rows than the {self._n} windows")
        for name, value in values.items():
            expected = self._buffer[name].shape[1:]
            if np.shape(value) != expected:
                raise SpliceBERTError(f"{name}: a row of {np.shape(value)}; expected {expected}")
        for name, value in values.items():
            self._buffer[name][self._row % self._chunk] = value
        self._row += 1
        if self._row % self._chunk == 0:
            self._flush()

    def _flush(self) -> None:
        filled = self._row % self._chunk or self._chunk
        for name, array in self._arrays.items():
            array[self._row - filled : self._row] = self._buffer[name][:filled]

    def close(self) -> None:
        """Write what is left; SpliceBERTError where rows are missing."""
        if self._row != self._n:
            raise SpliceBERTError(f"{self._row} rows were written; expected {self._n}")
        if self._row % self._chunk:
            self._flush()


class ArrayReader:
    """Reads what `ArrayWriter` wrote.

    Attributes
    ----------
    window_ids : object (n,), str
    attributes : dict
    """

    def __init__(self, path: str | PathLike) -> None:
        self.path = Path(path)
        try:
            self._store = zarr.storage.ZipStore(self.path, mode="r")
            self._group = zarr.open_group(self._store, mode="r")
        except (zipfile.BadZipFile, FileNotFoundError) as error:
            raise FormatError(f"not a zarr zip of window arrays: {error}", path) from error
        self.attributes = dict(self._group.attrs)
        self.window_ids = _unpack(self._group[ID_ARRAY][:])

    def __enter__(self) -> ArrayReader:
        return self

    def __exit__(self, *exc: object) -> None:
        self._store.close()

    def __len__(self) -> int:
        return len(self.window_ids)

    def __contains__(self, name: str) -> bool:
        return name in self._group

    def read(self, name: str, rows: slice = slice(None)) -> np.ndarray:
        """Return the rows of one array, (rows, ...)."""
        if name not in self._group:
            raise FormatError(f"no array {name!r}; it holds {sorted(self._group)}", self.path)
        return self._group[name][rows]

    def require_same_windows(self, other: ArrayReader) -> None:
        """Raise FormatError unless both hold the same windows in the same order."""
        if not np.array_equal(self.window_ids, other.window_ids):
            raise FormatError(
                f"its {len(self)} windows are not the {len(other)} of {other.path}; "
                "delete the older file and run again",
                self.path,
            )


class ShardReader:
    """Reads the files of all shards, in order, as if they were one.

    Attributes
    ----------
    window_ids : object (n,), str
    attributes : dict, of the first shard
    """

    def __init__(self, paths: Sequence[str | PathLike]) -> None:
        with ExitStack() as opened:
            self._readers = [opened.enter_context(ArrayReader(path)) for path in paths]
            self._stack = opened.pop_all()
        self.attributes = self._readers[0].attributes
        self.window_ids = np.concatenate([reader.window_ids for reader in self._readers])

    def __enter__(self) -> ShardReader:
        return self

    def __exit__(self, *exc: object) -> None:
        self._stack.close()

    def __len__(self) -> int:
        return len(self.window_ids)

    def read(self, name: str) -> np.ndarray:
        """Return one array of all windows."""
        return np.concatenate([reader.read(name) for reader in self._readers])

    def require_same_windows(self, other: ArrayReader) -> None:
        """Raise FormatError unless the shards together hold the windows of another file."""
        if not np.array_equal(self.window_ids, other.window_ids):
            raise FormatError(
                f"the {len(self)} windows of {len(self._readers)} shards are not the {len(other)} "
                f"of {other.path}; delete the older files and run again",
                self._readers[0].path,
            )
