"""Which annotated feature covers each base of a window: a bases x features matrix.

Coordinates are 0-based half-open on the forward strand. A `FeatureIndex` sorts and merges the
features once; windows then come in any order and number, whole or in chunks.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from splicebert.errors import FormatError

try:
    from splicebert._intervals import merge_sorted, paint
except ImportError as error:
    raise ImportError(
        "splicebert._intervals is not compiled for this Python, or is older than its source; "
        "compile it in the repository: `snakemake --cores 1 compile_extension`, or "
        f"`pip install --no-build-isolation -e .` ({error})"
    ) from error

__all__ = ["FeatureIndex", "paint_features"]

FEATURE_COLUMNS = ("chrom", "start", "end", "name")
WINDOW_COLUMNS = ("chrom", "start", "end")


class _Windows(NamedTuple):
    """Checked windows: contig code (-1 = no features), start, flip (all (n,)), common length."""

    contig: np.ndarray
    start: np.ndarray
    flip: np.ndarray
    length: int


class FeatureIndex:
    """Features sorted and merged for painting any number of windows.

    Features of one name that overlap or touch are merged, so memory and time don't grow with the
    number of transcripts that share an exon. The index never changes after it is made and the
    painting releases the GIL: threads may share one.

    Parameters
    ----------
    features : DataFrame
        Columns chrom, start, end (integers, 0-based half-open) and name, in any order, with any
        others. Features with start == end cover nothing.
    names : sequence of str
        Every feature name, in the order of the matrix's columns.

    Raises
    ------
    FormatError
        A column is missing or not of integers, a start is negative or after its end, or a
        feature's name is not in ``names``.

    Examples
    --------
    >>> features = pd.DataFrame({"chrom": ["chr1"], "start": [2], "end": [4], "name": ["CDS"]})
    >>> windows = pd.DataFrame({"chrom": ["chr1"], "start": [1], "end": [6]})
    >>> FeatureIndex(features, ["CDS"]).paint(windows)[0, :, 0]
    array([0, 1, 1, 0, 0], dtype=uint8)
    """

    def __init__(self, features: pd.DataFrame, names: Sequence[str]) -> None:
        self.names = tuple(names)
        column = _name_columns(features, self.names)
        start, end = _coordinates(features, "features")
        _refuse(start < 0, features, "features", "a start below 0; starts are 0-based")
        contig, contigs = pd.factorize(features["chrom"])
        _refuse(contig < 0, features, "features", "no chrom")
        self._contigs = pd.Index(contigs)
        group = contig.astype(np.int64) * len(self.names) + column
        self._offsets, self._starts, self._ends = _merge(
            group, start, end, len(self._contigs) * len(self.names)
        )

    def paint(self, windows: pd.DataFrame, *, strand_aware: bool = False) -> np.ndarray:
        """Mark the bases of each window that each feature covers.

        Parameters
        ----------
        windows : DataFrame
            Columns chrom, start, end (integers, 0-based half-open, one common length) and, where
            ``strand_aware``, strand. A window may begin below 0 or run past its contig: no
            feature lies there.
        strand_aware
            Turn windows on ``-`` to 5'->3': base p becomes L - 1 - p.

        Returns
        -------
        ndarray
            uint8 (n_windows, length, n_names), 0 or 1, rows in the order of ``windows``, columns
            in the order of ``names``; (0, 0, n_names) without windows.

        Raises
        ------
        FormatError
            A column is missing or not of integers, a window's start is after its end, lengths
            differ, a strand is not + or -, or contigs are spelt otherwise than in the features.
        """
        return self._paint(self._check_windows(windows, strand_aware))

    def paint_chunks(
        self, windows: pd.DataFrame, *, chunk_size: int = 1_000, strand_aware: bool = False
    ) -> Iterator[tuple[slice, np.ndarray]]:
        """Paint windows a chunk at a time, for more windows than fit in memory.

        All windows are checked before the first chunk is painted. Parameters, errors and matrix
        are those of `paint`; 1,000 windows of 510 nt and 12 names are 6 MB.

        Yields
        ------
        rows : slice
            The chunk's rows of ``windows``.
        matrix : ndarray
            uint8 (rows, length, n_names): ``index.paint(windows.iloc[rows])``.
        """
        if chunk_size < 1:
            raise ValueError(f"chunk_size is {chunk_size}; it must be at least 1")
        checked = self._check_windows(windows, strand_aware)
        # A generator expression, not a `yield`: the checks above run at the call.
        return (
            (rows, self._paint(_take(checked, rows)))
            for rows in (
                slice(left, min(left + chunk_size, len(windows)))
                for left in range(0, len(windows), chunk_size)
            )
        )

    def _paint(self, windows: _Windows) -> np.ndarray:
        shape = (len(windows.start), windows.length, len(self.names))
        matrix = np.zeros(shape, dtype=np.uint8)
        paint(
            self._offsets,
            self._starts,
            self._ends,
            windows.contig,
            windows.start,
            windows.flip,
            matrix,
        )
        return matrix

    def _check_windows(self, windows: pd.DataFrame, strand_aware: bool) -> _Windows:
        columns = (*WINDOW_COLUMNS, "strand") if strand_aware else WINDOW_COLUMNS
        _require_columns(windows, columns, "windows")
        start, end = _coordinates(windows, "windows")
        contig = self._contigs.get_indexer(pd.Index(windows["chrom"])).astype(np.int64)
        self._refuse_other_spelling(windows["chrom"][contig < 0])
        flip = _flips(windows) if strand_aware else np.zeros(len(windows), dtype=np.uint8)
        return _Windows(contig, start, flip, _common_length(start, end))

    def _refuse_other_spelling(self, absent: pd.Series) -> None:
        """A contig without features is fine; '1' where the features say 'chr1' is a mistake."""
        for chrom in absent.unique():
            text = str(chrom)
            other = text.removeprefix("chr") if text.startswith("chr") else f"chr{text}"
            if other in self._contigs:
                raise FormatError(
                    f"windows: contig {text!r} has no features, but {other!r} has; spell contigs "
                    "alike in both"
                )


def paint_features(
    features: pd.DataFrame,
    windows: pd.DataFrame,
    names: Sequence[str],
    *,
    strand_aware: bool = False,
) -> np.ndarray:
    """Mark the bases of each window that each feature covers.

    For several sets of windows make one `FeatureIndex`, which documents the parameters and
    errors, and call its `paint` or `paint_chunks`.

    Parameters
    ----------
    features : DataFrame
        Columns chrom, start, end (0-based half-open) and name.
    windows : DataFrame
        Columns chrom, start, end (0-based half-open, one length) and, if ``strand_aware``, strand.
    names : sequence of str
        Every feature name, in the order of the matrix's columns.
    strand_aware
        Turn windows on ``-`` to 5'->3'.

    Returns
    -------
    ndarray
        uint8 (n_windows, length, n_names), 0 or 1, rows in the order of ``windows``.
    """
    return FeatureIndex(features, names).paint(windows, strand_aware=strand_aware)


def _merge(
    group: np.ndarray, start: np.ndarray, end: np.ndarray, n_groups: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Sort by group and start, then unite: offsets (n_groups + 1,), starts, ends (n_merged,)."""
    kept = start < end
    group, start, end = group[kept], start[kept], end[kept]
    order = np.lexsort((start, group))
    offsets = np.zeros(n_groups + 1, dtype=np.int64)
    starts, ends = np.empty_like(start), np.empty_like(end)
    count = merge_sorted(group[order], start[order], end[order], offsets, starts, ends)
    return offsets, starts[:count].copy(), ends[:count].copy()


