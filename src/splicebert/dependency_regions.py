"""Windows of dependency maps: from a BED or drawn from the introns of an annotation."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from os import PathLike
from pathlib import Path

import numpy as np
import pandas as pd

from .bed import read_bed
from .dependency_tables import DEPENDENCY_INTRONS, DEPENDENCY_PARTS, DEPENDENCY_WINDOWS
from .errors import FormatError, SpliceBERTError
from .genome import rename_contigs
from .sites import centred_window
from .tables import Column, Schema, read_table

BASES = Schema(
    "branchpoints",
    (
        Column("chrom", "str", "contig"),
        Column("start", "int64", "0-based position of the branchpoint A", minimum=0),
        Column("strand", "str", "+ or -", allowed=("+", "-")),
    ),
    extra=True,
)
"""What a TSV of branchpoints has; further columns are ignored."""
PLACE = ["chrom", "start", "end", "strand"]


def read_regions(
    path: str | PathLike, contigs: Mapping[str, int], source: str, length: int
) -> pd.DataFrame:
    """Windows centred on the regions of a BED6.

    Parameters
    ----------
    path
        BED with name and strand; a name of `.` stands for none.
    contigs, source
        Contig -> length of the genome, and its file for messages.
    length
        nt of a window; a region may not be longer.

    Returns
    -------
    Columns of DEPENDENCY_WINDOWS, in file order.

    Raises
    ------
    FormatError, GenomeError
        What `read_bed` refuses; an unknown contig; a region without a strand, empty, longer than
        the window, past the end of its contig, or that comes twice.
    """
    table = rename_contigs(read_bed(path, 6), contigs, source, must_exist=True)
    size = table["chrom"].map(contigs)
    longest = table["end"] - table["start"]
    for wrong, what in (
        (~table["strand"].isin(["+", "-"]), "has no strand; expected + or - in column 6"),
        (longest == 0, "is empty"),
        (longest > length, f"is longer than the window of {length} nt (dependency.windows.length)"),
        (table["end"] > size, f"ends past its contig in {source}; is it on this assembly?"),
    ):
        _refuse(table, wrong, what, path)
    named = ~table["name"].isin([".", ""])
    names = table["name"].where(named, "region")
    windows = place_windows(table[PLACE], names, length)
    _refuse(table, windows["window_id"].duplicated(), "comes twice with the same name", path)
    return windows


def _refuse(table: pd.DataFrame, wrong: pd.Series, what: str, path: str | PathLike) -> None:
    rows = np.flatnonzero(wrong)
    if len(rows):
        row = table.iloc[rows[0]]
        raise FormatError(
            f"region {row['chrom']}:{row['start']}-{row['end']} (0-based, half-open) {what} "
            f"({len(rows)} such regions)",
            path,
        )


def place_windows(regions: pd.DataFrame, names: pd.Series, length: int) -> pd.DataFrame:
    """Centre a window on each region: columns of DEPENDENCY_WINDOWS.

    Parameters
    ----------
    regions
        chrom, start, end (0-based half-open), strand.
    names
        Name of each.
    length
        nt of a window.
    """
    regions = regions.reset_index(drop=True)
    start, end = centred_window(regions["start"], regions["end"], length)
    place = [f"{r.chrom}:{r.start}-{r.end}({r.strand})" for r in regions.itertuples()]
    table = regions.assign(
        window_id=[f"{name}::{where}" for name, where in zip(names, place, strict=True)],
        number=np.arange(1, len(regions) + 1),
        name=list(names),
        region_start=regions["start"],
        region_end=regions["end"],
    )
    return table.assign(start=start, end=end)[DEPENDENCY_WINDOWS.names]


def draw_introns(
    introns: pd.DataFrame, transcripts: pd.DataFrame, settings: Mapping, length: int
) -> tuple[pd.DataFrame, Counter]:
    """Draw introns of canonical transcripts and centre a window on each.

    Parameters
    ----------
    introns, transcripts
        Schemas INTRONS and TRANSCRIPTS.
    settings
        smallest, largest (nt of an intron), most (None: all), seed.
    length
        nt of a window, which lies within the transcript.

    Returns
    -------
    Columns of DEPENDENCY_WINDOWS in the order of the annotation, each place once, and how many
    introns were skipped for which reason.
    """
    spans = transcripts.loc[transcripts["is_canonical"], ["tx_id", "start", "end"]]
    spans = spans.rename(columns={"start": "tx_start", "end": "tx_end"})
    table = introns.merge(spans, on="tx_id", validate="many_to_one").drop_duplicates(PLACE)
    size = table["end"] - table["start"]
    fits = size.between(settings["smallest"], settings["largest"])
    start, end = centred_window(table["start"], table["end"], length)
    inside = (start >= table["tx_start"]) & (end <= table["tx_end"])
    skipped = Counter({
        "length out of the limits": int((~fits).sum()),
        "window leaves the transcript": int((fits & ~inside).sum()),
    })  # fmt: skip
    kept = table[fits & inside].reset_index(drop=True)
    if settings["most"] is not None:
        order = np.random.default_rng(settings["seed"]).permutation(len(kept))
        kept = kept.iloc[np.sort(order[: settings["most"]])].reset_index(drop=True)
    names = kept["tx_id"] + ".intron" + kept["intron_number"].astype(str)
    return place_windows(kept[PLACE], names, length), skipped


def read_branchpoints(
    path: str | PathLike, contigs: Mapping[str, int], source: str
) -> pd.DataFrame:
    """Read branchpoints: one base each.

    Parameters
    ----------
    path
        A TSV with columns chrom, start, strand; or BED6, of single bases or, as the Mercer set,
        with a label for each base of the interval in column 5 (1 is a branchpoint).
    contigs, source
        Contigs of the genome and its file; rows on others are left out.

    Returns
    -------
    Columns chrom, position (int64, 0-based), strand.
    """
    name = Path(path).name
    if name.endswith((".tsv", ".tsv.gz")):
        table = read_table(path, BASES).rename(columns={"start": "position"})
    else:
        table = _bed_bases(read_bed(path, 6), path)
    table = rename_contigs(table, contigs, source, must_exist=False)
    return table.loc[table["chrom"].isin(contigs), ["chrom", "position", "strand"]]


def _bed_bases(table: pd.DataFrame, path: str | PathLike) -> pd.DataFrame:
    labelled = table["score"].str.contains(",")
    longer = (table["end"] - table["start"] != 1) & ~labelled
    _refuse(table, longer, "is not one base, and column 5 has no label for each base", path)
    rows = []
    for row in table.itertuples():
        labels = row.score.split(",") if "," in row.score else ["1"]
        rows += [
            (row.chrom, row.start + offset, row.strand)
            for offset, label in enumerate(labels)
            if label.strip() == "1"
        ]
    return pd.DataFrame(rows, columns=["chrom", "position", "strand"])


def annotate_windows(
    windows: pd.DataFrame,
    exons: pd.DataFrame,
    introns: pd.DataFrame,
    branchpoints: pd.DataFrame,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """What lies in each window, of the transcripts given, on the window's strand.

    Parameters
    ----------
    windows
        DEPENDENCY_WINDOWS.
    exons, introns
        Schemas EXONS and INTRONS, of the transcripts to show.
    branchpoints
        From `read_branchpoints`. Of several in an intron the one nearest to the acceptor counts.

    Returns
    -------
    Introns that lie in a window as a whole (DEPENDENCY_INTRONS), and all parts that touch one
    (DEPENDENCY_PARTS).
    """
    within, parts = [DEPENDENCY_INTRONS.empty()], [DEPENDENCY_PARTS.empty()]
    for window in windows.itertuples():
        touching = {
            "exon": _touching(exons, window),
            "intron": _touching(introns, window),
        }
        own = touching["intron"]
        points = branchpoints[
            (branchpoints["chrom"] == window.chrom) & (branchpoints["strand"] == window.strand)
        ]["position"].to_numpy()
        known = [
            nearest_branchpoint(points, row.start, row.end, row.strand) for row in own.itertuples()
        ]
        own = own.assign(branchpoint=pd.array(known, "Int64"))
        marked = own[own["branchpoint"].notna()]
        at = marked["branchpoint"].astype("int64")
        touching["branchpoint"] = marked.assign(start=at, end=at + 1)
        whole = (own["start"] >= window.start) & (own["end"] <= window.end)
        within.append(own[whole].assign(window_id=window.window_id)[DEPENDENCY_INTRONS.names])
        parts += [
            rows.assign(window_id=window.window_id, part=part)[DEPENDENCY_PARTS.names]
            for part, rows in touching.items()
        ]
    return _stack(within), _stack(parts)


def _stack(frames: list[pd.DataFrame]) -> pd.DataFrame:
    filled = [frame for frame in frames if len(frame)] or frames[:1]
    return pd.concat(filled, ignore_index=True)


def _touching(table: pd.DataFrame, window) -> pd.DataFrame:
    near = (table["end"] > window.start) & (table["start"] < window.end)
    return table[near & (table["chrom"] == window.chrom) & (table["strand"] == window.strand)]


def nearest_branchpoint(points: np.ndarray, start: int, end: int, strand: str) -> int | None:
    """Return the branchpoint of an intron (0-based half-open) nearest to its acceptor, if any."""
    inside = points[(points >= start) & (points < end)]
    if not len(inside):
        return None
    return int(inside.max() if strand == "+" else inside.min())


def require_regions(windows: pd.DataFrame, figures: int, skipped: Mapping[str, int]) -> None:
    """Raise SpliceBERTError where there are no windows, or fewer than figures to draw."""
    reasons = ", ".join(f"{n} introns: {why}" for why, n in skipped.items() if n)
    if windows.empty:
        raise SpliceBERTError(
            f"no region is left ({reasons or 'the BED is empty'}); widen dependency.introns."
            "smallest and largest, shorten dependency.windows.length, or give regions as a BED"
        )
    if len(windows) < figures:
        raise SpliceBERTError(
            f"{len(windows)} regions for {figures} figures of maps; set dependency.figures to "
            f"{len(windows)} or less{f' ({reasons})' if reasons else ''}"
        )
