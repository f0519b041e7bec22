"""Readers and writers of the text formats: BED, BEDPE pairs, VCF, the splice-site sets."""

from __future__ import annotations

from os import PathLike

import numpy as np
import pandas as pd

from splicebert.bed import BED_COLUMNS, read_bed, read_bedpe, write_bed
from splicebert.errors import FormatError
from splicebert.textfile import (
    Lines,
    check_field_count,
    open_lines,
    parse_records,
    raise_first,
    record_rows,
    split_lines,
)

__all__ = [
    "BED_COLUMNS",
    "EXON_START_BASE",
    "parse_mpra_id",
    "read_bed",
    "read_bedpe",
    "read_spliceator",
    "read_vcf",
    "write_bed",
]

VCF_COLUMNS = ("chrom", "pos", "id", "ref", "alt", "qual", "filter", "info")
# 1 where the exon_start of a variant's ID is 1-based.
EXON_START_BASE = {"VexSeq": 1, "MFASS": 0}
MPRA_PATTERN = (
    r"(?P<mut_id>.+)\|[^|]*\|(?P<exon_start>\d{1,18})\|(?P<exon_end>\d{1,18})\|(?P<strand>[+-])"
    r"\|(?P<ref_psi>[^|]*)\|(?P<delta_psi>[^|]*)\|(?P<label>[^|]*)"
)
SPLICEATOR_HEADER = b"ID_uniprot"
SPLICEATOR_SHORTEST = 100


def read_vcf(path: str | PathLike) -> pd.DataFrame:
    """Read the sites of a VCF file.

    Parameters
    ----------
    path
        VCF with its `#CHROM` line; plain, gzip or bgzip. Samples are left out.

    Returns
    -------
    DataFrame
        In file order. chrom str; start int64, 0-based position of the first base of REF; id,
        ref, alt str as written, several alternatives as one string with commas; qual float64,
        NaN for `.`; filter, info str; line int64, 1-based line of the file.

    Raises
    ------
    FormatError
        Names the file and the 1-based line: no `#CHROM` line before the records, too few
        columns, POS that is no whole number or below 1, REF or ALT that is not bases, QUAL that
        is no number; and what `read_bed` says of damaged and empty files.
    """
    lines = split_lines(path)
    rows = record_rows(lines)
    _check_vcf_header(lines, int(rows[0]))
    count = check_field_count(lines, rows, len(VCF_COLUMNS), "a VCF record")
    names = [*VCF_COLUMNS, *(f"column{i}" for i in range(9, count + 1))]
    frame = parse_records(lines, rows, names, ("pos",))
    pos, ref, alt, qual = (frame[name] for name in ("pos", "ref", "alt", "qual"))
    raise_first(pos < 1, lines, rows, lambda i: f"POS is {pos[i]}, expected 1 or more (1-based)")
    wrong = ~ref.str.fullmatch(r"[A-Za-z]+")
    raise_first(wrong, lines, rows, lambda i: f"REF is {ref[i]!r}, expected bases")
    # Besides bases: <DEL>, breakends, * and the dot of a site without an alternative.
    wrong = ~alt.str.fullmatch(r"[A-Za-z0-9_:<>*.,\[\]=-]+")
    raise_first(wrong, lines, rows, lambda i: f"ALT is {alt[i]!r}, expected bases")
    value = pd.to_numeric(qual.where(qual != ".", "nan"), errors="coerce")
    wrong = value.isna() & (qual != ".")
    raise_first(wrong, lines, rows, lambda i: f"QUAL is {qual[i]!r}, expected a number or .")
    frame["pos"], frame["qual"] = pos - 1, value.astype("float64")
    frame = frame[list(VCF_COLUMNS)].rename(columns={"pos": "start"})
    frame["line"] = rows + 1
    return frame


def _check_vcf_header(lines: Lines, first_record: int) -> None:
    expected = b"#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO"
    for row in range(first_record):
        text = lines.text(row)
        if text.startswith(b"#CHROM"):
            if text.split(b"\t")[:8] == expected.split(b"\t"):
                return
            raise FormatError(
                f"the header is {text.decode()!r}, expected {expected.decode()!r}",
                lines.path,
                row + 1,
            )
    raise FormatError(
        "a record before any header line, expected a line that begins with '#CHROM' and the names "
        "of the columns",
        lines.path,
        first_record + 1,
    )


