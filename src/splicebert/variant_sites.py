"""Sites of the in-silico mutagenesis, drawn from random transcripts (protocol section 4)."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pandas as pd

from .errors import SpliceBERTError
from .genome import Genome, Track
from .sequence import BASES, base_codes
from .sites import window_around


def choose_transcripts(
    transcripts: pd.DataFrame, exons: pd.DataFrame, most: int | None, seed: int, skipped: Counter
) -> pd.DataFrame:
    """Keep transcripts with introns, and draw some of them.

    Parameters
    ----------
    transcripts
        tx_id, chrom, start, end, strand (0-based half-open).
    exons
        tx_id, start, end.
    most
        How many to draw without replacement, in order; None: all.
    seed
        Of the draw.
    skipped
        Reason -> number; added to.

    Raises
    ------
    SpliceBERTError
        None of the transcripts has exons in `exons`: the two are of different annotations.
    """
    count = transcripts["tx_id"].map(exons.groupby("tx_id").size()).fillna(0)
    if not (count > 0).any():
        raise SpliceBERTError(
            f"none of the {len(transcripts)} transcripts ({', '.join(transcripts['tx_id'][:3])}, "
            f"...) is among the {exons['tx_id'].nunique()} of the annotation; give the annotation "
            "that they come from"
        )
    skipped["transcripts that the annotation lacks"] += int((count == 0).sum())
    skipped["transcripts without introns"] += int((count == 1).sum())
    kept = transcripts[count > 1].reset_index(drop=True)
    if most is None or len(kept) <= most:
        return kept
    chosen = np.random.default_rng(seed).choice(len(kept), most, replace=False)
    return kept.iloc[np.sort(chosen)].reset_index(drop=True)


def known_positions(tx, genome: Genome, phastcons: Track, margin: int) -> np.ndarray:
    """Positions of a transcript that may be sites: 0-based, forward strand, ascending.

    They lie `margin` nt or more inside the transcript, have a phastCons value, and are no N.
    """
    start, end = tx.start + margin, tx.end - margin
    if start >= end:
        return np.empty(0, np.int64)
    known = base_codes(genome.fetch(tx.chrom, start, end)) < len(BASES)
    known &= np.isfinite(phastcons.values(tx.chrom, start, end))
    return start + np.flatnonzero(known)


def draw_sites(
    transcripts: pd.DataFrame,
    genome: Genome,
    phastcons: Track,
    *,
    margin: int,
    fraction: float,
    most: int,
    seed: int,
) -> pd.DataFrame:
    """Draw sites: a share of the positions of each transcript, then at most so many of all.

    Parameters
    ----------
    transcripts
        tx_id, chrom, start, end, strand; contigs named as in the genome.
    genome, phastcons
        Sequence, and the track whose values sites need.
    margin
        nt from either end of the transcript.
    fraction
        Share of the positions of a transcript that is drawn.
    most
        Largest number of sites; drawn without replacement where there are more.
    seed
        Of both draws.

    Returns
    -------
    DataFrame of tx_id, chrom, position, strand, in the order of the transcripts; a position of a
    strand once, of the first transcript that gave it.
    """
    rng = np.random.default_rng(seed)
    parts = []
    for tx in transcripts.itertuples(index=False):
        positions = known_positions(tx, genome, phastcons, margin)
        drawn = rng.choice(positions, round(fraction * len(positions)), replace=False)
        parts.append(
            pd.DataFrame(
                {
                    "tx_id": tx.tx_id,
                    "chrom": tx.chrom,
                    "position": np.sort(drawn),
                    "strand": tx.strand,
                }
            )
        )
    table = pd.concat(parts, ignore_index=True)
    table = table.drop_duplicates(["chrom", "position", "strand"]).reset_index(drop=True)
    if len(table) > most:
        table = table.iloc[np.sort(rng.choice(len(table), most, replace=False))]
    return table.reset_index(drop=True)


def site_distances(table: pd.DataFrame, exons: pd.DataFrame) -> pd.DataFrame:
    """Place each site in its transcript: exon or intron, and how far its two splice sites are.

        + strand   [ exon ) d . . . a [ exon )     d, a: the intron's first and last base
        in the intron: distances to d and a;  in an exon: to the a before it and the d behind it

    Parameters
    ----------
    table
        tx_id, position, strand; each site lies within its transcript.
    exons
        tx_id, start, end (0-based half-open).

    Returns
    -------
    The table with is_exonic (bool) and donor_distance, acceptor_distance (Int64, nt to the intron
    base beside the exon, missing at the outer ends of the first and last exon).
    """
    found = pd.DataFrame(index=table.index, columns=["is_exonic", "lower", "upper"], dtype=float)
    by_tx = dict(list(exons.sort_values(["tx_id", "start"]).groupby("tx_id")))
    for tx_id, rows in table.groupby("tx_id"):
        own = by_tx[tx_id]
        found.loc[rows.index] = _neighbours(
            rows["position"].to_numpy(), own["start"].to_numpy(), own["end"].to_numpy()
        )
    exonic, plus = found["is_exonic"] == 1, table["strand"] == "+"
    # Upstream lies below on +. An exon's acceptor is upstream of it, an intron's donor is.
    donor_below = exonic ^ plus
    donor = found["lower"].where(donor_below, found["upper"])
    acceptor = found["upper"].where(donor_below, found["lower"])
    return table.assign(
        is_exonic=exonic,
        donor_distance=donor.astype("Int64"),
        acceptor_distance=acceptor.astype("Int64"),
    )


def _neighbours(position: np.ndarray, start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Whether in an exon, and nt to the intron base at its lower and upper border: float (n, 3)."""
    exon = np.searchsorted(start, position, side="right") - 1
    inside = position < end[exon]
    last = exon == len(start) - 1
    following = start[np.minimum(exon + 1, len(start) - 1)]
    lower = np.where(inside, position - (start[exon] - 1), position - end[exon]).astype(float)
    upper = np.where(inside, end[exon] - position, following - 1 - position).astype(float)
    lower[inside & (exon == 0)] = np.nan
    upper[inside & last] = np.nan
    return np.stack([inside.astype(float), lower, upper], axis=1)


def place_sites(table: pd.DataFrame, length: int) -> pd.DataFrame:
    """Add site_id and the window (start, end) in which each site has the offset length // 2."""
    starts = [
        window_around(row.position, length, row.strand)[0] for row in table.itertuples(index=False)
    ]
    where = table["chrom"] + ":" + table["position"].astype(str) + ":" + table["strand"]
    start = np.array(starts, np.int64)
    return table.assign(site_id=where, start=start, end=start + length, offset=length // 2)
