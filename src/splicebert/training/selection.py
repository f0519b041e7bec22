"""Which epoch's predictions count: one for all folds, or each fold's own best."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from ..errors import SpliceBERTError

PROTOCOLS = ("corrected", "published")


class Selection(NamedTuple):
    """Chosen epochs.

    epochs : fold -> epoch, 1-based
    scores : fold -> validation score of that epoch
    mean : their mean
    common : epochs that all folds have
    ended : whether the paper's rule came to its end within them: a later epoch could not have been
        chosen; always true where each fold chooses for itself
    """

    epochs: dict[int, int]
    scores: dict[int, float]
    mean: float
    common: int
    ended: bool


def choose_epochs(scores: pd.DataFrame, protocol: str, patience: int | None = None) -> Selection:
    """Choose the epochs whose predictions count.

    The paper trains all folds side by side and stops when the mean of their validation scores has
    not risen for `patience` epochs. Here each fold stops on its own score; the mean is looked at
    over the epochs that all folds have, as far as the paper's rule would have gone on. Where a fold
    stopped before the rule did, `Selection.ended` is false.

    Parameters
    ----------
    scores
        fold, epoch (1-based), value (validation score; higher is better).
    protocol
        "published": one epoch for all folds, that of the best mean score; "corrected": each fold's
        own best. The first of equal ones.
    patience
        Of the paper's rule: epochs without a better mean before it stops; None never stops.

    Raises
    ------
    SpliceBERTError
        No scores, missing values or epochs, or no epoch that all folds have.
    """
    if protocol not in PROTOCOLS:
        raise SpliceBERTError(f"protocol {protocol!r}; expected one of {', '.join(PROTOCOLS)}")
    table, ended = _table(scores), True
    if protocol == "published":
        epoch, ended = _best_mean(table, patience)
        epochs = dict.fromkeys(table.columns, epoch)
    else:
        epochs = {fold: int(table[fold].idxmax()) for fold in table.columns}
    chosen = {int(fold): float(table.loc[epoch, fold]) for fold, epoch in epochs.items()}
    epochs = {int(fold): int(epoch) for fold, epoch in epochs.items()}
    mean = float(np.mean(list(chosen.values())))
    return Selection(epochs, chosen, mean, len(table.dropna()), ended)


def _table(scores: pd.DataFrame) -> pd.DataFrame:
    """Rows are epochs, columns folds; NaN behind the last epoch of a fold."""
    if not len(scores) or scores["value"].isna().any():
        raise SpliceBERTError(
            f"{len(scores)} validation scores, {int(scores['value'].isna().sum())} of them "
            "missing; expected one for each epoch of each fold"
        )
    table = scores.pivot(index="epoch", columns="fold", values="value").sort_index()
    last = scores.groupby("fold")["epoch"].agg(["min", "max", "size"])
    broken = last[(last["min"] != 1) | (last["max"] != last["size"])]
    if len(broken):
        raise SpliceBERTError(
            f"fold {broken.index[0]} has {broken['size'].iloc[0]} epochs up to "
            f"{broken['max'].iloc[0]}; expected every epoch from 1 on"
        )
    return table


def _best_mean(table: pd.DataFrame, patience: int | None) -> tuple[int, bool]:
    """Epoch of the best mean among those that all folds have, and whether the rule ended there.

    It also ends with the last epoch where no fold goes on behind it.
    """
    means = table.dropna().mean(axis=1)
    best, highest = int(means.index[0]), -np.inf
    for epoch, mean in means.items():
        if mean > highest:
            best, highest = int(epoch), mean
        elif patience is not None and epoch - best >= patience:
            return best, True
    return best, len(means) == len(table)
