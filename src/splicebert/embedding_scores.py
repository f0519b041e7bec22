"""How well clusters of sites agree with their labels, and what counts as independent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from .conservation import overlap_groups
from .errors import SpliceBERTError
from .sites import centred_window
from .statistics import Estimate, bootstrap_counts, estimate


def site_blocks(sites: pd.DataFrame, length: int) -> np.ndarray:
    """Number the blocks of the bootstrap: sites whose windows of `length` nt overlap are one.

    Returns
    -------
    int64 (sites,)
    """
    left, right = centred_window(sites["start"], sites["end"], length)
    windows = pd.DataFrame({"chrom": sites["chrom"], "start": left, "end": right})
    return overlap_groups(windows.reset_index(drop=True))


def contingency(block: np.ndarray, cluster: np.ndarray, label: np.ndarray) -> np.ndarray:
    """Count sites by block, cluster and label: int32 (blocks, clusters, 2)."""
    blocks, row = np.unique(block, return_inverse=True)
    clusters, column = np.unique(cluster, return_inverse=True)
    counts = np.zeros((len(blocks), len(clusters), 2), np.int32)
    np.add.at(counts, (row, column, np.asarray(label, int)), 1)
    return counts


def normalised_mutual_information(counts: np.ndarray) -> float:
    """NMI of two partitions from their table (clusters, labels), by the mean of the entropies.

    1 where both have a single class.
    """
    share = counts / counts.sum()
    rows, columns = share.sum(axis=1), share.sum(axis=0)

    def entropy(p: np.ndarray) -> float:
        p = p[p > 0]
        return float(-(p * np.log(p)).sum())

    mean = (entropy(rows) + entropy(columns)) / 2
    if mean == 0:
        return 1.0
    return max(0.0, (entropy(rows) + entropy(columns) - entropy(share.ravel())) / mean)


def adjusted_rand(counts: np.ndarray) -> float:
    """Adjusted Rand index of two partitions from their table (clusters, labels)."""

    def pairs(n: np.ndarray) -> float:
        return float((n * (n - 1) / 2).sum())

    counts = np.asarray(counts, float)
    both, total = pairs(counts), pairs(counts.sum())
    rows, columns = pairs(counts.sum(axis=1)), pairs(counts.sum(axis=0))
    if total == 0:
        return 1.0
    expected, most = rows * columns / total, (rows + columns) / 2
    return 1.0 if most == expected else (both - expected) / (most - expected)


def agreement(
    block: np.ndarray, cluster: np.ndarray, label: np.ndarray, *, replicates: int, seed: int
) -> dict[str, Estimate]:
    """NMI and ARI of clusters against labels, with block-bootstrap intervals.

    A replicate holds some sites twice, which agree with themselves: it scores higher than the data
    by as much as chance gives. So replicates are shifted to have the value as their mean.

    Parameters
    ----------
    block
        (sites,), what is resampled together.
    cluster
        int (sites,).
    label
        bool (sites,).
    replicates, seed
        Number of bootstrap replicates and the seed that draws them.

    Returns
    -------
    dict
        nmi and ari.
    """
    counts = contingency(block, cluster, label)

    def scores(total: np.ndarray) -> np.ndarray:
        return np.array([normalised_mutual_information(total), adjusted_rand(total)])

    value = scores(counts.sum(axis=0))
    samples = bootstrap_counts(counts, scores, replicates, seed)
    if len(samples):
        samples = np.clip(samples - samples.mean(axis=0) + value, (0, -1), (1, 1))
    return {name: estimate(value[i], samples[:, i]) for i, name in enumerate(("nmi", "ari"))}


def figure_layer(chosen: Mapping[str, int], method: str, layers: Sequence[int]) -> int:
    """Layer of a method that the main figure shows: the one chosen for it, else the last.

    Raises
    ------
    SpliceBERTError
        The chosen layer is not there.
    """
    layer = chosen.get(method, max(layers))
    if layer not in layers:
        raise SpliceBERTError(
            f"layers of the data set: {method} has no layer {layer}; allowed: 0 to {max(layers)}"
        )
    return int(layer)
