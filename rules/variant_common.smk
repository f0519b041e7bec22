"""What the rules of the variant branch share; no rule is defined here."""

from splicebert.precomputed import MUTAGENESIS_MODEL
from splicebert.variant_config import check_variant
from splicebert.variant_kinds import MODEL_SCORES, MPRA_KINDS, MUTAGENESIS

try:
    check_variant(config, MODELS)
except ConfigError as error:
    raise WorkflowError(str(error))


def has_mutagenesis(model):
    """Whether there is a mutagenesis of a model; the authors' results have it of one alone."""
    return not PRECOMPUTED or authors_name(model, "variant") == MUTAGENESIS_MODEL


VARIANT = config["variant"]
VARIANT_DATASETS = VARIANT["datasets"]
VARIANT_MODELS = VARIANT["models"]
VARIANT_SHARDS = VARIANT["shards"]
# Their number is part of the name: a file of another cut is never taken for one of this.
VARIANT_SHARD = f"{{shard}}-of-{VARIANT_SHARDS}"
VARIANT_MPRA = {d: v for d, v in VARIANT_DATASETS.items() if v["kind"] in MPRA_KINDS}
VARIANT_SNV_RUNS = [(d, m) for d in VARIANT_MPRA for m in VARIANT_MODELS]
VARIANT_RUNS = [
    (d, m)
    for d in VARIANT_DATASETS
    for m in VARIANT_MODELS
    if d in VARIANT_MPRA or has_mutagenesis(m)
]
VARIANT_FIGURES = expand(
    "results/figures/variant/{figure}.{suffix}",
    figure=["context_profiles"] * bool(VARIANT_RUNS)
    + ["rank_scores", "precision_recall", "site_scores"] * bool(VARIANT_SNV_RUNS),
    suffix=["pdf", "png"],
)
VARIANT_TABLES = ["results/variant/tables/reproduced.tsv"] if VARIANT_SNV_RUNS else []
# Scores as methods of the published table, such as `SpliceBERT dP`.
VARIANT_METHODS = [
    ["variant", f"{name} {score}", published and f"{published} {score}"]
    for name, entry in MODELS.items()
    for published in [configuration.published_name(entry["published_as"], "variant")]
    for score in MODEL_SCORES.values()
]


def variant_threshold(dataset):
    """What parts the groups of a data set: delta_psi, or phastCons of the mutagenesis."""
    settings = VARIANT_DATASETS[dataset]
    if settings["kind"] == MUTAGENESIS:
        return VARIANT["mutagenesis"]["threshold"]
    own = settings["disrupting_below"]
    return MPRA_KINDS[settings["kind"]].disrupting_below if own is None else own


def variant_file(key):
    """Input function: a data set's own file."""
    return lambda wildcards: VARIANT_DATASETS[wildcards.dataset][key]


def variant_transcripts(wildcards):
    """Where the transcripts and the exons of a mutagenesis come from."""
    dataset = VARIANT_DATASETS[wildcards.dataset]
    reference = f"resources/reference/{dataset['genome']}"
    own = {key: dataset[key] for key in ("transcripts", "annotation") if dataset[key]}
    if not dataset["transcripts"]:
        own["annotated_transcripts"] = f"{reference}/transcripts.parquet"
    if not dataset["annotation"]:
        own["annotated_exons"] = f"{reference}/exons.parquet"
    return own


def variant_inputs(dataset):
    """Table of the variants or of the sites of a data set."""
    name = "sites" if VARIANT_DATASETS[dataset]["kind"] == MUTAGENESIS else "snvs"
    return f"results/variant/{dataset}/inputs.{name}.parquet"


def variant_shards(dataset, model, name):
    """Files of all shards of a run, in order; the mutagenesis has names of its own."""
    of_sites = VARIANT_DATASETS[dataset]["kind"] == MUTAGENESIS
    stem = f"mutagenesis.{name}" if of_sites else name
    return [
        f"results/variant/{dataset}/{model}/"
        + stem.replace("SHARD", f"{shard}-of-{VARIANT_SHARDS}")
        for shard in range(VARIANT_SHARDS)
    ]
