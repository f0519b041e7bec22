"""What the commands read: sequences from FASTA, or from the intervals of a BED and a genome."""

from __future__ import annotations

import argparse
import gzip
import io
import logging
import os
import re
import shutil
import stat
import sys
import tempfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import BinaryIO, NamedTuple

from ..bed import read_bed
from ..errors import FormatError, SpliceBERTError
from ..genome import Genome
from ..sites import centred_window
from ..textfile import open_lines

log = logging.getLogger(__name__)
STDIN = "standard input"
_OTHER = re.compile(r"[^ACGTUNacgtun]")


class Record(NamedTuple):
    """One sequence.

    id : unique in the input
    sequence : 5'->3', as written
    """

    id: str
    sequence: str


def open_records(args: argparse.Namespace, allowed: str = "") -> Iterator[Record]:
    """Read the sequences that a command was given, lazily.

    Parameters
    ----------
    args
        fasta, bed, genome and length of `options.add_sequence_input`.
    allowed
        Letters besides A, C, G, T, U and N that mean something to the command.

    Raises
    ------
    SpliceBERTError
        Not exactly one of FASTA and BED, BED without a genome, an id that comes twice; while it
        is read, what the files do wrong.
    """
    if (args.fasta is None) == (args.bed is None):
        raise SpliceBERTError("give either a FASTA (or - for stdin) or --bed FILE with --genome")
    if args.bed is None:
        if args.genome is not None or args.length is not None:
            raise SpliceBERTError("--genome and --length belong to --bed; a FASTA is run as it is")
        return _counted(_unique(read_fasta(args.fasta)), allowed)
    if args.genome is None:
        raise SpliceBERTError("--bed needs --genome FASTA, from which the sequences are taken")
    return _counted(_unique(read_intervals(args.bed, args.genome, args.length)), allowed)


def _unique(records: Iterable[Record]) -> Iterator[Record]:
    seen: set[str] = set()
    for record in records:
        if record.id in seen:
            raise SpliceBERTError(
                f"sequence {record.id!r} comes twice; the output names its rows by the id, so "
                "give each its own"
            )
        seen.add(record.id)
        yield record


def _counted(records: Iterable[Record], allowed: str) -> Iterator[Record]:
    """Pass records on; warn once, at the end, about letters that are read as N."""
    letters = sequences = 0
    for record in records:
        found = [x for x in _OTHER.findall(record.sequence) if x not in allowed]
        letters += len(found)
        sequences += bool(found)
        yield record
    if letters:
        log.warning("letters other than ACGTUN, read as N: %d, in %d sequences", letters, sequences)


def read_fasta(path: str) -> Iterator[Record]:
    """Stream a FASTA: plain or gzip, - is stdin.

    Raises
    ------
    FormatError
        No header first, a header without an id, a record without a sequence, no record; and what
        `open_lines` says of damaged files.
    """
    name, begun, parts = "", 0, []
    where = STDIN if path == "-" else path
    number = 0
    for number, raw in _lines(path):
        line = raw.decode("utf-8", "replace").strip()
        if line.startswith(">"):
            if begun:
                yield _record(name, parts, where, begun)
            name, begun, parts = next(iter(line[1:].split()), ""), number, []
        elif line and not begun:
            raise FormatError(f"expected '>' and an id first, found {line[:20]!r}", where, number)
        else:
            parts.append(line.replace(" ", ""))
    if not begun:
        raise FormatError(f"holds no sequence ({number} lines); expected a FASTA", where)
    yield _record(name, parts, where, begun)


def _record(name: str, parts: list[str], where: str, line: int) -> Record:
    sequence = "".join(parts)
    if not name or not sequence:
        lacks = "an id behind its '>'" if not name else "a sequence"
        raise FormatError(f"record {name!r} lacks {lacks}", where, line)
    return Record(name, sequence)


