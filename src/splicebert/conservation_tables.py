"""Schemas of the tables that the conservation branch writes."""

from __future__ import annotations

from .schema import Column, Schema
from .tables import WINDOWS

CONSERVATION_WINDOWS = WINDOWS.extend(
    "conservation windows",
    Column("tx_id", "str", "transcript that the window tiles"),
    Column("gene_name", "str", "gene of the transcript"),
    extra=False,
)

REPEAT_FRACTIONS = Schema(
    "repeat fractions",
    (
        Column("region", "str", "region class"),
        Column("bases", "int64", "bases of the class, each counted once", minimum=0),
        Column("repeat_bases", "int64", "of these, soft-masked", minimum=0),
        Column("fraction", "float64", "repeat_bases / bases; missing where there are none", True),
    ),
    key=("region",),
)
_HEAD = (
    Column("dataset", "str", "data set of the configuration"),
    Column("model", "str", "model of the model table"),
)
_ESTIMATE = (
    Column("value", "float64", "the score; missing where no base counts", True),
    Column("low", "float64", "lower bound of the 95 % block-bootstrap interval", True),
    Column("high", "float64", "upper bound", True),
    Column("n_bases", "int64", "bases that were predicted", minimum=0),
)
MLM_ACCURACY = Schema(
    "MLM accuracy",
    (
        *_HEAD,
        Column("region", "str", "region class, or all"),
        Column("bases", "str", "which bases count", allowed=("all", "nonrepeat", "repeat")),
        *_ESTIMATE,
    ),
    key=("dataset", "model", "region", "bases"),
)
MLM_SUMMARY = Schema(
    "MLM summary",
    (*_HEAD, Column("metric", "str", "what was measured on all bases"), *_ESTIMATE),
    key=("dataset", "model", "metric"),
)
PROBE_SCORES = Schema(
    "probe scores",
    (
        Column("window_id", "str", "window"),
        Column("offset", "int32", "0-based position in the window, 5'->3'", minimum=0),
        Column("label", "bool", "phastCons at or above the threshold"),
        Column("score", "float32", "probability of the label by the probe"),
    ),
    key=("window_id", "offset"),
)
_PROBE_HEAD = (
    Column("dataset", "str", "data set of the configuration"),
    Column("model", "str", "model of the model table"),
    Column("split", "str", "what keeps training and test apart"),
)
PROBE_METRICS = Schema(
    "probe metrics",
    (
        *_PROBE_HEAD,
        Column("metric", "str", "auc, ap, or prevalence (the AP of guessing)"),
        Column("value", "float64", "on all test bases"),
        Column("low", "float64", "lower bound of the 95 % block-bootstrap interval", True),
        Column("high", "float64", "upper bound", True),
        Column("n_train", "int64", "training bases", minimum=0),
        Column("n_test", "int64", "test bases", minimum=0),
        Column("test_chromosomes", "str", "chromosomes that test bases lie on, comma-separated"),
    ),
    key=("dataset", "model", "split", "metric"),
)
PR_CURVES = Schema(
    "precision-recall curves",
    (
        *_PROBE_HEAD,
        Column("recall", "float64", "share of the conserved bases found", minimum=0),
        Column("precision", "float64", "share of the called bases that are conserved", minimum=0),
    ),
)
DENSITY = Schema(
    "phastCons density",
    (
        Column("dataset", "str", "data set of the configuration"),
        Column("low", "float64", "lower end of the bin", minimum=0),
        Column("high", "float64", "upper end of the bin"),
        Column("density", "float64", "density of phastCons over the probe's bases", minimum=0),
    ),
    key=("dataset", "low"),
)
