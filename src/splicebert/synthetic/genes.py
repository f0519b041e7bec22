"""Where the genes lie and how they are built: exons, introns, coding sequence, strand.

Three coordinate systems are used. *Genomic*: 0-based, half-open, forward strand. *Sense*: all
genes one after the other, each 5'->3' on its own strand, so that one array operation paints all
genes. *mRNA*: the exons of the sense space alone, one after the other.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd

from splicebert.errors import ConfigError
from splicebert.synthetic.spec import GenomeSpec

MIN_GAP = 150
"""Smallest distance between two genes and from a gene to a chromosome's end, nt."""
MIN_EXON = 48
"""Smallest exon, nt: room for the exonic bases of both motifs and a codon apart from them."""


class GeneModel(NamedTuple):
    """One gene on its own, 5'->3'.

    Parameters
    ----------
    exons : int64 (n,)
        Exon lengths, nt.
    introns : int64 (n - 1,)
        Intron lengths, nt.
    cds
        Start and end in the mRNA, from the start codon to the stop codon; (-1, -1) for lncRNA.
    skip
        0-based number of the exon that the second transcript leaves out, -1 = no second one.
    """

    exons: np.ndarray
    introns: np.ndarray
    cds: tuple[int, int]
    skip: int


@dataclass(frozen=True)
class Layout:
    """All genes of a genome.

    Parameters
    ----------
    genes
        One row a gene: chrom, start, end, strand (genomic), coding (bool), sense (where it begins
        in the sense space), mrna, mrna_end (its mRNA in the mRNA space), cds_start, cds_end (in
        the mRNA space, with the stop codon; -1 where there is none), skip.
    exons
        One row an exon, by gene and 5'->3': gene (row of `genes`), exon_number (1-based), start,
        end (sense space), mrna (where it begins in the mRNA space).
    """

    genes: pd.DataFrame
    exons: pd.DataFrame

    @property
    def length(self) -> int:
        """Length of the sense space, nt."""
        return int((self.genes["end"] - self.genes["start"]).sum())

    @property
    def introns(self) -> pd.DataFrame:
        """One row an intron: gene, intron_number (1-based), start, end (sense space)."""
        exons = self.exons
        before = exons["gene"].to_numpy()[:-1] == exons["gene"].to_numpy()[1:]
        first = exons.iloc[:-1][before]
        return pd.DataFrame(
            {
                "gene": first["gene"].to_numpy(),
                "intron_number": first["exon_number"].to_numpy(),
                "start": first["end"].to_numpy(),
                "end": exons["start"].to_numpy()[1:][before],
            }
        )

    def to_genomic(
        self, gene: np.ndarray, start: np.ndarray, end: np.ndarray
    ) -> dict[str, np.ndarray]:
        """Turn sense intervals into genomic ones.

        Parameters
        ----------
        gene : int (n,)
            Rows of `genes`.
        start, end : int (n,)
            Sense space, 0-based, half-open.

        Returns
        -------
        columns
            chrom, start, end, strand, each (n,); genomic, 0-based, half-open.
        """
        rows = self.genes.iloc[np.asarray(gene)]
        sense, plus = rows["sense"].to_numpy(), (rows["strand"] == "+").to_numpy()
        i, j = np.asarray(start) - sense, np.asarray(end) - sense
        #   + : start |--i====j------->  end        - : start <------j====i--| end
        left, right = rows["start"].to_numpy(), rows["end"].to_numpy()
        return {
            "chrom": rows["chrom"].to_numpy(),
            "start": np.where(plus, left + i, right - j),
            "end": np.where(plus, left + j, right - i),
            "strand": rows["strand"].to_numpy(),
        }


