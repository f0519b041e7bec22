"""BED intervals, and BEDPE pairs of sites."""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike
from pathlib import Path

import numpy as np
import pandas as pd
from pysam import BGZFile

from splicebert.errors import FormatError
from splicebert.tables import atomic_path
from splicebert.textfile import (
    GZIP_SUFFIXES,
    Lines,
    check_field_count,
    parse_records,
    raise_first,
    record_rows,
    split_lines,
)

BED_COLUMNS = (
    *("chrom", "start", "end", "name", "score", "strand", "thick_start", "thick_end"),
    *("item_rgb", "block_count", "block_sizes", "block_starts"),
)
BEDPE_COLUMNS = (
    *("chrom", "p", "p_end", "chrom_q", "q", "q_end"),
    *("name", "score", "strand", "strand_q"),
)
PAIR_PATTERN = (
    r"(?P<tx_chrom>[^|]+):(?P<tx_start>\d{1,18})-(?P<tx_end>\d{1,18})(?:\|(?P<group>[^|]*)"
    r"\|(?P<type1>[^|]*)\|(?P<type2>[^|]*)\|(?P<dimer1>[^|]*)\|(?P<dimer2>[^|]*)"
    r"\|(?P<distance>\d{1,18})|(?:\|.*)?)"
)


def read_bed(
    path: str | PathLike,
    min_columns: int = 3,
    contig_lengths: Mapping[str, int] | None = None,
) -> pd.DataFrame:
    """Read a BED file.

    Parameters
    ----------
    path
        BED3 to BED12, or BED with further columns; plain, gzip or bgzip. Blank lines and those
        of `#`, `track` and `browser` are left out.
    min_columns
        Columns that a record needs: 4 for a name, 5 for a score, 6 for a strand.
    contig_lengths
        Lengths of the contigs that the intervals must lie on.

    Returns
    -------
    DataFrame
        In file order, as many of `BED_COLUMNS` as the file has, then column13 and so on.
        chrom str; start, end int64, 0-based half-open; strand +, - or .; others, the score too,
        str as written.

    Raises
    ------
    FormatError
        Names the file and the 1-based line: too few columns, a coordinate that is no whole
        number or negative, start > end, a strand other than + - . , an unknown contig, an end
        past the contig; no records; a file that is damaged, not UTF-8 or with Windows line ends.
    """
    lines = split_lines(path)
    rows = bed_rows(lines)
    frame = parse_bed(lines, rows, min_columns)
    if contig_lengths is not None:
        _check_contigs(frame, lines, rows, contig_lengths)
    return frame


def bed_rows(lines: Lines) -> np.ndarray:
    """Return the 0-based rows of a BED file that hold records."""
    return record_rows(lines, (b"track", b"browser"))


def parse_bed(lines: Lines, rows: np.ndarray, min_columns: int = 3) -> pd.DataFrame:
    """Parse and check the records of a BED file; see `read_bed`."""
    count = check_field_count(lines, rows, min_columns, f"BED{min_columns}")
    names = [*BED_COLUMNS[:count], *(f"column{i}" for i in range(13, count + 1))]
    frame = parse_records(lines, rows, names, ("start", "end"))
    start, end = frame["start"], frame["end"]
    raise_first(start < 0, lines, rows, lambda i: f"start is {start[i]}, expected 0 or more")
    raise_first(
        start > end,
        lines,
        rows,
        lambda i: f"start {start[i]} is past end {end[i]} (0-based, half-open)",
    )
    if "strand" in frame:
        check_strand(frame["strand"], lines, rows, ("+", "-", "."))
    return frame


def check_strand(strand: pd.Series, lines: Lines, rows: np.ndarray, allowed: tuple) -> None:
    """Raise a FormatError for the first record whose strand is not one of `allowed`."""
    expected = " or ".join(allowed)
    raise_first(
        ~strand.isin(allowed),
        lines,
        rows,
        lambda i: f"strand is {strand[i]!r}, expected {expected}",
    )


def _check_contigs(
    frame: pd.DataFrame, lines: Lines, rows: np.ndarray, lengths: Mapping[str, int]
) -> None:
    length = frame["chrom"].map(dict(lengths))
    some = ", ".join(list(lengths)[:3])
    raise_first(
        length.isna(),
        lines,
        rows,
        lambda i: f"contig {frame['chrom'][i]!r} is unknown, expected a name as in {some}",
    )
    raise_first(
        frame["end"] > length,
        lines,
        rows,
        lambda i: (
            f"end {frame['end'][i]} is past the end of contig {frame['chrom'][i]}, "
            f"{int(length[i])} nt"
        ),
    )


