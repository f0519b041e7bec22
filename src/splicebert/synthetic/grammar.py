"""The splicing grammars of the synthetic species: matrices, composition, codons, enhancers.

Tables of `demo` are rounded human averages; its introns are poorer in G and C than its exons, as in
the AT-rich parts of the human genome. `distant` stands for another species: richer in A and T, with
weaker exon ends, a tract that stands out less, and other codons.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

A, C, G, T = range(4)

DONOR_OFFSETS = np.arange(-3, 8)
"""Offsets of the donor matrix from the first intron base: -3..-1 exon, 0..7 intron (+1..+8)."""
ACCEPTOR_OFFSETS = np.arange(-20, 2)
"""Offsets of the acceptor matrix from the first exon base: -20..-1 intron, 0..1 exon (+1, +2)."""
CLASS_BITS = 5
"""An intron's class is so many bits, each a base of its donor and a feature of its acceptor."""
BRANCHPOINT_OFFSETS = np.arange(-3, 2)
"""Offsets of the branchpoint motif yUnAy from its A."""
BRANCHPOINT_RANGE = (18, 44)
"""Smallest and largest distance (nt) of a branchpoint A upstream of the first exon base."""


class Grammar(NamedTuple):
    """What splice sites, branchpoints and their surroundings are drawn from. Order ACGT.

    An intron's class is a number of five bits, drawn apart, least first. Each is one base of the
    donor and one feature of the acceptor:

        bit  donor          acceptor
        0    +3, A or G     tract, T or C
        1    +6, T or not   -3, C or T
        2    +7, G or not   +1, G or A
        3    +8, T or not   +2, T or not
        4    -3, C or A     -4, A or not

    Nothing near the donor tells one of these bases: only the acceptor does.

    Parameters
    ----------
    class_p : float64 (32,)
        Share of each class.
    donor : float64 (32, 11 positions, nt)
        Rows sum to 1.
    acceptor : float64 (32, 22 positions, nt)
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
        """Donor matrix of all classes mixed: float64 (11, nt)."""
        return np.tensordot(self.class_p, self.donor, axes=1)

    @property
    def acceptor_mean(self) -> np.ndarray:
        """Acceptor matrix of all classes mixed: float64 (22, nt)."""
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


def _bit(number: int, bit: int) -> int:
    return number >> bit & 1


def _donor(fixed: list, bits: list) -> np.ndarray:
    """Donor matrices of all classes: rows of -2, -1, +4, +5, and two rows for each bit."""

    def rows(n: int) -> list:
        plus_3, plus_6, plus_7, plus_8, minus_3 = (bits[b][_bit(n, b)] for b in range(CLASS_BITS))
        return [minus_3, *fixed[:2], *_GT, plus_3, *fixed[2:], plus_6, plus_7, plus_8]

    return np.array([rows(n) for n in range(2**CLASS_BITS)])


def _acceptor(weak: list, bits: list) -> np.ndarray:
    """Acceptor matrices of all classes: a tract of 16 rows that starts weak, -4, -3, AG, +1, +2."""

    def rows(n: int) -> list:
        tract, minus_3, plus_1, plus_2, minus_4 = (bits[b][_bit(n, b)] for b in range(CLASS_BITS))
        start = np.mean([tract, weak], axis=0).tolist()
        return [*[start] * 4, *[tract] * 12, minus_4, minus_3, *_AG, plus_1, plus_2]

    return np.array([rows(n) for n in range(2**CLASS_BITS)])


def _classes(first: float) -> np.ndarray:
    """Share of each class: `first` of the introns have bit 0 at 0, half each other bit."""
    share = np.where(np.arange(2**CLASS_BITS) % 2 == 0, first, 1 - first)
    return share / share.sum()


DEMO = Grammar(
    class_p=_classes(0.6),
    donor=_donor(
        [
            [0.60, 0.13, 0.12, 0.15],
            [0.08, 0.04, 0.81, 0.07],
            [0.71, 0.08, 0.12, 0.09],
            [0.06, 0.05, 0.84, 0.05],
        ],
        [
            [[0.95, 0.01, 0.03, 0.01], [0.03, 0.02, 0.93, 0.02]],
            [[0.04, 0.03, 0.04, 0.89], [0.48, 0.10, 0.38, 0.04]],
            [[0.06, 0.05, 0.84, 0.05], [0.48, 0.06, 0.05, 0.41]],
            [[0.05, 0.08, 0.05, 0.82], [0.45, 0.07, 0.43, 0.05]],
            [[0.06, 0.82, 0.06, 0.06], [0.80, 0.06, 0.08, 0.06]],
        ],
    ),
    acceptor=_acceptor(
        [0.22, 0.25, 0.17, 0.36],
        [
            [[0.07, 0.14, 0.07, 0.72], [0.07, 0.66, 0.09, 0.18]],
            [[0.03, 0.92, 0.01, 0.04], [0.05, 0.06, 0.01, 0.88]],
            [[0.08, 0.03, 0.85, 0.04], [0.72, 0.10, 0.08, 0.10]],
            [[0.05, 0.08, 0.05, 0.82], [0.36, 0.12, 0.47, 0.05]],
            [[0.76, 0.08, 0.08, 0.08], [0.05, 0.36, 0.05, 0.54]],
        ],
    ),
    branchpoint=np.array(
        [[0, 0.6, 0, 0.4], [0, 0, 0, 1], [0.3, 0.25, 0.3, 0.15], [1, 0, 0, 0], [0, 0.65, 0, 0.35]]
    ),
    intron_bases=np.array([0.33, 0.16, 0.16, 0.35]),
    intergenic_bases=np.array([0.30, 0.20, 0.20, 0.30]),
    exon_bases=np.array([0.23, 0.28, 0.27, 0.22]),
    codons=CODON_PER_MILLE,
    enhancers=_ENHANCERS,
    silencers=_SILENCERS,
)

DISTANT = Grammar(
    class_p=_classes(0.75),
    donor=_donor(
        [
            [0.54, 0.13, 0.12, 0.21],
            [0.12, 0.06, 0.70, 0.12],
            [0.62, 0.08, 0.10, 0.20],
            [0.10, 0.06, 0.74, 0.10],
        ],
        [
            [[0.90, 0.02, 0.03, 0.05], [0.08, 0.03, 0.84, 0.05]],
            [[0.08, 0.05, 0.05, 0.82], [0.46, 0.14, 0.32, 0.08]],
            [[0.12, 0.08, 0.72, 0.08], [0.46, 0.07, 0.07, 0.40]],
            [[0.10, 0.10, 0.08, 0.72], [0.50, 0.07, 0.34, 0.09]],
            [[0.12, 0.68, 0.08, 0.12], [0.72, 0.08, 0.08, 0.12]],
        ],
    ),
    acceptor=_acceptor(
        [0.32, 0.16, 0.14, 0.38],
        [
            [[0.15, 0.12, 0.09, 0.64], [0.15, 0.48, 0.09, 0.28]],
            [[0.06, 0.82, 0.01, 0.11], [0.09, 0.10, 0.01, 0.80]],
            [[0.14, 0.06, 0.72, 0.08], [0.66, 0.10, 0.10, 0.14]],
            [[0.10, 0.10, 0.08, 0.72], [0.40, 0.14, 0.36, 0.10]],
            [[0.70, 0.08, 0.08, 0.14], [0.10, 0.26, 0.06, 0.58]],
        ],
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
