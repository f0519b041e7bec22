"""How well branchpoints are found: by base over all zones, and by intron."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd

from .errors import SpliceBERTError
from .sequence import BASES, base_codes
from .statistics import Estimate, bootstrap_counts, estimate
from .training.metrics import classification_intervals


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


def evaluate(
    label: np.ndarray, score: np.ndarray, block: np.ndarray, *, replicates: int, seed: int
) -> dict[str, Performance]:
    """AP, AUC, F1 and top-1 accuracy with intervals from a bootstrap over blocks.

    Parameters
    ----------
    label
        int (n,), 1 a branchpoint, 0 none.
    score
        float (n,), probability; F1 calls what is above 0.5.
    block
        (n,), the intron of each base: what the bootstrap draws, and what has one best base.
    replicates, seed
        Number of bootstrap replicates and the seed that draws them.

    Returns
    -------
    Metric (`branchpoint_tables.METRICS`) -> Performance. Chance is the share of positives for AP,
    0.5 for AUC, for F1 that of calling everything, and for top1 the mean share of an intron.
    """
    found = classification_intervals(label, score, block, replicates=replicates, seed=seed)
    hits = top_hits(label, score, block)
    top = estimate(
        hits.mean(),
        bootstrap_counts(
            np.stack([hits, np.ones_like(hits)], axis=1), lambda n: n[0] / n[1], replicates, seed
        ),
    )
    share = float((label == 1).mean())
    return {
        "ap": Performance(found.ap, share),
        "auc": Performance(found.auc, 0.5),
        "f1": Performance(found.f1, 2 * share / (1 + share)),
        "top1": Performance(top, float(top_hits(label, np.zeros(len(label)), block).mean())),
    }


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