def write_bed(frame: pd.DataFrame, path: str | PathLike) -> None:
    """Write a BED file.

    Parameters
    ----------
    frame
        chrom, start, end (0-based half-open) and any further `BED_COLUMNS`; those before the
        last one present that the frame lacks are written as `.`. Other columns are left out.
    path
        .bed, or .bed.gz and .bgz for bgzip, which tabix can index when the frame is sorted.

    Raises
    ------
    FormatError
        A column is missing, or an interval is negative or inverted.
    """
    path = Path(path)
    missing = [name for name in BED_COLUMNS[:3] if name not in frame]
    if missing:
        raise FormatError(f"BED needs columns chrom, start, end; lacks {', '.join(missing)}", path)
    wrong = np.flatnonzero((frame["start"] < 0) | (frame["start"] > frame["end"]))
    if wrong.size:
        chrom, start, end = frame.iloc[wrong[0]][["chrom", "start", "end"]]
        raise FormatError(
            f"row {wrong[0]}: interval {chrom}:{start}-{end}, expected 0 <= start <= end "
            f"({wrong.size} such rows)",
            path,
        )
    last = max(i for i, name in enumerate(BED_COLUMNS) if name in frame)
    out = frame.reindex(columns=list(BED_COLUMNS[: last + 1]))
    for name in out.columns[3:]:
        out[name] = out[name].astype(object).where(out[name].notna(), ".")
    data = out.to_csv(sep="\t", header=False, index=False, quoting=3, lineterminator="\n").encode()
    with atomic_path(path) as temporary:
        if path.suffix in GZIP_SUFFIXES:
            with BGZFile(str(temporary), "wb") as handle:
                handle.write(data)
        else:
            temporary.write_bytes(data)


def read_bedpe(path: str | PathLike) -> pd.DataFrame:
    """Read pairs of sites of the attention analysis.

    Parameters
    ----------
    path
        10 columns, `chrom p . chrom q . name . strand .` where a dot stands for any text. The
        name is `chrom:start-end|group|type1|type2|dimer1|dimer2|distance`, of which the first
        field is the transcript; or it begins with that field alone, as for MANE introns, and
        then the pair is a whole intron: donor and acceptor on +, acceptor and donor on -.

    Returns
    -------
    DataFrame
        In file order. chrom str; p, q int64, 0-based positions; strand + or -; tx_start, tx_end
        int64, 0-based half-open; group, type1, type2 (D donor, A acceptor, . neither), dimer1,
        dimer2 str, `.` where the name has none; distance int64, nt from p to q; name str.

    Raises
    ------
    FormatError
        Names the file and the 1-based line; besides what `read_bed` refuses: a name of another
        form, a transcript on another contig, two strands or contigs in a pair.
    """
    lines = split_lines(path)
    rows = record_rows(lines)
    count = check_field_count(lines, rows, len(BEDPE_COLUMNS), "a pair")
    names = [*BEDPE_COLUMNS, *(f"column{i}" for i in range(11, count + 1))]
    frame = parse_records(lines, rows, names, ("p", "q"))
    for end in "pq":
        site = frame[end]
        raise_first(site < 0, lines, rows, lambda i, e=end, s=site: f"{e} is {s[i]}, expected >= 0")
    check_strand(frame["strand"], lines, rows, ("+", "-"))
    for first, second in (("chrom", "chrom_q"), ("strand", "strand_q")):
        other = (frame[first] != frame[second]) & (frame[second] != ".")
        raise_first(
            other,
            lines,
            rows,
            lambda i, a=first, b=second: (
                f"the pair has two {a}s, {frame[a][i]} and {frame[b][i]}, expected one"
            ),
        )
    return _parse_pair_names(frame, lines, rows)


def _parse_pair_names(frame: pd.DataFrame, lines: Lines, rows: np.ndarray) -> pd.DataFrame:
    parts = frame["name"].str.extract(f"^{PAIR_PATTERN}$")
    raise_first(
        parts["tx_chrom"].isna(),
        lines,
        rows,
        lambda i: (
            f"name is {frame['name'][i]!r}, expected "
            "'chrom:start-end|group|type1|type2|dimer1|dimer2|distance' or 'chrom:start-end'"
        ),
    )
    out = frame[["chrom", "p", "q", "strand"]].copy()
    out["tx_start"] = parts["tx_start"].astype("int64")
    out["tx_end"] = parts["tx_end"].astype("int64")
    wrong = (parts["tx_chrom"] != out["chrom"]) | (out["tx_start"] >= out["tx_end"])
    raise_first(
        wrong,
        lines,
        rows,
        lambda i: (
            f"transcript {frame['name'][i].split('|')[0]} in the name, expected an interval "
            f"on {out['chrom'][i]} with start < end"
        ),
    )
    _fill_types(out, parts)
    out["distance"] = (out["q"] - out["p"]).abs()
    stated = parts["distance"].fillna("-1").astype("int64")
    raise_first(
        (stated >= 0) & (stated != out["distance"]),
        lines,
        rows,
        lambda i: (
            f"distance in the name is {stated[i]}, expected {out['distance'][i]}, from p "
            f"{out['p'][i]} to q {out['q'][i]}"
        ),
    )
    return out.assign(name=frame["name"])


def _fill_types(out: pd.DataFrame, parts: pd.DataFrame) -> None:
    """Add group, types and dinucleotides; where the name has none the pair is a whole intron."""
    whole_intron = parts["type1"].isna()
    plus = out["strand"] == "+"
    for name in ("group", "type1", "type2", "dimer1", "dimer2"):
        out[name] = parts[name].fillna(".")
    # The donor is the lower position on + and the higher one on -.
    out.loc[whole_intron, "type1"] = np.where(plus, "D", "A")[whole_intron]
    out.loc[whole_intron, "type2"] = np.where(plus, "A", "D")[whole_intron]
