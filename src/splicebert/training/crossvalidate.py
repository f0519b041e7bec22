"""Several folds one after the other in a folder, and what they score together."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from ..runtime import Runtime
from ..schema import Column, Schema
from ..tables import read_table, write_table
from .gather import gather
from .metrics import classification_intervals
from .run import fingerprint, outputs_in, split_examples, train_fold
from .settings import Job
from .tables import CHOSEN_PREDICTIONS, EXAMPLES

log = logging.getLogger(__name__)
REPLICATES = 1000
POOLED = "pooled"

SUMMARY = Schema(
    "scores of the test folds",
    (
        Column("fold", "str", "number of the fold, or pooled"),
        Column("n_labels", "int64", "labels in the test fold", minimum=0),
        Column("n_positive", "int64", "of them 1", minimum=0),
        *(
            Column(f"{name}{part}", "float64", meaning, True)
            for name, meaning in (
                ("auc", "area under the ROC curve"),
                ("ap", "average precision"),
                ("f1", "F1 of probabilities above 0.5"),
            )
            for part in ("", "_low", "_high")
        ),
    ),
    key=("fold",),
)


def fold_folder(folder: str | Path, fold: int) -> Path:
    """Folder of a fold."""
    return Path(folder) / f"fold{fold}"


def is_done(job: Job, table: pd.DataFrame, folder: Path) -> bool:
    """Whether a fold of the same examples, model and settings was trained to its end there."""
    outputs = outputs_in(folder)
    about = outputs.model / "training.json"
    if not (about.is_file() and outputs.metrics.is_file() and outputs.predictions.is_file()):
        return False
    found = json.loads(about.read_text()).get("fingerprint")
    return found == json.loads(json.dumps(fingerprint(job, split_examples(table, job))))


def train_folds(
    jobs: Sequence[Job],
    table: pd.DataFrame,
    folder: str | Path,
    runtime: Runtime,
    *,
    attention: str = "auto",
) -> pd.DataFrame:
    """Train folds one after the other; those that are done are left alone.

    Parameters
    ----------
    jobs
        The folds of one method.
    table
        EXAMPLES.
    folder
        Of examples.parquet, fold0/, fold1/, …, predictions.parquet, selection.json, scores.tsv.
    runtime, attention
        As of `train_fold`.

    Returns
    -------
    SUMMARY, as in scores.tsv
    """
    folder = Path(folder)
    write_table(table, folder / "examples.parquet", EXAMPLES)
    for job in jobs:
        place = fold_folder(folder, job.split.fold)
        if is_done(job, table, place):
            log.info("fold %d is done: %s", job.split.fold, place)
            continue
        train_fold(job, table, outputs_in(place), runtime, attention=attention)
    return _gather(jobs, table, folder)


def _gather(jobs: Sequence[Job], table: pd.DataFrame, folder: Path) -> pd.DataFrame:
    folds = [job.split.fold for job in jobs]
    outputs = [outputs_in(fold_folder(folder, fold)) for fold in folds]
    settings = jobs[0].settings
    gather(
        [output.metrics for output in outputs],
        [output.predictions for output in outputs],
        folder / "predictions.parquet",
        folder / "selection.json",
        score=settings["score"],
        patience=settings["patience"],
        protocol="corrected",
        folds=folds,
    )
    predictions = read_table(folder / "predictions.parquet", CHOSEN_PREDICTIONS)
    scores = summarise(predictions, table, settings["seed"])
    write_table(scores, folder / "scores.tsv", SUMMARY)
    return scores


def summarise(predictions: pd.DataFrame, table: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Scores of each test fold and of all of them pooled, with 95 % intervals (SUMMARY).

    Intervals resample groups. A fold of one class only has no scores.
    """
    group = table.set_index("example_id")["group"]
    rows = []
    parts = [(str(fold), part) for fold, part in predictions.groupby("fold")]
    for name, part in [*parts, (POOLED, predictions)]:
        labels = part["label"].to_numpy()
        row = {"fold": name, "n_labels": len(part), "n_positive": int(labels.sum())}
        if 0 < row["n_positive"] < len(part):
            blocks = group[part["example_id"]].to_numpy()
            found = classification_intervals(
                labels, part["score"].to_numpy(), blocks, replicates=REPLICATES, seed=seed
            )
            for metric, value in found._asdict().items():
                values = (value.value, value.low, value.high)
                row |= dict(zip((metric, f"{metric}_low", f"{metric}_high"), values, strict=True))
        rows.append(row)
    return pd.DataFrame(rows).reindex(columns=SUMMARY.names, fill_value=np.nan)
