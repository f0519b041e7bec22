"""Tab-separated text, plain, gzip or bgzip, with errors that name the file and the line."""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Callable, Iterator, Sequence
from os import PathLike
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv
from numpy.typing import ArrayLike

from splicebert.errors import FormatError

GZIP_SUFFIXES = (".gz", ".bgz")
_GZIP_MAGIC = b"\x1f\x8b"
_BGZIP_EOF = bytes.fromhex("1f8b08040000000000ff0600424302001b0003000000000000000000")
_GZIP_ERRORS = (EOFError, zlib.error, gzip.BadGzipFile)


class Lines(NamedTuple):
    """A text file in memory, split into lines.

    Attributes
    ----------
    path : Path
        The file, for error messages.
    data : bytes
        The decompressed text; every line ends in a line feed.
    starts, ends : int64 (lines,)
        Offsets of each line's first byte and of its line feed.
    fields : int64 (lines,)
        Number of tab-separated fields of each line.
    """

    path: Path
    data: bytes
    starts: np.ndarray
    ends: np.ndarray
    fields: np.ndarray

    def text(self, row: int) -> bytes:
        """Return the line at 0-based `row`, without its line feed."""
        return self.data[self.starts[row] : self.ends[row]]


def _is_gzip(path: Path) -> bool:
    with open(path, "rb") as handle:
        head = handle.read(18)
        if head[:2] != _GZIP_MAGIC:
            if head and path.suffix in GZIP_SUFFIXES:
                raise FormatError(
                    f"not a gzip file although its name ends in {path.suffix}; compress it with "
                    "bgzip or remove the ending",
                    path,
                )
            return False
        # A bgzip file cut between two blocks is a valid gzip file; only its last block tells.
        if head[12:14] == b"BC":
            handle.seek(-min(len(_BGZIP_EOF), path.stat().st_size), io.SEEK_END)
            if handle.read() != _BGZIP_EOF:
                raise FormatError(
                    "truncated: the end-of-file block of bgzip is missing; copy the file again",
                    path,
                )
    return True


def _gzip_error(error: Exception, path: Path, line: int | None = None) -> FormatError:
    what = "truncated gzip file" if isinstance(error, EOFError) else f"damaged gzip file ({error})"
    return FormatError(f"{what}; copy or download the file again", path, line)


def open_lines(path: str | PathLike) -> Iterator[tuple[int, bytes]]:
    """Stream a text file: plain, gzip or bgzip, told by its first bytes.

    Yields
    ------
    tuple of int and bytes
        1-based line number; the line with its line end.

    Raises
    ------
    FormatError
        The file is truncated or damaged, or is not gzip although its name ends in .gz.
    """
    path = Path(path)
    number = 0
    with gzip.open(path) if _is_gzip(path) else open(path, "rb") as handle:
        try:
            for number, line in enumerate(handle, start=1):
                yield number, line
        except _GZIP_ERRORS as error:
            raise _gzip_error(error, path, number + 1) from error


def read_bytes(path: str | PathLike) -> bytes:
    """Read a whole file, decompressed; the errors are those of `open_lines`."""
    path = Path(path)
    try:
        with gzip.open(path) if _is_gzip(path) else open(path, "rb") as handle:
            return handle.read()
    except _GZIP_ERRORS as error:
        raise _gzip_error(error, path) from error


def split_lines(path: str | PathLike) -> Lines:
    """Read a text file, plain, gzip or bgzip, and find its lines and fields.

    Raises
    ------
    FormatError
        As `open_lines`; also text that is not UTF-8, and lines that end in CR LF or CR.
    """
    path = Path(path)
    data = read_bytes(path)
    if data and not data.endswith(b"\n"):
        data += b"\n"
    _check_text(data, path)
    codes = np.frombuffer(data, dtype=np.uint8)
    ends = np.flatnonzero(codes == ord("\n"))
    starts = np.concatenate([[0], ends[:-1] + 1]) if ends.size else ends
    line_of_tab = np.searchsorted(ends, np.flatnonzero(codes == ord("\t")))
    fields = np.bincount(line_of_tab, minlength=ends.size) + 1
    return Lines(path, data, starts, ends, fields[: ends.size])


def _check_text(data: bytes, path: Path) -> None:
    """Refuse carriage returns and bytes that are not UTF-8."""
    at = data.find(b"\r")
    if at >= 0:
        raise FormatError(
            "the line ends in CR LF (a Windows line end), expected LF alone; convert the file "
            "with dos2unix or `sed 's/\\r$//'`",
            path,
            data.count(b"\n", 0, at) + 1,
        )
    if data.isascii():
        return
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise FormatError(
            f"not UTF-8 text: found byte 0x{data[error.start]:02x}; convert it with iconv",
            path,
            data.count(b"\n", 0, error.start) + 1,
        ) from error


