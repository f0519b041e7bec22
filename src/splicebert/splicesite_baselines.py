"""What the methods without a model share: their folds, and their scores as a table."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd

from .splicesite_scores import sigmoid
from .splicesite_tables import SITE_SCORES
from .training.settings import Split
from .training.tables import TEST, TRAINING, VALIDATION


class FoldSets(NamedTuple):
    """Sequences of one fold, rows of EXAMPLES."""

    fold: int
    train: pd.DataFrame
    validation: pd.DataFrame
    test: pd.DataFrame


def each_fold(examples: pd.DataFrame, splits: Iterable[Mapping]) -> Iterator[FoldSets]:
    """Yield the sequences of each fold; `splits` as `site_split` makes them."""
    for fields in splits:
        split = Split.make(**fields)
        rows = split.members(examples["fold"].to_numpy())
        parts = [
            examples.iloc[rows[name]].reset_index(drop=True)
            for name in (TRAINING, VALIDATION, TEST)
        ]
        yield FoldSets(split.fold, *parts)


def labels_of(examples: pd.DataFrame) -> np.ndarray:
    """Labels of rows of EXAMPLES whose sequences have one each: int8 (n,)."""
    return np.array([labels[0] for labels in examples["labels"]], np.int8)


def score_rows(examples: pd.DataFrame, logits: np.ndarray, name: str, fold: int) -> pd.DataFrame:
    """Rows of SITE_SCORES from rows of EXAMPLES and their logits; `name` is the set's."""
    table = pd.DataFrame(
        {
            "example_id": examples["example_id"].to_numpy(),
            "label": labels_of(examples),
            "logit": np.asarray(logits, np.float32),
            "score": sigmoid(logits).astype(np.float32),
        }
    )
    return table.assign(set=name, fold=fold)[SITE_SCORES.names]
