"""What a synthetic genome is asked to be (`GenomeSpec`) and what comes out (`SyntheticGenome`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from types import MappingProxyType

import numpy as np
import pandas as pd

from splicebert.errors import ConfigError
from splicebert.synthetic.grammar import GRAMMARS, Grammar

DEFAULT_CHROMOSOMES = MappingProxyType(
    {"chr1": 900_000, "chr2": 700_000, "chr3": 600_000, "chr4": 500_000, "chr5": 300_000}
)

INTERGENIC, UTR5, CDS, UTR3, INTRON, NONCODING_EXON = range(6)
REGION_NAMES = ("intergenic", "UTR5", "CDS", "UTR3", "intron", "noncoding_exon")
"""Names of the region codes, which index it."""


@dataclass(frozen=True)
class GenomeSpec:
    """The size and the make-up of a synthetic genome; the seed is an argument of `make_genome`.

    Parameters
    ----------
    chromosomes
        Chromosome name -> length in nt, in the order in which they are written.
    species
        Which of `grammar.GRAMMARS`.
    transcribed_fraction
        Share of each chromosome inside genes, reached within one gene.
    coding_fraction
        Probability that a gene is protein coding; the others are lncRNA.
    alternative_fraction
        Share of the genes with an internal exon in which an exon-skipping transcript is tried; it
        is left out where the skip would bring a stop codon into frame.
    intron_median, intron_sigma, intron_range
        Median (nt) and log-scale standard deviation of the intron lengths, and the limits (nt,
        both included) that they are clipped to.
    coupling
        Probability that an acceptor has the class of its intron's donor; otherwise its class is
        drawn apart. 1 = co-varying donor and acceptor, 0 = independent.
    repeat_fraction
        Share of the intronic and of the intergenic bases covered by repeats.
    exonic_repeat_fraction
        The same for the 3'UTR and the lncRNA exons.
    repeat_families
        Number of repeat consensus sequences (80-140 nt each).
    divergence
        Smallest and largest share of substituted bases in a repeat copy, before rounding to whole
        bases.
    element_fraction
        Share of the intronic and intergenic bases in conserved elements (40-90 nt each).
    domain_fraction
        Share of the coding exons with room for one that hold a piece of a protein domain.
    decoy_fraction
        Share of the introns with room for one that hold a sequence drawn from a splice-site
        matrix.
    gap_fraction
        Share of the bases without conservation scores.
    variants
        Number of variants drawn; repeated ones are dropped, and an exon has one that
        makes a cryptic site at most.
    """

    chromosomes: Mapping[str, int] = field(default_factory=lambda: dict(DEFAULT_CHROMOSOMES))
    species: str = "demo"
    transcribed_fraction: float = 0.65
    coding_fraction: float = 0.75
    alternative_fraction: float = 0.4
    intron_median: float = 130.0
    intron_sigma: float = 0.65
    intron_range: tuple[int, int] = (80, 3000)
    coupling: float = 1.0
    repeat_fraction: float = 0.20
    exonic_repeat_fraction: float = 0.08
    repeat_families: int = 2
    divergence: tuple[float, float] = (0.05, 0.15)
    element_fraction: float = 0.04
    domain_fraction: float = 0.6
    decoy_fraction: float = 0.4
    gap_fraction: float = 0.015
    variants: int = 6000

    @property
    def grammar(self) -> Grammar:
        """Matrices and composition of the species."""
        return GRAMMARS[self.species]

    def __post_init__(self) -> None:
        """Refuse values that can't be built, by name."""
        if self.species not in GRAMMARS:
            raise ConfigError(f"species = {self.species}: expected one of {', '.join(GRAMMARS)}")
        for name in (f.name for f in fields(self)):
            value = getattr(self, name)
            if (name.endswith("_fraction") or name == "coupling") and not 0 <= value <= 1:
                raise ConfigError(f"{name} = {value}: expected a share between 0 and 1")
        if not self.chromosomes:
            raise ConfigError("chromosomes is empty: expected at least one name with its length")
        for chrom, length in self.chromosomes.items():
            if isinstance(length, bool) or not isinstance(length, int) or length < 1:
                raise ConfigError(f"chromosomes: {chrom} = {length!r}: expected a length in nt")
        if self.repeat_families < 1:
            raise ConfigError(f"repeat_families = {self.repeat_families}: expected at least 1")
        self._check_range("divergence", 0, 1)
        # A donor, a branchpoint and an acceptor need 8 + 44 + 3 intron bases side by side.
        self._check_range("intron_range", 60, float("inf"))

    def _check_range(self, name: str, lowest: float, highest: float) -> None:
        low, high = getattr(self, name)
        if not lowest <= low <= high <= highest:
            raise ConfigError(
                f"{name} = ({low}, {high}): expected low <= high, both in {lowest}..{highest}"
            )


