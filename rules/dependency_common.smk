"""What the rules of the dependency maps share; no rule is defined here."""

from splicebert.dependency_config import check_dependency

try:
    check_dependency(config)
except ConfigError as error:
    raise WorkflowError(str(error))

DEPENDENCY = config["dependency"]
DEPENDENCY_MODELS = DEPENDENCY["models"]
DEPENDENCY_DATASETS = DEPENDENCY["datasets"] if DEPENDENCY_MODELS else {}
DEPENDENCY_RUNS = [(d, m) for d in DEPENDENCY_DATASETS for m in DEPENDENCY_MODELS]
DEPENDENCY_SHARDS = range(DEPENDENCY["shards"])
# Their number is part of the name: a file of another cut is never taken for one of this.
DEPENDENCY_SHARD = f"{{shard}}-of-{DEPENDENCY['shards']}"
DEPENDENCY_FIGURES = expand(
    "results/figures/dependency/{dataset}.{model}.{figure}.{suffix}",
    dataset=DEPENDENCY_DATASETS,
    model=DEPENDENCY_MODELS,
    figure=["blocks", *(f"region_{n + 1}" for n in range(DEPENDENCY["figures"]))],
    suffix=["pdf", "png"],
)


def dependency_sources(wildcards):
    """Files of a data set, and tables of its genome's annotation where there is one."""
    dataset = DEPENDENCY_DATASETS[wildcards.dataset]
    reference = f"resources/reference/{dataset['genome']}"
    files = {key: dataset[key] for key in ("regions", "branchpoints") if dataset[key]}
    if config["genomes"][dataset["genome"]]["annotation"]:
        for table in ("exons", "introns", "transcripts"):
            files[table] = f"{reference}/{table}.parquet"
    return files | {"fai": f"{reference}/genome.fai"}


def dependency_maps(runs):
    """All shards of the maps of some (data set, model)."""
    return [
        f"results/dependency/{d}/{m}/maps.{DEPENDENCY_SHARD.format(shard=s)}.zarr.zip"
        for d, m in runs
        for s in DEPENDENCY_SHARDS
    ]
