"""Schemas of the tables of fine-tuning, and the names of its splits."""

from __future__ import annotations

from ..schema import Column, Schema

TRAINING, VALIDATION, TEST = "training", "validation", "test"
SPLITS = (TRAINING, VALIDATION, TEST)
IGNORED = -100  # label of a nucleotide that is neither trained on nor scored

_LABELS = "0 or 1: of each nucleotide (-100: ignored), or a single one of the sequence"
EXAMPLES = Schema(
    "examples",
    (
        Column("example_id", "str", "example"),
        Column("sequence", "str", "nucleotides 5'->3', upper case"),
        Column("labels", "list<int8>", _LABELS),
        Column("group", "str", "what must not be split over folds, as a chromosome"),
        Column("fold", "int16", "-1: in none, used for nothing", minimum=-1),
    ),
    key=("example_id",),
    extra=True,
)

_PREDICTED = (
    Column("example_id", "str", "example"),
    Column(
        "offset", "int32", "0-based position in the sequence; 0 for a whole sequence", minimum=0
    ),
    Column("label", "int8", "0 or 1", minimum=0),
    Column("logit", "float32", "of class 1"),
    Column("logit_negative", "float32", "of class 0; 0 where the model has one label"),
)
PREDICTIONS = Schema(
    "test predictions of every epoch",
    (Column("epoch", "int16", "1-based", minimum=1), *_PREDICTED),
    key=("epoch", "example_id", "offset"),
)
CHOSEN_PREDICTIONS = Schema(
    "test predictions of the chosen epochs",
    (
        Column("fold", "int16", "whose model predicts", minimum=0),
        *PREDICTIONS.columns,
        Column("score", "float64", "probability of class 1 under the protocol"),
    ),
    key=("fold", "example_id", "offset"),
)

METRIC_NAMES = ("loss", "auc", "ap", "f1")
METRICS = Schema(
    "metrics of a fold",
    (
        Column("epoch", "int16", "1-based", minimum=1),
        Column("split", "str", "whose examples", allowed=SPLITS),
        Column("metric", "str", "nats a label, or a score", allowed=METRIC_NAMES),
        Column("value", "float64", "missing where a split has one class only", True),
    ),
    key=("epoch", "split", "metric"),
)
SCORES = Schema(
    "validation scores of all folds",
    (
        Column("fold", "int16", "0-based", minimum=0),
        Column("epoch", "int16", "1-based", minimum=1),
        Column("value", "float64", "validation score, higher is better"),
    ),
    key=("fold", "epoch"),
)
