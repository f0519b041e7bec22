"""Parsers of GTF and genePred: one pass over the lines, transcripts and exons in file order."""

from __future__ import annotations

import re
from array import array
from os import PathLike
from typing import NamedTuple

import numpy as np

from splicebert.errors import FormatError
from splicebert.textfile import open_lines

FEATURES = frozenset((b"transcript", b"exon", b"CDS", b"stop_codon"))
CANONICAL_TAGS = frozenset(("Ensembl_canonical", "MANE_Select", "MANE Select"))
_STRANDS = frozenset((b"+", b"-"))
_TX_ID = re.compile(rb'\btranscript_id\s+"?([^";]+)').search
_ATTRIBUTES = re.compile(r'(\w+)\s+(?:"([^"]*)"|([^;"\s]+))').findall


class Models(NamedTuple):
    """Transcript models as parsed, before they are sorted, numbered and checked.

    Attributes
    ----------
    tx : dict of str to list
        tx_id, gene_id, gene_name, gene_type (None where the file has none), chrom, strand,
        cds_start, cds_end (0-based half-open, None without CDS), tagged (has a tag of
        `CANONICAL_TAGS`), line (1-based, of its first row).
    exon_tx : int64 (exons,)
        Index of each exon's transcript.
    exon_start, exon_end : int64 (exons,)
        0-based half-open.
    """

    tx: dict[str, list]
    exon_tx: np.ndarray
    exon_start: np.ndarray
    exon_end: np.ndarray


class _Collector:
    """Grows the transcripts and exons of `Models` row by row."""

    def __init__(self, path: str | PathLike) -> None:
        self.path = path
        self.tx: dict[str, list] = {
            name: []
            for name in (
                *("tx_id", "gene_id", "gene_name", "gene_type", "chrom", "strand"),
                *("cds_start", "cds_end", "tagged", "line"),
            )
        }
        self.exons = (array("q"), array("q"), array("q"))
        self.loci: dict[bytes, list[int]] = {}
        # (chrom, strand) and transcript row's interval of each transcript, to match rows with it.
        self.sites: list[tuple[bytes, bytes]] = []
        self.spans: list[tuple[int, int] | None] = []

    def models(self) -> Models:
        if not self.tx["tx_id"]:
            raise FormatError("holds no transcripts", self.path)
        return Models(self.tx, *(np.array(column, dtype=np.int64) for column in self.exons))

    def add(self, **values: object) -> int:
        for name, value in values.items():
            self.tx[name].append(value)
        return len(self.tx["tx_id"]) - 1

    def add_gtf_row(self, fields: list[bytes], number: int) -> None:
        match = _TX_ID(fields[8])
        if match is None:
            hint = "; convert GFF3 with `gffread -T`" if b"Parent=" in fields[8] else ""
            raise FormatError(
                f"no transcript_id in the attributes of this {fields[2].decode()}{hint}",
                self.path,
                number,
            )
        start, end = self._interval(fields, number)
        tx = self._locus(match[1], fields, start, end, number)
        feature = fields[2]
        if feature == b"exon":
            for column, value in zip(self.exons, (tx, start, end), strict=True):
                column.append(value)
        elif feature != b"transcript":
            # CDS rows leave the stop codon out in GENCODE, Ensembl and UCSC; genePred has it in.
            low, high = self.tx["cds_start"], self.tx["cds_end"]
            low[tx] = start if low[tx] is None else min(low[tx], start)
            high[tx] = end if high[tx] is None else max(high[tx], end)

    def _interval(self, fields: list[bytes], number: int) -> tuple[int, int]:
        try:
            start, end = int(fields[3]) - 1, int(fields[4])
        except ValueError:
            text = f"{fields[3].decode(errors='replace')}, {fields[4].decode(errors='replace')}"
            raise FormatError(
                f"start, end are {text}, expected whole numbers", self.path, number
            ) from None
        if start < 0 or end <= start:
            raise FormatError(
                f"start {start + 1}, end {end}, expected 1 <= start <= end (1-based, inclusive)",
                self.path,
                number,
            )
        if fields[6] not in _STRANDS:
            raise FormatError(
                f"strand is {fields[6].decode(errors='replace')!r}, expected + or -",
                self.path,
                number,
            )
        return start, end

    def _locus(self, tx_id: bytes, fields: list[bytes], start: int, end: int, number: int) -> int:
        """Return the transcript of a row: an id may stand for transcripts at several places."""
        is_tx = fields[2] == b"transcript"
        site = (fields[0], fields[6])
        known = self.loci.get(tx_id, ())
        outside = False
        for tx in reversed(known):
            if self.sites[tx] != site:
                continue
            span = self.spans[tx]
            if is_tx:
                if span is None:  # its exons came first
                    self.spans[tx] = (start, end)
                    return tx
            elif span is None or (span[0] <= start and end <= span[1]):
                return tx
            else:
                outside = True
        if outside:
            raise FormatError(
                f"{fields[2].decode()} {start + 1}-{end} lies outside of its transcript "
                f"{tx_id.decode(errors='replace')}",
                self.path,
                number,
            )
        self.loci.setdefault(tx_id, []).append(len(self.sites))
        self.sites.append(site)
        self.spans.append((start, end) if is_tx else None)
        return self.add(**_gtf_transcript(tx_id, fields, number, self.path))


