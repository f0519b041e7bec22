"""Tables that pass between steps: their schemas, and parquet and TSV files checked against them."""

from __future__ import annotations

import gzip
import os
import secrets
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from os import PathLike
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from splicebert.errors import FormatError
from splicebert.schema import Column, Schema, validate
from splicebert.textfile import check_field_count, parse_records, split_lines

__all__ = [
    "EXONS",
    "INTRONS",
    "REGIONS",
    "REGION_NAMES",
    "TRANSCRIPTS",
    "TX_BED",
    "WINDOWS",
    "Column",
    "Schema",
    "atomic_path",
    "read_table",
    "stack",
    "validate",
    "write_table",
]

SUFFIXES = (".parquet", ".tsv", ".tsv.gz")
FLOAT_FORMAT = "%.6g"

_STRAND = Column("strand", "str", "+ or -", allowed=("+", "-"))
_CHROM = Column("chrom", "str", "contig, named as in the FASTA")
_START = Column("start", "int64", "0-based first base, forward strand", minimum=0)
_END = Column("end", "int64", "0-based end, exclusive", minimum=0)
_TX_ID = Column("tx_id", "str", "transcript, unique in the annotation")
_INTERVAL = (("start", "end"),)

TRANSCRIPTS = Schema(
    "transcripts",
    (
        _TX_ID,
        Column("gene_id", "str", "gene"),
        Column("gene_name", "str", "gene symbol; the gene_id where there is none"),
        Column("gene_type", "str", "protein_coding, lncRNA or another biotype"),
        _CHROM,
        _START,
        _END,
        _STRAND,
        Column("cds_start", "Int64", "0-based lowest coding base, stop codon included", True, 0),
        Column("cds_end", "Int64", "0-based exclusive end of the coding bases", True, 0),
        Column("n_exons", "int64", "number of exons", minimum=1),
        Column("is_canonical", "bool", "the one chosen of its gene name"),
    ),
    key=("tx_id",),
    ordered=(("start", "end"), ("cds_start", "cds_end")),
)
# Transcripts as the paper's BED6 files name them.
TX_BED = Schema(
    "transcripts in BED",
    (
        *TRANSCRIPTS.columns[:3],
        replace(TRANSCRIPTS.columns[3], nullable=True),
        *(_CHROM, _START, _END, _STRAND),
    ),
    key=("tx_id",),
    ordered=_INTERVAL,
)
EXONS = Schema(
    "exons",
    (
        *(_TX_ID, _CHROM, _START, _END, _STRAND),
        Column("exon_number", "int64", "1-based rank, 5' to 3'", minimum=1),
    ),
    key=("tx_id", "exon_number"),
    ordered=_INTERVAL,
)
INTRONS = Schema(
    "introns",
    (
        *(_TX_ID, _CHROM, _START, _END, _STRAND),
        Column("intron_number", "int64", "rank of the exon 5' of it, 1-based", minimum=1),
    ),
    key=("tx_id", "intron_number"),
    ordered=_INTERVAL,
)
# The region classes in the order of the paper's table (regions.names.json).
REGION_NAMES = (
    *(f"protein_coding|{part}" for part in ("UTR5", "CDS", "intron", "near_donor")),
    *(f"protein_coding|{part}" for part in ("deep_intronic_region", "near_acceptor", "UTR3")),
    *(f"lncRNA|{part}" for part in ("exon", "intron", "near_donor", "deep_intronic_region")),
    "lncRNA|near_acceptor",
)
REGIONS = Schema(
    "regions",
    (
        *(_CHROM, _START, _END),
        Column("name", "str", "region class"),
        replace(_STRAND, meaning="+, - or . for none", allowed=("+", "-", ".")),
    ),
    ordered=_INTERVAL,
)
WINDOWS = Schema(
    "windows",
    (
        Column("window_id", "str", "window"),
        _CHROM,
        Column("start", "int64", "0-based first base; below 0 is outside the contig, read as N"),
        Column("end", "int64", "0-based end, exclusive; past the contig is read as N"),
        _STRAND,
    ),
    key=("window_id",),
    extra=True,
    ordered=_INTERVAL,
)


