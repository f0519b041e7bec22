"""How well branchpoints are found: by base over all zones, and by intron."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd

from .branchpoint_tables import METRICS
from .errors import SpliceBERTError
from .sequence import BASES, base_codes
from .statistics import (
    Estimate,
    RankedItems,
    block_weights,
    estimate,
    paired_differences,
)
from .training.metrics import THRESHOLD


class Performance(NamedTuple):
    """One metric: its Estimate, and what scores without information reach."""

    estimate: Estimate
    chance: float


def top_hits(label: np.ndarray, score: np.ndarray, block: np.ndarray) -> np.ndarray:
    """Tell whether the best score of each block is a positive: float64 (blocks,), sorted blocks.

    Equal best scores share the hit: two bases of which one is a branchpoint give 0.5.
    """
    _, index = np.unique(block, return_inverse=True)
    best = np.full(index.max() + 1, -np.inf)
    np.maximum.at(best, index, score)
    first = score == best[index]
    return np.bincount(index[first], weights=label[first] == 1) / np.bincount(index[first])


class Measured(NamedTuple):
    """Metrics of one method, in the order of `branchpoint_tables.METRICS`.

    values : float64 (4,)
    replicates : float64 (replicates, 4), of each bootstrap replicate
    chance : float64 (4,), what scores without information reach
    """

    values: np.ndarray
    replicates: np.ndarray
    chance: np.ndarray

    def performance(self) -> dict[str, Performance]:
        """Metric -> Performance."""
        return {
            metric: Performance(estimate(self.values[i], self.replicates[:, i]), self.chance[i])
            for i, metric in enumerate(METRICS)
        }


def measure(
    label: np.ndarray, score: np.ndarray, block: np.ndarray, *, replicates: int, seed: int
) -> Measured:
    """AP, AUC, F1 and top-1 accuracy, and the same of bootstrap replicates.

    A replicate draws blocks; the same blocks and seed give the same draws for every method.

    Parameters
    ----------
    label
        int (n,), 1 a branchpoint, 0 none; both occur.
    score
        float (n,), probability; F1 calls what is above 0.5.
    block
        (n,), the intron of each base: what the bootstrap draws, and what has one best base.
    replicates, seed
        Number of bootstrap replicates and the seed that draws them.

    Returns
    -------
    Chance is the share of positives for AP, 0.5 for AUC, for F1 that of calling everything, and
    for top1 the mean share of an intron.

    Raises
    ------
    SpliceBERTError
        All bases are of one class, or a score is NaN.
    """
    if len(np.unique(label)) < 2 or np.isnan(score).any():
        raise SpliceBERTError(
            f"{len(label)} bases, {int((np.asarray(label) == 1).sum())} of them branchpoints, "
            f"{int(np.isnan(score).sum())} scores NaN; expected bases of both classes, each scored"
        )
    blocks, index = np.unique(block, return_inverse=True)
    positive, score = np.asarray(label) == 1, np.asarray(score, float)
    ranks = RankedItems(positive, score, score > THRESHOLD, index)
    hits = top_hits(label, score, block)

    def scores(weights: np.ndarray) -> list[float]:
        auc, ap, f1 = ranks.measure(weights)
        return [ap, auc, f1, float(weights @ hits) / weights.sum()]

    draws = [scores(weights) for weights in block_weights(len(blocks), replicates, seed)]
    share = float(positive.mean())
    by_chance = top_hits(label, np.zeros(len(positive)), block).mean()
    return Measured(
        np.array(scores(np.ones(len(blocks)))),
        np.array(draws).reshape(-1, len(METRICS)),
        np.array([share, 0.5, 2 * share / (1 + share), by_chance]),
    )


def difference_rows(measured: Mapping[str, Measured]) -> pd.DataFrame:
    """Rows of BRANCHPOINT_DIFFERENCES without data set: every method less each later one."""
    rows = paired_differences(
        {name: (one.values, one.replicates) for name, one in measured.items()}, METRICS
    )
    columns = ["method", "other", "metric", "difference", "low", "high"]
    return pd.DataFrame(rows, columns=columns)


def check_same_bases(predictions: Mapping[str, pd.DataFrame]) -> None:
    """Raise SpliceBERTError unless all methods were tested on the same bases with the same labels.

    Parameters
    ----------
    predictions
        Method -> columns example_id, offset, label.
    """
    first: tuple[str, pd.DataFrame] | None = None
    for method, table in predictions.items():
        keys = ["example_id", "offset", "label"]
        own = table[keys].sort_values(keys[:2], kind="stable").reset_index(drop=True)
        if first is None:
            first = (method, own)
        elif not own.equals(first[1]):
            raise SpliceBERTError(
                f"method {method!r} was tested on {len(own)} bases, {first[0]!r} on "
                f"{len(first[1])}, and they are not the same; delete the older predictions.parquet "
                "and run again"
            )


def best_bases(predictions: pd.DataFrame) -> pd.DataFrame:
    """The best base of each intron: the rows of its highest score, of equal ones the 5'-most."""
    order = predictions.sort_values(
        ["example_id", "score", "offset"], ascending=[True, False, True], kind="stable"
    )
    return order.drop_duplicates("example_id").reset_index(drop=True)


def count_distances(distance: pd.Series, zone: tuple[int, int]) -> pd.DataFrame:
    """How many lie at each distance of the zone: columns distance, n, share."""
    values = np.arange(zone[0], zone[1] + 1)
    n = distance.value_counts().reindex(values, fill_value=0).to_numpy()
    return pd.DataFrame({"distance": values, "n": n, "share": n / max(n.sum(), 1)})


def count_letters(sequences: list[str], upstream: int) -> pd.DataFrame:
    """Letters of a sequence logo.

    Parameters
    ----------
    sequences
        Sites of one length, 5'->3', the branchpoint at offset `upstream`.
    upstream
        nt before it.

    Returns
    -------
    DataFrame of position, base, count, frequency and bits: frequency x (2 - entropy in bits); NaN
    where no site has a known base there.
    """
    codes = np.stack([base_codes(sequence) for sequence in sequences])
    counts = (codes[:, :, None] == np.arange(4)).sum(axis=0)
    total = counts.sum(axis=1, keepdims=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        frequency = counts / total
        terms = np.where(counts > 0, frequency * np.log2(frequency), 0.0)
    bits = frequency * (2 + terms.sum(axis=1, keepdims=True))
    width = counts.shape[0]
    return pd.DataFrame(
        {
            "position": np.repeat(np.arange(width) - upstream, 4),
            "base": list(BASES) * width,
            "count": counts.ravel(),
            "frequency": frequency.ravel(),
            "bits": bits.ravel(),
        }
    )
