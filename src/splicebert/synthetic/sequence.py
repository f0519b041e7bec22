"""Paint the genes: background, codons, splice sites and branchpoints, in the sense space."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from splicebert.synthetic import motifs, planting
from splicebert.synthetic.genes import Layout, ranges
from splicebert.synthetic.grammar import (
    ACCEPTOR_OFFSETS,
    BRANCHPOINT_OFFSETS,
    BRANCHPOINT_RANGE,
    DONOR_OFFSETS,
    Grammar,
)
from splicebert.synthetic.spec import CDS, INTRON, NONCODING_EXON, UTR3, UTR5, GenomeSpec
from splicebert.synthetic.vocabulary import Vocabulary


@dataclass(frozen=True)
class Painted:
    """Per-base and per-intron truth of the genes.

    Parameters
    ----------
    codes : uint8 (sense length,)
        Bases, A 0, C 1, G 2, T 3.
    region : uint8 (sense length,)
        Codes of `splicebert.synthetic.spec`.
    phase : int8 (sense length,)
        Codon position 0, 1, 2 of coding bases, -1 elsewhere.
    motif : bool (sense length,)
        True on splice-site matrices, branchpoint motifs and enhancers, which nothing may
        overwrite.
    decoy : bool (sense length,)
        True on sequences that look like splice sites.
    element : float32 (sense length,)
        Selection of the bases of protein domains, 0 elsewhere.
    mrna : int64 (mRNA length,)
        Sense position of each mRNA base.
    intron_class, distance : int64 (introns,)
        Class of the matrices, distance of the branchpoint A to the first exon base, by row of
        `Layout.introns`.
    acceptor_class : int64 (introns,)
        Class of the acceptor's matrix, which is the donor's where the two are coupled.
    domains, decoys
        Tables of `planting.paint_domains` and `planting.paint_decoys`.
    """

    codes: np.ndarray
    region: np.ndarray
    phase: np.ndarray
    motif: np.ndarray
    decoy: np.ndarray
    element: np.ndarray
    mrna: np.ndarray
    intron_class: np.ndarray
    acceptor_class: np.ndarray
    distance: np.ndarray
    domains: pd.DataFrame
    decoys: pd.DataFrame


def paint_genes(
    rng: np.random.Generator, spec: GenomeSpec, layout: Layout, vocabulary: Vocabulary
) -> Painted:
    """Draw the sequence of all genes.

    Codons are drawn first; over them protein domains, enhancers and splice sites; stop codons that
    this brings into frame are mended; decoys and branchpoints come last.
    """
    exons, grammar = layout.exons, spec.grammar
    mrna = ranges(exons["start"], exons["end"] - exons["start"])
    region, phase = _regions(layout, mrna)
    codes = motifs.markov(rng, layout.length, grammar.intron_bases)
    codes[mrna] = motifs.markov(rng, len(mrna), grammar.exon_bases)
    coding = mrna[phase[mrna] >= 0].reshape(-1, 3)
    first, last = _codon_ends(layout)
    codes[coding] = motifs.sample_codons(rng, len(coding), grammar.codons)
    codes[coding[first]] = [motifs.A, motifs.T, motifs.G]
    codes[coding[last]] = motifs.sample_stops(rng, len(last), grammar.codons)

    donor_class, acceptor_class = _classes(rng, spec, len(layout.introns))
    donors, acceptors = site_windows(layout)
    motif = np.zeros(len(codes), dtype=bool)
    motif[donors] = motif[acceptors] = True
    kept = motif.copy()
    kept[coding[first]] = kept[coding[last]] = True
    runs = planting.free_codons(coding, kept)
    domains, element = planting.paint_domains(rng, spec, vocabulary, runs, codes)
    enhancers = planting.paint_enhancers(rng, grammar, layout, coding, kept | (element > 0), codes)
    codes[donors] = motifs.sample_pwm(rng, grammar.donor[donor_class])
    codes[acceptors] = motifs.sample_pwm(rng, grammar.acceptor[acceptor_class])
    _mend_stops(codes, coding, last)
    decoys, decoy = planting.paint_decoys(rng, spec, layout, codes)
    branchpoints, distance = _paint_branchpoints(rng, grammar, layout, codes)
    motif[branchpoints] = motif[enhancers] = True
    return Painted(
        codes=codes,
        region=region,
        phase=phase,
        motif=motif,
        decoy=decoy,
        element=element,
        mrna=mrna,
        intron_class=donor_class,
        acceptor_class=acceptor_class,
        distance=distance,
        domains=domains,
        decoys=decoys,
    )


def site_windows(layout: Layout) -> tuple[np.ndarray, np.ndarray]:
    """Return the sense positions of the splice-site matrices: int64 (introns, 9), (introns, 21)."""
    introns = layout.introns
    donors = introns["start"].to_numpy()[:, None] + DONOR_OFFSETS
    return donors, introns["end"].to_numpy()[:, None] + ACCEPTOR_OFFSETS


def _regions(layout: Layout, mrna: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return `region` and `phase` of `Painted`."""
    genes = layout.genes
    gene = np.repeat(np.arange(len(genes)), genes["mrna_end"] - genes["mrna"])
    position = np.arange(len(mrna))
    start, end = genes["cds_start"].to_numpy()[gene], genes["cds_end"].to_numpy()[gene]
    exonic = np.select(
        [start < 0, position < start, position < end],
        [NONCODING_EXON, UTR5, CDS],
        default=UTR3,
    )
    region = np.full(layout.length, INTRON, dtype=np.uint8)
    region[mrna] = exonic
    phase = np.full(layout.length, -1, dtype=np.int8)
    phase[mrna] = np.where(exonic == CDS, (position - start) % 3, -1)
    return region, phase


