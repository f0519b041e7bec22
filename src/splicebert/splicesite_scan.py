"""Scan a genome for splice sites: candidates, their windows, tracks and peaks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import NamedTuple

import numpy as np
import pandas as pd
import pyBigWig

from .errors import SpliceBERTError
from .genome import Genome
from .sequence import reverse_complement
from .sites import centred_window
from .splicesite_kinds import SITES
from .tables import atomic_path

MOTIFS = {
    "canonical": {"donor": ("GT",), "acceptor": ("AG",)},
    "gc": {"donor": ("GT", "GC"), "acceptor": ("AG",)},
    "all": {"donor": None, "acceptor": None},
}
"""Dinucleotides that may be a site; None: any two bases that are known."""
STRANDS = {"+": "plus", "-": "minus"}
CHUNK = 100_000
"""nt whose candidates are held at a time."""


class Stretch(NamedTuple):
    """Bases to scan, 0-based half-open, forward strand, and one strand of them."""

    chrom: str
    start: int
    end: int
    strand: str


class Candidates(NamedTuple):
    """Candidate sites of a stretch.

    positions : int64 (n,), rising, 0-based first base of the dinucleotide on the forward strand
    windows : n sequences, 5'->3' on the strand, the dinucleotide in the middle
    """

    stretch: Stretch
    positions: np.ndarray
    windows: list[str]


def merge_regions(regions: pd.DataFrame, genome: Genome) -> list[Stretch]:
    """Regions of a BED as stretches: overlapping ones of a strand merged, in the genome's order.

    Parameters
    ----------
    regions
        chrom, start, end (0-based half-open) and, if there, strand; `.` or none is both.
    genome
        What they lie on.

    Raises
    ------
    SpliceBERTError
        A region reaches past its contig.
    """
    found = []
    for row in regions.itertuples(index=False):
        chrom = genome.resolve(row.chrom)
        if row.end > genome.contigs[chrom]:
            raise SpliceBERTError(
                f"region {row.chrom}:{row.start}-{row.end} (0-based, half-open) reaches past its "
                f"contig, {genome.contigs[chrom]} nt, of {genome.path}; is it on another assembly?"
            )
        strand = getattr(row, "strand", ".")
        found += [Stretch(chrom, row.start, row.end, s) for s in STRANDS if strand in (s, ".")]
    order = {chrom: number for number, chrom in enumerate(genome.contigs)}
    merged: list[Stretch] = []
    for one in sorted(found, key=lambda s: (s.strand, order[s.chrom], s.start)):
        last = merged[-1] if merged else None
        if last and (last.chrom, last.strand) == (one.chrom, one.strand) and one.start <= last.end:
            merged[-1] = last._replace(end=max(last.end, one.end))
        else:
            merged.append(one)
    return merged


def whole(genome: Genome, strands: str) -> list[Stretch]:
    """Every contig, on each of `strands` ("+", "-" or "+-")."""
    return [Stretch(c, 0, n, s) for s in strands for c, n in genome.contigs.items()]


def find_candidates(
    genome: Genome,
    stretches: Iterable[Stretch],
    motifs: tuple[str, ...] | None,
    length: int,
    chunk: int = CHUNK,
) -> Iterator[Candidates]:
    """Yield the candidates of stretches, a chunk at a time; both bases lie in the stretch.

    Parameters
    ----------
    genome
        Sequence; a window that reaches past a contig is filled with N.
    stretches
        What to scan.
    motifs
        Dinucleotides on the strand; None: every pair of known bases.
    length
        Of the windows, nt, even.
    chunk
        nt taken at a time.
    """
    for stretch in stretches:
        for start in range(stretch.start, stretch.end, chunk):
            end = min(start + chunk + 1, stretch.end)  # a pair may begin at a chunk's last base
            found = _candidates(genome, stretch._replace(start=start, end=end), motifs, length)
            if len(found.positions):
                yield found


def _candidates(
    genome: Genome, stretch: Stretch, motifs: tuple[str, ...] | None, length: int
) -> Candidates:
    chrom, start, end, strand = stretch
    left = centred_window(start, start + 2, length)[0]
    right = centred_window(end - 2, end, length)[1]
    sequence = genome.fetch(chrom, left, max(left, right)).upper().replace("U", "T")
    inner = sequence[start - left : end - left]
    forward = motifs and tuple(m if strand == "+" else reverse_complement(m) for m in motifs)
    offsets = np.array(
        [
            i
            for i in range(len(inner) - 1)
            if (inner[i : i + 2] in forward if forward else set(inner[i : i + 2]) <= set("ACGT"))
        ],
        np.int64,
    )
    windows = [sequence[i : i + length] for i in offsets.tolist()]
    if strand == "-":
        windows = [reverse_complement(window) for window in windows]
    return Candidates(stretch, start + offsets, windows)


def track_position(positions: np.ndarray, site: str, strand: str) -> np.ndarray:
    """Base that carries a site's value, 0-based: the intron's first (donor) or last (acceptor).

    + strand    exon | G T . . . A G | exon     donor at G, acceptor at its G
    - strand    exon | C T . . . A C | exon     acceptor at C, donor at the last C
    """
    return positions + int((site == "donor") == (strand == "-"))


class Peak(NamedTuple):
    """A site whose probability is high enough; start is that of its dinucleotide, 0-based."""

    chrom: str
    start: int
    site: str
    strand: str
    probability: float


@contextmanager
def open_tracks(
    prefix: str, sites: Iterable[str], contigs: Mapping[str, int]
) -> Iterator[dict[tuple[str, str], pyBigWig.pyBigWig]]:
    """Open PREFIX.SITE.plus.bw and .minus.bw of each site; they appear when the block ends.

    Yields
    ------
    (site, strand) -> bigWig with its header written.
    """
    with ExitStack() as renamed:
        paths = {
            (site, strand): renamed.enter_context(atomic_path(track_name(prefix, site, strand)))
            for site in sites
            for strand in STRANDS
        }
        with ExitStack() as closed:
            tracks = {}
            for key, path in paths.items():
                path.parent.mkdir(parents=True, exist_ok=True)
                tracks[key] = pyBigWig.open(str(path), "w")
                closed.callback(tracks[key].close)
                tracks[key].addHeader(list(contigs.items()))
            yield tracks


def track_name(prefix: str, site: str, strand: str) -> str:
    """Name of the file of a track."""
    return f"{prefix}.{site}.{STRANDS[strand]}.bw"


def add_values(track: pyBigWig.pyBigWig, chrom: str, at: np.ndarray, values: np.ndarray) -> None:
    """Append values of single bases, `at` rising, to a bigWig."""
    track.addEntries([chrom] * len(at), at.tolist(), ends=(at + 1).tolist(), values=values.tolist())


def peaks_of(found: Candidates, site: str, probability: np.ndarray, least: float) -> list[Peak]:
    """Candidates with a probability of `least` or more."""
    chosen = np.flatnonzero(probability >= least)
    chrom, strand = found.stretch.chrom, found.stretch.strand
    return [
        Peak(chrom, int(found.positions[i]), site, strand, float(probability[i])) for i in chosen
    ]


def peak_bed(peaks: Iterable[Peak], contigs: Iterable[str]) -> pd.DataFrame:
    """Peaks as rows of a BED, sorted: name donor or acceptor, score round(1000 probability)."""
    order = {chrom: number for number, chrom in enumerate(contigs)}
    rows = sorted(peaks, key=lambda p: (order[p.chrom], p.start, SITES.index(p.site), p.strand))
    return pd.DataFrame(
        [(p.chrom, p.start, p.start + 2, p.site, round(1000 * p.probability), p.strand)
         for p in rows],
        columns=["chrom", "start", "end", "name", "score", "strand"],
    )  # fmt: skip
