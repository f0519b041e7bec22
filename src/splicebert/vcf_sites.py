"""Which transcripts lie over a variant, where their splice sites are, in which region it falls."""

from __future__ import annotations

import functools
import logging
from typing import NamedTuple

import numpy as np

from .annotation_build import CODING
from .errors import SpliceBERTError
from .genome import Genome, rename_contigs
from .transcripts import Annotation

log = logging.getLogger(__name__)
STRANDS = ("+", "-")


class Sites(NamedTuple):
    """Splice sites of some transcripts of one strand, each once.

    Attributes
    ----------
    strand : str
    edges : int64 (sites,)
        Where exon and intron meet: 0-based position of the base after the edge, forward strand.
    is_donor : bool (sites,)
    """

    strand: str
    edges: np.ndarray
    is_donor: np.ndarray

    def distances(self, start: int, end: int) -> np.ndarray:
        """Distance of the changed bases [start, end) from each edge, int64 (sites,), nt.

            + strand   . . e e e | i i i . .     -1: last base before the edge, +1: first behind it
                          -2 -1   +1 +2          0: the change reaches over the edge

        Read 5'->3': on a donor's edge -1 is the exon's last base, +1 the intron's first; on an
        acceptor's -1 is the intron's last base. An insertion at the edge has 0.
        """
        size = int(end > start)
        behind, before = start - self.edges + size, end - self.edges - size
        distance = np.where(start >= self.edges, behind, np.where(end <= self.edges, before, 0))
        return distance if self.strand == "+" else -distance

    def first_bases(self) -> np.ndarray:
        """First of the two intron bases at each edge, int64 (sites,), 0-based, forward strand."""
        right = self.is_donor == (self.strand == "+")  # the intron lies right of the edge
        return np.where(right, self.edges, self.edges - 2)


class Place(NamedTuple):
    """Transcripts over a variant on one strand.

    strand : + or -
    tx_id, gene_name, gene_type : of the transcript named, see `SiteIndex.places`
    region : class of the first changed base in it
    n_transcripts : how many there are
    sites : of all of them
    """

    strand: str
    tx_id: str
    gene_name: str
    gene_type: str
    region: str
    n_transcripts: int
    sites: Sites


