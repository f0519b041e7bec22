"""Put the folds together: chosen epochs, and their test predictions in one table."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from os import PathLike

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from ..tables import atomic_path, read_table, validate, write_table
from .metrics import probability
from .selection import Selection, choose_epochs
from .tables import CHOSEN_PREDICTIONS, METRICS, PREDICTIONS, SCORES, VALIDATION


def read_scores(metrics: Mapping[int, str | PathLike], score: str) -> pd.DataFrame:
    """Validation scores (SCORES) from the folds' tables of METRICS, fold -> file."""
    tables = []
    for fold, path in metrics.items():
        table = read_table(path, METRICS)
        table = table[(table["split"] == VALIDATION) & (table["metric"] == score)]
        tables.append(table[["epoch", "value"]].assign(fold=np.int16(fold)))
    return validate(pd.concat(tables)[SCORES.names], SCORES)


def read_predictions(path: str | PathLike, epoch: int) -> pd.DataFrame:
    """Test predictions of one epoch (PREDICTIONS); the others are not read."""
    table = pq.read_table(path, filters=[("epoch", "=", epoch)], partitioning=None)
    return validate(table.to_pandas(), PREDICTIONS, path)


def gather(
    metrics: Sequence[str | PathLike],
    predictions: Sequence[str | PathLike],
    out_predictions: str | PathLike,
    out_selection: str | PathLike,
    *,
    score: str,
    patience: int | None,
    protocol: str,
    folds: Sequence[int] | None = None,
) -> Selection:
    """Choose epochs and write the predictions of the test folds at them.

    Parameters
    ----------
    metrics, predictions
        Files of the folds.
    out_predictions, out_selection
        Parquet (CHOSEN_PREDICTIONS) and JSON (protocol, score, and what `Selection` holds).
    score
        Validation score: ap or auc.
    patience
        Of the paper's rule; see `choose_epochs`.
    protocol
        corrected: each fold's best epoch, softmax; published: one epoch for all, sigmoid.
    folds
        Their numbers; None: 0, 1, 2, ….
    """
    folds = range(len(metrics)) if folds is None else folds
    named = dict(zip(folds, metrics, strict=True))
    chosen = choose_epochs(read_scores(named, score), protocol, patience)
    tables = []
    for fold, path in zip(folds, predictions, strict=True):
        table = read_predictions(path, chosen.epochs[fold])
        table["score"] = probability(table["logit"], table["logit_negative"], protocol=protocol)
        tables.append(table.assign(fold=np.int16(fold)))
    write_table(pd.concat(tables, ignore_index=True), out_predictions, CHOSEN_PREDICTIONS)
    about = {"protocol": protocol, "score": score, **chosen._asdict()}
    with atomic_path(out_selection) as path:
        path.write_text(json.dumps(about, indent=1) + "\n")
    return chosen
