"""Zones of candidate branchpoints upstream of acceptors, with their labels (protocol section 5)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd

from .errors import SpliceBERTError
from .genome import check_within, rename_contigs
from .training.tables import IGNORED

NO_LABEL = "no branchpoint in the zone"
NO_CONTIG = "on a contig that the genome lacks"
SHORT = "intron without a base in the zone"
PLACE = ["chrom", "zone_start", "zone_end", "strand"]


class Zone(NamedTuple):
    """The bases upstream of an acceptor that may be a branchpoint.

    nearest, farthest : nt from the acceptor, both included; the last base of the intron is 1
    """

    nearest: int = 18
    farthest: int = 44

    @property
    def width(self) -> int:
        """Number of bases."""
        return self.farthest - self.nearest + 1


def zone_interval(acceptor: pd.Series, strand: pd.Series, zone: Zone) -> tuple:
    """Interval of the zone of each acceptor.

        + strand    . . [ z o n e ) . . A G | e x o n       acceptor: the first base after |
        - strand    n o x e | G A . . [ e n o z ) . .       acceptor: the first base after |

    Parameters
    ----------
    acceptor
        End of the intron (+) or its start (-), 0-based half-open.
    strand
        + or -.
    zone
        Distances.

    Returns
    -------
    Start and end, int64 arrays, 0-based half-open; the start may lie below 0.
    """
    acceptor = np.asarray(acceptor, np.int64)
    plus = np.asarray(strand) == "+"
    start = np.where(plus, acceptor - zone.farthest, acceptor + zone.nearest - 1)
    return start, start + zone.width


def acceptor_zones(introns: pd.DataFrame, zone: Zone, counts: Counter) -> pd.DataFrame:
    """Zone of each acceptor of some introns, once, whatever the number of its introns.

    Parameters
    ----------
    introns
        chrom, start, end (0-based half-open), strand; several may end at one acceptor.
    zone
        Distances.
    counts
        Reason -> acceptors left out; added to. Left out are those whose introns are all too short
        to have a base in the zone.

    Returns
    -------
    DataFrame
        In order of the first intron of each acceptor: chrom, strand, acceptor (end of the intron
        on +, its start on -), zone_start, zone_end, upstream (nt from the acceptor to the first
        base of its longest intron: bases of the zone that lie farther are no candidates), row
        (0-based row of that first intron).
    """
    introns = introns.reset_index(drop=True)
    plus = introns["strand"] == "+"
    table = introns.assign(
        acceptor=introns["end"].where(plus, introns["start"]),
        upstream=introns["end"] - introns["start"],
        row=np.arange(len(introns)),
    )
    table = (
        table.groupby(["chrom", "strand", "acceptor"], sort=False)
        .agg(upstream=("upstream", "max"), row=("row", "min"))
        .reset_index()
    )
    short = table["upstream"] < zone.nearest
    counts[SHORT] += int(short.sum())
    table = table[~short].reset_index(drop=True)
    start, end = zone_interval(table["acceptor"], table["strand"], zone)
    return table.assign(zone_start=start, zone_end=end)


def candidate_labels(zones: pd.DataFrame, zone: Zone) -> list[np.ndarray]:
    """Labels of zones from `acceptor_zones` before any branchpoint is known.

    Returns
    -------
    int8 (zone.width,) each, 5'->3': 0, or IGNORED for a base before the first one of the intron.
    """
    outside = (zone.farthest - zones["upstream"]).clip(lower=0)
    return [np.repeat(np.int8([IGNORED, 0]), [n, zone.width - n]) for n in outside]


def label_zones(
    zones: pd.DataFrame, points: pd.DataFrame, zone: Zone, counts: Counter
) -> pd.DataFrame:
    """Label the zones of acceptors by known branchpoints; those without any are left out.

    Parameters
    ----------
    zones
        From `acceptor_zones`.
    points
        chrom, position (0-based), strand of each branchpoint.
    zone
        Distances.
    counts
        Reason -> zones left out, and branchpoints in no zone; added to.

    Returns
    -------
    DataFrame
        Rows of `zones` with a branchpoint, with labels as in `read_labelled_zones`.
    """
    known: dict[tuple[str, str], np.ndarray] = {
        key: np.unique(own["position"]) for key, own in points.groupby(["chrom", "strand"])
    }
    none = np.empty(0, np.int64)
    labels, used = [], set()
    for row, own in zip(zones.itertuples(), candidate_labels(zones, zone), strict=True):
        at = known.get((row.chrom, row.strand), none)
        low, high = np.searchsorted(at, [row.zone_start, row.zone_end])
        inside = at[low:high]
        offset = inside - row.zone_start if row.strand == "+" else row.zone_end - 1 - inside
        candidate = own[offset] == 0
        own[offset[candidate]] = 1
        used |= {(row.chrom, row.strand, int(p)) for p in inside[candidate]}
        labels.append(own)
    counts["branchpoints in no zone"] += sum(map(len, known.values())) - len(used)
    positive = np.array([(own == 1).any() for own in labels], bool)
    counts[NO_LABEL] += int((~positive).sum())
    return zones.assign(labels=labels)[positive].reset_index(drop=True)


def on_genome(
    zones: pd.DataFrame,
    contigs: Mapping[str, int],
    source: str,
    counts: Counter,
    *,
    missing_contigs: Literal["error", "skip"] = "error",
) -> pd.DataFrame:
    """Spell contigs as the genome does; refuse or leave out zones that it can't hold.

    Raises
    ------
    GenomeError
        A contig that the genome lacks (unless skipped), or a zone past the end of its contig.
    """
    must_exist = missing_contigs == "error"
    zones = rename_contigs(zones, contigs, source, must_exist=must_exist)
    lacking = ~zones["chrom"].isin(contigs)
    counts[NO_CONTIG] += int(lacking.sum())
    zones = zones[~lacking].reset_index(drop=True)
    check_within(zones.rename(columns={"zone_start": "start", "zone_end": "end"}), contigs, source)
    return zones


def place_zones(zones: pd.DataFrame, zone: Zone, length: int) -> pd.DataFrame:
    """Add the window centred on each zone, the acceptor's offset in it, and the example's name.

        5' | (length - width) // 2 nt | z o n e | the rest | 3'

    read on the strand, so that either strand sees as many bases upstream.

    Parameters
    ----------
    zones
        Columns of PLACE, of one or of several widths. The last base 5'->3' of each is
        `zone.nearest` nt from its acceptor.
    zone
        Distances.
    length
        nt of a window.

    Returns
    -------
    DataFrame with example_id, start, end (0-based half-open), and acceptor: the offset in the
    window, read 5'->3', of the first base behind the intron.
    """
    width = zones["zone_end"] - zones["zone_start"]
    upstream = (length - width) // 2
    plus = zones["strand"] == "+"
    start = (zones["zone_start"] - upstream).where(plus, zones["zone_end"] + upstream - length)
    names = [f"{r.chrom}:{r.zone_start}-{r.zone_end}({r.strand})" for r in zones.itertuples()]
    repeats = pd.Series(names, dtype=object).groupby(names).cumcount().to_numpy()
    names = [f"{name}.{n + 1}" if n else name for name, n in zip(names, repeats, strict=True)]
    return zones.assign(
        example_id=names,
        start=start,
        end=start + length,
        acceptor=upstream + width + zone.nearest - 1,
    )


def window_labels(row, zone: Zone, length: int) -> np.ndarray:
    """Labels of a whole window, int8 (length,), 5'->3': IGNORED outside the zone.

    Parameters
    ----------
    row
        A row of `place_zones` with its labels.
    zone
        Distances.
    length
        nt of the window.

    Raises
    ------
    SpliceBERTError
        The zone does not lie in the window.
    """
    last = row.acceptor - zone.nearest + 1
    first = last - len(row.labels)
    if first < 0 or last > length:
        raise SpliceBERTError(
            f"zone {row.example_id} has {len(row.labels)} bases, its window {length}; "
            "make branchpoint.windows.length longer"
        )
    labels = np.full(length, IGNORED, np.int8)
    labels[first:last] = row.labels
    return labels


def draw_zones(zones: pd.DataFrame, most: int | None, seed: int) -> pd.DataFrame:
    """Draw at most so many zones without replacement, in their order (None: all)."""
    if most is None or len(zones) <= most:
        return zones
    chosen = np.random.default_rng(seed).choice(len(zones), most, replace=False)
    return zones.iloc[np.sort(chosen)].reset_index(drop=True)
