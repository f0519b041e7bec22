"""Tables of the splice-site branch: scores, metrics by fold, their means, curves, differences."""

from __future__ import annotations

from .splicesite_kinds import METRICS, SITES
from .tables import Column, Schema

_NAME = Column("dataset", "str", "training set of the configuration")
_SITE = Column("site", "str", "donor or acceptor", allowed=SITES)
_SET = Column("set", "str", "test (the test folds), or a species")
_METHOD = Column("method", "str", "method of the configuration, pwm or maxentscan")
_FOLD = Column("fold", "int32", "fold, 0-based", minimum=0)
_METRIC = Column("metric", "str", "auc, ap or f1", allowed=tuple(METRICS))
_LABEL = Column("label", "int8", "1 for a real site, 0 for another", allowed=(0, 1))
_LOW = Column("low", "float64", "lower bound of its 95 % interval", True)
_HIGH = Column("high", "float64", "upper bound", True)

SITE_SCORES = Schema(
    "splice-site scores",
    (
        _SET,
        _FOLD,
        Column("example_id", "str", "sequence, unique in its set"),
        _LABEL,
        Column("logit", "float32", "log-odds of a real site"),
        Column("score", "float32", "its probability, the sigmoid of the logit"),
    ),
    key=("set", "fold", "example_id"),
)
PWM_WEIGHTS = Schema(
    "position-weight matrices",
    (
        _FOLD,
        Column("flank", "int64", "nt on either side of the dinucleotide", minimum=1),
        Column("position", "int64", "0 and 1 are the dinucleotide"),
        *(Column(base, "float64", f"ln of the odds of {base}, real : other") for base in "ACGT"),
    ),
    key=("fold", "position"),
)
FOLD_METRICS = Schema(
    "metrics by fold",
    (
        *(_NAME, _SITE, _SET, _METHOD, _FOLD),
        Column("n_positive", "int64", "real sites", minimum=0),
        Column("n_negative", "int64", "other sites", minimum=0),
        *(Column(name, "float64", f"{label}, 0 to 1", True) for name, label in METRICS.items()),
    ),
    key=("dataset", "site", "set", "method", "fold"),
)
SITE_SUMMARY = Schema(
    "metrics over folds",
    (
        *(_NAME, _SITE, _SET, _METHOD, _METRIC),
        Column("folds", "int64", "folds", minimum=1),
        Column("value", "float64", "mean over the folds", True),
        _LOW,
        _HIGH,
        Column("sd", "float64", "standard deviation over the folds", True),
    ),
    key=("dataset", "site", "set", "method", "metric"),
)
SITE_DIFFERENCES = Schema(
    "differences between methods",
    (
        *(_NAME, _SITE, _SET, _METHOD),
        Column("other", "str", "the method that it is compared with"),
        _METRIC,
        Column("difference", "float64", "mean over the folds, method - other", True),
        _LOW,
        _HIGH,
    ),
    key=("dataset", "site", "set", "method", "other", "metric"),
)
SITE_CURVES = Schema(
    "precision-recall curves",
    (
        *(_NAME, _SITE, _SET, _METHOD),
        Column("recall", "float64", "0 to 1", minimum=0),
        Column("precision", "float64", "mean over the folds", minimum=0),
        Column("lowest", "float64", "lowest of the folds", minimum=0),
        Column("highest", "float64", "highest of the folds", minimum=0),
        Column("chance", "float64", "share of real sites, the precision of chance", minimum=0),
    ),
    key=("dataset", "site", "set", "method", "recall"),
)
