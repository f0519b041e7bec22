"""What the rules of the splice-site branch share; no rule is defined here."""

from splicebert.splicesite_config import (
    check_splicesite,
    chosen_folds,
    site_split,
    splicesite_styles,
    without_model,
)

try:
    check_splicesite(config, MODELS)
except ConfigError as error:
    raise WorkflowError(str(error))

SPLICESITE = config["splicesite"]
SPLICESITE_DATASETS = SPLICESITE["datasets"]
SPLICESITE_METHODS = SPLICESITE["methods"]
SPLICESITE_FOLDS = chosen_folds(SPLICESITE)
SPLICESITE_SPLITS = {
    fold: site_split(fold, SPLICESITE["folds"]["number"]) for fold in SPLICESITE_FOLDS
}
# A run is a training set and a site: <name>.<site>, with models of its own.
SPLICESITE_RUNS = {
    f"{name}.{site}": (name, site)
    for name, dataset in SPLICESITE_DATASETS.items()
    for site in dataset["sites"]
}
SPLICESITE_WITHOUT_MODEL = without_model(SPLICESITE)
SPLICESITE_STYLES = splicesite_styles(SPLICESITE, MODELS)
SPLICESITE_FIGURES = expand(
    "results/figures/splicesite/{name}.{figure}.{suffix}",
    name=SPLICESITE_DATASETS,
    figure=["scores", "precision_recall"],
    suffix=["pdf", "png"],
)
SPLICESITE_TABLES = (
    ["results/splicesite/tables/reproduced.tsv"] if SPLICESITE_RUNS else []
)


def splicesite_species(run):
    """Species on which a run's models are tested."""
    return list(SPLICESITE_DATASETS[SPLICESITE_RUNS[run][0]]["benchmarks"])


def splicesite_source(wildcards):
    """Where the sequences of a run, or of one of its benchmarks, come from."""
    name, site = SPLICESITE_RUNS[wildcards.dataset]
    dataset = SPLICESITE_DATASETS[name]
    species = wildcards.get("species")
    return (dataset["benchmarks"][species] if species else dataset), site


def splicesite_files(wildcards):
    """Input function: the two files of a site, or genome, annotation and given negatives."""
    source, site = splicesite_source(wildcards)
    if source["files"]:
        return dict(source["files"][site])
    reference = f"resources/reference/{source['genome']}"
    tables = {key: f"{reference}/{key}.parquet" for key in ("transcripts", "introns")}
    negatives = source["negatives"]["bed"]
    given = {"negatives": negatives} if negatives else {}
    return genome_files(source["genome"]) | tables | given


def splicesite_benchmarks(name):
    """Input function: files of all species of a run, `name` with the wildcard {species}."""
    return lambda wildcards: [
        name.format(species=species, **wildcards)
        for species in splicesite_species(wildcards.dataset)
    ]


def splicesite_folds(name):
    """Input function: a file of every fold of a method."""
    return lambda wildcards: [
        f"results/splicesite/{wildcards.dataset}/{wildcards.method}/fold{fold}/{name}"
        for fold in SPLICESITE_FOLDS
    ]


def splicesite_scores():
    """Score tables of all runs: (run, method, set or None for all, file)."""
    for run in SPLICESITE_RUNS:
        folder = f"results/splicesite/{run}"
        for method in SPLICESITE_METHODS:
            yield run, method, "test", f"{folder}/{method}/predictions.parquet"
            for species in splicesite_species(run):
                yield run, method, species, f"{folder}/{method}/benchmark.{species}.parquet"
        for method in SPLICESITE_WITHOUT_MODEL:
            yield run, method, None, f"{folder}/{method}/scores.parquet"
