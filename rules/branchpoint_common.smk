"""What the rules of the branchpoint branch share; no rule is defined here."""

from splicebert.branchpoint_config import (
    PWM,
    branchpoint_styles,
    check_branchpoint,
    published_methods,
)

try:
    check_branchpoint(config, MODELS)
except ConfigError as error:
    raise WorkflowError(str(error))

BRANCHPOINT = config["branchpoint"]
BRANCHPOINT_FOLDS = range(BRANCHPOINT["folds"])
BRANCHPOINT_STYLES = branchpoint_styles(BRANCHPOINT, MODELS)
# Without a model to fine-tune nothing is run.
BRANCHPOINT_DATASETS = BRANCHPOINT["datasets"] if BRANCHPOINT["methods"] else {}
BRANCHPOINT_RUNS = [(d, m) for d in BRANCHPOINT_DATASETS for m in BRANCHPOINT_STYLES]
BRANCHPOINT_FIGURES = expand(
    "results/figures/branchpoint/{figure}.{suffix}",
    figure=["precision_recall", "scores", "positions", "logos"]
    * bool(BRANCHPOINT_RUNS),
    suffix=["pdf", "png"],
)
BRANCHPOINT_TABLES = (
    ["results/branchpoint/tables/reproduced.tsv"] if BRANCHPOINT_RUNS else []
)
BRANCHPOINT_METHODS = published_methods(BRANCHPOINT, MODELS)
# Fold i tests, i + 1 validates, the others train (protocol section 5).
BRANCHPOINT_PARTS = {"validation": [1], "test": [0]}


def branchpoint_split(fold):
    """A fold's split: which folds validate and test, the others train."""
    return {"fold": int(fold), "folds": BRANCHPOINT["folds"], **BRANCHPOINT_PARTS}


def branchpoint_sources(wildcards):
    """Where the zones of a data set come from, besides the genome."""
    dataset = BRANCHPOINT_DATASETS[wildcards.dataset]
    if dataset["labels"]:
        return {"labels": dataset["labels"]}
    return {
        "branchpoints": dataset["branchpoints"],
        "introns": f"resources/reference/{dataset['genome']}/introns.parquet",
    }


def branchpoint_folds(name):
    """Input function: a file of all folds of a data set and method, in order."""
    return lambda wildcards: [
        f"results/branchpoint/{wildcards.dataset}/{wildcards.method}/fold{fold}/{name}"
        for fold in BRANCHPOINT_FOLDS
    ]


# Of the methods that are trained; the position weight matrix has a rule of its own.
BRANCHPOINT_TRAINED = "|".join(map(re.escape, BRANCHPOINT["methods"])) or "-"
