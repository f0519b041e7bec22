"""Helpers of the rules that use a model; no rule is defined here."""

from splicebert.families import family_code


def model_files(name):
    """Files of a model's folder; none for a model without weights."""
    entry = MODELS[name]
    if "folder" not in entry:
        return []
    return [
        f"{entry['folder']}/{f}" for f in ("config.json", "vocab.txt", entry["weights"])
    ]


def model_code(*modules):
    """Input function: the source files that decide a model's numbers, of its own family only."""
    return lambda wildcards: library(
        "inference",
        "runtime",
        "precision",
        "models/base",
        *dict.fromkeys(
            [*family_code(MODELS[wildcards.model]["adapter"]), *modules],
        ),
    )


def model_entry(name):
    """A model's entry without what is not for computing: its change is no reason to infer again."""
    other = ("label", "colour", "published_as", "source", "notes")
    return {key: value for key, value in MODELS[name].items() if key not in other}


def model_styles(names):
    """Label and colour of models, for plots."""
    return {
        name: {key: MODELS[name][key] for key in ("label", "colour")} for name in names
    }


def gpus(model):
    """GPUs that an inference job of a model asks for; none for a model without weights."""
    return int("folder" in MODELS[model] and config["inference"]["device"] != "cpu")


def authors_name(model, branch):
    """Name of a model in the authors' files of a branch."""
    return configuration.published_name(MODELS[model]["published_as"], branch) or model
