"""Statistics of the attention branch: enrichment of profiles, scores of groups against random."""

from __future__ import annotations

import warnings
from typing import NamedTuple

import numpy as np
from scipy.stats import mannwhitneyu, norm, rankdata

from .errors import SpliceBERTError
from .statistics import Estimate, block_weights, bootstrap_counts, estimate

NONE = Estimate(float("nan"), float("nan"), float("nan"))


class Box(NamedTuple):
    """What a box plot draws: whiskers at the last values within 1.5 IQR of the quartiles."""

    whisker_low: float
    q1: float
    median: float
    q3: float
    whisker_high: float


def box(values: np.ndarray) -> Box:
    """Quartiles and whiskers of some values, none of them NaN; all NaN of no values."""
    if not len(values):
        return Box(*[float("nan")] * 5)
    q1, median, q3 = np.quantile(values.astype(np.float64), [0.25, 0.5, 0.75])
    reach = 1.5 * (q3 - q1)
    low, high = values[values >= q1 - reach].min(), values[values <= q3 + reach].max()
    # A quartile may lie between two values, and a whisker never inside the box.
    return Box(min(float(low), q1), float(q1), float(median), float(q3), max(float(high), q3))


def _known_mean(values: np.ndarray) -> np.ndarray:
    """Mean over the last axis of what is not NaN; NaN where nothing is."""
    known = np.isfinite(values)
    n = known.sum(axis=-1)
    total = np.where(known, values, 0).sum(axis=-1, dtype=np.float64)
    return np.divide(total, n, out=np.full(np.shape(n), np.nan), where=n > 0)


def enrichment(profile: np.ndarray) -> np.ndarray:
    """Mean of the 3 centre columns over the mean of all columns (protocol section 3).

    Parameters
    ----------
    profile
        (..., columns), an odd number of them; NaN where no window holds the column.

    Returns
    -------
    float64 (...), 1 = attention no higher than around; NaN where nothing is known.
    """
    middle = profile.shape[-1] // 2
    if profile.shape[-1] % 2 == 0 or not middle:
        raise SpliceBERTError(
            f"a profile of {profile.shape[-1]} columns; expected an odd number, at least 3"
        )
    centre, every = _known_mean(profile[..., middle - 1 : middle + 2]), _known_mean(profile)
    return np.divide(centre, every, out=np.full(np.shape(every), np.nan), where=every > 0)


