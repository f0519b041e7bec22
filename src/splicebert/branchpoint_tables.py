"""Schemas of the tables that the branchpoint branch writes."""

from __future__ import annotations

from .schema import Column, Schema

TRUTH = "truth"
"""Stands in the column `method` for the branchpoints themselves."""
METRICS = ("ap", "auc", "f1", "top1")

BRANCHPOINT_ZONES = Schema(
    "zones of candidate branchpoints",
    (
        Column("example_id", "str", "zone, CHROM:START-END(STRAND), .2 and so on where repeated"),
        Column("chrom", "str", "contig, named as in the FASTA"),
        Column("start", "int64", "0-based first base of the window; below 0 is read as N"),
        Column("end", "int64", "0-based end of the window, exclusive; past the contig is N"),
        Column("strand", "str", "+ or -", allowed=("+", "-")),
        Column("zone_start", "int64", "0-based first base of the zone, forward strand"),
        Column("zone_end", "int64", "0-based end of the zone, exclusive"),
        Column("acceptor", "int64", "offset in the window of the first base 3' of the intron"),
        Column("row", "int64", "0-based record of the BED, or intron of the annotation", minimum=0),
        Column("fold", "int64", "fold whose test set it is in", minimum=0),
    ),
    key=("example_id",),
    ordered=(("start", "end"), ("zone_start", "zone_end")),
)
"""Distance of a base from the acceptor: acceptor - offset, 1 for the last base of the intron."""
_HEAD = (
    Column("dataset", "str", "data set of the configuration"),
    Column("method", "str", "method of the configuration, or the position weight matrix"),
)
_HEAD_OR_TRUTH = (
    _HEAD[0],
    Column("method", "str", "method; truth for the branchpoints themselves"),
)
BRANCHPOINT_PERFORMANCE = Schema(
    "performance on branchpoints",
    (
        *_HEAD,
        Column("metric", "str", "what was measured; top1 is by intron", allowed=METRICS),
        Column("value", "float64", "of the test sets of all folds, pooled", True),
        Column("low", "float64", "lower bound of its 95 % interval, blocks are introns", True),
        Column("high", "float64", "upper bound", True),
        Column("chance", "float64", "what scores without information reach", True),
        Column("n_positive", "int64", "branchpoints", minimum=0),
        Column("n_negative", "int64", "other bases of the zones", minimum=0),
        Column("n_introns", "int64", "zones", minimum=0),
    ),
    key=("dataset", "method", "metric"),
)
BRANCHPOINT_DIFFERENCES = Schema(
    "differences between methods on branchpoints",
    (
        *_HEAD,
        Column("other", "str", "the method that it is compared with"),
        Column("metric", "str", "what was measured; top1 is by intron", allowed=METRICS),
        Column("difference", "float64", "of all folds pooled, method - other", True),
        Column("low", "float64", "lower bound of its 95 % interval, blocks are introns", True),
        Column("high", "float64", "upper bound", True),
    ),
    key=("dataset", "method", "other", "metric"),
)
BRANCHPOINT_CURVES = Schema(
    "precision-recall curves of branchpoints",
    (
        *_HEAD,
        Column("recall", "float64", "0 to 1, rising"),
        Column("precision", "float64", "0 to 1"),
    ),
)
BRANCHPOINT_BEST = Schema(
    "best prediction of each intron",
    (
        *_HEAD_OR_TRUTH,
        Column("example_id", "str", "zone"),
        Column("fold", "int64", "fold that it was tested in", minimum=0),
        Column("offset", "int64", "0-based in the window", minimum=0),
        Column("distance", "int64", "nt upstream of the acceptor, 1 for the last intron base"),
        Column("score", "float64", "of the method; missing for the truth", True),
        Column("label", "int64", "1 where it is a branchpoint, 0 where not", minimum=0),
    ),
)
BRANCHPOINT_POSITIONS = Schema(
    "positions of branchpoints",
    (
        *_HEAD_OR_TRUTH,
        Column("distance", "int64", "nt upstream of the acceptor"),
        Column("n", "int64", "introns whose best prediction is there, or branchpoints", minimum=0),
        Column("share", "float64", "of all of them"),
    ),
    key=("dataset", "method", "distance"),
)
BRANCHPOINT_LOGO = Schema(
    "letters of sequence logos",
    (
        *_HEAD_OR_TRUTH,
        Column("position", "int64", "relative to the branchpoint, 5' is negative"),
        Column("base", "str", "nucleotide", allowed=tuple("ACGT")),
        Column("count", "int64", "sites with it", minimum=0),
        Column("frequency", "float64", "share of the sites with a known base", True),
        Column("bits", "float64", "height of the letter: frequency x information", True),
    ),
    key=("dataset", "method", "position", "base"),
)
BRANCHPOINT_MATRIX = Schema(
    "position weight matrices and distance priors",
    (
        Column("fold", "int64", "fold that is tested with it", minimum=0),
        Column("part", "str", "matrix, or prior of the distance", allowed=("matrix", "prior")),
        Column("position", "int64", "relative to the branchpoint; for the prior, the distance"),
        Column("base", "str", "nucleotide; . for the prior"),
        Column("log_odds", "float64", "nats, branchpoint against other bases of the zone"),
    ),
    key=("fold", "part", "position", "base"),
)
