"""Schemas of the tables that the variant branch writes."""

from __future__ import annotations

from .schema import Column, Schema
from .variant_kinds import MUTAGENESIS, SCORES, SUBSETS

_BASES = ("A", "C", "G", "T", "N")  # N where a table of others does not say
_GROUP = Column(
    "group", "int64", "number of the reference sequence, the same for all that share it", minimum=0
)
_WINDOW = (
    Column("start", "int64", "0-based first base of the window; below 0 is outside the contig"),
    Column("end", "int64", "0-based end of the window, exclusive"),
    Column("offset", "int64", "0-based offset in the window read 5'->3'; outside it where not in"),
)
_CHROM = Column("chrom", "str", "contig, named as in the FASTA")
_STRAND = Column("strand", "str", "+ or -, on which the window is read", allowed=("+", "-"))
_POSITION = Column("position", "int64", "0-based position, forward strand", minimum=0)
_EXONIC = Column("is_exonic", "bool", "whether it lies in an exon")
_REASON = Column("reason", "str", "why a number is missing, several separated by '; '", True)
_PHASTCONS = Column("phastcons", "float64", "phastCons of the position", True)
_PHYLOP = Column("phylop", "float64", "phyloP of the position", True)

SNVS = Schema(
    "variants in their windows",
    (
        Column("variant_id", "str", "line of the VCF:chrom:position (1-based):REF>ALT"),
        _CHROM,
        _POSITION,
        Column("ref", "str", "reference base, forward strand", allowed=_BASES),
        Column("alt", "str", "alternative base, forward strand", allowed=_BASES),
        _STRAND,
        Column("exon_start", "int64", "0-based first base of the exon", minimum=0),
        Column("exon_end", "int64", "0-based end of the exon, exclusive", minimum=1),
        *_WINDOW,
        _EXONIC,
        Column("distance", "int64", "nt to the nearer intron base beside the exon", minimum=0),
        Column("ref_psi", "float64", "inclusion of the reference, in the file's unit", True),
        Column("delta_psi", "float64", "change of inclusion, in the file's unit", True),
        _GROUP,
    ),
    key=("variant_id",),
    ordered=(("exon_start", "exon_end"), ("start", "end")),
)
SNV_TRACKS = Schema(
    "conservation of variants",
    (SNVS.columns[0], _PHASTCONS, _PHYLOP),
    key=("variant_id",),
)
SITES = Schema(
    "sites of the mutagenesis",
    (
        Column("site_id", "str", "chrom:position (0-based):strand"),
        _CHROM,
        _POSITION,
        _STRAND,
        Column("tx_id", "str", "transcript from which it was drawn"),
        *_WINDOW,
        _EXONIC,
        Column(
            "donor_distance", "Int64", "nt to the donor's outer base of its exon or intron", True, 0
        ),
        Column("acceptor_distance", "Int64", "nt to the acceptor's outer base, likewise", True, 0),
        _PHASTCONS,
        _PHYLOP,
        _GROUP,
    ),
    key=("site_id",),
    ordered=(("start", "end"),),
)
SNV_SCORES = Schema(
    "model scores of variants",
    (
        SNVS.columns[0],
        Column("p_ref", "float64", "probability of REF at the masked position", True, 0),
        Column("p_alt", "float64", "probability of ALT there", True, 0),
        Column("delta_p", "float64", "p_alt - p_ref", True, -1),
        Column("donor_kl", "float64", "mean KL of the two donor bases, nats", True, 0),
        Column("acceptor_kl", "float64", "mean KL of the two acceptor bases, nats", True, 0),
        Column("context_score", "float64", "sum over d = 1..100 of ln(max(k(d), 1e-6))", True),
        _REASON,
    ),
    key=("variant_id",),
)
SITE_SCORES = Schema(
    "mutagenesis by site",
    (
        SITES.columns[0],
        Column("n_known", "int64", "distances with a value", minimum=0),
        _REASON,
    ),
    key=("site_id",),
)
_HEAD = (
    Column("dataset", "str", "data set of the configuration"),
    Column("model", "str", "model of the model table"),
)
ALL_SNV_SCORES = Schema(
    "scores of all variants",
    (*_HEAD, *SNVS.columns[:-1], _PHASTCONS, _PHYLOP, *SNV_SCORES.columns[1:]),
    key=("dataset", "model", "variant_id"),
)
_SUBSET = Column("subset", "str", "variants that are compared", allowed=tuple(SUBSETS))
_SCORE = Column("score", "str", "what ranks them, higher = more disrupting", allowed=tuple(SCORES))
_COUNTS = (
    Column("n_disrupting", "int64", "splice-disrupting variants with this score", minimum=0),
    Column("n_other", "int64", "other variants with this score", minimum=0),
)
PERFORMANCE = Schema(
    "detection of disrupting variants",
    (
        *_HEAD,
        _SUBSET,
        _SCORE,
        *_COUNTS,
        Column("n_missing", "int64", "variants without this score", minimum=0),
        Column("ap", "float64", "average precision", True),
        Column("ap_low", "float64", "lower bound of its 95 % interval, bootstrap over exons", True),
        Column("ap_high", "float64", "upper bound", True),
        Column("auc", "float64", "area under the ROC curve", True),
        Column("auc_low", "float64", "lower bound of its 95 % interval", True),
        Column("auc_high", "float64", "upper bound", True),
        Column("t", "float64", "Student's t of the rank-normalised scores", True),
        Column("p_value", "float64", "one-sided: disrupting variants have higher scores", True),
    ),
    key=("dataset", "model", "subset", "score"),
)
CURVES = Schema(
    "precision-recall curves",
    (
        *_HEAD,
        _SUBSET,
        _SCORE,
        Column("recall", "float64", "share of the disrupting variants called", minimum=0),
        Column("precision", "float64", "share of the called that are disrupting", minimum=0),
    ),
)
BOXES = Schema(
    "rank-normalised scores",
    (
        *_HEAD,
        _SUBSET,
        _SCORE,
        Column("group", "str", "disrupting or other", allowed=("disrupting", "other")),
        Column("n", "int64", "variants", minimum=0),
        *(
            Column(name, "float64", f"{name} of the ranks, 0 to 1", True)
            for name in ("whisker_low", "q1", "median", "q3", "whisker_high")
        ),
    ),
    key=("dataset", "model", "subset", "score", "group"),
)
PROFILE_GROUPS = ("disrupting", "other", "conserved", "not conserved")
PROFILES = Schema(
    "median KL by distance",
    (
        *_HEAD,
        Column("kind", "str", f"VexSeq, MFASS or {MUTAGENESIS}"),
        Column("group", "str", "variants or sites", allowed=PROFILE_GROUPS),
        Column("distance", "int64", "nt from the variant", minimum=1),
        Column("n", "int64", "variants or sites with a value there", minimum=0),
        Column("median", "float64", "median k(d), nats", True),
        Column("q1", "float64", "first quartile", True),
        Column("q3", "float64", "third quartile", True),
    ),
    key=("dataset", "model", "group", "distance"),
)
GROUP_COUNTS = Schema(
    "sizes of groups",
    (
        _HEAD[0],
        Column("kind", "str", f"VexSeq, MFASS or {MUTAGENESIS}"),
        Column("subset", "str", "variants that are counted, or sites", allowed=(*SUBSETS, "sites")),
        Column("group", "str", "variants or sites", allowed=PROFILE_GROUPS),
        Column("n", "int64", "how many", minimum=0),
    ),
    key=("dataset", "subset", "group"),
)
