"""A position-weight matrix of splice sites: log-odds of real against other sites."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from .errors import SpliceBERTError
from .sequence import BASES, base_codes
from .splicesite_kinds import site_offset
from .statistics import rank_scores


class WeightMatrix(NamedTuple):
    """Log-odds by position.

    weights : float64 (2 + 2 * flank, 4), order ACGT: ln of the frequency of a base among real
        sites over that among others; the dinucleotide begins at row `flank`
    prior : ln of the number of real over that of other sites
    flank : nt on either side of the dinucleotide
    """

    weights: np.ndarray
    prior: float
    flank: int

    def logits(self, codes: np.ndarray) -> np.ndarray:
        """Log-odds of being a real site, positions taken as independent.

        Parameters
        ----------
        codes
            uint8 (n, nt), as from `encode`.

        Returns
        -------
        float64 (n,); sigmoid gives the probability. N counts for nothing.
        """
        table = np.hstack([self.weights, np.zeros((len(self.weights), 1))])
        window = _around(codes, self.flank)
        return self.prior + table[np.arange(window.shape[1]), window].sum(axis=1)


def encode(sequences: Sequence[str]) -> np.ndarray:
    """Base codes of sequences of one length: uint8 (n, nt), A 0, C 1, G 2, T 3, others 4."""
    lengths = set(map(len, sequences))
    if len(lengths) != 1:
        raise SpliceBERTError(f"sequences of {sorted(lengths)} nt; expected one length")
    return np.stack([base_codes(sequence) for sequence in sequences])


def _around(codes: np.ndarray, flank: int) -> np.ndarray:
    at = site_offset(codes.shape[1])
    if flank > at:
        raise SpliceBERTError(
            f"flank {flank}: sequences of {codes.shape[1]} nt have {at} nt before the dinucleotide"
        )
    return codes[:, at - flank : at + 2 + flank]


def fit(codes: np.ndarray, label: np.ndarray, flank: int, pseudocount: float) -> WeightMatrix:
    """Fit a matrix.

    Parameters
    ----------
    codes
        uint8 (n, nt), as from `encode`.
    label
        (n,), 1 for real sites; both classes.
    flank
        nt on either side of the dinucleotide.
    pseudocount
        Added to each count.
    """
    real = np.asarray(label) == 1
    if real.all() or not real.any():
        raise SpliceBERTError(f"all {len(real)} training sequences are of one class; give both")
    window = _around(codes, flank)
    shares = []
    for part in (window[real], window[~real]):
        counts = np.stack([(part == base).sum(axis=0) for base in range(len(BASES))], axis=1)
        counts = counts + pseudocount
        shares.append(counts / counts.sum(axis=1, keepdims=True))
    prior = float(np.log(real.sum() / (~real).sum()))
    return WeightMatrix(np.log(shares[0]) - np.log(shares[1]), prior, flank)


def fit_best(
    train: tuple[np.ndarray, np.ndarray],
    validation: tuple[np.ndarray, np.ndarray],
    flanks: Sequence[int],
    pseudocount: float,
) -> WeightMatrix:
    """Fit a matrix for each flank; return that with the best validation AUC, the first of equals.

    `train` and `validation` are codes and labels.
    """
    fitted = [fit(*train, flank, pseudocount) for flank in flanks]
    if len(fitted) == 1:
        return fitted[0]
    codes, label = validation
    block = np.zeros(len(label))
    scores = [
        rank_scores(label == 1, matrix.logits(codes), block, replicates=0, seed=0).auc.value
        for matrix in fitted
    ]
    return fitted[int(np.argmax(scores))]
