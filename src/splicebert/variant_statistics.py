"""Statistics of the variant branch: how well a score finds disrupting variants, median profiles."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.stats import rankdata, ttest_ind

from .attention_statistics import Box, box
from .statistics import Estimate, RankScores, rank_scores

POINTS = 400
_NONE = Estimate(float("nan"), float("nan"), float("nan"))


class Comparison(NamedTuple):
    """Student's t of disrupting against other variants, and its one-sided p."""

    t: float
    p_value: float


def rank_normalise(values: np.ndarray) -> np.ndarray:
    """Ranks between 0 and 1: (rank - 0.5) / n, ties share their mean rank."""
    return (rankdata(values) - 0.5) / max(len(values), 1)


def one_sided_t(positives: np.ndarray, others: np.ndarray) -> Comparison:
    """Test whether positives have the higher mean; NaN where a group has fewer than two values."""
    if min(len(positives), len(others)) < 2:
        return Comparison(float("nan"), float("nan"))
    found = ttest_ind(positives, others, alternative="greater")
    return Comparison(float(found.statistic), float(found.pvalue))


def detection(
    label: np.ndarray, score: np.ndarray, block: np.ndarray, *, replicates: int, seed: int
) -> RankScores:
    """AUC and AP with their intervals; NaN where only one class is there. See `rank_scores`."""
    label = np.asarray(label, bool)
    if label.all() or not label.any():
        return RankScores(_NONE, _NONE)
    return rank_scores(label, score, block, replicates=replicates, seed=seed)


def precision_recall(label: np.ndarray, score: np.ndarray, points: int = POINTS) -> pd.DataFrame:
    """Precision-recall curve by falling score; equal scores are called together.

    Parameters
    ----------
    label
        bool (n,), the positives; at least one.
    score
        float (n,), none NaN.
    points
        Largest number of points; of more, those at evenly spaced recalls are kept, ends included.

    Returns
    -------
    DataFrame of recall and precision (0 to 1), by rising recall.
    """
    order = np.argsort(-score, kind="stable")
    ends = np.append(np.flatnonzero(np.diff(score[order])), len(order) - 1)
    called = ends + 1.0
    true = np.cumsum(np.asarray(label, float)[order])[ends]
    recall, precision = true / true[-1], true / called
    # Where no further positive is called precision only falls: the first point of a recall is
    # it, and calls before the first positive have none.
    first = np.flatnonzero(np.diff(recall, prepend=0.0) > 0)
    recall, precision = recall[first], precision[first]
    if len(recall) > points:
        kept = np.unique(np.searchsorted(recall, np.linspace(recall[0], recall[-1], points)))
        recall, precision = recall[kept], precision[kept]
    return pd.DataFrame({"recall": recall, "precision": precision})


def median_profile(profiles: np.ndarray) -> pd.DataFrame:
    """Median and quartiles by distance, and of how many.

    Parameters
    ----------
    profiles
        float (n, distances), NaN where missing.

    Returns
    -------
    DataFrame of distance (from 1), n, median, q1, q3; NaN where no value is known.
    """
    known = np.isfinite(profiles).sum(axis=0)
    values = np.full((3, profiles.shape[1]), np.nan)
    some = known > 0
    values[:, some] = np.nanquantile(profiles[:, some].astype(float), [0.25, 0.5, 0.75], axis=0)
    return pd.DataFrame(
        {
            "distance": np.arange(1, profiles.shape[1] + 1),
            "n": known,
            "median": values[1],
            "q1": values[0],
            "q3": values[2],
        }
    )


def rank_boxes(label: np.ndarray, score: np.ndarray) -> tuple[dict[str, Box], Comparison]:
    """Boxes of the rank-normalised scores of both groups, and the test between them."""
    ranks = rank_normalise(score)
    label = np.asarray(label, bool)
    groups = {"disrupting": ranks[label], "other": ranks[~label]}
    boxes = {name: box(values) for name, values in groups.items()}
    return boxes, one_sided_t(groups["disrupting"], groups["other"])
