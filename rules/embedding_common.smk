"""What the rules of the embedding branch share; no rule is defined here."""

from splicebert.embedding_config import BASELINES, check_embedding

try:
    check_embedding(config, MODELS)
except ConfigError as error:
    raise WorkflowError(str(error))

EMBEDDING = config["embedding"]
EMBEDDING_DATASETS = EMBEDDING["datasets"]
EMBEDDING_MODELS = EMBEDDING["models"]
EMBEDDING_FLANKS = EMBEDDING["flanks"]
EMBEDDING_SHARDS = EMBEDDING["shards"]
# Their number is part of the name: a file of another cut is never taken for one of this.
EMBEDDING_SHARD = f"{{shard}}-of-{EMBEDDING_SHARDS}"
EMBEDDING_FIGURE_FLANKS = list(filter(None, [EMBEDDING["figure"]["flank"]]))
EMBEDDING_METHODS = EMBEDDING_MODELS + [BASELINES] * bool(EMBEDDING_FLANKS)
EMBEDDING_RUNS = [(d, m) for d in EMBEDDING_DATASETS for m in EMBEDDING_METHODS]
EMBEDDING_FIGURE_RUNS = [
    (d, m)
    for d in EMBEDDING_DATASETS
    for m in EMBEDDING_MODELS + [BASELINES] * bool(EMBEDDING_FIGURE_FLANKS)
]
EMBEDDING_LAYERS = {d: EMBEDDING_DATASETS[d]["layers"] for d in EMBEDDING_DATASETS}
EMBEDDING_FIGURES = (
    expand("results/figures/embedding/umap.{suffix}", suffix=["pdf", "png", "html"])
    * bool(EMBEDDING_FIGURE_RUNS)
    + expand(
        "results/figures/embedding/{dataset}.{source}.layers.{suffix}",
        dataset=EMBEDDING_DATASETS,
        source=EMBEDDING_MODELS if PRECOMPUTED else EMBEDDING_METHODS,
        suffix=["pdf", "png"],
    )
    + expand(
        "results/figures/embedding/{dataset}.{figure}.{suffix}",
        dataset=EMBEDDING_DATASETS,
        figure=(
            []  # the probe needs coordinates, to part chromosomes
            if PRECOMPUTED
            else ["scores"] * bool(EMBEDDING_MODELS)
            + ["baselines"] * bool(EMBEDDING_FLANKS)
        ),
        suffix=["pdf", "png"],
    )
)
EMBEDDING_TABLES = ["results/embedding/tables/reproduced.tsv"] if EMBEDDING_RUNS else []
EMBEDDING_H5AD = expand(
    "results/embedding/{dataset}/{model}/sites.h5ad",
    dataset=EMBEDDING_DATASETS,
    model=[] if PRECOMPUTED else EMBEDDING_MODELS,
)


def embedding_tables(name, runs):
    """A table of the site sets, or of the runs, of every (data set, run)."""
    folder = "{dataset}" if name == "inputs.parquet" else "{dataset}/{source}"
    return [
        f"results/embedding/{folder.format(dataset=d, source=r)}/{name}"
        for d, r in runs
    ]


def embedding_features(wildcards):
    """Files of a run's features: the shards of a model, or the one-hot baselines."""
    if wildcards.source == BASELINES:
        return [f"results/embedding/{wildcards.dataset}/{BASELINES}/flanks.zarr.zip"]
    return expand(
        rules.infer_embedding_hidden_states.output.hidden_states,
        dataset=wildcards.dataset,
        model=wildcards.source,
        shard=range(EMBEDDING_SHARDS),
    )


def embedding_source(key):
    """Input function: a data set's own file or files; none where its sites are drawn."""
    return lambda wildcards: EMBEDDING_DATASETS[wildcards.dataset][key] or []


def embedding_draws(wildcards):
    """How sites are drawn, as far as this data set draws: its inference hangs on nothing else."""
    dataset, settings = EMBEDDING_DATASETS[wildcards.dataset], EMBEDDING["sites"]
    if not dataset["sites"]:
        return settings
    return {"seed": settings["seed"]} if dataset["per_class"] else {}


def embedding_annotation(name):
    """Input function: a table of the annotation, if there is one; of a BED's sites it names the genes."""

    def find(wildcards):
        dataset = EMBEDDING_DATASETS[wildcards.dataset]
        annotated = config["genomes"][dataset["genome"]]["annotation"]
        if not annotated or (dataset["sites"] and name != "transcripts"):
            return []
        return f"resources/reference/{dataset['genome']}/{name}.parquet"

    return find