def _lines(path: str) -> Iterator[tuple[int, bytes]]:
    """Yield 1-based line numbers and lines of a file, a pipe or stdin (-), plain or gzip."""
    if not _is_stream(path):
        yield from open_lines(path)
        return
    with _open_stream(path) as stream:
        try:
            yield from enumerate(stream, start=1)
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise FormatError(f"damaged gzip data ({error})", STDIN) from error


def _is_stream(path: str) -> bool:
    """Tell stdin, pipes and devices, which can be read only once, from files."""
    if path == "-":
        return True
    mode = Path(path).stat().st_mode
    return stat.S_ISFIFO(mode) or stat.S_ISCHR(mode) or stat.S_ISSOCK(mode)


@contextmanager
def _open_stream(path: str) -> Iterator[BinaryIO]:
    with nullcontext(sys.stdin.buffer) if path == "-" else Path(path).open("rb") as handle:
        buffered = handle if hasattr(handle, "peek") else io.BufferedReader(handle)
        is_gzip = buffered.peek(2)[:2] == b"\x1f\x8b"
        yield gzip.GzipFile(fileobj=buffered) if is_gzip else buffered


@contextmanager
def as_file(path: str) -> Iterator[Path]:
    """Give a path that can be read twice: stdin and pipes are copied to a temporary file."""
    if not _is_stream(path):
        yield Path(path)
        return
    with tempfile.NamedTemporaryFile(prefix="splicebert-") as copy:
        with _open_stream(path) as stream:
            try:
                shutil.copyfileobj(stream, copy)
            except (EOFError, zlib.error, gzip.BadGzipFile) as error:
                raise FormatError(f"damaged gzip data ({error})", STDIN) from error
        copy.flush()
        try:
            yield Path(copy.name)
        except FormatError as error:
            raise FormatError(str(error).replace(copy.name, STDIN)) from error


@contextmanager
def open_genome(path: str) -> Iterator[Genome]:
    """Open a genome; where its index is missing and can't be put beside it, use a temporary one."""
    missing = not Path(f"{path}.fai").exists()
    if not missing or os.access(Path(path).parent, os.W_OK):
        with Genome(path) as genome:
            yield genome
        return
    with tempfile.TemporaryDirectory(prefix="splicebert-") as scratch:
        log.warning("%s has no index, and its folder can't be written: indexing it for now", path)
        with Genome(path, fai=f"{scratch}/fai", gzi=f"{scratch}/gzi") as genome:
            yield genome


def read_intervals(bed: str, genome: str, length: int | None) -> Iterator[Record]:
    """Sequences of BED6 intervals, or of windows of `length` nt centred on them.

    Raises
    ------
    FormatError, GenomeError
        What `read_bed` and `Genome` refuse; an interval without a strand, or that begins behind
        the end of its contig.
    """
    with as_file(bed) as path:
        table = read_bed(path, 6)
    with open_genome(genome) as fasta:
        for row in table.itertuples():
            place = f"{row.chrom}:{row.start}-{row.end}({row.strand})"
            _check_interval(row, place, fasta)
            window = (row.start, row.end)
            if length is not None:
                window = centred_window(*window, length)
            name = place if row.name in (".", "") else f"{row.name}::{place}"
            yield Record(name, fasta.fetch(row.chrom, *window, row.strand))


def _check_interval(row: NamedTuple, place: str, fasta: Genome) -> None:
    where = f"interval {place} of the BED (0-based, half-open)"
    if row.strand not in ("+", "-"):
        raise SpliceBERTError(f"{where} has strand {row.strand!r}; expected + or -")
    size = fasta.contigs[fasta.resolve(row.chrom)]
    if row.start >= size:
        raise SpliceBERTError(
            f"{where} begins behind the end of its contig, {size} nt. Is it on the assembly of "
            f"{fasta.path}?"
        )
    if row.start == row.end:
        raise SpliceBERTError(f"{where} is empty")