@dataclass(frozen=True)
class SyntheticGenome:
    """A genome with its annotation, its conservation and the truth that was planted in it.

    Coordinates are 0-based, half-open, on the forward strand.

    Parameters
    ----------
    sequences
        chrom -> str over ACGTacgt; lower case = repeat.
    genes
        One row a gene: chrom, start, end, strand, gene_id, gene_name, gene_type (`protein_coding`
        or `lncRNA`).
    transcripts
        One row a transcript: chrom, start, end, strand, tx_id, tx_name, tx_type, gene_id,
        canonical (bool), cds_start, cds_end (start codon to stop codon, both included; -1 where
        there is none).
    exons
        One row an exon of a transcript: chrom, start, end, strand, tx_id, exon_number (1-based,
        5'->3').
    splice_sites
        One row a splice site of a canonical transcript: chrom, start, end (the dinucleotide),
        strand, site (`donor` or `acceptor`), tx_id, gene_id, intron_number (1-based, 5'->3'),
        intron_class (0 to 31, the matrix that it was drawn from), strength (log2-odds of the final
        sequence against the matrix of all classes mixed, bits), usage (0..1, the share of the
        transcripts that use it, from the splicing model).
    branchpoints
        One row an intron of a canonical transcript: chrom, start, end (the branchpoint A, 1 nt),
        strand, tx_id, intron_number, acceptor (position of the first exon base after the intron),
        distance (nt from the A to that base), motif (5 nt, 5'->3', the A is the fourth).
    spliced_exons
        One row an exon between two introns of a canonical transcript: chrom, start, end, strand,
        tx_id, exon_number, branchpoint_distance (nt), the terms of `splicing.Terms` (donor,
        acceptor, branchpoint, enhancers, competition; logit units) and psi (0..1).
    variants
        One row a single-nucleotide variant in or near a spliced exon: chrom, position (0-based),
        ref, alt (forward strand), strand, tx_id, exon_number, exon_start, exon_end, place
        (`donor`, `acceptor` for the dinucleotides, `donor_region`, `acceptor_region`,
        `branchpoint`, `exon`, `intron`; `cryptic_site`: where the change makes a
        cryptic splice site beside one), dataset (`vexseq` or `mfass`, the VCF that it is written
        to), psi, alt_psi, delta_psi (from `splicing.exon_terms`).
    decoys
        One row a sequence drawn from a splice-site matrix within an intron, where no site is:
        chrom, start, end (the dinucleotide), strand, site, tx_id, strength (as of the sites).
    domains
        One row a piece of a protein domain: chrom, start, end, strand, tx_id, family.
    repeats
        One row a repeat copy: chrom, start, end, strand, family, divergence (share of the
        copy's bases that differ from the consensus).
    elements
        One row a conserved element outside exons: chrom, start, end, strand, family, coefficient
        (mean selection coefficient).
    tracks
        `phastcons` and `phylop` -> chrom -> float32 (chromosome length,), NaN = no score.
    selection
        chrom -> float32 (chromosome length,): the planted selection coefficient, 0..1.
    regions
        chrom -> uint8 (chromosome length,): codes that index `REGION_NAMES`, of the canonical
        transcripts.
    """

    sequences: dict[str, str]
    genes: pd.DataFrame
    transcripts: pd.DataFrame
    exons: pd.DataFrame
    splice_sites: pd.DataFrame
    branchpoints: pd.DataFrame
    spliced_exons: pd.DataFrame
    variants: pd.DataFrame
    decoys: pd.DataFrame
    domains: pd.DataFrame
    repeats: pd.DataFrame
    elements: pd.DataFrame
    tracks: dict[str, dict[str, np.ndarray]]
    selection: dict[str, np.ndarray]
    regions: dict[str, np.ndarray]
