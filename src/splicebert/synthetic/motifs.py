"""The sequence grammar of the synthetic genome: splice sites, branchpoints, codons, background.

Bases are codes throughout: A 0, C 1, G 2, T 3 (order ACGT on every 4-wide axis). The tables are
rounded human averages; the two intron classes split them so that their mixture gives them back.
"""

from __future__ import annotations

import numpy as np

A, C, G, T = range(4)
COMPLEMENT = np.array([T, G, C, A], dtype=np.uint8)
ASCII = np.frombuffer(b"ACGT", dtype=np.uint8)

DONOR_OFFSETS = np.arange(-3, 6)
"""Offsets of the donor matrix from the first intron base: -3..-1 exon, 0..5 intron (+1..+6)."""
ACCEPTOR_OFFSETS = np.arange(-20, 1)
"""Offsets of the acceptor matrix from the first exon base: -20..-1 intron, 0 exon (+1)."""
BRANCHPOINT_OFFSETS = np.arange(-3, 2)
"""Offsets of the branchpoint motif yUnAy from its A."""
BRANCHPOINT_RANGE = (18, 44)
"""Smallest and largest distance (nt) of a branchpoint A upstream of the first exon base."""

INTRON_CLASS_P = np.array([0.6, 0.4])
"""Share of the two intron classes, see `DONOR` and `ACCEPTOR`."""

_EXON_END = [[0.33, 0.37, 0.18, 0.12], [0.60, 0.13, 0.12, 0.15], [0.08, 0.04, 0.81, 0.07]]
_GT = [[0, 0, 1, 0], [0, 0, 0, 1]]
_PLUS_4_5 = [[0.71, 0.08, 0.12, 0.09], [0.06, 0.05, 0.84, 0.05]]

DONOR = np.array(
    [
        [*_EXON_END, *_GT, [0.94, 0.01, 0.04, 0.01], *_PLUS_4_5, [0.10, 0.08, 0.10, 0.72]],
        [*_EXON_END, *_GT, [0.04, 0.03, 0.90, 0.03], *_PLUS_4_5, [0.22, 0.30, 0.38, 0.10]],
    ]
)
"""Donor matrices: float64 (class, 9 positions, nt), rows sum to 1.

Class 0 has A at +3 and T at +6, class 1 has G at +3 and C or G at +6.
"""

_SPACER, _AG = [0.25, 0.28, 0.21, 0.26], [[1, 0, 0, 0], [0, 0, 1, 0]]


def _acceptor(tract: list[float], minus_3: list[float]) -> list[list[float]]:
    """Return the 21 rows of one class: a tract that starts weak at -20, spacer, -3, AG, +1."""
    weak = [0.5 * x + 0.5 * y for x, y in zip(tract, [0.22, 0.25, 0.17, 0.36], strict=True)]
    return [*[weak] * 4, *[tract] * 12, _SPACER, minus_3, *_AG, [0.25, 0.15, 0.48, 0.12]]


ACCEPTOR = np.array(
    [
        _acceptor([0.08, 0.21, 0.08, 0.63], [0.05, 0.82, 0.01, 0.12]),
        _acceptor([0.09, 0.53, 0.11, 0.27], [0.06, 0.35, 0.01, 0.58]),
    ]
)
"""Acceptor matrices: float64 (class, 21 positions, nt), rows sum to 1.

Class 0 has a T-rich tract and C at -3, class 1 a C-rich tract and T at -3.
"""

BRANCHPOINT = np.array(
    [[0, 0.6, 0, 0.4], [0, 0, 0, 1], [0.3, 0.25, 0.3, 0.15], [1, 0, 0, 0], [0, 0.65, 0, 0.35]],
    dtype=np.float64,
)
"""Branchpoint matrix yUnAy: float64 (5 positions, nt), rows sum to 1."""

INTRON_BASES = np.array([0.29, 0.19, 0.20, 0.32])
INTERGENIC_BASES = np.array([0.30, 0.20, 0.20, 0.30])
EXON_BASES = np.array([0.23, 0.28, 0.27, 0.22])
"""Base composition (ACGT) of untranslated and non-coding exons."""