def _name_columns(features: pd.DataFrame, names: tuple[str, ...]) -> np.ndarray:
    """Column of each feature's name, int64 (n_features,)."""
    _require_columns(features, FEATURE_COLUMNS, "features")
    order = pd.Index(names, dtype=object)
    if not order.is_unique:
        raise FormatError(f"names: {order[order.duplicated()][0]!r} is there twice; name each once")
    column = order.get_indexer(pd.Index(features["name"])).astype(np.int64)
    unknown = features["name"][column < 0].unique()
    if len(unknown):
        known = ", ".join(map(repr, names[:20])) or "none"
        _refuse(
            column < 0,
            features,
            "features",
            f"a name that is not in names, {len(unknown)} such names in all; expected one of "
            f"{known}; add it to names or drop these features",
        )
    return column


def _require_columns(table: pd.DataFrame, columns: Sequence[str], what: str) -> None:
    missing = [column for column in columns if column not in table.columns]
    if missing:
        raise FormatError(
            f"{what}: no column {', '.join(missing)}; found {', '.join(map(str, table.columns))}; "
            f"needed {', '.join(columns)}"
        )


def _coordinates(table: pd.DataFrame, what: str) -> tuple[np.ndarray, np.ndarray]:
    """Start and end, each a contiguous int64 (n,), checked to be start <= end."""
    for column in ("start", "end"):
        # An empty table read from nothing has object columns: nothing to refuse in it.
        if len(table) and not pd.api.types.is_integer_dtype(table[column]):
            raise FormatError(
                f"{what}: column {column} is {table[column].dtype}, expected integers (0-based "
                "half-open); look for missing or fractional values"
            )
        _refuse(table[column].isna().to_numpy(), table, what, f"no {column}")
    start = table["start"].to_numpy(dtype=np.int64)
    end = table["end"].to_numpy(dtype=np.int64)
    _refuse(start > end, table, what, "its start after its end; expected 0-based half-open")
    return np.ascontiguousarray(start), np.ascontiguousarray(end)


def _common_length(start: np.ndarray, end: np.ndarray) -> int:
    lengths, counts = np.unique(end - start, return_counts=True)
    if len(lengths) > 1:
        usual = lengths[counts.argmax()]
        row = int(np.flatnonzero(end - start != usual)[0])
        raise FormatError(
            f"windows: {len(lengths)} different lengths; row {row} (0-based) has "
            f"{end[row] - start[row]} nt where most have {usual}; paint each length on its own"
        )
    return int(lengths[0]) if len(lengths) else 0


def _flips(windows: pd.DataFrame) -> np.ndarray:
    """1 where a window is on the reverse strand, uint8 (n_windows,)."""
    strand = windows["strand"].to_numpy()
    _refuse(
        ~np.isin(strand, ["+", "-"]),
        windows,
        "windows",
        "a strand that is neither + nor -; give one, or use strand_aware=False",
    )
    return (strand == "-").astype(np.uint8)


def _refuse(bad: np.ndarray, table: pd.DataFrame, what: str, problem: str) -> None:
    """Raise for the first bad row, naming it and how many there are."""
    if not bad.any():
        return
    row = int(np.flatnonzero(bad)[0])
    shown = [c for c in ("chrom", "start", "end", "name", "strand") if c in table.columns]
    record = " ".join(f"{column}={table[column].iloc[row]}" for column in shown)
    raise FormatError(
        f"{what}: {int(bad.sum())} of {len(table)} rows have {problem}; the first is row {row} "
        f"(0-based): {record}"
    )


def _take(windows: _Windows, rows: slice) -> _Windows:
    return _Windows(windows.contig[rows], windows.start[rows], windows.flip[rows], windows.length)