@contextmanager
def atomic_path(path: str | PathLike) -> Iterator[Path]:
    """Write a file or a folder under a temporary name, so that a half-written one is never seen.

    Parameters
    ----------
    path
        Where the file is to be; its folder is made.

    Yields
    ------
    Path
        Temporary name in the same folder with the same suffixes. It replaces `path` when the
        block ends, and is removed when the block raises.

    Raises
    ------
    FileNotFoundError
        The block wrote nothing.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".tmp-{secrets.token_hex(4)}-{path.name}")
    try:
        yield temporary
        if not temporary.exists():
            raise FileNotFoundError(f"{path}: nothing was written to its temporary name")
        if temporary.is_dir() and path.is_dir():
            shutil.rmtree(path)
        os.replace(temporary, path)
    finally:
        if temporary.is_dir():
            shutil.rmtree(temporary)
        else:
            temporary.unlink(missing_ok=True)


def _suffix(path: Path) -> str:
    for suffix in SUFFIXES:
        if path.name.endswith(suffix):
            return suffix
    raise FormatError(f"unknown kind of table, expected a name in {', '.join(SUFFIXES)}", path)


def read_table(path: str | PathLike, schema: Schema) -> pd.DataFrame:
    """Read a table and check it.

    Parameters
    ----------
    path
        .parquet, .tsv or .tsv.gz. TSV has a header line; an empty field of a nullable column is a
        missing value; extra columns of TSV become numbers where every value is one.
    schema
        What the table has to look like.

    Returns
    -------
    DataFrame
        As from `validate`.

    Raises
    ------
    FormatError
        The file can't be read as its suffix says, or does not follow the schema.
    """
    path = Path(path)
    if _suffix(path) != ".parquet":
        return _read_tsv(path, schema)
    try:
        frame = pq.read_table(path, partitioning=None).to_pandas()
    except pa.ArrowInvalid as error:
        raise FormatError(f"not a parquet file: {error}", path) from error
    return validate(frame, schema, path)


def _read_tsv(path: Path, schema: Schema) -> pd.DataFrame:
    lines = split_lines(path)
    rows = np.arange(lines.starts.size)
    if rows.size == 0:
        raise FormatError(f"empty, expected a header line with {', '.join(schema.names)}", path)
    check_field_count(lines, rows, 1, "the table")
    names = lines.text(0).decode().split("\t")
    if rows.size == 1 or len(set(names)) < len(names):
        return validate(pd.DataFrame(columns=names), schema, path)
    frame = parse_records(lines, rows[1:], names)
    nullable = {column.name for column in schema.columns if column.nullable}
    numeric = {column.name for column in schema.columns if column.dtype != "str"}
    for name in names:
        if name in nullable | numeric:
            frame[name] = frame[name].where(frame[name] != "", None)
        elif name not in schema.names:
            frame[name] = _infer(frame[name])
    return validate(frame, schema, path, first_line=2)


def _infer(series: pd.Series) -> pd.Series:
    """Return an extra column as numbers or truths if all of its values are."""
    if series.isin(["True", "False"]).all():
        return series == "True"
    try:
        return pd.to_numeric(series)
    except ValueError:
        return series


def stack(frames: Iterable[pd.DataFrame], schema: Schema) -> pd.DataFrame:
    """Put tables of one schema under each other; without any, a table of no rows."""
    frames = list(frames)
    return pd.concat(frames, ignore_index=True) if frames else schema.empty()


def write_table(frame: pd.DataFrame, path: str | PathLike, schema: Schema) -> None:
    """Check a table and write it; the same table gives the same bytes.

    Parameters
    ----------
    frame
        The table.
    path
        .parquet, .tsv or .tsv.gz. TSV keeps 6 significant digits of a float.
    schema
        What the table has to look like.

    Raises
    ------
    FormatError
        The table does not follow the schema, or TSV can't hold a value; nothing is written.
    """
    path = Path(path)
    suffix = _suffix(path)
    frame = validate(frame, schema, path)
    if suffix == ".parquet":
        table = pa.Table.from_pandas(frame, preserve_index=False)
        with atomic_path(path) as temporary:
            pq.write_table(table, temporary, compression="zstd")
        return
    data = _tsv_bytes(frame, path)
    with atomic_path(path) as temporary:
        # Neither the time nor the temporary name goes into the gzip header.
        temporary.write_bytes(gzip.compress(data, mtime=0) if suffix == ".tsv.gz" else data)


def _tsv_bytes(frame: pd.DataFrame, path: Path) -> bytes:
    text = frame.select_dtypes(["object", "string", "category"])
    for name in text.columns:
        broken = text[name].astype(str).str.contains(r"[\t\n\r]", regex=True)
        if broken.any():
            row = int(np.flatnonzero(broken)[0])
            raise FormatError(
                f"row {row}: column {name}: found {text[name][row]!r}, a tab or line end that TSV "
                "can't hold; write .parquet",
                path,
            )
    lines = frame.to_csv(
        sep="\t", index=False, float_format=FLOAT_FORMAT, lineterminator="\n", quoting=3
    )
    return lines.encode()
