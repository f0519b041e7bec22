"""Drawing and scoring sequence: matrices, codons, background.

Bases are codes throughout: A 0, C 1, G 2, T 3 (order ACGT on every 4-wide axis).
"""

from __future__ import annotations

import numpy as np

A, C, G, T = range(4)
COMPLEMENT = np.array([T, G, C, A], dtype=np.uint8)
ASCII = np.frombuffer(b"ACGT", dtype=np.uint8)

START_CODON = 16 * A + 4 * T + G
STOP_CODONS = np.array([16 * T + 4 * A + A, 16 * T + 4 * A + G, 16 * T + 4 * G + A])
"""Codon numbers (16 x first + 4 x second + third) of TAA, TAG, TGA."""


def codon_numbers(codes: np.ndarray) -> np.ndarray:
    """Return the codon numbers of `codes`, uint8 (..., 3)."""
    return codes[..., 0] * 16 + codes[..., 1] * 4 + codes[..., 2]


def sample_codons(rng: np.random.Generator, n: int, usage: np.ndarray) -> np.ndarray:
    """Draw sense codons, uint8 (n, 3), by their usage, float (64,)."""
    sense = usage.copy()
    sense[STOP_CODONS] = 0
    return _split(rng.choice(64, size=n, p=sense / sense.sum()))


def sample_stops(rng: np.random.Generator, n: int, usage: np.ndarray) -> np.ndarray:
    """Draw stop codons, uint8 (n, 3), by the usage of all codons, float (64,)."""
    usage = usage[STOP_CODONS]
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
    return log_odds_table(pwm, background)[np.arange(pwm.shape[0]), codes].sum(axis=1)


def log_odds_table(pwm: np.ndarray, background: np.ndarray) -> np.ndarray:
    """log2(matrix / background), bits: float64 (positions, nt), -inf where a base can't be."""
    with np.errstate(divide="ignore"):
        return np.log2(pwm / background)


def scan(pwm: np.ndarray, codes: np.ndarray, background: np.ndarray) -> np.ndarray:
    """Score a matrix at every place of sequences.

    Parameters
    ----------
    pwm : float (positions, nt)
        Order ACGT, rows sum to 1.
    codes : uint8 (n, length)
        Bases.
    background : float (4,)
        Base composition that the matrix is compared with.

    Returns
    -------
    scores : float64 (n, length - positions + 1)
        Log-odds of the matrix that begins at each base; bits, -inf where it can't be.
    """
    windows = np.lib.stride_tricks.sliding_window_view(codes, len(pwm), axis=1)
    return log_odds(pwm, windows.reshape(-1, len(pwm)), background).reshape(windows.shape[:2])


def encode(text: str) -> np.ndarray:
    """Return the codes of a text over ACGT: uint8 (length,)."""
    return np.searchsorted(ASCII, np.frombuffer(text.encode(), np.uint8)).astype(np.uint8)


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
