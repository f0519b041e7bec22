"""Records of a VCF, streamed: one in memory at a time, errors with file and line."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from os import PathLike
from typing import NamedTuple

from .errors import FormatError
from .textfile import open_lines

COLUMNS = b"#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO"


class Record(NamedTuple):
    """A line of a VCF.

    number : of the record in the file, from 1
    line : of the file, from 1
    chrom, id, ref : as written
    start : 0-based position of the first base of REF
    alts : alternatives as written; a dot where there is none
    info : as written
    """

    number: int
    line: int
    chrom: str
    start: int
    id: str
    ref: str
    alts: tuple[str, ...]
    info: str


class Survey(NamedTuple):
    """What a first pass over a VCF finds.

    records : how many there are
    unsorted : 1-based line of the first record that lies before the one above it, or whose contig
        came before another one; 0 where there is none
    """

    records: int
    unsorted: int


def read_records(path: str | PathLike) -> Iterator[Record]:
    """Stream the records of a VCF: plain, gzip or bgzip; samples are left out.

    Raises
    ------
    FormatError
        Names the file and the 1-based line: no `#CHROM` line before the records, fewer than 8
        columns, POS that is no whole number of 1 or more, no REF or ALT, text that is not UTF-8;
        no line at all; and what `open_lines` says of damaged files.
    """
    known, line = False, 0
    numbers = itertools.count(1)
    for line, raw in open_lines(path):
        if raw.startswith(b"#"):
            known = known or _is_header(raw, path, line)
        elif raw.strip():
            if not known:
                raise FormatError(
                    "a record before any header line, expected a line that begins with '#CHROM' "
                    "and the names of the columns",
                    path,
                    line,
                )
            yield _parse(raw, next(numbers), path, line)
    if not known:
        raise FormatError(f"holds no '#CHROM' line ({line} lines); expected a VCF", path)


def _is_header(raw: bytes, path: str | PathLike, line: int) -> bool:
    if not raw.startswith(b"#CHROM"):
        return False
    if raw.rstrip(b"\r\n").split(b"\t")[:8] == COLUMNS.split(b"\t"):
        return True
    found = raw.decode(errors="replace").strip()
    raise FormatError(f"the header is {found!r}, expected {COLUMNS.decode()!r}", path, line)


def _parse(raw: bytes, number: int, path: str | PathLike, line: int) -> Record:
    fields = raw.rstrip(b"\r\n").split(b"\t", 8)
    if len(fields) < 8:
        raise FormatError(
            f"found {len(fields)} tab-separated fields, a VCF record needs 8", path, line
        )
    try:
        chrom, pos, name, ref, alt, _, _, info = (field.decode() for field in fields[:8])
    except UnicodeDecodeError as error:
        raise FormatError("not UTF-8 text; convert it with iconv", path, line) from error
    if not (pos.isascii() and pos.isdigit() and int(pos) > 0):
        raise FormatError(f"POS is {pos!r}, expected a whole number of 1 or more", path, line)
    if not (ref.isascii() and ref.isalpha()):
        raise FormatError(f"REF is {ref!r}, expected bases", path, line)
    if not alt:
        raise FormatError("ALT is empty, expected bases, or a dot for none", path, line)
    return Record(number, line, chrom, int(pos) - 1, name, ref, tuple(alt.split(",")), info)


def survey(path: str | PathLike) -> Survey:
    """Read a VCF once: how many records, and are they sorted? Errors: see `read_records`."""
    count, unsorted = 0, 0
    seen: set[str] = set()
    chrom, start = "", 0
    for record in read_records(path):
        count += 1
        if record.chrom != chrom:
            unsorted = unsorted or (record.line if record.chrom in seen else 0)
            seen.add(record.chrom)
        elif record.start < start:
            unsorted = unsorted or record.line
        chrom, start = record.chrom, record.start
    return Survey(count, unsorted)


def shard_bounds(records: int, shard: int, shards: int) -> tuple[int, int]:
    """First and last record number of a shard (from 1) of a VCF; none where the last is lower.

    Consecutive records, so that the shards' outputs behind one another are the whole's.
    """
    return records * (shard - 1) // shards + 1, records * shard // shards


def take(records: Iterable[Record], bounds: tuple[int, int]) -> Iterator[Record]:
    """Records whose number lies within `bounds`, both included."""
    return itertools.islice(records, bounds[0] - 1, max(bounds[1], bounds[0] - 1))
