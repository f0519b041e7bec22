"""The splicing grammars of the synthetic species: matrices, composition, codons, enhancers.

Tables of `demo` are rounded human averages; its introns are poorer in G and C than its exons, as in
the AT-rich parts of the human genome. `distant` stands for another species: richer in A and T, with
weaker exon ends, a tract that stands out less, and other codons.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

A, C, G, T = range(4)

DONOR_OFFSETS = np.arange(-3, 6)
"""Offsets of the donor matrix from the first intron base: -3..-1 exon, 0..5 intron (+1..+6)."""
ACCEPTOR_OFFSETS = np.arange(-20, 1)
"""Offsets of the acceptor matrix from the first exon base: -20..-1 intron, 0 exon (+1)."""
BRANCHPOINT_OFFSETS = np.arange(-3, 2)
"""Offsets of the branchpoint motif yUnAy from its A."""
BRANCHPOINT_RANGE = (18, 44)
"""Smallest and largest distance (nt) of a branchpoint A upstream of the first exon base."""


class Grammar(NamedTuple):
    """What splice sites, branchpoints and their surroundings are drawn from. Order ACGT.

    An intron's class is two bits, drawn apart: number = 2 x second + first. The first bit is the
    donor's +3 (A or G) and the acceptor's tract (T or C), the second the donor's +6 (T or not) and
    the acceptor's -3 (C or T). Nothing near the donor tells its +3 or its +6: the acceptor does.

    Parameters
    ----------
    class_p : float64 (4,)
        Share of each class.
    donor : float64 (4, 9 positions, nt)
        Rows sum to 1.
    acceptor : float64 (4, 21 positions, nt)
        Rows sum to 1.
    branchpoint : float64 (5 positions, nt)
        Rows sum to 1.
    intron_bases, intergenic_bases, exon_bases : float64 (4,)
        Composition; of exons, what is not coding.
    codons : float64 (64,)
        Codon usage, number = 16 x first + 4 x second + third.
    enhancers, silencers
        Hexamers that help or hinder an exon's inclusion; enhancers are two sense codons.
    """

    class_p: np.ndarray
    donor: np.ndarray
    acceptor: np.ndarray
    branchpoint: np.ndarray
    intron_bases: np.ndarray
    intergenic_bases: np.ndarray
    exon_bases: np.ndarray
    codons: np.ndarray
    enhancers: tuple[str, ...]
    silencers: tuple[str, ...]

    @property
    def donor_mean(self) -> np.ndarray:
        """Donor matrix of all classes mixed: float64 (9, nt)."""
        return np.tensordot(self.class_p, self.donor, axes=1)

    @property
    def acceptor_mean(self) -> np.ndarray:
        """Acceptor matrix of all classes mixed: float64 (21, nt)."""
        return np.tensordot(self.class_p, self.acceptor, axes=1)


# Codons per thousand of human coding sequence (Codon Usage Database), first base in pairs
# of rows, second base in groups of 4, third base last, all in the order ACGT.
CODON_PER_MILLE = np.array(
    [
        [[24.4, 19.1, 31.9, 17.0], [15.1, 18.9, 6.1, 13.1]],
        [[12.2, 19.5, 12.0, 12.1], [7.5, 20.8, 22.0, 16.0]],
        [[12.3, 15.1, 34.2, 10.9], [16.9, 19.8, 6.9, 17.5]],
        [[6.2, 10.4, 11.4, 4.5], [7.2, 19.6, 39.6, 13.2]],
        [[29.0, 25.1, 39.6, 21.8], [15.8, 27.7, 7.4, 18.4]],
        [[16.5, 22.2, 16.5, 10.8], [7.1, 14.5, 28.1, 11.0]],
        [[1.0, 15.3, 0.8, 12.2], [12.2, 17.7, 4.4, 15.2]],
        [[1.6, 12.6, 13.2, 10.6], [7.7, 20.3, 12.9, 17.6]],
    ]
).ravel()

_GT, _AG = [[0, 0, 1, 0], [0, 0, 0, 1]], [[1, 0, 0, 0], [0, 0, 1, 0]]
_ENHANCERS = ("GAAGAA", "GAGGAA", "AAGAAG", "GACGAC")
_SILENCERS = ("TTTGTT", "TAGGGT", "GGTTAG")


def _donor(exon_end: list, plus_3: list, plus_4_5: list, plus_6: list) -> np.ndarray:
    """Donor matrices of the four classes, from the rows of either value of both bits."""
    return np.array([[*exon_end, *_GT, plus_3[n % 2], *plus_4_5, plus_6[n // 2]] for n in range(4)])


def _acceptor(tracts: list, weak: list, spacer: list, minus_3: list, first: list) -> np.ndarray:
    """Acceptor matrices: tract of 16 rows that starts weak, spacer, -3, AG, +1."""
    rows = [[np.mean([tract, weak], axis=0).tolist()] * 4 + [tract] * 12 for tract in tracts]
    return np.array([[*rows[n % 2], spacer, minus_3[n // 2], *_AG, first] for n in range(4)])


def _classes(first: float, second: float) -> np.ndarray:
    return np.outer([second, 1 - second], [first, 1 - first]).ravel()


DEMO = Grammar(
    class_p=_classes(0.6, 0.5),
    donor=_donor(
        [[0.33, 0.37, 0.18, 0.12], [0.60, 0.13, 0.12, 0.15], [0.08, 0.04, 0.81, 0.07]],
        [[0.94, 0.01, 0.04, 0.01], [0.04, 0.03, 0.90, 0.03]],
        [[0.71, 0.08, 0.12, 0.09], [0.06, 0.05, 0.84, 0.05]],
        [[0.06, 0.05, 0.05, 0.84], [0.26, 0.32, 0.34, 0.08]],
    ),
    acceptor=_acceptor(
        [[0.08, 0.21, 0.08, 0.63], [0.09, 0.53, 0.11, 0.27]],
        [0.22, 0.25, 0.17, 0.36],
        [0.25, 0.28, 0.21, 0.26],
        [[0.03, 0.90, 0.01, 0.06], [0.08, 0.30, 0.01, 0.61]],
        [0.25, 0.15, 0.48, 0.12],
    ),
    branchpoint=np.array(
        [[0, 0.6, 0, 0.4], [0, 0, 0, 1], [0.3, 0.25, 0.3, 0.15], [1, 0, 0, 0], [0, 0.65, 0, 0.35]]
    ),
    intron_bases=np.array([0.32, 0.17, 0.17, 0.34]),
    intergenic_bases=np.array([0.30, 0.20, 0.20, 0.30]),
    exon_bases=np.array([0.23, 0.28, 0.27, 0.22]),
    codons=CODON_PER_MILLE,
    enhancers=_ENHANCERS,
    silencers=_SILENCERS,
)

DISTANT = Grammar(
    class_p=_classes(0.75, 0.6),
    donor=_donor(
        [[0.36, 0.26, 0.18, 0.20], [0.54, 0.13, 0.12, 0.21], [0.12, 0.06, 0.70, 0.12]],
        [[0.90, 0.02, 0.03, 0.05], [0.08, 0.03, 0.84, 0.05]],
        [[0.62, 0.08, 0.10, 0.20], [0.10, 0.06, 0.74, 0.10]],
        [[0.08, 0.05, 0.05, 0.82], [0.36, 0.22, 0.30, 0.12]],
    ),
    acceptor=_acceptor(
        [[0.18, 0.12, 0.10, 0.60], [0.18, 0.36, 0.12, 0.34]],
        [0.32, 0.16, 0.14, 0.38],
        [0.26, 0.16, 0.12, 0.46],
        [[0.05, 0.84, 0.01, 0.10], [0.12, 0.26, 0.01, 0.61]],
        [0.30, 0.15, 0.40, 0.15],
    ),
    branchpoint=np.array(
        [[0, 0.7, 0, 0.3], [0, 0, 0, 1], [0.5, 0.15, 0.2, 0.15], [1, 0, 0, 0], [0, 0.6, 0, 0.4]]
    ),
    intron_bases=np.array([0.34, 0.15, 0.15, 0.36]),
    intergenic_bases=np.array([0.33, 0.17, 0.17, 0.33]),
    exon_bases=np.array([0.28, 0.22, 0.22, 0.28]),
    codons=CODON_PER_MILLE * np.tile([1.7, 0.7, 0.7, 1.6], 16),
    enhancers=_ENHANCERS,
    silencers=_SILENCERS,
)

GRAMMARS = {"demo": DEMO, "distant": DISTANT}
"""Species -> grammar."""
