"""What the JSON schema can't check of the variant section of a configuration."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from .errors import ConfigError
from .variant_kinds import MUTAGENESIS

_OF_MUTAGENESIS = ("transcripts", "annotation")
_OF_MPRA = ("variants", "disrupting_below")


def check_variant(config: Mapping, models: Mapping) -> None:
    """Check that each data set has what its kind needs, and nothing that it can't use.

    Parameters
    ----------
    config
        A configuration that follows the schema.
    models
        The model table.

    Raises
    ------
    ConfigError
        One line for every mistake, with its key.
    """
    section = config["variant"]
    lines = [*_published(section), *_labels(section["models"], models)]
    for name, dataset in section["datasets"].items():
        genome = config["genomes"][dataset["genome"]]
        lines += [f"variant.datasets.{name}.{line}" for line in _dataset(dataset)]
        if dataset["kind"] == MUTAGENESIS:
            lines += _genome(name, dataset, genome)
    if lines:
        raise ConfigError("configuration:\n  " + "\n  ".join(lines))


def _dataset(dataset: Mapping) -> Iterator[str]:
    kind = dataset["kind"]
    for key in _OF_MPRA if kind == MUTAGENESIS else _OF_MUTAGENESIS:
        if dataset[key] is not None:
            yield f"{key}: given, but kind is {kind}, which has none; leave it out"
    if kind != MUTAGENESIS and not dataset["variants"]:
        yield f"variants: missing; kind {kind} needs its VCF"
    if dataset["annotation"] and not dataset["transcripts"]:
        yield "annotation: given without transcripts; give the BED of transcripts, too"


def _genome(name: str, dataset: Mapping, genome: Mapping) -> Iterator[str]:
    if not genome["phastcons"]:
        yield (
            f"genomes.{dataset['genome']}.phastcons: missing; the mutagenesis of data set {name!r} "
            "needs it. Give a bigWig, or leave the data set out"
        )
    if not dataset["annotation"] and not genome["annotation"]:
        yield (
            f"variant.datasets.{name}.annotation: missing, and genomes.{dataset['genome']}"
            ".annotation, whose exons would be taken, is missing too; give either"
        )


def _published(section: Mapping) -> Iterator[str]:
    kinds = [d["kind"] for d in section["datasets"].values() if d["published"]]
    for kind in sorted({kind for kind in kinds if kinds.count(kind) > 1}):
        yield (
            f"variant.datasets: two of kind {kind!r} are marked published; the paper has one of "
            "each kind. Mark the one that is the paper's"
        )


def _labels(names: list[str], models: Mapping) -> Iterator[str]:
    labels = [models[name]["label"] for name in names if name in models]
    for label in sorted({label for label in labels if labels.count(label) > 1}):
        yield f"variant.models: two models have the label {label!r}; a legend can't tell them"