def _codon_ends(layout: Layout) -> tuple[np.ndarray, np.ndarray]:
    """Return the rows of the start and stop codons among all coding genes' codons."""
    genes = layout.genes[layout.genes["coding"]]
    counts = ((genes["cds_end"] - genes["cds_start"]) // 3).to_numpy()
    after = np.cumsum(counts)
    return after - counts, after - 1


def _classes(rng: np.random.Generator, spec: GenomeSpec, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw the class of each intron's donor and acceptor."""
    share = spec.grammar.class_p
    donor, free = rng.choice(len(share), size=(2, n), p=share)
    return donor, np.where(rng.random(n) < spec.coupling, donor, free)


def _mend_stops(codes: np.ndarray, coding: np.ndarray, last: np.ndarray) -> None:
    """Turn TAA, TAG, TGA before the last codon into CAA, CAG, CGA, in place.

    The T is then rarely within a donor matrix, where C is as common as T or commoner, but at -1.
    """
    stop = np.isin(motifs.codon_numbers(codes[coding]), motifs.STOP_CODONS)
    stop[last] = False
    codes[coding[stop, 0]] = motifs.C


def _paint_branchpoints(
    rng: np.random.Generator, grammar: Grammar, layout: Layout, codes: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Paint one yUnAy before each acceptor, in place, and clear the AGs behind it.

    A spliceosome takes the first AG after the branchpoint, so one nearer would be the acceptor.

    Returns
    -------
    windows : int64 (introns, 5)
        Sense positions of the motifs.
    distance : int64 (introns,)
        From the A to the first exon base, nt.
    """
    exon_start = layout.introns["end"].to_numpy()
    low, high = BRANCHPOINT_RANGE
    drawn = np.rint(low + rng.gamma(3.0, 3.3, size=len(exon_start))).astype(np.int64)
    distance = np.where(drawn > high, rng.integers(low, high + 1, size=len(drawn)), drawn)
    windows = (exon_start - distance)[:, None] + BRANCHPOINT_OFFSETS
    pwm = np.broadcast_to(grammar.branchpoint, (len(windows), *grammar.branchpoint.shape))
    codes[windows] = motifs.sample_pwm(rng, pwm)

    back = np.arange(high, 3, -1)
    zone = (exon_start[:, None] - back)[back < distance[:, None]]
    ag = zone[(codes[zone] == motifs.A) & (codes[zone + 1] == motifs.G)]
    codes[ag + 1] = motifs.C
    return windows, distance
