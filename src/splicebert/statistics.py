"""Scores with confidence intervals from a block bootstrap.

Neighbouring bases are not independent, so intervals resample blocks (windows), never bases.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import NamedTuple

import numpy as np

from .errors import SpliceBERTError


class Estimate(NamedTuple):
    """A score and its percentile interval.

    value : the score on all blocks
    low, high : bounds of the interval, NaN where no replicate gave a score or with a single block
    """

    value: float
    low: float
    high: float


class RankScores(NamedTuple):
    """Area under the ROC curve and average precision, each an Estimate."""

    auc: Estimate
    ap: Estimate


def block_weights(n_blocks: int, replicates: int, seed: int) -> Iterator[np.ndarray]:
    """Yield how often each block is drawn in each bootstrap replicate: int64 (n_blocks,).

    Nothing for less than two blocks, of which there is no interval.
    """
    if n_blocks < 2:
        return
    rng = np.random.default_rng(seed)
    share = np.full(n_blocks, 1 / max(n_blocks, 1))
    for _ in range(replicates):
        yield rng.multinomial(n_blocks, share)


def estimate(value: float, replicates: np.ndarray, level: float = 0.95) -> Estimate:
    """Put a score and its bootstrap replicates together; NaN replicates are left out."""
    kept = replicates[np.isfinite(replicates)]
    if not len(kept):
        return Estimate(float(value), float("nan"), float("nan"))
    low, high = np.quantile(kept, [(1 - level) / 2, (1 + level) / 2])
    return Estimate(float(value), float(low), float(high))


def balanced_accuracy(counts: np.ndarray) -> np.ndarray:
    """Balanced accuracy over the bases that occur.

    Parameters
    ----------
    counts
        (..., base, 2), how many bases of each kind were predicted wrongly (0) and rightly (1).

    Returns
    -------
    float64 (...), mean recall of the bases that occur; NaN where none does.
    """
    total = counts.sum(axis=-1).astype(float)
    recall = np.divide(counts[..., 1], total, out=np.zeros_like(total), where=total > 0)
    present = (total > 0).sum(axis=-1)
    return np.divide(
        recall.sum(axis=-1), present, out=np.full(present.shape, np.nan), where=present > 0
    )


def bootstrap_counts(counts: np.ndarray, score, replicates: int, seed: int) -> np.ndarray:
    """Scores of resampled sums of per-block counts.

    Parameters
    ----------
    counts
        (blocks, ...), additive quantities of each block.
    score
        Function of the summed counts (...) to an array of scores.
    replicates, seed
        Number of bootstrap replicates and the seed that draws them.

    Returns
    -------
    (replicates, scores...); no replicates of a single block
    """
    flat = counts.reshape(len(counts), -1).astype(np.float64)
    draws = block_weights(len(counts), replicates, seed)
    samples = [score((weights @ flat).reshape(counts.shape[1:])) for weights in draws]
    if not samples:
        return np.empty((0, *np.shape(score(flat.sum(axis=0).reshape(counts.shape[1:])))))
    return np.stack(samples)


def weighted_scores(label: np.ndarray, ends: np.ndarray, weight: np.ndarray) -> tuple[float, float]:
    """AUC and AP of items that may count several times or not at all; NaN of a single class.

    Parameters
    ----------
    label
        float (n,), 1 for positives, sorted by falling score.
    ends
        int, the last items of equal scores.
    weight
        float (n,), how often each counts.
    """
    true = np.cumsum(weight * label)[ends]
    called = np.cumsum(weight)[ends]
    false = called - true
    if true[-1] == 0 or false[-1] == 0:
        return float("nan"), float("nan")
    tpr = np.concatenate([[0], true / true[-1]])
    fpr = np.concatenate([[0], false / false[-1]])
    precision = np.divide(true, called, out=np.zeros(len(true)), where=called > 0)
    return float(np.trapezoid(tpr, fpr)), float(np.sum(np.diff(tpr) * precision))


class RankedItems:
    """Items by falling score, to be scored again under other weights of their blocks.

    Parameters
    ----------
    label
        bool (n,), the positives.
    score
        float (n,), higher means more positive.
    positive
        bool (n,), called a positive; what F1 is of.
    block
        int (n,), block of the bootstrap of each.
    """

    def __init__(
        self, label: np.ndarray, score: np.ndarray, positive: np.ndarray, block: np.ndarray
    ) -> None:
        order = np.argsort(-score, kind="stable")
        self.label, self.block = label[order].astype(float), block[order]
        self.called = positive[order].astype(float)
        self.ends = np.append(np.flatnonzero(np.diff(score[order])), len(order) - 1)

    def measure(self, weights: np.ndarray) -> np.ndarray:
        """AUC, AP and F1 with each block counted as often as `weights` says; NaN of one class."""
        weight = weights[self.block].astype(float)
        auc, ap = weighted_scores(self.label, self.ends, weight)
        hits = weight @ (self.label * self.called)
        sum_of_both = weight @ self.label + weight @ self.called
        return np.array([auc, ap, 2 * hits / sum_of_both if sum_of_both else np.nan])


def rank_scores(
    label: np.ndarray, score: np.ndarray, block: np.ndarray, *, replicates: int, seed: int
) -> RankScores:
    """ROC AUC and average precision with block-bootstrap intervals.

    Parameters
    ----------
    label
        bool (n,), the positives.
    score
        float (n,), higher means more positive; ties count as ties.
    block
        (n,), the block (window) of each base.
    replicates, seed
        Number of bootstrap replicates and the seed that draws them.

    Raises
    ------
    SpliceBERTError
        Arrays of different lengths, a NaN score, or only one class.
    """
    if not len(label) == len(score) == len(block):
        raise SpliceBERTError(
            f"{len(label)} labels, {len(score)} scores, {len(block)} blocks; expected equally many"
        )
    if np.isnan(score).any():
        raise SpliceBERTError(f"{int(np.isnan(score).sum())} scores are NaN; drop them first")
    label = np.asarray(label, bool)
    if label.all() or not label.any():
        raise SpliceBERTError(f"all {len(label)} labels are alike; AUC and AP need both classes")
    order = np.argsort(-np.asarray(score, float), kind="stable")
    sorted_score, sorted_label = np.asarray(score)[order], label[order].astype(float)
    ends = np.append(np.flatnonzero(np.diff(sorted_score)), len(order) - 1)
    blocks, index = np.unique(block, return_inverse=True)
    index = index[order]
    value = weighted_scores(sorted_label, ends, np.ones(len(order)))
    samples = np.array(
        [
            weighted_scores(sorted_label, ends, weights[index])
            for weights in block_weights(len(blocks), replicates, seed)
        ]
    ).reshape(-1, 2)
    return RankScores(estimate(value[0], samples[:, 0]), estimate(value[1], samples[:, 1]))


def paired_differences(
    measured: Mapping[str, tuple[np.ndarray, np.ndarray]], metrics: Sequence[str]
) -> list[dict[str, str | float]]:
    """Differences of each method and each later one, with intervals of the same draws.

    Parameters
    ----------
    measured
        Method -> its values, float64 (metrics,), and those of the bootstrap replicates, float64
        (replicates, metrics): replicate i of all methods has the same blocks.
    metrics
        Their names.

    Returns
    -------
    A row a pair and metric: method, other, metric, difference (method - other), low, high.
    """
    rows = []
    for (name, (a, a_draws)), (other, (b, b_draws)) in combinations(measured.items(), 2):
        for column, metric in enumerate(metrics):
            found = estimate(a[column] - b[column], a_draws[:, column] - b_draws[:, column])
            rows.append({"method": name, "other": other, "metric": metric,
                         "difference": found.value, "low": found.low,
                         "high": found.high})  # fmt: skip
    return rows
