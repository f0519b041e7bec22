"""Scores of a binary classification."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.special import expit
from sklearn.metrics import average_precision_score, f1_score, roc_auc_score

from ..errors import SpliceBERTError
from ..statistics import Estimate, bootstrap_counts, estimate, rank_scores

THRESHOLD = 0.5


class Scores(NamedTuple):
    """AUC, average precision, and F1 of scores above 0.5; NaN where only one class occurs."""

    auc: float
    ap: float
    f1: float


class Intervals(NamedTuple):
    """The same, each with its interval."""

    auc: Estimate
    ap: Estimate
    f1: Estimate


def probability(
    logit: np.ndarray, logit_negative: np.ndarray | float = 0.0, *, protocol: str = "corrected"
) -> np.ndarray:
    """Probability of class 1.

    Parameters
    ----------
    logit, logit_negative
        float (n,), of class 1 and of class 0 (0 for a model of one label).
    protocol
        corrected: the softmax over both; published: the sigmoid of class 1's alone, as the paper's
        code for branchpoints has it.

    Returns
    -------
    float64 (n,)
    """
    logit = np.asarray(logit, np.float64)
    return expit(logit if protocol == "published" else logit - np.asarray(logit_negative))


def classification(labels: np.ndarray, scores: np.ndarray) -> Scores:
    """Scores of a binary classification.

    Parameters
    ----------
    labels
        (n,), 0 or 1.
    scores
        float (n,), probability of class 1.

    Raises
    ------
    SpliceBERTError
        Arrays of different lengths, labels other than 0 and 1, or a NaN score.
    """
    labels, scores = _checked(labels, scores)
    if labels.all() or not labels.any():
        return Scores(float("nan"), float("nan"), float("nan"))
    return Scores(
        float(roc_auc_score(labels, scores)),
        float(average_precision_score(labels, scores)),
        float(f1_score(labels, scores > THRESHOLD, zero_division=0.0)),
    )


def _checked(labels: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    labels, scores = np.asarray(labels), np.asarray(scores, np.float64)
    if labels.shape != scores.shape or labels.ndim != 1:
        raise SpliceBERTError(
            f"labels of shape {labels.shape}, scores of shape {scores.shape}; expected (n,) twice"
        )
    wrong = np.flatnonzero((labels != 0) & (labels != 1))
    if len(wrong):
        raise SpliceBERTError(f"label {labels[wrong[0]]} in row {wrong[0]}; expected 0 or 1")
    if np.isnan(scores).any():
        raise SpliceBERTError(
            f"{int(np.isnan(scores).sum())} of {len(scores)} scores are NaN; training diverged? "
            "Take a smaller learning rate, clip, or precision bfloat16"
        )
    return labels.astype(bool), scores


def classification_intervals(
    labels: np.ndarray, scores: np.ndarray, blocks: np.ndarray, *, replicates: int, seed: int
) -> Intervals:
    """Scores with intervals of a block bootstrap.

    Parameters
    ----------
    labels, scores
        As of `classification`.
    blocks
        (n,), what is resampled as a whole: the group of the example.
    replicates, seed
        Number of bootstrap replicates and the seed that draws them.
    """
    labels, scores = _checked(labels, scores)
    ranks = rank_scores(labels, scores, np.asarray(blocks), replicates=replicates, seed=seed)
    called = scores > THRESHOLD
    _, index = np.unique(blocks, return_inverse=True)
    kinds = np.stack([labels & called, ~labels & called, labels & ~called], axis=1)
    counts = np.zeros((index.max() + 1, 3))
    np.add.at(counts, index, kinds)
    samples = bootstrap_counts(counts, _f1, replicates, seed)
    return Intervals(*ranks, estimate(float(_f1(counts.sum(0))), samples))


def _f1(counts: np.ndarray) -> np.ndarray:
    """F1 from true positives, false positives, false negatives."""
    true, false, missed = counts
    total = 2 * true + false + missed
    return np.asarray(2 * true / total if total else 0.0)
