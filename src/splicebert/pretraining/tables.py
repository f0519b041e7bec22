"""Schemas of the tables of pre-training, and the names of its splits."""

from __future__ import annotations

from ..schema import Column, Schema
from ..tables import TRANSCRIPTS, WINDOWS

TRAINING, VALIDATION = "training", "validation"
_KEPT = ("tx_id", "chrom", "start", "end", "strand")
CORPUS_INDEX = Schema(
    "corpus index",
    (
        *(column for column in TRANSCRIPTS.columns if column.name in _KEPT),
        Column("offset", "int64", "0-based first byte of codes.npy", minimum=0),
        Column("length", "int64", "nt, and bytes", minimum=1),
        Column("split", "str", "by chromosome", allowed=(TRAINING, VALIDATION)),
    ),
    key=("tx_id",),
    ordered=(("start", "end"),),
)

VALIDATION_FRAGMENTS = WINDOWS.extend(
    "validation fragments",
    Column("genome", "str", "genome of the configuration"),
    Column("tx_id", "str", "transcript"),
    extra=False,
)
VALIDATION_BASES = Schema(
    "masked validation bases",
    (
        Column("fragment", "int64", "row of the table of fragments", minimum=0),
        Column("position", "int64", "0-based position in the fragment, 5'->3'", minimum=0),
        Column("treatment", "int8", "1 masked, 2 replaced, 3 kept", minimum=1),
        Column("seen", "int8", "the base that the model reads where not masked, ACGTN = 0-4"),
        Column("base", "int8", "the true base, ACGT = 0-3"),
        Column("repeat", "bool", "soft-masked in the FASTA"),
        Column("regions", "int64", "bit k: lies in region class k of REGION_NAMES"),
    ),
    key=("fragment", "position"),
)

PERPLEXITIES = Schema(
    "perplexity by region",
    (
        Column("step", "int64", "steps that were done", minimum=0),
        Column("region", "str", "region class; all, or no region for bases of none"),
        Column("bases", "str", "which bases count", allowed=("all", "nonrepeat", "repeat")),
        Column("n_bases", "int64", "masked bases", minimum=0),
        Column("cross_entropy", "float64", "nats a masked base; missing without any", True),
        Column("perplexity", "float64", "exp(cross_entropy)", True),
        Column("accuracy", "float64", "share predicted rightly", True),
    ),
    key=("step", "region", "bases"),
)

METRICS = Schema(
    "training metrics",
    (
        Column("step", "int64", "steps that were done", minimum=0),
        Column("tokens", "int64", "tokens read by then, [CLS] and [SEP] included", minimum=0),
        Column("seconds", "float64", "of training by then, over all restarts", minimum=0),
        Column("loss", "float64", "nats a masked base, mean of the steps since the row before"),
        Column("rate", "float64", "share of the highest rate at the last step"),
        Column("gradient_norm", "float64", "before clipping, mean of the same steps"),
        Column("nt_per_second", "float64", "nt a second of the same steps"),
        Column("cross_entropy", "float64", "validation, nats a masked base", True),
        Column("perplexity", "float64", "exp(cross_entropy)", True),
        Column("accuracy", "float64", "validation, share predicted rightly", True),
    ),
    key=("step",),
)