def _gtf_transcript(
    tx_id: bytes, fields: list[bytes], number: int, path: str | PathLike
) -> dict[str, object]:
    try:
        text = fields[8].decode()
        chrom, name = fields[0].decode(), tx_id.decode()
    except UnicodeDecodeError as error:
        raise FormatError("not UTF-8 text; convert it with iconv", path, number) from error
    pairs = [(key, quoted or plain) for key, quoted, plain in _ATTRIBUTES(text)]
    attributes = dict(pairs)
    gene_id = attributes.get("gene_id")
    if not gene_id:
        raise FormatError(f"no gene_id in the attributes of transcript {name}", path, number)
    tags = {tag for key, value in pairs if key == "tag" for tag in value.split(",")}
    return {
        "tx_id": name,
        "gene_id": gene_id,
        "gene_name": attributes.get("gene_name") or attributes.get("gene") or gene_id,
        "gene_type": attributes.get("gene_type") or attributes.get("gene_biotype"),
        "chrom": chrom,
        "strand": fields[6].decode(),
        "cds_start": None,
        "cds_end": None,
        "tagged": not tags.isdisjoint(CANONICAL_TAGS),
        "line": number,
    }


def parse_gtf(path: str | PathLike) -> Models:
    """Parse the transcript, exon, CDS and stop_codon rows of a GTF file.

    Parameters
    ----------
    path
        GTF of GENCODE, Ensembl or UCSC; plain, gzip or bgzip.

    Returns
    -------
    Models

    Raises
    ------
    FormatError
        See `splicebert.transcripts.read_gtf`.
    """
    found = _Collector(path)
    for number, line in open_lines(path):
        fields = line.split(b"\t", 8)
        if len(fields) == 9:
            if fields[2] in FEATURES and not fields[0].startswith(b"#"):
                found.add_gtf_row(fields, number)
        elif line.strip() and not line.startswith(b"#"):
            raise FormatError(
                f"found {len(fields)} tab-separated fields, GTF needs 9", path, number
            )
    return found.models()


def parse_genepred(path: str | PathLike) -> Models:
    """Parse genePred, genePredExt, or either with a leading bin column.

    Parameters
    ----------
    path
        A file without header, or with one that begins with `#`; plain, gzip or bgzip.

    Returns
    -------
    Models
        gene_id and gene_name are name2, or the transcript's name where there is none.

    Raises
    ------
    FormatError
        See `splicebert.transcripts.read_genepred`.
    """
    found = _Collector(path)
    skip = None
    for number, line in open_lines(path):
        if line.startswith(b"#") or not line.strip():
            continue
        fields = line.rstrip(b"\r\n").split(b"\t")
        if skip is None:
            # The strand is the third column; a bin column in front makes it the fourth.
            skip = int(fields[2:3] != [b"+"] and fields[2:3] != [b"-"] and len(fields) > 10)
        _add_genepred_row(found, fields[skip:], number)
    return found.models()


def _add_genepred_row(found: _Collector, fields: list[bytes], number: int) -> None:
    _check_genepred_form(fields, found.path, number)
    try:
        tx_start, tx_end, cds_start, cds_end, count = (int(field) for field in fields[3:8])
        starts, ends = ([int(x) for x in f.rstrip(b",").split(b",")] for f in fields[8:10])
        tx_id, chrom = fields[0].decode(), fields[1].decode()
        gene = fields[11].decode() if len(fields) > 11 else tx_id
    except UnicodeDecodeError as error:
        raise FormatError("not UTF-8 text; convert it with iconv", found.path, number) from error
    except ValueError as error:
        raise FormatError(f"not a whole number: {error}", found.path, number) from None
    if not len(starts) == len(ends) == count:
        text = f"{len(starts)} exon starts and {len(ends)} ends, expected exonCount {count}"
        raise FormatError(text, found.path, number)
    _check_genepred_exons(starts, ends, (tx_start, tx_end), found.path, number)
    coding = cds_start < cds_end
    tx = found.add(
        tx_id=tx_id,
        gene_id=gene,
        gene_name=gene,
        gene_type=None,
        chrom=chrom,
        strand=fields[2].decode(),
        cds_start=cds_start if coding else None,
        cds_end=cds_end if coding else None,
        tagged=False,
        line=number,
    )
    for column, values in zip(found.exons, ([tx] * count, starts, ends), strict=True):
        column.extend(values)


def _check_genepred_form(fields: list[bytes], path: str | PathLike, number: int) -> None:
    if len(fields) < 10:
        text = f"found {len(fields)} tab-separated fields, genePred needs 10 besides a bin column"
        raise FormatError(text, path, number)
    if fields[2] not in _STRANDS:
        text = (
            f"strand is {fields[2].decode(errors='replace')!r}, expected + or - in column 3 "
            "(column 4 after a bin column)"
        )
        raise FormatError(text, path, number)


def _check_genepred_exons(
    starts: list[int],
    ends: list[int],
    tx: tuple[int, int],
    path: str | PathLike,
    number: int,
) -> None:
    if (starts[0], ends[-1]) != tx or tx[0] < 0:
        text = f"exons span {starts[0]}-{ends[-1]}, expected txStart-txEnd {tx[0]}-{tx[1]}"
        raise FormatError(text, path, number)
    for start, end in zip(starts, ends, strict=True):
        if end <= start:
            text = f"exon start {start} is not below its end {end} (0-based, half-open)"
            raise FormatError(text, path, number)
