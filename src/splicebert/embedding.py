"""Representations of sites, and how well clusters and probes of them agree with the labels."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from os import PathLike
from typing import NamedTuple

import numpy as np
import pandas as pd

from .arrays import ArrayReader
from .conservation import overlap_groups
from .errors import FormatError, SpliceBERTError
from .sequence import one_hot
from .sites import centred_window
from .statistics import Estimate, bootstrap_counts, estimate

BASELINES = "baselines"
"""Name of the run of the one-hot baselines, beside those of the models."""
CHUNK = 1024
"""Rows that are widened from float16 at a time."""


class Representation(NamedTuple):
    """One matrix of features: method (model or onehot<flank>), layer, its array in the files."""

    method: str
    layer: int
    field: str


def shard_rows(n: int, shard: int, shards: int) -> slice:
    """Rows of one of `shards` nearly equal parts of n rows, in order.

    Raises
    ------
    SpliceBERTError
        Fewer rows than shards.
    """
    if n < shards:
        raise SpliceBERTError(
            f"{n} sites can't be cut into {shards} shards; set embedding.shards to {n} or less"
        )
    return slice(n * shard // shards, n * (shard + 1) // shards)


def layer_field(layer: int) -> str:
    """Name of the array that holds a layer."""
    return f"layer{layer}"


def flank_method(flank: int) -> str:
    """Name of the one-hot baseline with `flank` nt on either side, as the paper names it."""
    return f"onehot{flank}"


def flank_features(sequence: str, flank: int) -> np.ndarray:
    """One-hot features of a dinucleotide and `flank` nt on either side.

    Parameters
    ----------
    sequence
        The dinucleotide with at least `flank` nt on either side, as many on both, 5'->3'.
    flank
        nt on either side.

    Returns
    -------
    uint8 ((2 + 2 * flank) * 4,), base after base, order ACGT; zeros for N.
    """
    spare = (len(sequence) - 2) // 2 - flank
    inner = sequence[spare : len(sequence) - spare]
    return one_hot(inner).astype(np.uint8).reshape(-1)


class FeatureReader:
    """Reads the representations of all sites from the files of their shards, one at a time.

    Parameters
    ----------
    paths
        Files of `ArrayWriter` with the attribute `representations` (method, layer, field of
        each), shard after shard.
    site_ids
        Sites that they must hold, in order.
    """

    def __init__(self, paths: Sequence[str | PathLike], site_ids: Sequence[str]) -> None:
        self._stack = contextlib.ExitStack()
        self._readers = [self._stack.enter_context(ArrayReader(path)) for path in paths]
        found = np.concatenate([reader.window_ids for reader in self._readers])
        kinds = [reader.attributes["representations"] for reader in self._readers]
        if any(kind != kinds[0] for kind in kinds) or not np.array_equal(found, site_ids):
            self._stack.close()
            raise FormatError(
                f"its shards hold {len(found)} sites of {len(paths)} files that are not the "
                f"{len(site_ids)} asked for, or differ in their layers; delete them and run again",
                paths[0],
            )
        self.representations = [Representation(*kind) for kind in kinds[0]]

    def __enter__(self) -> FeatureReader:
        return self

    def __exit__(self, *exc: object) -> None:
        self._stack.close()

    def find(self, method: str, layer: int) -> Representation:
        """Return the representation of a method and layer; SpliceBERTError where there is none."""
        for representation in self.representations:
            if representation[:2] == (method, layer):
                return representation
        known = ", ".join(f"{r.method} {r.layer}" for r in self.representations)
        raise SpliceBERTError(f"no layer {layer} of {method}; there are {known}")

    def read(self, representation: Representation) -> np.ndarray:
        """Features of all sites: float32 (sites, values).

        float16 is widened a chunk of rows at a time, so that memory is that of the result.
        """
        out, filled = None, 0
        n = sum(map(len, self._readers))
        for reader in self._readers:
            for left in range(0, len(reader), CHUNK):
                part = reader.read(representation.field, slice(left, left + CHUNK))
                part = part.reshape(len(part), -1)
                if out is None:
                    out = np.empty((n, part.shape[1]), np.float32)
                out[filled : filled + len(part)] = part
                filled += len(part)
        if out is None:
            raise SpliceBERTError("no sites")
        return out


def site_blocks(sites: pd.DataFrame, length: int) -> np.ndarray:
    """Number the blocks of the bootstrap: sites whose windows of `length` nt overlap are one.

    Returns
    -------
    int64 (sites,)
    """
    left, right = centred_window(sites["start"], sites["end"], length)
    windows = pd.DataFrame({"chrom": sites["chrom"], "start": left, "end": right})
    return overlap_groups(windows.reset_index(drop=True))


def chromosome_folds(chrom: np.ndarray, folds: int) -> np.ndarray:
    """Spread chromosomes over folds of about equal size: int64 (n,), the fold of each row.

    The largest chromosome goes first, each to the fold that holds least; there are as many folds
    as chromosomes where these are fewer.

    Raises
    ------
    SpliceBERTError
        A single chromosome.
    """
    names, index, sizes = np.unique(chrom, return_inverse=True, return_counts=True)
    if len(names) < 2:
        raise SpliceBERTError(
            f"all {len(chrom)} sites lie on {', '.join(map(str, names)) or 'no chromosome'}; the "
            "probe is tested on other chromosomes than it is trained on and needs two or more"
        )
    held = np.zeros(min(folds, len(names)), np.int64)
    fold = np.empty(len(names), np.int64)
    for number in np.argsort(-sizes, kind="stable"):
        fold[number] = held.argmin()
        held[held.argmin()] += sizes[number]
    return fold[index]


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
