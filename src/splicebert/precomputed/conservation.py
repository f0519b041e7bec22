"""Section 1: masked bases by region (pred_in_region.pkl), phastCons windows (embed_cons.pkl)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from os import PathLike
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.special import log_softmax

from splicebert.conservation_tables import CONSERVATION_WINDOWS, REPEAT_FRACTIONS
from splicebert.tables import REGION_NAMES

from . import MASKED_BASE_MODELS, SPACING, UNPLACED
from .archive import require
from .arrays import read_arrays, require_shape

UNKNOWN_TOKEN, FIRST_BASE, VOCABULARY = 5, 6, 10
OTHER = 4


class MaskedBases(NamedTuple):
    """Bases that were to be predicted, of all windows in a row; N is left out.

    bases : uint8 (n,), A 0, C 1, G 2, T 3
    regions : uint16 (n,), bit k = class k of REGION_NAMES
    repeat : bool (n,), soft-masked
    logits : name of the authors' model -> float32 (n, 10), in the order of the vocabulary
    n_unknown : N that the authors' code had chosen, too
    """

    bases: np.ndarray
    regions: np.ndarray
    repeat: np.ndarray
    logits: dict[str, np.ndarray]
    n_unknown: int


def read_masked_bases(path: str | PathLike) -> MaskedBases:
    """Read pred_in_region.pkl: label, logits of both models, region classes, repeat."""
    axes = {"label": 1, **dict.fromkeys(MASKED_BASE_MODELS, 2), "annotation": 2, "repeat": 1}
    found = read_arrays(path, axes)
    require_shape(found, MASKED_BASE_MODELS, (None, VOCABULARY), path)
    require_shape(found, ["annotation"], (None, len(REGION_NAMES)), path)
    label = found["label"]
    low, high = int(label.min()), int(label.max())
    right = low >= UNKNOWN_TOKEN and high < VOCABULARY
    require(right, f"labels from {low} to {high}; expected tokens of N, A, C, G, T (5 to 9)", path)
    known = label != UNKNOWN_TOKEN
    bits = (1 << np.arange(len(REGION_NAMES))).astype(np.uint16)
    return MaskedBases(
        (label[known] - FIRST_BASE).astype(np.uint8),
        ((found["annotation"][known] != 0) @ bits).astype(np.uint16),
        found["repeat"][known] != 0,
        {name: found[name][known].astype(np.float32) for name in MASKED_BASE_MODELS},
        int((~known).sum()),
    )


def predictions(logits: np.ndarray, bases: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Most likely token, and log probability of the true base.

    Parameters
    ----------
    logits
        float32 (n, 10), in the order of the vocabulary.
    bases
        uint8 (n,), A 0, C 1, G 2, T 3.

    Returns
    -------
    predicted : uint8 (n,), A 0, C 1, G 2, T 3, any other token 4
    log_prob : float32 (n,)
    """
    token = logits.argmax(axis=-1)
    predicted = np.where(token >= FIRST_BASE, token - FIRST_BASE, OTHER).astype(np.uint8)
    true = bases.astype(np.int64)[:, None] + FIRST_BASE
    return predicted, np.take_along_axis(log_softmax(logits, axis=-1), true, axis=1)[:, 0]


def repeat_fractions(found: MaskedBases) -> pd.DataFrame:
    """Rows of REPEAT_FRACTIONS, of the bases that were predicted: a sample of the regions."""
    rows = []
    for column, region in enumerate(REGION_NAMES):
        inside = (found.regions >> column) & 1 == 1
        n, repeats = int(inside.sum()), int((inside & found.repeat).sum())
        rows.append((region, n, repeats, repeats / n if n else np.nan))
    return pd.DataFrame(rows, columns=REPEAT_FRACTIONS.names)


class ProbeWindows(NamedTuple):
    """Windows of the phastCons probe.

    tokens : (windows, 3 * nt), of the window and its neighbours on either side
    phastcons, phylop : float32 (windows, nt), NaN where there is no value
    hidden : name in the file -> (windows, nt, hidden), last hidden states
    """

    tokens: np.ndarray
    phastcons: np.ndarray
    phylop: np.ndarray
    hidden: dict[str, np.ndarray]

    @property
    def length(self) -> int:
        """Length of a window in nt."""
        return self.phastcons.shape[1]


def read_probe_windows(path: str | PathLike, models: Sequence[str]) -> ProbeWindows:
    """Read embed_cons.pkl; `models` are the authors' names, written small in the file."""
    names = {name: name.lower() for name in models}
    axes = {"ids_extend": 2, "phastcons": 2, "phylop": 2, **dict.fromkeys(names.values(), 3)}
    found = read_arrays(path, axes)
    nt = found["phastcons"].shape[1]
    require_shape(found, ["phylop"], (None, nt), path)
    require_shape(found, ["ids_extend"], (None, 3 * nt), path)
    require_shape(found, list(names.values()), (None, nt, None), path)
    tracks = (found[name].astype(np.float32) for name in ("phastcons", "phylop"))
    hidden = {name: found[key] for name, key in names.items()}
    return ProbeWindows(found["ids_extend"], *tracks, hidden)


def one_hot(tokens: np.ndarray, neighbourhood: int) -> np.ndarray:
    """One-hot bases of a window and its neighbourhood.

    Parameters
    ----------
    tokens
        int (3 * nt,), of the window and its neighbours.
    neighbourhood
        nt on either side of the window, at most nt.

    Returns
    -------
    float16 (nt + 2 * neighbourhood, 4), order ACGT, 0 at N
    """
    nt = len(tokens) // 3
    part = tokens[nt - neighbourhood : 2 * nt + neighbourhood, None]
    return (part == np.arange(4) + FIRST_BASE).astype(np.float16)


def window_table(n: int, length: int) -> pd.DataFrame:
    """Rows of CONSERVATION_WINDOWS without coordinates, which the file does not hold."""
    start = np.arange(n, dtype=np.int64) * SPACING
    columns: Mapping = {
        "window_id": [f"window:{row}" for row in range(n)],
        "chrom": UNPLACED,
        "start": start,
        "end": start + length,
        "strand": "+",
        "tx_id": ".",
        "gene_name": ".",
    }
    return pd.DataFrame(columns)[CONSERVATION_WINDOWS.names]
