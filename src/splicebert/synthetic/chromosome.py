"""Put the painted genes on their chromosomes, and conserved elements and repeats around them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from splicebert.synthetic import motifs
from splicebert.synthetic.genes import Layout
from splicebert.synthetic.sequence import Painted
from splicebert.synthetic.spec import INTERGENIC, INTRON, NONCODING_EXON, UTR3, GenomeSpec
from splicebert.synthetic.vocabulary import Vocabulary, descend, piece

MIN_COPY = 40
"""Shortest repeat copy, nt."""
MIN_ELEMENT = 40
"""Shortest part of a conserved element, nt."""
_WHOLE_COPIES = 0.3


@dataclass(frozen=True)
class Chromosome:
    """Per-base state of one chromosome, forward strand; all arrays (length,).

    Parameters
    ----------
    name
        Name of the chromosome.
    codes : uint8
        Bases, A 0, C 1, G 2, T 3.
    region : uint8
        Codes of `splicebert.synthetic.spec`.
    phase : int8
        Codon position 0, 1, 2 of coding bases, -1 elsewhere.
    motif : bool
        Splice-site matrices, branchpoint motifs and enhancers.
    decoy : bool
        Sequences that look like splice sites.
    element : float32
        Selection coefficient of conserved elements and protein domains, 0 elsewhere.
    repeat : bool
        Repeats.
    """

    name: str
    codes: np.ndarray
    region: np.ndarray
    phase: np.ndarray
    motif: np.ndarray
    decoy: np.ndarray
    element: np.ndarray
    repeat: np.ndarray


def lay_out(
    rng: np.random.Generator, spec: GenomeSpec, name: str, layout: Layout, painted: Painted
) -> Chromosome:
    """Return a chromosome with its genes on intergenic background."""
    length, bases = spec.chromosomes[name], spec.grammar.intergenic_bases
    chrom = Chromosome(
        name,
        codes=motifs.markov(rng, length, bases),
        region=np.full(length, INTERGENIC, dtype=np.uint8),
        phase=np.full(length, -1, dtype=np.int8),
        motif=np.zeros(length, dtype=bool),
        decoy=np.zeros(length, dtype=bool),
        element=np.zeros(length, dtype=np.float32),
        repeat=np.zeros(length, dtype=bool),
    )
    for gene in layout.genes[layout.genes["chrom"] == name].itertuples():
        sense = slice(gene.sense, gene.sense + gene.end - gene.start)
        step = 1 if gene.strand == "+" else -1
        for field in ("codes", "region", "phase", "motif", "decoy", "element"):
            piece = getattr(painted, field)[sense][::step]
            if field == "codes" and step < 0:
                piece = motifs.COMPLEMENT[piece]
            getattr(chrom, field)[gene.start : gene.end] = piece
    return chrom


def add_elements(
    rng: np.random.Generator, spec: GenomeSpec, chrom: Chromosome, vocabulary: Vocabulary
) -> pd.DataFrame:
    """Write conserved elements into introns and intergenic space, in place.

    Returns
    -------
    elements
        `SyntheticGenome.elements` of this chromosome.
    """
    free = np.isin(chrom.region, (INTRON, INTERGENIC)) & ~chrom.motif & ~chrom.decoy
    target, rows = spec.element_fraction * free.sum(), []
    positions = rng.permutation(np.flatnonzero(free))
    names = rng.integers(len(vocabulary.elements), size=len(positions))
    lengths = np.array([len(family.codes) for family in vocabulary.elements])[names]
    for i, start, end in _places(free, target, positions, lengths, MIN_ELEMENT):
        part = piece(vocabulary.elements[names[i]], 0, end - start)
        strand = "+-"[rng.integers(2)]
        chrom.codes[start:end] = _oriented(descend(rng, part), strand)
        chrom.element[start:end] = part.selection[:: 1 if strand == "+" else -1]
        coefficient = round(float(part.selection.mean()), 2)
        rows.append((chrom.name, start, end, strand, f"ELEMENT{names[i] + 1}", coefficient))
    columns = ["chrom", "start", "end", "strand", "family", "coefficient"]
    return pd.DataFrame(rows, columns=columns).sort_values("start", ignore_index=True)


def add_repeats(
    rng: np.random.Generator, spec: GenomeSpec, chrom: Chromosome, vocabulary: Vocabulary
) -> pd.DataFrame:
    """Write repeat copies into introns, intergenic space and non-coding exons, in place.

    Returns
    -------
    repeats
        `SyntheticGenome.repeats` of this chromosome.
    """
    rows: list[tuple] = []
    full = np.array([len(consensus) for consensus in vocabulary.repeats])
    for regions, fraction in (
        ((INTRON,), spec.repeat_fraction),
        ((INTERGENIC,), spec.repeat_fraction),
        ((UTR3, NONCODING_EXON), spec.exonic_repeat_fraction),
    ):
        inside = np.isin(chrom.region, regions)
        free = inside & ~chrom.motif & ~chrom.decoy & (chrom.element == 0)
        positions = rng.permutation(np.flatnonzero(free))
        family = rng.integers(spec.repeat_families, size=len(positions))
        lengths = rng.integers(MIN_COPY, full[family] + 1)
        whole = rng.random(len(positions)) < _WHOLE_COPIES
        lengths[whole] = full[family][whole]
        places = _places(free, fraction * inside.sum(), positions, lengths, MIN_COPY)
        for i, start, end in places:
            name = int(family[i])
            source = vocabulary.repeats[name]
            copy, strand, divergence = _draw_copy(rng, spec, source, end - start)
            chrom.codes[start:end] = copy
            chrom.repeat[start:end] = True
            rows.append((chrom.name, start, end, strand, f"REP{name + 1}", divergence))
    columns = ["chrom", "start", "end", "strand", "family", "divergence"]
    return pd.DataFrame(rows, columns=columns).sort_values("start", ignore_index=True)


def _draw_copy(
    rng: np.random.Generator, spec: GenomeSpec, source: np.ndarray, length: int
) -> tuple[np.ndarray, str, float]:
    """Draw a diverged part of a consensus: its forward-strand codes, strand and divergence."""
    cut = int(rng.integers(len(source) - length + 1))
    changed = round(float(rng.uniform(*spec.divergence)) * length)
    strand = "+-"[rng.integers(2)]
    copy = _mutated(rng, source[cut : cut + length], changed / length)
    return _oriented(copy, strand), strand, round(changed / length, 4)


def _places(
    free: np.ndarray, target: float, positions: np.ndarray, lengths: np.ndarray, shortest: int
) -> Iterator[tuple[int, int, int]]:
    """Yield free intervals until they hold `target` bases or the candidates are used up.

    A candidate is cut short where free space ends, and dropped if less than `shortest` is left.

    Parameters
    ----------
    free : bool (length,)
        Changed in place.
    target
        Bases to cover.
    positions, lengths : int (candidates,)
        Where a candidate begins and how long it would be.
    shortest
        Least length, nt.

    Yields
    ------
    candidate, start, end
    """
    covered = 0
    for i, (start, length) in enumerate(zip(positions.tolist(), lengths.tolist(), strict=True)):
        if covered >= target:
            return
        room = free[start : start + length]
        end = start + (len(room) if room.all() else int(room.argmin()))
        if end - start >= shortest:
            free[start:end] = False
            covered += end - start
            yield i, start, end


def _mutated(rng: np.random.Generator, codes: np.ndarray, share: float) -> np.ndarray:
    """Return a copy with exactly `share` of its bases (rounded) replaced by other bases."""
    where = rng.permutation(len(codes))[: round(share * len(codes))]
    out = codes.copy()
    out[where] = (out[where] + rng.integers(1, 4, size=len(where))) % 4
    return out


def _oriented(codes: np.ndarray, strand: str) -> np.ndarray:
    return codes if strand == "+" else motifs.COMPLEMENT[codes[::-1]]