class SiteIndex:
    """Transcripts by position.

    Parameters
    ----------
    annotation
        Transcripts and exons; contigs that the genome lacks are left out.
    genome
        Whose names of contigs are used.
    near
        Size of the ends of an intron (near_donor, near_acceptor), nt.

    Raises
    ------
    SpliceBERTError
        No transcript lies on a contig of the genome.
    """

    def __init__(self, annotation: Annotation, genome: Genome, near: int = 100) -> None:
        tx = rename_contigs(annotation.transcripts, genome.contigs, genome.path, must_exist=False)
        on_genome = tx["chrom"].isin(genome.contigs)
        if not on_genome.any():
            raise SpliceBERTError(
                f"no transcript of the annotation lies on a contig of {genome.path}. Are both of "
                "one assembly?"
            )
        if not on_genome.all():
            log.warning("%d transcripts lie on contigs that the genome lacks", (~on_genome).sum())
        self.near = near
        self._tx = tx[on_genome].reset_index(drop=True)
        self._columns = {name: self._tx[name].tolist() for name in ("tx_id", "gene_name")}
        self._columns["gene_type"] = self._tx["gene_type"].astype(object).tolist()
        self._cds = list(
            zip(*(self._tx[c].tolist() for c in ("cds_start", "cds_end")), strict=True)
        )
        self._exons(annotation)
        self._rank()
        self._groups = {
            (chrom, strand): _Group(group)
            for (chrom, strand), group in self._tx.groupby(["chrom", "strand"], sort=False)
        }

    def _exons(self, annotation: Annotation) -> None:
        """Exons in ascending order of each transcript: start, end, and the first row of each."""
        row_of = dict(zip(self._tx["tx_id"], range(len(self._tx)), strict=True))
        exons = annotation.exons[annotation.exons["tx_id"].isin(row_of)]
        owner = exons["tx_id"].map(row_of).to_numpy(np.int64)
        order = np.lexsort((exons["start"].to_numpy(), owner))
        self._start, self._end = (exons[c].to_numpy(np.int64)[order] for c in ("start", "end"))
        self._first = np.searchsorted(owner[order], np.arange(len(self._tx) + 1))

    def _rank(self) -> None:
        """Which transcript is named: the canonical ones first, then the longest."""
        span = (self._tx["end"] - self._tx["start"]).to_numpy()
        order = np.lexsort((-span, ~self._tx["is_canonical"].to_numpy(bool)))
        self._priority = np.empty(len(order), np.int64)
        self._priority[order] = np.arange(len(order))

    @property
    def transcripts(self):
        """The transcripts on contigs of the genome, schema TRANSCRIPTS, contigs renamed."""
        return self._tx

    def places(self, chrom: str, start: int, end: int) -> list[Place]:
        """Transcripts over the changed bases [start, end), 0-based, or over an insertion.

        One `Place` for each strand that has a transcript there, + first. The transcript named is
        the canonical one (of several the longest), else the longest; the sites are those of all
        transcripts there.

        Parameters
        ----------
        chrom
            As the genome spells it.
        start, end
            Changed bases of the reference; equal for an insertion before `start`, which lies in a
            transcript if the bases on both of its sides do.
        """
        out = []
        for strand in STRANDS:
            group = self._groups.get((chrom, strand))
            rows = group.over(start, end) if group else ()
            if rows:
                named = min(rows, key=self._priority.__getitem__)
                base = start if end > start else start - 1
                region = self._region(named, max(base, int(self._tx_start[named])), strand)
                names = (column[named] for column in self._columns.values())
                out.append(Place(strand, *names, region, len(rows), self._sites(rows, strand)))
        return out

    @functools.cached_property
    def _tx_start(self) -> np.ndarray:
        return self._tx["start"].to_numpy()

    @functools.lru_cache(maxsize=512)  # noqa: B019  (as long-lived as the index)
    def _sites(self, rows: tuple[int, ...], strand: str) -> Sites:
        lefts, rights = [], []  # of introns
        for row in rows:
            exons = slice(self._first[row], self._first[row + 1])
            left, right = self._end[exons][:-1], self._start[exons][1:]
            lefts.append(left[left < right])
            rights.append(right[left < right])
        left, right = (np.unique(np.concatenate(parts)) for parts in (lefts, rights))
        edges = np.concatenate([left, right])
        is_left = np.arange(len(edges)) < len(left)
        return Sites(strand, edges, is_left if strand == "+" else ~is_left)

    def _region(self, row: int, base: int, strand: str) -> str:
        """Region class of a base in a transcript."""
        first, last = self._first[row], self._first[row + 1]
        exon = first + int(np.searchsorted(self._start[first:last], base, side="right")) - 1
        if base < self._end[exon]:
            return self._exonic(row, base, strand)
        before = base - int(self._end[exon])  # bases of the intron left of this one
        after = int(self._start[exon + 1]) - 1 - base
        to_donor, to_acceptor = (before, after) if strand == "+" else (after, before)
        if min(to_donor, to_acceptor) >= self.near:
            return "deep_intronic_region"
        return "near_donor" if to_donor <= to_acceptor else "near_acceptor"

    def _exonic(self, row: int, base: int, strand: str) -> str:
        low, high = self._cds[row]
        if self._columns["gene_type"][row] != CODING or low < 0:
            return "exon"
        if low <= base < high:
            return "CDS"
        return "UTR5" if (base < low) == (strand == "+") else "UTR3"


class _Group:
    """Transcripts of one contig and strand, sorted by start."""

    def __init__(self, table) -> None:
        order = np.argsort(table["start"].to_numpy(), kind="stable")
        self._rows = table.index.to_numpy()[order]
        self._start, self._end = (table[name].to_numpy()[order] for name in ("start", "end"))
        self._furthest = np.maximum.accumulate(self._end)

    def over(self, start: int, end: int) -> tuple[int, ...]:
        """Rows of the transcripts over [start, end); over both neighbours if it is empty."""
        if start == end:
            last, first = start - 1, start
        else:
            last, first = end - 1, start
        # tx.start <= last and tx.end > first
        stop = int(np.searchsorted(self._start, last, side="right"))
        begin = int(np.searchsorted(self._furthest, first, side="right"))
        if begin >= stop:
            return ()
        found = self._rows[begin:stop][self._end[begin:stop] > first]
        return tuple(found.tolist())
