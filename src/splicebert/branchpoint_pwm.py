"""Baseline without a model: position weight matrix of the branchpoint, and a prior of its distance.

Both are naive Bayes factors of one base being a branchpoint, so that their sum is the log odds of
that, and its sigmoid a probability.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from .branchpoint_tables import BRANCHPOINT_MATRIX
from .errors import SpliceBERTError
from .sequence import BASES, base_codes


class Bases(NamedTuple):
    """The candidates of some examples, one row a base with a label.

    example : int64 (n,), row of the example
    offset : int64 (n,), 0-based position in the sequence, 5'->3'
    distance : int64 (n,), nt upstream of the acceptor, 1 for the last base of the intron
    label : int8 (n,), 1 a branchpoint, 0 none
    codes : uint8 (n, upstream + 1 + downstream), bases around it, A 0 to T 3, other 4
    """

    example: np.ndarray
    offset: np.ndarray
    distance: np.ndarray
    label: np.ndarray
    codes: np.ndarray


class Pwm(NamedTuple):
    """Log odds of a branchpoint against the other bases of zones, nats.

    matrix : float64 (width, 5), by position and base ACGT; 0 for any other letter
    prior : float64 (farthest + 1,), log odds by distance from the acceptor
    upstream : positions of the matrix before the branchpoint
    """

    matrix: np.ndarray
    prior: np.ndarray
    upstream: int


def collect_bases(
    sequences: Sequence[str],
    labels: Sequence[np.ndarray],
    acceptors: Sequence[int],
    reach: tuple[int, int],
) -> Bases:
    """Gather the labelled bases of examples with what is around them.

    Parameters
    ----------
    sequences
        Windows, 5'->3'.
    labels
        int8 (nt,) of each; below 0 is no candidate.
    acceptors
        Offset of the first base behind the intron in each.
    reach
        nt upstream and downstream of a base that belong to its motif; N outside the window.
    """
    up, down = reach
    parts: list[tuple] = []
    for number, (sequence, values, acceptor) in enumerate(
        zip(sequences, labels, acceptors, strict=True)
    ):
        own = np.asarray(values)
        offset = np.flatnonzero(own >= 0)
        codes = np.pad(base_codes(sequence), (up, down), constant_values=4)
        around = codes[offset[:, None] + np.arange(up + 1 + down)]
        parts.append((np.full(len(offset), number), offset, acceptor - offset, own[offset], around))
    if not parts:
        raise SpliceBERTError("no examples; expected windows with labelled bases")
    return Bases(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def fit(bases: Bases, *, upstream: int, pseudocount: float, prior_pseudocount: float) -> Pwm:
    """Fit matrix and prior.

    Parameters
    ----------
    bases
        Of the training examples alone.
    upstream
        Positions of `bases.codes` before the base itself.
    pseudocount
        Added to the count of each base at each position.
    prior_pseudocount
        Bases of the overall rate that are added at each distance.

    Raises
    ------
    SpliceBERTError
        Only one class is there.
    """
    positive = bases.label == 1
    if positive.all() or not positive.any():
        raise SpliceBERTError(
            f"all {len(positive)} training bases are alike; a matrix needs branchpoints and others"
        )
    frequencies = []
    for chosen in (positive, ~positive):
        counts = (bases.codes[chosen][:, :, None] == np.arange(4)).sum(axis=0) + pseudocount
        frequencies.append(counts / counts.sum(axis=1, keepdims=True))
    matrix = np.zeros((bases.codes.shape[1], 5))
    matrix[:, :4] = np.log(frequencies[0]) - np.log(frequencies[1])
    longest = int(bases.distance.max())
    seen = np.bincount(bases.distance, minlength=longest + 1)
    hits = np.bincount(bases.distance[positive], minlength=longest + 1)
    rate = positive.mean()
    chance = (hits + rate * prior_pseudocount) / (seen + prior_pseudocount)
    return Pwm(matrix, np.log(chance) - np.log1p(-chance), upstream)


def score(model: Pwm, bases: Bases) -> np.ndarray:
    """Log odds of each base being a branchpoint: float64 (n,), nats.

    A distance that was not met in training has the prior of the nearest one that is in the table.
    """
    odds = model.matrix[np.arange(model.matrix.shape[0]), bases.codes].sum(axis=1)
    return odds + model.prior[np.clip(bases.distance, 0, len(model.prior) - 1)]


def matrix_table(model: Pwm, fold: int, nearest: int) -> pd.DataFrame:
    """Rows of BRANCHPOINT_MATRIX; the prior from distance `nearest` on."""
    width = len(model.matrix)
    rows = [
        (fold, "matrix", position - model.upstream, base, model.matrix[position, code])
        for position in range(width)
        for code, base in enumerate(BASES)
    ]
    rows += [
        (fold, "prior", distance, ".", model.prior[distance])
        for distance in range(nearest, len(model.prior))
    ]
    return pd.DataFrame(rows, columns=BRANCHPOINT_MATRIX.names)
