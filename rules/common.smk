"""Helpers of all rules; no rule is defined here."""

import os
import re
import sys
from pathlib import Path

ROOT = Path(workflow.basedir)
# Relative where the project is the working folder, so that its results stay up to date when it moves.
SOURCE = Path("" if Path.cwd() == ROOT.resolve() else ROOT, "src", "splicebert")

# Scripts find the package also where it is not installed (`--sdm conda`).
sys.path.insert(0, str(ROOT / "src"))
os.environ.update(
    PYTHONPATH=os.pathsep.join(
        [str(ROOT / "src"), *filter(None, [os.environ.get("PYTHONPATH")])]
    )
)

from snakemake.exceptions import WorkflowError
from splicebert import configuration
from splicebert.errors import ConfigError


def locate(path):
    """Path of a file that comes with the project or with the user, seen from the working folder."""
    if Path(path).is_absolute() or Path(path).exists():
        return str(path)
    shipped = ROOT / path
    return str(shipped) if shipped.exists() else str(path)


def load_models():
    """The model table, with the entries that the configuration adds or replaces."""
    path = locate(config["models_table"])
    schema = configuration.read_schema(ROOT / "config/schemas/models.schema.yaml")
    models = configuration.check(configuration.read_yaml(path), schema, path)
    if config["models"]:
        models |= configuration.check(
            config["models"], schema, "configuration", "models."
        )
    for entry in models.values():
        if "folder" in entry:
            entry["folder"] = locate(entry["folder"])
    return models


try:
    CONFIG_SCHEMA = configuration.read_schema(
        ROOT / "config/schemas/config.schema.yaml"
    )
    configuration.check(config, CONFIG_SCHEMA, "configuration")
    MODELS = load_models()
    configuration.check_references(config, MODELS, CONFIG_SCHEMA)
    configuration.check_local_files(config, CONFIG_SCHEMA)
    configuration.check_models(config, MODELS, CONFIG_SCHEMA)
except ConfigError as error:
    raise WorkflowError(str(error))


def library(*modules):
    """Source files of the package whose change must run a rule again."""
    files = []
    for module in modules:
        path = SOURCE / module
        files += (
            sorted(map(str, path.glob("*.py"))) if path.is_dir() else [f"{path}.py"]
        )
    return files


def genome_files(genome):
    """Inputs fasta, fai and gzi of a genome of the configuration."""
    return {
        "fasta": config["genomes"][genome]["fasta"],
        "fai": f"resources/reference/{genome}/genome.fai",
        "gzi": f"resources/reference/{genome}/genome.gzi",
    }


def dataset_genome(branch, wildcards):
    """Name of the genome of a branch's data set."""
    return config[branch]["datasets"][wildcards.dataset]["genome"]


def dataset_genome_files(branch):
    """Input function: fasta, fai and gzi of the genome of a branch's data set."""
    return lambda wildcards: genome_files(dataset_genome(branch, wildcards))


def dataset_reference(branch, name):
    """Input function: a table derived from the genome of a branch's data set."""
    return (
        lambda wildcards: f"resources/reference/{dataset_genome(branch, wildcards)}/{name}"
    )


def dataset_track(branch, track):
    """Input function: a bigWig of the genome of a branch's data set; none where there is none."""
    return (
        lambda wildcards: config["genomes"][dataset_genome(branch, wildcards)][track]
        or []
    )


def dataset_annotation(branch, key):
    """Input function: a data set's own transcripts or regions, or those of its genome."""
    derived = dataset_reference(branch, f"{key}.parquet")
    return lambda wildcards: (
        config[branch]["datasets"][wildcards.dataset][key] or derived(wildcards)
    )


# The authors' own results instead of inference (rules/precomputed.smk), or null.
PRECOMPUTED = config["precomputed"]["source"]


def protocol_of(section):
    """Protocol of a branch's numbers, as the table of published numbers has it."""
    return "authors' pre-computed" if PRECOMPUTED else section["protocol"]


def memory(mb):
    """mem_mb of a job, growing with each attempt (`--retries`): a cluster kills what takes more."""
    return lambda wildcards, attempt: mb * attempt


# Every branch adds its own (rules/<branch>.smk).
FIGURES = []
REPRODUCED_TABLES = []
RESULTS = []


wildcard_constraints:
    dataset=r"[A-Za-z0-9][A-Za-z0-9_.-]*",
    genome=r"[A-Za-z0-9][A-Za-z0-9_.-]*",
    model="|".join(map(re.escape, MODELS)),
