"""Folds: whole groups, stratified by label, or given."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..errors import SpliceBERTError

HOW = ("group", "stratified", "given")


def assign_folds(
    labels: Sequence[int] | np.ndarray,
    groups: Sequence | np.ndarray,
    *,
    folds: int,
    how: str,
    seed: int = 0,
) -> np.ndarray:
    """Assign examples to folds.

    Parameters
    ----------
    labels
        int (examples,), class of each example; only "stratified" reads it.
    groups
        (examples,). "group": what must stay together, as a chromosome. "given": the number of the
        fold, -1 for none. "stratified" does not read it.
    folds
        How many.
    how
        "group": whole groups, the largest first, each to the fold with the fewest examples (ties:
        larger groups before names in their order, the lowest fold); "stratified": shuffled, equal
        shares of each class; "given".
    seed
        Of the shuffle.

    Returns
    -------
    int16 (examples,)

    Raises
    ------
    SpliceBERTError
        Fewer groups or members of a class than folds, or given numbers out of range.
    """
    if how not in HOW:
        raise SpliceBERTError(f"folds: how is {how!r}; expected one of {', '.join(HOW)}")
    if folds < 2:
        raise SpliceBERTError(f"{folds} folds; expected 2 or more")
    if how == "group":
        return _by_group(np.asarray(groups), folds)
    if how == "given":
        return _given(np.asarray(groups), folds)
    return _stratified(np.asarray(labels), folds, seed)


def _by_group(groups: np.ndarray, folds: int) -> np.ndarray:
    names, index, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    if len(names) < folds:
        raise SpliceBERTError(
            f"{len(names)} groups ({', '.join(map(str, names[:8]))}) for {folds} folds; expected "
            "at least as many groups as folds. Take fewer folds, or how: stratified"
        )
    home, filled = np.zeros(len(names), np.int16), np.zeros(folds, np.int64)
    for group in np.argsort(-sizes, kind="stable"):
        home[group] = np.argmin(filled)
        filled[home[group]] += sizes[group]
    return home[index]


def _given(numbers: np.ndarray, folds: int) -> np.ndarray:
    try:
        values = numbers.astype(np.int64)
    except (TypeError, ValueError):
        raise SpliceBERTError(
            f"given folds: found {numbers[:3].tolist()}; expected whole numbers"
        ) from None
    wrong = np.flatnonzero((values < -1) | (values >= folds))
    if len(wrong):
        raise SpliceBERTError(
            f"given folds: example {wrong[0]} (0-based) is in fold {values[wrong[0]]}; expected 0 "
            f"to {folds - 1}, or -1 for none"
        )
    empty = sorted(set(range(folds)) - set(values.tolist()))
    if empty:
        raise SpliceBERTError(f"given folds: no example is in fold {empty[0]} of {folds}")
    return values.astype(np.int16)


def _stratified(labels: np.ndarray, folds: int, seed: int) -> np.ndarray:
    from sklearn.model_selection import StratifiedKFold

    values, counts = np.unique(labels, return_counts=True)
    if not len(values) or counts.min() < folds:
        found = ", ".join(f"{n} of class {value}" for value, n in zip(values, counts, strict=True))
        raise SpliceBERTError(
            f"stratified folds: {found or 'no examples'}; expected {folds} or more of each class, "
            "one for each fold. Take fewer folds"
        )
    home = np.zeros(len(labels), np.int16)
    splitter = StratifiedKFold(folds, shuffle=True, random_state=seed)
    for number, (_, rows) in enumerate(splitter.split(np.zeros(len(labels)), labels)):
        home[rows] = number
    return home
