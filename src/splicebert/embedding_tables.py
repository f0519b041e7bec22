"""Schemas of the tables that the embedding branch writes."""

from __future__ import annotations

from .embedding_kinds import SITES, SUBSETS
from .schema import Column, Schema

_SITE_ID = Column("site_id", "str", "site, chrom:start-end:strand")
_SITE = Column("site", "str", "kind of dinucleotide", allowed=SITES)
_POSITIVE = Column("positive", "bool", "real (splice-site set) or of high usage (usage set)")
_LABEL = Column("label", "str", "class in the paper's words, such as GT(non-donor)")
_GENE = Column("gene", "str", "gene; missing where neither source nor place names one", True)

EMBEDDING_SITES = Schema(
    "sites to embed",
    (
        _SITE_ID,
        Column("chrom", "str", "contig, named as in the FASTA"),
        Column(
            "start", "int64", "0-based first base of the dinucleotide, forward strand", minimum=0
        ),
        Column("end", "int64", "0-based end of the dinucleotide, exclusive", minimum=2),
        Column("strand", "str", "+ or -", allowed=("+", "-")),
        _SITE,
        _POSITIVE,
        _LABEL,
        _GENE,
        Column("usage", "float64", "share of the reads that use it, of junction counts", True),
    ),
    key=("site_id",),
    ordered=(("start", "end"),),
)
_REPRESENTATION = (
    Column("method", "str", "model of the model table, or onehot<flank> for a baseline"),
    Column("layer", "int32", "0 = embedding output", minimum=0),
)
CLUSTERS = Schema(
    "clusters",
    (
        *_REPRESENTATION,
        Column("subset", "str", "sites that were embedded together", allowed=SUBSETS),
        _SITE_ID,
        Column("cluster", "int32", "Leiden cluster, 0 = the largest", minimum=0),
        Column("x", "float32", "UMAP, first coordinate"),
        Column("y", "float32", "UMAP, second coordinate"),
    ),
    key=("method", "layer", "subset", "site_id"),
)
SITE_PROBE = Schema(
    "probe scores of sites",
    (
        *_REPRESENTATION,
        _SITE,
        _SITE_ID,
        Column("fold", "int32", "test fold of its chromosome", minimum=0),
        Column("score", "float32", "probability of a positive, by the probe of the other folds"),
    ),
    key=("method", "layer", "site_id"),
)
_HEAD = (Column("dataset", "str", "data set of the configuration"), *_REPRESENTATION)
_ESTIMATE = (
    Column("value", "float64", "on all sites"),
    Column("low", "float64", "lower bound of the 95 % block-bootstrap interval", True),
    Column("high", "float64", "upper bound", True),
    Column("n_sites", "int64", "sites that were scored", minimum=1),
)
CLUSTERING = Schema(
    "agreement of clusters and labels",
    (
        *_HEAD,
        Column("subset", "str", "sites that were clustered together", allowed=SUBSETS),
        _SITE,
        Column("metric", "str", "nmi or ari, of cluster against label", allowed=("nmi", "ari")),
        *_ESTIMATE,
        Column("n_clusters", "int64", "clusters that these sites lie in", minimum=1),
    ),
    key=("dataset", "method", "layer", "subset", "site", "metric"),
)
LAYER_PROBE = Schema(
    "probe by layer",
    (
        *_HEAD,
        _SITE,
        Column("metric", "str", "auc or ap of the positives", allowed=("auc", "ap")),
        *_ESTIMATE,
        Column("n_folds", "int64", "folds of chromosomes, each tested once", minimum=2),
    ),
    key=("dataset", "method", "layer", "site", "metric"),
)
POINTS = Schema(
    "points of a UMAP",
    (*_HEAD, _SITE_ID, _SITE, _POSITIVE, _LABEL, _GENE, *CLUSTERS.columns[4:]),
    key=("dataset", "method", "layer", "site_id"),
)
LAYER_POINTS = Schema(
    "points of the UMAPs of all layers",
    (*CLUSTERS.columns, _SITE, _POSITIVE, _LABEL, _GENE),
    key=CLUSTERS.key,
)
LAYER_SCORES = Schema(
    "scores by layer",
    (
        *_HEAD,
        _SITE,
        Column("metric", "str", "nmi of the clusters, or auc"),
        *_ESTIMATE,
    ),
    key=("dataset", "method", "layer", "site", "metric"),
)
