"""Schemas of the tables that the dependency branch writes."""

from __future__ import annotations

from .dependency_scores import LINKS, REASONS
from .schema import Column, Schema

PARTS = ("exon", "intron", "branchpoint")
_WINDOW = Column("window_id", "str", "window, NAME::CHROM:START-END(STRAND) of its region")
_CHROM = Column("chrom", "str", "contig, named as in the FASTA")
_STRAND = Column("strand", "str", "+ or -, of the window", allowed=("+", "-"))
_TX = Column("tx_id", "str", "canonical transcript")
DEPENDENCY_WINDOWS = Schema(
    "windows of dependency maps",
    (
        _WINDOW,
        Column("number", "int64", "of the region in its set, from 1; figures have it", minimum=1),
        Column("name", "str", "name in the BED, or transcript and number of the intron"),
        _CHROM,
        Column("start", "int64", "0-based first base of the window; below 0 is outside the contig"),
        Column("end", "int64", "0-based end, exclusive; past the contig is outside of it"),
        _STRAND,
        Column("region_start", "int64", "0-based first base of the region", minimum=0),
        Column("region_end", "int64", "0-based end of the region, exclusive", minimum=0),
    ),
    key=("window_id",),
    ordered=(("start", "end"), ("region_start", "region_end")),
)
DEPENDENCY_INTRONS = Schema(
    "introns in windows of dependency maps",
    (
        _WINDOW,
        _TX,
        Column("intron_number", "int64", "rank of the exon 5' of it, 1-based", minimum=1),
        _CHROM,
        Column("start", "int64", "0-based first base, forward strand", minimum=0),
        Column("end", "int64", "0-based end, exclusive", minimum=0),
        _STRAND,
        Column("branchpoint", "Int64", "0-based position of its branchpoint, where known", True),
    ),
    key=("window_id", "tx_id", "intron_number"),
    ordered=(("start", "end"),),
)
DEPENDENCY_PARTS = Schema(
    "parts of the windows of dependency maps",
    (
        _WINDOW,
        _TX,
        Column("part", "str", "what it is", allowed=PARTS),
        _CHROM,
        Column("start", "int64", "0-based first base; may lie before the window"),
        Column("end", "int64", "0-based end, exclusive; may lie behind the window"),
        _STRAND,
    ),
    ordered=(("start", "end"),),
)
_HEAD = (
    Column("dataset", "str", "data set of the configuration"),
    Column("model", "str", "model of the model table"),
)
QUANTITIES = ("score", "background_mean", "difference", "z", "rank")
_LINK = Column("link", "str", "the two sites", allowed=tuple(LINKS))
BLOCKS = Schema(
    "block scores",
    (
        *_HEAD,
        *DEPENDENCY_INTRONS.columns,
        _LINK,
        Column("score", "float64", "mean of the map between the sites, log2 odds", True),
        Column("first_to_second", "float64", "the 5' site mutated, the 3' one observed", True),
        Column("second_to_first", "float64", "the reverse; score is the higher of both", True),
        Column("background_mean", "float64", "of blocks alike in the same map, log2 odds", True),
        Column("background_sd", "float64", "their standard deviation", True),
        Column("z", "float64", "(score - mean) / sd of the background", True),
        Column("rank", "float64", "share of the background blocks below the score", True),
        Column("n_background", "int64", "background blocks", minimum=0),
        Column("reason", "str", "why there is no score", True, None, REASONS[1:]),
    ),
    key=("dataset", "model", "window_id", "tx_id", "intron_number", "link"),
)
BLOCK_SUMMARY = Schema(
    "block scores, mean over introns",
    (
        *_HEAD,
        _LINK,
        Column(
            "quantity",
            "str",
            "of the block scores; difference: score - background_mean",
            allowed=QUANTITIES,
        ),
        Column("n", "int64", "introns with a score, each place once", minimum=0),
        Column("n_transcripts", "int64", "their transcripts", minimum=0),
        Column("mean", "float64", "mean over the introns", True),
        Column("low", "float64", "lower bound of its 95 % interval (transcripts)", True),
        Column("high", "float64", "upper bound", True),
    ),
    key=("dataset", "model", "link", "quantity"),
)
MAP_CELLS = Schema(
    "a dependency map",
    (
        Column("mutated", "int64", "0-based position on the genome that is mutated"),
        Column("observed", "int64", "0-based position on the genome that is observed"),
        Column("mutated_offset", "int64", "its offset in the window, 0-based, 5'->3'", minimum=0),
        Column("observed_offset", "int64", "likewise", minimum=0),
        Column("dependency", "float32", "largest change of the log2 odds of a base"),
    ),
    key=("mutated_offset", "observed_offset"),
)
