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

MIN_COPY = 40
"""Shortest repeat copy, nt."""
ELEMENT_LENGTHS = (50, 150)
CONSENSUS_LENGTHS = (150, 350)
_WHOLE_COPIES = 0.3
_ELEMENT_BASES = np.array([0.34, 0.16, 0.42, 0.08])
_ELEMENT_WORDS, _WORD_LENGTH, _WORD_CHANGES = 12, 10, 0.06


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
        Splice-site matrices and branchpoint motifs.
    element : float32
        Selection coefficient of conserved elements, 0 elsewhere.
    repeat : bool
        Repeats.
    """

    name: str
    codes: np.ndarray
    region: np.ndarray
    phase: np.ndarray
    motif: np.ndarray
    element: np.ndarray
    repeat: np.ndarray


def lay_out(
    rng: np.random.Generator, name: str, length: int, layout: Layout, painted: Painted
) -> Chromosome:
    """Return a chromosome with its genes on intergenic background."""
    chrom = Chromosome(
        name,
        codes=motifs.markov(rng, length, motifs.INTERGENIC_BASES),
        region=np.full(length, INTERGENIC, dtype=np.uint8),
        phase=np.full(length, -1, dtype=np.int8),
        motif=np.zeros(length, dtype=bool),
        element=np.zeros(length, dtype=np.float32),
        repeat=np.zeros(length, dtype=bool),
    )
    for gene in layout.genes[layout.genes["chrom"] == name].itertuples():
        sense = slice(gene.sense, gene.sense + gene.end - gene.start)
        step = 1 if gene.strand == "+" else -1
        for field in ("codes", "region", "phase", "motif"):
            piece = getattr(painted, field)[sense][::step]
            if field == "codes" and step < 0:
                piece = motifs.COMPLEMENT[piece]
            getattr(chrom, field)[gene.start : gene.end] = piece
    return chrom


@dataclass(frozen=True)
class Vocabulary:
    """What elements and repeats are made of, the same on all chromosomes.

    Parameters
    ----------
    words : uint8 (words, 10)
        Short words, rich in purines, that conserved elements are strung together from.
    consensus : tuple of uint8 (150-350,)
        One sequence a repeat family.
    """

    words: np.ndarray
    consensus: tuple[np.ndarray, ...]


def draw_vocabulary(rng: np.random.Generator, spec: GenomeSpec) -> Vocabulary:
    """Draw the words and the repeat families, each family with a composition of its own."""
    words = rng.choice(4, size=(_ELEMENT_WORDS, _WORD_LENGTH), p=_ELEMENT_BASES)
    low, high = CONSENSUS_LENGTHS
    lengths = rng.integers(low, high + 1, size=spec.repeat_families)
    consensus = tuple(motifs.markov(rng, int(n), rng.dirichlet(np.full(4, 20.0))) for n in lengths)
    return Vocabulary(words.astype(np.uint8), consensus)


def add_elements(
    rng: np.random.Generator, spec: GenomeSpec, chrom: Chromosome, vocabulary: Vocabulary
) -> pd.DataFrame:
    """Write conserved elements into introns and intergenic space, in place.

    Returns
    -------
    elements
        `SyntheticGenome.elements` of this chromosome.
    """
    shortest, longest = ELEMENT_LENGTHS
    free, rows = np.isin(chrom.region, (INTRON, INTERGENIC)) & ~chrom.motif, []
    target = spec.element_fraction * free.sum()
    positions = rng.permutation(np.flatnonzero(free))
    lengths = rng.integers(shortest, longest + 1, size=len(positions))
    for _, start, end in _places(free, target, positions, lengths, shortest):
        picked = vocabulary.words[rng.integers(_ELEMENT_WORDS, size=longest // _WORD_LENGTH + 2)]
        shift = rng.integers(_WORD_LENGTH)
        text = picked.ravel()[shift : shift + end - start]
        strand = "+-"[rng.integers(2)]
        chrom.codes[start:end] = _oriented(_mutated(rng, text, _WORD_CHANGES), strand)
        coefficient = round(float(rng.uniform(0.6, 0.95)), 2)
        chrom.element[start:end] = coefficient
        rows.append((chrom.name, start, end, strand, coefficient))
    columns = ["chrom", "start", "end", "strand", "coefficient"]
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
    full = np.array([len(consensus) for consensus in vocabulary.consensus])
    for regions, fraction in (
        ((INTRON,), spec.repeat_fraction),
        ((INTERGENIC,), spec.repeat_fraction),
        ((UTR3, NONCODING_EXON), spec.exonic_repeat_fraction),
    ):
        inside = np.isin(chrom.region, regions)
        free = inside & ~chrom.motif & (chrom.element == 0)
        positions = rng.permutation(np.flatnonzero(free))
        family = rng.integers(spec.repeat_families, size=len(positions))
        lengths = rng.integers(MIN_COPY, full[family] + 1)
        whole = rng.random(len(positions)) < _WHOLE_COPIES
        lengths[whole] = full[family][whole]
        places = _places(free, fraction * inside.sum(), positions, lengths, MIN_COPY)
        for i, start, end in places:
            name = int(family[i])
            source = vocabulary.consensus[name]
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
