"""Helpers of the branches that fine-tune; no rule is defined here."""


def fold_code(branch, *modules):
    """Input function: the source files that decide the numbers of a fold of a branch's method.

    Those of its model's own family only (scripts/training/train_fold.py).
    """

    def code(wildcards):
        adapter = MODELS[method_model(branch, wildcards)]["adapter"]
        family = [f for f in family_code(adapter) if f not in modules]
        return library(
            "training",
            "learning",
            "models/base",
            "models/loading",
            "models/modules",
            "inference",
            "precision",
            "runtime",
            "statistics",
            *family,
            *modules,
        )

    return code


def gather_code(*modules):
    """Source files that decide what the folds together give (scripts/training/gather_folds.py)."""
    return library(
        "training/gather",
        "training/metrics",
        "training/selection",
        "training/tables",
        "statistics",
        *modules,
    )


def method_model(branch, wildcards):
    """Name of the model of a branch's method."""
    return config[branch]["methods"][wildcards.method]["model"]


def method_weights(branch):
    """Input function: files of the model of a branch's method."""
    return lambda wildcards: model_files(method_model(branch, wildcards))


def method_entry(branch):
    """Function of wildcards: entry of the model of a branch's method, as far as it computes."""
    return lambda wildcards: model_entry(method_model(branch, wildcards))


def method_choice(branch):
    """Function of wildcards: a branch's method without its label and colour."""
    return lambda wildcards: {
        key: value
        for key, value in config[branch]["methods"][wildcards.method].items()
        if key not in ("label", "colour")
    }


def fold_settings(branch):
    """How a fold of a branch trains.

    The published rule stops all folds at once, on the mean of their scores, which can rise when
    that of one fold no longer does: there a fold waits twice as long.
    """
    settings = config[branch]["training"]
    if config[branch]["protocol"] == "published" and settings["patience"]:
        settings = settings | {"patience": 2 * settings["patience"]}
    return settings


def method_gpus(branch):
    """Function of wildcards: GPUs that a job of a branch's method asks for."""
    return lambda wildcards: gpus(method_model(branch, wildcards))