def ranges(starts: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """Return all positions of intervals, one interval after the other: int64 (sum of lengths,).

    Parameters
    ----------
    starts, lengths : int (n,)
        First position and length of each interval.
    """
    starts, lengths = np.asarray(starts, np.int64), np.asarray(lengths, np.int64)
    before = np.cumsum(lengths) - lengths
    return np.repeat(starts - before, lengths) + np.arange(lengths.sum())


def place_genes(rng: np.random.Generator, spec: GenomeSpec) -> Layout:
    """Draw genes and lay them along the chromosomes, without overlap, on both strands.

    Returns
    -------
    layout
        Chromosomes in the order of `spec`, genes by position.

    Raises
    ------
    ConfigError
        If no chromosome has room for a gene.
    """
    genes, models = [], []
    for chrom, length in spec.chromosomes.items():
        drawn = _fill(rng, spec, length)
        sizes = np.array([m.exons.sum() + m.introns.sum() for m in drawn], dtype=np.int64)
        starts = _spread(rng, sizes, length)
        strands = np.where(rng.random(len(drawn)) < 0.5, "+", "-")
        genes += list(
            zip([chrom] * len(drawn), starts, starts + sizes, strands.tolist(), strict=True)
        )
        models += drawn
    if not models:
        raise ConfigError(
            f"no gene fits on chromosomes of {list(spec.chromosomes.values())} nt with"
            f" transcribed_fraction = {spec.transcribed_fraction}: make one longer (50000 nt)"
        )
    return _layout(pd.DataFrame(genes, columns=["chrom", "start", "end", "strand"]), models)


def _fill(rng: np.random.Generator, spec: GenomeSpec, length: int) -> list[GeneModel]:
    """Draw genes until a chromosome's transcribed share is met."""
    wanted, used, drawn = spec.transcribed_fraction * length, 0, []
    while used < wanted:
        model = draw_gene(rng, spec)
        used += int(model.exons.sum() + model.introns.sum())
        if used + MIN_GAP * (len(drawn) + 2) > length:
            break
        drawn.append(model)
    return drawn


def _spread(rng: np.random.Generator, sizes: np.ndarray, length: int) -> np.ndarray:
    """Return the start of each gene, with random gaps between them: int64 (genes,)."""
    share = rng.gamma(1.5, size=len(sizes) + 1)
    free = length - sizes.sum() - MIN_GAP * (len(sizes) + 1)
    gaps = MIN_GAP + np.floor(free * share / share.sum()).astype(np.int64)
    return np.cumsum(gaps[:-1]) + np.cumsum(sizes) - sizes


def draw_gene(rng: np.random.Generator, spec: GenomeSpec) -> GeneModel:
    """Draw the lengths of one gene's parts, and its coding sequence if it has one."""
    coding = rng.random() < spec.coding_fraction
    single = rng.random() < 0.06
    n = 1 if single else 2 + (rng.poisson(6.0) if coding else rng.poisson(1.5))
    exons = _lengths(rng, n, 110, 0.4, (MIN_EXON, 600))
    if coding:
        exons[0] += _lengths(rng, 1, 90, 0.5, (30, 400))[0]
        exons[-1] += _lengths(rng, 1, 150, 0.6, (60, 1500))[0] + 300 * single
    introns = _lengths(rng, n - 1, spec.intron_median, spec.intron_sigma, spec.intron_range)
    skip = -1
    if n > 2 and rng.random() < spec.alternative_fraction:
        skip = int(rng.integers(1, n - 1))
        # Whole codons, so that the frame behind the skipped exon stays.
        exons[skip] += -exons[skip] % 3
    return GeneModel(exons, introns, _coding_range(rng, exons) if coding else (-1, -1), skip)


def _lengths(
    rng: np.random.Generator, n: int, median: float, sigma: float, limits: tuple[int, int]
) -> np.ndarray:
    """Draw clipped lognormal lengths: int64 (n,)."""
    drawn = np.rint(median * rng.lognormal(0.0, sigma, size=n)).astype(np.int64)
    return np.clip(drawn, *limits)


def _coding_range(rng: np.random.Generator, exons: np.ndarray) -> tuple[int, int]:
    """Choose start and end of the coding sequence in an mRNA, whole codons.

    Neither the start nor the stop codon touches an exonic motif base (3 before, 2 after a
    junction), so that the motifs can be painted over the codons.
    """
    junctions, total = np.cumsum(exons)[:-1], int(exons.sum())
    start = int(np.clip(_lengths(rng, 1, 100, 0.5, (20, 400))[0], 20, total // 3))
    while not _clear_of(junctions, start):
        start += 1
    utr3 = int(np.clip(_lengths(rng, 1, 150, 0.6, (60, 1500))[0], 30, (total - start) // 2))
    end = start + (total - start - utr3) // 3 * 3
    while not _clear_of(junctions, end - 3):
        end -= 3
    return start, end


def _clear_of(junctions: np.ndarray, codon: int) -> bool:
    """Tell whether a codon's 3 bases keep off the motif bases junction - 3 .. junction + 1."""
    return not ((codon + 2 >= junctions - 3) & (codon <= junctions + 1)).any()


def _layout(genes: pd.DataFrame, models: list[GeneModel]) -> Layout:
    """Number the sense and the mRNA space."""
    counts = np.array([len(m.exons) for m in models], dtype=np.int64)
    exon = np.concatenate([m.exons for m in models])
    # The space behind an exon: its intron, none behind a gene's last exon.
    behind = np.concatenate([np.append(m.introns, 0) for m in models])
    start = np.cumsum(exon + behind) - (exon + behind)
    mrna = np.cumsum(exon) - exon
    first = np.cumsum(counts) - counts
    cds = np.array([m.cds for m in models], dtype=np.int64).reshape(-1, 2)
    exons = pd.DataFrame(
        {
            "gene": np.repeat(np.arange(len(models)), counts),
            "exon_number": ranges(np.ones(len(models)), counts),
            "start": start,
            "end": start + exon,
            "mrna": mrna,
        }
    )
    coding = cds[:, 0] >= 0
    return Layout(
        genes.assign(
            coding=coding,
            sense=start[first],
            mrna=mrna[first],
            mrna_end=mrna[first] + np.array([m.exons.sum() for m in models], dtype=np.int64),
            cds_start=np.where(coding, cds[:, 0] + mrna[first], -1),
            cds_end=np.where(coding, cds[:, 1] + mrna[first], -1),
            skip=np.array([m.skip for m in models], dtype=np.int64),
        ),
        exons,
    )
