"""Representations of sites: shards of hidden states by layer, one-hot baselines."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from os import PathLike
from typing import NamedTuple

import numpy as np

from .arrays import ArrayReader
from .errors import FormatError, SpliceBERTError
from .sequence import one_hot

BASELINES = "baselines"
"""Name of the run of the one-hot baselines, beside those of the models."""
CHUNK = 1024
"""Rows that are widened from float16 at a time."""


class Representation(NamedTuple):
    """One matrix of features: method (model or onehot<flank>), layer, its array in the files."""

    method: str
    layer: int
    field: str


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
