"""AUC, AP and F1 by fold, their means with intervals, differences of methods, mean curves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from .errors import SpliceBERTError
from .splicesite_kinds import METRICS, TEST
from .statistics import RankedItems, block_weights, estimate, paired_differences

RECALLS = np.linspace(0, 1, 101)


def sigmoid(logit: np.ndarray) -> np.ndarray:
    """Turn log-odds into probabilities, float64; does not overflow."""
    return np.exp(-np.logaddexp(0.0, -np.asarray(logit, np.float64)))


def called(scores: pd.DataFrame, protocol: str) -> np.ndarray:
    """Tell which sequences F1 counts as called sites: bool (n,).

    Those with a probability above 0.5, a logit above 0; under protocol published on a benchmark
    those with a logit above 0.5, which is what the paper's code does.
    """
    quirk = (scores["set"] != TEST) & (protocol == "published")
    return scores["logit"].to_numpy() > np.where(quirk, 0.5, 0.0)


class Measured(NamedTuple):
    """Metrics of one method on one set.

    folds : int (folds,)
    values : float64 (folds, 3), AUC, AP, F1
    replicates : float64 (replicates, 3), means over the folds of each bootstrap replicate
    """

    folds: np.ndarray
    values: np.ndarray
    replicates: np.ndarray

    def mean(self) -> np.ndarray:
        """Means over the folds, float64 (3,)."""
        return self.values.mean(axis=0)


def measure(scores: pd.DataFrame, protocol: str, *, replicates: int, seed: int) -> Measured:
    """Measure a method on a set, fold by fold.

    The folds share sequences, so a replicate draws blocks once for all of them; the same blocks
    and seed give the same draws for every method.

    Parameters
    ----------
    scores
        Rows of SITE_SCORES of one set, with the column group.
    protocol
        corrected or published; see `called`.
    replicates, seed
        Of the bootstrap over groups.
    """
    blocks, block = np.unique(scores["group"].to_numpy(str), return_inverse=True)
    label, score = scores["label"].to_numpy() == 1, scores["logit"].to_numpy(float)
    positive, fold = called(scores, protocol), scores["fold"].to_numpy()
    folds = np.unique(fold)
    ranks = [
        RankedItems(label[own], score[own], positive[own], block[own])
        for own in (fold == number for number in folds)
    ]
    values = np.stack([rank.measure(np.ones(len(blocks))) for rank in ranks])
    draws = block_weights(len(blocks), replicates, seed)
    means = [np.mean([rank.measure(w) for rank in ranks], axis=0) for w in draws]
    return Measured(folds, values, np.array(means).reshape(-1, len(METRICS)))


def fold_rows(measured: Measured, scores: pd.DataFrame) -> pd.DataFrame:
    """Rows of FOLD_METRICS without their head."""
    counts = scores.groupby("fold")["label"].agg(["sum", "size"]).loc[measured.folds]
    return pd.DataFrame(
        {
            "fold": measured.folds,
            "n_positive": counts["sum"].to_numpy(),
            "n_negative": (counts["size"] - counts["sum"]).to_numpy(),
            **dict(zip(METRICS, measured.values.T, strict=True)),
        }
    )


def summary_rows(measured: Measured) -> pd.DataFrame:
    """Rows of SITE_SUMMARY without their head."""
    rows = []
    several = len(measured.folds) > 1
    for column, metric in enumerate(METRICS):
        found = estimate(measured.mean()[column], measured.replicates[:, column])
        spread = measured.values[:, column].std(ddof=1) if several else np.nan
        rows.append({"metric": metric, "folds": len(measured.folds), "sd": spread}
                    | found._asdict())  # fmt: skip
    return pd.DataFrame(rows)


def difference_rows(measured: Mapping[str, Measured]) -> pd.DataFrame:
    """Rows of SITE_DIFFERENCES without data set, site and set: every method less each later one."""
    names = list(measured)
    for name in names[1:]:
        a, b = measured[names[0]], measured[name]
        if not np.array_equal(a.folds, b.folds):
            raise SpliceBERTError(f"{names[0]} has folds {a.folds}, {name} {b.folds}")
    rows = paired_differences(
        {name: (one.mean(), one.replicates) for name, one in measured.items()}, tuple(METRICS)
    )
    columns = ["method", "other", "metric", "difference", "low", "high"]
    return pd.DataFrame(rows, columns=columns)


def mean_curve(scores: pd.DataFrame, recalls: Sequence[float] = RECALLS) -> pd.DataFrame:
    """Precision at a grid of recalls, mean over the folds.

    At a recall a fold's precision is that of the fewest calls that reach it.

    Parameters
    ----------
    scores
        Rows of SITE_SCORES of one set.
    recalls
        Rising, 0 to 1.

    Returns
    -------
    DataFrame of recall, precision, lowest, highest, chance.
    """
    curves = []
    for _, rows in scores.groupby("fold"):
        order = np.argsort(-rows["logit"].to_numpy(), kind="stable")
        value, label = rows["logit"].to_numpy()[order], rows["label"].to_numpy()[order]
        ends = np.append(np.flatnonzero(np.diff(value)), len(value) - 1)
        true = np.cumsum(label)[ends]
        at = np.searchsorted(true / true[-1], recalls, side="left")
        curves.append((true / (ends + 1.0))[np.minimum(at, len(ends) - 1)])
    values = np.stack(curves)
    columns = {"precision": values.mean(0), "lowest": values.min(0), "highest": values.max(0)}
    columns["chance"] = scores["label"].mean()
    return pd.DataFrame({"recall": recalls, **columns})
