"""Planted selection, and the noisy conservation scores that show it."""

from __future__ import annotations

import numpy as np

from splicebert.synthetic.chromosome import Chromosome
from splicebert.synthetic.spec import (
    CDS,
    INTERGENIC,
    INTRON,
    NONCODING_EXON,
    UTR3,
    UTR5,
    GenomeSpec,
)

_REGION_SELECTION = {
    INTERGENIC: 0.03,
    UTR5: 0.50,
    CDS: 0.0,
    UTR3: 0.45,
    INTRON: 0.04,
    NONCODING_EXON: 0.16,
}
_PHASE_SELECTION = np.array([0.72, 0.80, 0.40])
_MOTIF_SELECTION = 0.90
_REPEAT_SELECTION = 0.01
PHYLOP_RANGE = (-4.0, 8.0)


def selection_coefficients(rng: np.random.Generator, chrom: Chromosome) -> np.ndarray:
    """Return the selection coefficient of each base, before any noise.

    Codon positions 1 and 2, splice sites, branchpoints and conserved elements are high, the third
    codon position and the UTRs lower, introns and repeats near 0. A slow factor makes some
    stretches of a gene more conserved than others, as domains do.

    Returns
    -------
    selection : float32 (length,)
        0..1.
    """
    table = np.array([_REGION_SELECTION[code] for code in range(len(_REGION_SELECTION))])
    selection = table[chrom.region]
    coding = chrom.phase >= 0
    selection[coding] = _PHASE_SELECTION[chrom.phase[coding]]
    selection[chrom.motif] = _MOTIF_SELECTION
    selection *= np.clip(1 + 0.2 * smooth_noise(rng, len(selection), 201), 0.4, 1.2)
    selection = np.where(chrom.element > 0, chrom.element, selection)
    selection[chrom.repeat] = _REPEAT_SELECTION
    return np.clip(selection, 0, 1).astype(np.float32)


def phastcons_like(rng: np.random.Generator, selection: np.ndarray) -> np.ndarray:
    """Return a blocky score that follows the selection around each base.

    Parameters
    ----------
    rng
        Source of randomness.
    selection : float32 (length,)
        Selection coefficients, 0..1.

    Returns
    -------
    phastcons : float32 (length,)
        0..1, three decimals as in the published tracks.
    """
    around = smooth(selection, 17)
    logit = 12 * (around - 0.60) + 1.3 * smooth_noise(rng, len(selection), 31)
    return np.round(1 / (1 + np.exp(-logit)), 3).astype(np.float32)


def phylop_like(rng: np.random.Generator, selection: np.ndarray) -> np.ndarray:
    """Return a score that follows the selection on each base apart.

    Parameters
    ----------
    rng
        Source of randomness.
    selection : float32 (length,)
        Selection coefficients, 0..1.

    Returns
    -------
    phylop : float32 (length,)
        -4..8, three decimals; near 0 without selection.
    """
    spread = 0.75 + 0.9 * selection
    score = 5.0 * selection**1.3 - 0.1 + spread * rng.standard_normal(len(selection))
    return np.round(np.clip(score, *PHYLOP_RANGE), 3).astype(np.float32)


def score_gaps(rng: np.random.Generator, spec: GenomeSpec, length: int) -> np.ndarray:
    """Return the bases that no score is given for, in runs of 10-300 nt: bool (length,)."""
    gaps = np.zeros(length, dtype=bool)
    target, missing = spec.gap_fraction * length, 0
    while missing < target:
        run = min(int(np.clip(rng.geometric(1 / 60), 10, 300)), length)
        start = int(rng.integers(length - run + 1))
        missing += int((~gaps[start : start + run]).sum())
        gaps[start : start + run] = True
    return gaps


def conservation_tracks(
    rng: np.random.Generator, spec: GenomeSpec, selection: np.ndarray
) -> dict[str, np.ndarray]:
    """Return both tracks of a chromosome, with the same gaps.

    Returns
    -------
    tracks
        `phastcons` and `phylop`: float32 (length,), NaN = no score.
    """
    tracks = {
        "phastcons": phastcons_like(rng, selection),
        "phylop": phylop_like(rng, selection),
    }
    gaps = score_gaps(rng, spec, len(selection))
    for scores in tracks.values():
        scores[gaps] = np.nan
    return tracks


def smooth(values: np.ndarray, width: int) -> np.ndarray:
    """Average over a bell of `width` (odd) nt: float64 (length,); ends repeat the last value."""
    kernel = np.hanning(width + 2)[1:-1]
    padded = np.pad(values.astype(np.float64), width // 2, mode="edge")
    return np.convolve(padded, kernel / kernel.sum(), mode="valid")


def smooth_noise(rng: np.random.Generator, length: int, width: int) -> np.ndarray:
    """Return normal noise, correlated over `width` (odd) nt, of variance 1: float64 (length,)."""
    kernel = np.hanning(width + 2)[1:-1]
    white = rng.standard_normal(length + width - 1)
    return np.convolve(white, kernel / np.sqrt((kernel**2).sum()), mode="valid")