def median_profiles(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Median over the introns.

    Parameters
    ----------
    values
        float32 (introns, 2, columns), NaN where a window does not hold the column.

    Returns
    -------
    median : float64 (2, columns), NaN where no window holds it
    n : int64 (2, columns), introns behind each median
    """
    with warnings.catch_warnings():  # a column that no window holds has no median: NaN says so
        warnings.filterwarnings("ignore", "All-NaN slice", RuntimeWarning)
        return np.nanmedian(values, axis=0).astype(float), np.isfinite(values).sum(axis=0)


def mann_whitney(values: np.ndarray, reference: np.ndarray) -> tuple[float, float]:
    """U of the values against the reference, and its two-sided p by the normal approximation."""
    if not len(values) or not len(reference):
        return float("nan"), float("nan")
    found = mannwhitneyu(values, reference, alternative="two-sided", method="asymptotic")
    return float(found.statistic), float(found.pvalue)


def matched_mann_whitney(
    label: np.ndarray, score: np.ndarray, stratum: np.ndarray
) -> tuple[float, float]:
    """U of the positives against the negatives of their stratum, summed, and its two-sided p.

    The mean and the variance of U under no difference are summed over the strata, too (normal
    approximation, with ties and correction for continuity). With one stratum it is `mann_whitney`.

    Parameters
    ----------
    label
        bool (n,), the positives.
    score
        float (n,), none NaN.
    stratum
        (n,), only values within one are compared (the stratum of distance).

    Returns
    -------
    U and p; NaN where no stratum holds both.
    """
    u = mean = variance = 0.0
    for name in np.unique(stratum):
        here = stratum == name
        positive, values = label[here], score[here]
        n1, n = int(positive.sum()), len(values)
        n2 = n - n1
        if not n1 or not n2:
            continue
        ranks, (_, ties) = rankdata(values), np.unique(values, return_counts=True)
        u += ranks[positive].sum() - n1 * (n1 + 1) / 2
        mean += n1 * n2 / 2
        tied = float((ties.astype(np.float64) ** 3 - ties).sum())
        variance += n1 * n2 / 12 * (n + 1 - tied / (n * (n - 1)))
    if not mean:
        return float("nan"), float("nan")
    if not variance:  # all values are equal
        return float(u), 1.0
    z = max(abs(u - mean) - 0.5, 0.0) / np.sqrt(variance)
    return float(u), float(min(1.0, 2 * norm.sf(z)))


def block_mean(values: np.ndarray, block: np.ndarray, *, replicates: int, seed: int) -> Estimate:
    """Mean with its 95 % interval from a bootstrap over blocks; NaN of no values."""
    if not len(values):
        return NONE
    blocks, index = np.unique(block, return_inverse=True)
    counts = np.stack(
        [np.bincount(index, values, len(blocks)), np.bincount(index, minlength=len(blocks))], axis=1
    )

    def mean(total: np.ndarray) -> np.ndarray:
        return np.array([total[0] / total[1]])

    samples = bootstrap_counts(counts, mean, replicates, seed)
    return estimate(float(values.mean(dtype=np.float64)), samples[:, 0])


class _Ranking:
    """Values sorted within strata, to count weighted pairs again and again."""

    def __init__(self, label: np.ndarray, score: np.ndarray, stratum: np.ndarray) -> None:
        self.order = np.lexsort((score, stratum))
        sorted_score, sorted_stratum = score[self.order], stratum[self.order]
        new_stratum = np.append(True, sorted_stratum[1:] != sorted_stratum[:-1])
        new_tie = new_stratum | np.append(True, sorted_score[1:] != sorted_score[:-1])
        strata, self.ties = np.flatnonzero(new_stratum), np.flatnonzero(new_tie)
        self.stratum_of_tie = np.searchsorted(strata, self.ties, side="right") - 1
        self.first_tie = np.searchsorted(self.ties, strata)
        self.label = label[self.order]

    def auc(self, weight: np.ndarray) -> float:
        """Share of the pairs of one stratum whose positive has the higher score; a tie is half."""
        weight = weight[self.order]
        positive = np.add.reduceat(np.where(self.label, weight, 0.0), self.ties)
        negative = np.add.reduceat(np.where(self.label, 0.0, weight), self.ties)
        below = np.cumsum(negative) - negative
        below -= below[self.first_tie][self.stratum_of_tie]
        pairs = np.add.reduceat(positive, self.first_tie) @ np.add.reduceat(
            negative, self.first_tie
        )
        return float(positive @ (below + negative / 2) / pairs) if pairs else float("nan")

    def resampled(self, block: np.ndarray, replicates: int, seed: int) -> np.ndarray:
        """AUC of each bootstrap replicate over blocks: float64 (replicates,)."""
        blocks, index = np.unique(block, return_inverse=True)
        draws = block_weights(len(blocks), replicates, seed)
        return np.array([self.auc(weights[index].astype(float)) for weights in draws])


def matched_auc(
    label: np.ndarray,
    score: np.ndarray,
    *,
    stratum: np.ndarray,
    block: np.ndarray,
    replicates: int,
    seed: int,
) -> Estimate:
    """Probability that a positive has a higher score than a negative of its stratum.

    Parameters
    ----------
    label
        bool (n,), the positives.
    score
        float (n,), none NaN.
    stratum
        (n,), only pairs within one are compared (the stratum of distance); one value: the AUC.
    block
        (n,), what the bootstrap draws (the transcript).
    replicates, seed
        Number of bootstrap replicates and the seed that draws them.

    Returns
    -------
    U / (n1 n2), summed over the strata, with its 95 % interval; NaN where no stratum holds both.
    A NaN score is a SpliceBERTError.
    """
    if np.isnan(score).any():
        raise SpliceBERTError(f"{int(np.isnan(score).sum())} scores are NaN; drop them first")
    label = np.asarray(label, bool)
    if label.all() or not label.any():
        return NONE
    ranking = _Ranking(label, np.asarray(score), np.unique(stratum, return_inverse=True)[1])
    value = ranking.auc(np.ones(len(label)))
    if np.isnan(value):
        return NONE
    return estimate(value, ranking.resampled(block, replicates, seed))