def parse_mpra_id(
    variants: pd.DataFrame, exon_start: str, path: str | PathLike | None = None
) -> pd.DataFrame:
    """Take apart the ID of a variant of the MPRA sets.

    Parameters
    ----------
    variants
        From `read_vcf`; the ID is
        `mut_id|.|exon_start|exon_end|strand|ref_psi|delta_psi|label`.
    exon_start
        Whose coordinates: 'VexSeq' writes exon_start 1-based, 'MFASS' 0-based. exon_end is the
        0-based exclusive end in both.
    path
        The VCF file, for error messages.

    Returns
    -------
    DataFrame
        Rows and index of `variants`. mut_id str; exon_start, exon_end int64, 0-based half-open;
        strand + or -; ref_psi, delta_psi float64, NaN for `.`, in the unit of the file (percent
        in VexSeq, fraction in MFASS for delta_psi); label str as written.

    Raises
    ------
    FormatError
        Names the file and the 1-based line of an ID of another form, of a PSI that is no number,
        or of an exon that ends before it starts.
    ValueError
        `exon_start` is neither convention.
    """
    if exon_start not in EXON_START_BASE:
        raise ValueError(
            f"exon_start is {exon_start!r}, expected one of {', '.join(EXON_START_BASE)}"
        )

    def check(wrong: pd.Series, describe: str) -> None:
        rows = np.flatnonzero(wrong)
        if rows.size:
            more = f" ({rows.size} such IDs)" if rows.size > 1 else ""
            line = int(variants["line"].iloc[rows[0]]) if "line" in variants else None
            text = f"ID is {variants['id'].iloc[rows[0]]!r}, expected {describe}{more}"
            raise FormatError(text, path, line)

    out = variants["id"].str.extract(f"^{MPRA_PATTERN}$")
    form = "mut_id|.|exon_start|exon_end|strand|ref_psi|delta_psi|label"
    check(out["mut_id"].isna(), form)
    out["exon_start"] = out["exon_start"].astype("int64") - EXON_START_BASE[exon_start]
    out["exon_end"] = out["exon_end"].astype("int64")
    check(
        (out["exon_start"] < 0) | (out["exon_start"] >= out["exon_end"]),
        f"an exon with start < end when exon_start is {EXON_START_BASE[exon_start]}-based",
    )
    for name in ("ref_psi", "delta_psi"):
        value = pd.to_numeric(out[name], errors="coerce")
        check(value.isna() & (out[name] != "."), f"a number or . as {name}")
        out[name] = value.astype("float64")
    return out


def read_spliceator(path: str | PathLike, length: int | None = None) -> pd.DataFrame:
    """Read a sequence file of Spliceator's training and benchmark sets.

    Parameters
    ----------
    path
        `;`-separated lines `id;sequence` or `id;text;sequence`, with or without a header line
        that begins with ID_uniprot.
    length
        Length that every sequence must have.

    Returns
    -------
    DataFrame
        In file order. id str, the first field; group str, its last part after `_`; sequence str,
        the second field, or the third where the second is shorter than 100 characters; line
        int64, 1-based line of the file.

    Raises
    ------
    FormatError
        Names the file and the 1-based line: no sequence of 100 or more letters, another length;
        no records; a damaged file.
    """
    records = []
    for number, raw in open_lines(path):
        text = raw.strip()
        if not text or (number == 1 and text.startswith(SPLICEATOR_HEADER)):
            continue
        records.append((*_spliceator_record(text, path, number, length), number))
    if not records:
        raise FormatError("holds no records", path)
    return pd.DataFrame(records, columns=["id", "group", "sequence", "line"])


def _spliceator_record(
    text: bytes, path: str | PathLike, number: int, length: int | None
) -> tuple[str, str, str]:
    try:
        name, *fields = text.decode().split(";")
    except UnicodeDecodeError as error:
        raise FormatError("not UTF-8 text; convert it with iconv", path, number) from error
    long = [field.strip() for field in fields[:2] if len(field) >= SPLICEATOR_SHORTEST]
    if not long or not (long[0].isascii() and long[0].isalpha()):
        raise FormatError(
            f"found {len(fields) + 1} fields separated by ';', expected an ID and a sequence of at "
            f"least {SPLICEATOR_SHORTEST} letters in the second or third",
            path,
            number,
        )
    if length is not None and len(long[0]) != length:
        raise FormatError(f"the sequence has {len(long[0])} nt, expected {length}", path, number)
    return name, name.rsplit("_", 1)[-1], long[0]
