"""Ranked branchpoints of introns from a fine-tuned model."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from os import PathLike

import numpy as np
import pandas as pd

from .bed import read_bed
from .branchpoint_zones import (
    Zone,
    acceptor_zones,
    candidate_labels,
    place_zones,
    window_labels,
)
from .errors import FormatError
from .genome import Genome, check_within, rename_contigs
from .inference import Item
from .transcripts import introns, read_annotation

COLUMNS = (
    *("chrom", "start", "end", "name", "score", "strand", "probability", "rank", "distance"),
)
INTRON = ["chrom", "start", "end", "strand", "name"]


def read_intron_bed(path: str | PathLike) -> pd.DataFrame:
    """Introns of a BED6: chrom, start, end (0-based half-open), strand, name.

    Raises
    ------
    FormatError
        What `read_bed` refuses, or an interval without a strand.
    """
    table = read_bed(path, 6)
    lacking = np.flatnonzero(table["strand"] == ".")
    if len(lacking):
        row = table.iloc[lacking[0]]
        raise FormatError(
            f"intron {row['chrom']}:{row['start']}-{row['end']} has no strand; expected + or - in "
            f"column 6 ({len(lacking)} such introns)",
            path,
        )
    return table[INTRON]


def read_annotated_introns(path: str | PathLike, *, canonical: bool = False) -> pd.DataFrame:
    """Introns of a GTF or genePred, or of its canonical transcripts alone; columns as of a BED.

    The name is the transcript and the number of the intron.
    """
    annotation = read_annotation(path, infer_gene_type=True)
    exons = annotation.exons
    if canonical:
        chosen = annotation.transcripts.loc[annotation.transcripts["is_canonical"], "tx_id"]
        exons = exons[exons["tx_id"].isin(chosen)]
    table = introns(exons)
    name = table["tx_id"] + ".intron" + table["intron_number"].astype(str)
    return table.assign(name=name)[INTRON]


def place_introns(
    table: pd.DataFrame,
    contigs: Mapping[str, int],
    source: str,
    *,
    zone: Zone,
    length: int,
    counts: Counter,
) -> pd.DataFrame:
    """Window and candidates of each acceptor of some introns.

    Parameters
    ----------
    table
        chrom, start, end, strand, name of each intron.
    contigs, source
        Contig -> length of the genome, and its file for messages.
    zone, length
        Distances of the candidates from the acceptor, and nt of a window.
    counts
        Reason -> acceptors left out; added to.

    Returns
    -------
    DataFrame
        An acceptor a row: name (of its first intron), chrom, start, end, strand, acceptor (offset),
        candidates (int64 offsets in the window, 5'->3').

    Raises
    ------
    GenomeError
        An intron on a contig that the genome lacks, or past the end of one.
    """
    table = rename_contigs(table, contigs, source, must_exist=True)
    check_within(table, contigs, source)
    zones = acceptor_zones(table, zone, counts)
    name = table["name"].to_numpy()[zones["row"]]
    placed = place_zones(zones, zone, length)
    placed = placed.assign(name=name, labels=candidate_labels(zones, zone))
    candidates = [np.flatnonzero(window_labels(r, zone, length) == 0) for r in placed.itertuples()]
    columns = ["name", "chrom", "start", "end", "strand", "acceptor"]
    return placed[columns].assign(candidates=candidates)


def window_items(table: pd.DataFrame, genome: Genome) -> Iterator[Item]:
    """Sequences of the windows of `place_introns`, with the offsets of their candidates."""
    for row in table.itertuples():
        sequence = genome.fetch(row.chrom, row.start, row.end, row.strand)
        yield Item(sequence.upper(), offsets=row.candidates)


def mean_probabilities(
    table: pd.DataFrame,
    genome: Genome,
    models: Iterable[Callable[[Iterable[Item]], Iterable[np.ndarray]]],
) -> list[np.ndarray]:
    """Mean over models of the probability of each candidate.

    Parameters
    ----------
    table
        From `place_introns`.
    genome
        Its genome.
    models
        Functions of items that yield float (candidates,) of each, in order.

    Returns
    -------
    float64 (candidates,) of each row
    """
    found = [list(run(window_items(table, genome))) for run in models]
    return [np.mean(own, axis=0) for own in zip(*found, strict=True)]


def rank_candidates(
    table: pd.DataFrame, probabilities: list[np.ndarray], *, top: int, least: float = 0.0
) -> pd.DataFrame:
    """The best candidates of each acceptor.

    Parameters
    ----------
    table
        From `place_introns`.
    probabilities
        float (candidates,) of each row.
    top
        Most candidates of an acceptor.
    least
        Least probability.

    Returns
    -------
    DataFrame
        COLUMNS, in the order of the table, then by rank: one base each (0-based half-open), score
        0 to 1000, rank from 1 (of equal ones the 5'-most first), distance in nt from the acceptor.
    """
    rows = []
    for row, own in zip(table.itertuples(), probabilities, strict=True):
        order = np.argsort(-own, kind="stable")[:top]
        for rank, number in enumerate(order[own[order] >= least], start=1):
            offset = int(row.candidates[number])
            at = row.start + offset if row.strand == "+" else row.end - 1 - offset
            p = float(own[number])
            rows.append(
                (row.chrom, at, at + 1, row.name, round(1000 * p), row.strand, p, rank,
                 int(row.acceptor) - offset)
            )  # fmt: skip
    return pd.DataFrame(rows, columns=COLUMNS)