# Codons per thousand of human coding sequence (Codon Usage Database), first base in pairs
# of rows, second base in groups of 4, third base last, all in the order ACGT.
_CODON_PER_MILLE = np.array(
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
START_CODON = 16 * A + 4 * T + G
STOP_CODONS = np.array([16 * T + 4 * A + A, 16 * T + 4 * A + G, 16 * T + 4 * G + A])
"""Codon numbers (16 x first + 4 x second + third) of TAA, TAG, TGA."""


def codon_numbers(codes: np.ndarray) -> np.ndarray:
    """Return the codon numbers of `codes`, uint8 (..., 3)."""
    return codes[..., 0] * 16 + codes[..., 1] * 4 + codes[..., 2]


def sample_codons(rng: np.random.Generator, n: int) -> np.ndarray:
    """Draw sense codons with human codon usage: uint8 (n, 3)."""
    sense = _CODON_PER_MILLE.copy()
    sense[STOP_CODONS] = 0
    return _split(rng.choice(64, size=n, p=sense / sense.sum()))


def sample_stops(rng: np.random.Generator, n: int) -> np.ndarray:
    """Draw stop codons with human usage: uint8 (n, 3)."""
    usage = _CODON_PER_MILLE[STOP_CODONS]
    return _split(rng.choice(STOP_CODONS, size=n, p=usage / usage.sum()))


def _split(numbers: np.ndarray) -> np.ndarray:
    return np.stack([numbers // 16, numbers // 4 % 4, numbers % 4], axis=-1).astype(np.uint8)


def sample_pwm(rng: np.random.Generator, pwm: np.ndarray) -> np.ndarray:
    """Draw one sequence from each matrix.

    Parameters
    ----------
    rng
        Source of randomness.
    pwm : float (n, positions, nt)
        Order ACGT, rows sum to 1.

    Returns
    -------
    codes : uint8 (n, positions)
    """
    cumulative = np.cumsum(pwm, axis=-1)[..., :3]
    return (rng.random((*pwm.shape[:-1], 1)) >= cumulative).sum(axis=-1).astype(np.uint8)


def log_odds(pwm: np.ndarray, codes: np.ndarray, background: np.ndarray) -> np.ndarray:
    """Score sequences against a matrix.

    Parameters
    ----------
    pwm : float (positions, nt)
        Order ACGT, rows sum to 1.
    codes : uint8 (n, positions)
        Bases.
    background : float (4,)
        Base composition that the matrix is compared with.

    Returns
    -------
    scores : float64 (n,)
        Sum over the positions of log2(matrix / background); bits.
    """
    with np.errstate(divide="ignore"):
        table = np.log2(pwm / background)
    return table[np.arange(pwm.shape[0]), codes].sum(axis=1)


def markov(rng: np.random.Generator, n: int, bases: np.ndarray, chain: int = 256) -> np.ndarray:
    """Draw background sequence from a second-order Markov chain.

    The chain has the depleted CpG and TpA and the homopolymer runs of vertebrate genomes, so that
    a model has something to learn outside the motifs. Pieces of `chain` nt are drawn side by side.

    Parameters
    ----------
    rng
        Source of randomness.
    n
        Length, nt.
    bases : float (4,)
        Approximate base composition, order ACGT.
    chain
        Length of a piece, nt.

    Returns
    -------
    codes : uint8 (n,)
    """
    cumulative = np.cumsum(_transitions(bases), axis=1)[:, :3]
    columns = -(-n // chain)
    codes = np.empty((chain, columns), dtype=np.uint8)
    state = rng.integers(16, size=columns)
    for row in codes:
        row[:] = (rng.random((columns, 1)) >= cumulative[state]).sum(axis=1)
        state = state % 4 * 4 + row
    return codes.T.ravel()[:n]


def _transitions(bases: np.ndarray) -> np.ndarray:
    """Return the next base's distribution: float64 (16 states = 4 x before last + last, nt)."""
    weight = np.tile(bases, (4, 4, 1)).astype(np.float64)
    weight[:, C, G] *= 0.25
    weight[:, T, A] *= 0.75
    weight[:, [T, C], [G, A]] *= 1.25
    same = np.arange(4)
    weight[:, same, same] *= 1.15
    weight[same, same, same] *= 1.15
    weight = weight.reshape(16, 4)
    return weight / weight.sum(axis=1, keepdims=True)
