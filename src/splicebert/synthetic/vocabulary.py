"""What repeats, conserved elements and protein domains are copies of."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from splicebert.synthetic import motifs
from splicebert.synthetic.spec import GenomeSpec

REPEAT_LENGTHS = (80, 140)
ELEMENT_LENGTHS = (60, 90)
DOMAIN_CODONS = (20, 32)
ELEMENT_FAMILIES, DOMAIN_FAMILIES = 2, 3
MUTATED = 0.6
"""Share of the bases that a copy changes where nothing is selected."""
_DOMAIN_SELECTION = np.array([0.93, 0.96, 0.50])
_ELEMENT_BASES = np.array([0.34, 0.16, 0.42, 0.08])
_BLOCK, _FREE = 12, 4


class Family(NamedTuple):
    """An ancestral sequence and how much its bases are selected.

    codes : uint8 (length,); selection : float32 (length,), 0..1
    """

    codes: np.ndarray
    selection: np.ndarray


class Vocabulary(NamedTuple):
    """The families of a species, the same on all chromosomes.

    repeats : consensus sequences, uint8 (80-140,) each; elements, domains : conserved families
    """

    repeats: tuple[np.ndarray, ...]
    elements: tuple[Family, ...]
    domains: tuple[Family, ...]


def draw_vocabulary(rng: np.random.Generator, spec: GenomeSpec) -> Vocabulary:
    """Draw the families; each repeat family has a composition of its own."""
    lengths = _between(rng, REPEAT_LENGTHS, spec.repeat_families)
    repeats = [motifs.markov(rng, n, rng.dirichlet(np.full(4, 20.0))) for n in lengths]
    elements = [_element(rng, n) for n in _between(rng, ELEMENT_LENGTHS, ELEMENT_FAMILIES)]
    usage = spec.grammar.codons
    domains = [_domain(rng, n, usage) for n in _between(rng, DOMAIN_CODONS, DOMAIN_FAMILIES)]
    return Vocabulary(tuple(repeats), tuple(elements), tuple(domains))


def _between(rng: np.random.Generator, limits: tuple[int, int], n: int) -> list[int]:
    return rng.integers(limits[0], limits[1] + 1, size=n).tolist()


def _element(rng: np.random.Generator, length: int) -> Family:
    """Bound blocks of 12 nt, rich in purines, with 4 freer bases between them."""
    codes = rng.choice(4, size=length, p=_ELEMENT_BASES).astype(np.uint8)
    bound = np.arange(length) % (_BLOCK + _FREE) < _BLOCK
    selection = np.where(bound, rng.uniform(0.88, 0.97, length), rng.uniform(0.3, 0.5, length))
    return Family(codes, selection.astype(np.float32))


def _domain(rng: np.random.Generator, codons: int, usage: np.ndarray) -> Family:
    """Codons of which the third base is freer than the others."""
    codes = motifs.sample_codons(rng, codons, usage).ravel()
    return Family(codes, np.tile(_DOMAIN_SELECTION, codons).astype(np.float32))


def descend(rng: np.random.Generator, family: Family) -> np.ndarray:
    """Return a copy in which the less a base is selected, the likelier it has changed."""
    codes = family.codes.copy()
    changed = rng.random(len(codes)) < MUTATED * (1 - family.selection)
    codes[changed] = (codes[changed] + rng.integers(1, 4, size=changed.sum())) % 4
    return codes


def piece(family: Family, start: int, length: int) -> Family:
    """Return a part of a family."""
    return Family(*(array[start : start + length] for array in family))
