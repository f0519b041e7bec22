"""Schemas of the tables that the attention branch writes."""

from __future__ import annotations

from .schema import Column, Schema

_SITE_TYPES = ("D", "A", ".")
_PLACE = (
    Column("chrom", "str", "contig, named as in the FASTA"),
    Column("p", "int64", "first base of the pair, 0-based, forward strand", minimum=0),
    Column("q", "int64", "second base, likewise", minimum=0),
    Column("strand", "str", "+ or -", allowed=("+", "-")),
)
PAIRS = Schema(
    "attention pairs",
    (
        Column("pair_id", "str", "group:number, the number in the file or in the annotation"),
        Column("group", "str", "one of the six groups, or intron"),
        *_PLACE,
        Column("tx_start", "int64", "0-based first base of the transcript", minimum=0),
        Column("tx_end", "int64", "its 0-based end, exclusive", minimum=0),
        Column("type1", "str", "p is a donor, an acceptor, or neither", allowed=_SITE_TYPES),
        Column("type2", "str", "q is a donor, an acceptor, or neither", allowed=_SITE_TYPES),
        Column("distance", "int64", "nt from p to q, |q - p|", minimum=0),
        Column("start", "int64", "0-based first base of the window"),
        Column("end", "int64", "0-based end of the window, exclusive"),
    ),
    key=("pair_id",),
    ordered=(("tx_start", "tx_end"), ("start", "end")),
)
PARTS = Schema(
    "parts of the example's window",
    (
        Column("pair_id", "str", "the intron of the example"),
        Column("part", "str", "what it is", allowed=("window", "example", "intron", "exon")),
        Column("chrom", "str", "contig, named as in the FASTA"),
        Column("start", "int64", "0-based first base, cut to the window"),
        Column("end", "int64", "0-based end, exclusive, cut to the window"),
        Column("strand", "str", "+ or -", allowed=("+", "-")),
    ),
    ordered=(("start", "end"),),
)
_LAYER = Column("layer", "str", "encoder layer from 1, or mean: of all layers, as in the paper")
_SCORE = Column("score", "float32", "attention of p to q and of q to p, mean of both", True)
PAIR_SCORES = Schema(
    "pair scores",
    (Column("pair_id", "str", "pair"), _LAYER, _SCORE),
    key=("pair_id", "layer"),
)
_HEAD = (
    Column("dataset", "str", "data set of the configuration"),
    Column("model", "str", "model of the model table"),
)
ALL_PAIR_SCORES = Schema(
    "scores of all pairs",
    (
        *_HEAD,
        Column("pair_id", "str", "pair"),
        Column("group", "str", "group of the pair"),
        *_PLACE,
        Column("distance", "int64", "nt from p to q", minimum=0),
        _LAYER,
        _SCORE,
    ),
    key=("dataset", "model", "pair_id", "layer"),
)
PAIR_GROUPS = Schema(
    "pair scores by group",
    (
        *_HEAD,
        _LAYER,
        Column("group", "str", "group of pairs"),
        Column("n", "int64", "pairs with a score", minimum=0),
        Column("mean", "float64", "mean score", True),
        Column("mean_low", "float64", "lower bound of its 95 % interval (transcripts)", True),
        Column("mean_high", "float64", "upper bound", True),
        Column("whisker_low", "float64", "lowest score within 1.5 IQR of the quartiles", True),
        Column("q1", "float64", "lower quartile", True),
        Column("median", "float64", "median", True),
        Column("q3", "float64", "upper quartile", True),
        Column("whisker_high", "float64", "highest score within 1.5 IQR of the quartiles", True),
        Column("u", "float64", "Mann-Whitney U against the random pairs", True),
        Column("p_value", "float64", "its p, two-sided, normal approximation", True),
        Column("auc", "float64", "U / (n1 n2): a score exceeds a random pair's", True),
        Column("auc_low", "float64", "lower bound of its 95 % interval (transcripts)", True),
        Column("auc_high", "float64", "upper bound", True),
        Column("matched_auc", "float64", "the same against random pairs as far apart", True),
        Column("matched_low", "float64", "lower bound of its 95 % interval (transcripts)", True),
        Column("matched_high", "float64", "upper bound", True),
        Column("matched_u", "float64", "Mann-Whitney U within strata of distance, summed", True),
        Column("matched_p_value", "float64", "its p, two-sided, normal approximation", True),
        Column("n_matched", "Int64", "pairs of strata that hold random pairs", True, 0),
        Column("n_random", "int64", "random pairs with a score", minimum=0),
    ),
    key=("dataset", "model", "layer", "group"),
)
_LINK = (
    *_HEAD,
    Column("layer", "int64", "encoder layer, from 1", minimum=1),
)
DIRECTIONS = ("donor_to_acceptor", "acceptor_to_donor")
_DIRECTION = Column("direction", "str", "from the row's site to the column's", allowed=DIRECTIONS)
LAYER_PROFILES = Schema(
    "layer profiles",
    (
        *_LINK,
        _DIRECTION,
        Column("relative_position", "int32", "nt from the other site, negative upstream (5')"),
        Column("median", "float64", "attention, maximum over heads, median over introns", True),
        Column("n", "int64", "introns whose window holds the column", minimum=0),
    ),
    key=("dataset", "model", "layer", "direction", "relative_position"),
)
ENRICHMENT = Schema(
    "enrichment by layer",
    (
        *_LINK,
        _DIRECTION,
        Column("enrichment", "float64", "mean of the 3 centre columns / mean of all", True),
        Column("scale", "float64", "highest median of the profile", True),
        Column("n", "int64", "introns", minimum=0),
    ),
    key=("dataset", "model", "layer", "direction"),
)
HEAD_ENRICHMENT = Schema(
    "enrichment by head",
    (
        *_LINK,
        Column("head", "int64", "attention head, from 1", minimum=1),
        _DIRECTION,
        Column("enrichment", "float64", "of the mean over introns: 3 centre columns / all", True),
        Column("n", "int64", "introns", minimum=0),
    ),
    key=("dataset", "model", "layer", "head", "direction"),
)
EXAMPLE_ROWS = Schema(
    "attention of an example",
    (
        Column("layer", "int64", "encoder layer, from 1", minimum=1),
        _DIRECTION,
        Column("offset", "int32", "0-based position in the window, 5'->3'", minimum=0),
        Column("attention", "float32", "of the site's row to the position, maximum over heads"),
    ),
    key=("layer", "direction", "offset"),
)
EXAMPLE_ARCS = EXAMPLE_ROWS.extend(
    "attention of an example on the genome",
    Column("position", "int64", "0-based position on the genome, forward strand"),
)