def record_rows(lines: Lines, keywords: Sequence[bytes] = ()) -> np.ndarray:
    """Find the lines that hold a record.

    Parameters
    ----------
    lines
        A file.
    keywords
        First words of more lines to leave out, as `track` in BED.

    Returns
    -------
    int64 (records,)
        0-based rows that are not blank and begin neither with `#` nor with a keyword.

    Raises
    ------
    FormatError
        No line holds a record.
    """
    if lines.starts.size:
        first = np.frombuffer(lines.data, dtype=np.uint8)[lines.starts]
        keep = (first != ord("#")) & (lines.ends > lines.starts)
        letters = [word[0] for word in keywords] + [ord(" "), ord("\t")]
        for row in np.flatnonzero(keep & np.isin(first, letters)):
            words = lines.text(row).split(None, 1)
            keep[row] = bool(words) and words[0] not in keywords
        rows = np.flatnonzero(keep)
        if rows.size:
            return rows
    raise FormatError(
        f"holds no records ({lines.starts.size} lines, all blank or comments)", lines.path
    )


def check_field_count(lines: Lines, rows: np.ndarray, minimum: int, what: str) -> int:
    """Return the number of fields of the records, the same in each and at least `minimum`.

    Raises
    ------
    FormatError
        A record has fewer fields, or not as many as the first one, or has blanks for tabs.
    """
    counts = lines.fields[rows]
    wrong = np.flatnonzero((counts < minimum) | (counts != counts[0]))
    if wrong.size == 0:
        return int(counts[0])
    row, found = int(rows[wrong[0]]), int(counts[wrong[0]])
    expected = f"at least {minimum}" if found < minimum else f"{counts[0]}, as in the first record"
    blanks = ""
    if found < minimum and len(lines.text(row).split()) >= minimum:
        blanks = "; the fields are separated by spaces, expected tabs"
    raise FormatError(
        f"found {found} tab-separated field{'s' * (found != 1)}, {what} needs {expected}{blanks}",
        lines.path,
        row + 1,
    )


def parse_records(
    lines: Lines, rows: np.ndarray, names: Sequence[str], integers: Sequence[str] = ()
) -> pd.DataFrame:
    """Split the records into columns.

    Parameters
    ----------
    lines
        A file.
    rows
        0-based rows of the records, each with `len(names)` fields (see `check_field_count`).
    names
        A name for each field.
    integers
        Fields that hold whole numbers.

    Returns
    -------
    DataFrame
        int64 for the `integers`, str for the others; row i comes from line `rows[i] + 1`.

    Raises
    ------
    FormatError
        A field of `integers` is not a whole number; names the first line and the count.
    """
    types = {name: pa.int64() if name in integers else pa.string() for name in names}
    try:
        return _parse(lines, rows, types)
    except pa.ArrowInvalid:
        frame = _parse(lines, rows, dict.fromkeys(names, pa.string()))
    text = "{} is {!r}, expected a whole number"
    for name in integers:
        wrong = ~frame[name].str.fullmatch(r"-?\d{1,18}")
        raise_first(wrong, lines, rows, lambda i, f=name: text.format(f, frame[f][i]))
        frame[name] = frame[name].astype("int64")
    return frame


def _parse(lines: Lines, rows: np.ndarray, types: dict[str, pa.DataType]) -> pd.DataFrame:
    data = lines.data
    if rows.size < lines.starts.size:
        # Copy runs of consecutive records rather than lines: files are mostly one run.
        runs = np.split(rows, np.flatnonzero(np.diff(rows) > 1) + 1)
        data = b"".join(data[lines.starts[r[0]] : lines.ends[r[-1]] + 1] for r in runs)
    longest = int((lines.ends - lines.starts).max()) + 1
    table = pyarrow.csv.read_csv(
        pa.py_buffer(data),
        read_options=pyarrow.csv.ReadOptions(
            column_names=list(types), block_size=max(1 << 24, longest)
        ),
        parse_options=pyarrow.csv.ParseOptions(
            delimiter="\t", quote_char=False, ignore_empty_lines=False
        ),
        convert_options=pyarrow.csv.ConvertOptions(
            column_types=types, null_values=[], strings_can_be_null=False
        ),
    )
    return table.to_pandas()


def raise_first(
    wrong: ArrayLike, lines: Lines, rows: np.ndarray, describe: Callable[[int], str]
) -> None:
    """Raise a FormatError for the first record marked in `wrong`, if there is one.

    Parameters
    ----------
    wrong : bool (records,)
        True where a record is at fault.
    lines, rows
        The file and the 0-based rows of its records.
    describe
        Function of a record's index; returns what was found and what was expected.
    """
    culprits = np.flatnonzero(np.asarray(wrong, dtype=bool))
    if culprits.size:
        more = f" ({culprits.size} such lines)" if culprits.size > 1 else ""
        first = int(culprits[0])
        raise FormatError(describe(first) + more, lines.path, int(rows[first]) + 1)
