"""What the JSON schema can't check of the branchpoint section, and its methods for figures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from .configuration import published_name
from .errors import ConfigError
from .method_styles import PWM_STYLE, describe_method, method_styles, repeated_labels
from .training.settings import check_method, check_settings

PWM = "pwm"


def check_branchpoint(config: Mapping, models: Mapping) -> None:
    """Check data sets, zone, windows and methods of the branchpoint section.

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
    section = config["branchpoint"]
    lines = [*_limits(section), *check_settings(section["training"], "branchpoint.training")]
    for name, dataset in section["datasets"].items():
        genome = config["genomes"][dataset["genome"]]
        lines += [f"branchpoint.datasets.{name}.{line}" for line in _sources(name, dataset, genome)]
    for name, method in section["methods"].items():
        key = f"branchpoint.methods.{name}"
        lines += check_method(method, key, models)
        lines += _length(key, models.get(method["model"], {}), section["windows"]["length"])
    lines += _labels(section, models)
    marked = [name for name, d in section["datasets"].items() if d["published"]]
    if len(marked) > 1:
        lines.append(
            f"branchpoint.datasets: {', '.join(marked)} are marked published; the paper has one "
            "data set. Mark the one that is the paper's"
        )
    if lines:
        raise ConfigError("configuration:\n  " + "\n  ".join(lines))


def _limits(section: Mapping) -> Iterator[str]:
    nearest, farthest = section["zone"]["nearest"], section["zone"]["farthest"]
    length = section["windows"]["length"]
    if nearest > farthest:
        yield f"branchpoint.zone.nearest: found {nearest}, allowed: farthest ({farthest}) or less"
    if farthest - nearest + 1 > length:
        yield (
            f"branchpoint.windows.length: found {length}, allowed: {farthest - nearest + 1} or "
            "more, the width of the zone"
        )


def _sources(name: str, dataset: Mapping, genome: Mapping) -> Iterator[str]:
    if bool(dataset["labels"]) == bool(dataset["branchpoints"]):
        found = "both" if dataset["labels"] else "neither"
        yield f"labels: {found} of labels and branchpoints given; allowed: one of the two"
    elif dataset["branchpoints"] and not genome["annotation"]:
        yield (
            f"branchpoints: given, but genomes.{dataset['genome']}.annotation, whose acceptors "
            f"data set {name!r} needs, is missing; give it, or labels"
        )


def _length(key: str, entry: Mapping, length: int) -> Iterator[str]:
    longest = entry.get("max_length", length)
    if length > longest:
        yield f"branchpoint.windows.length: {length}; the model of {key} takes at most {longest} nt"


def _labels(section: Mapping, models: Mapping) -> Iterator[str]:
    if any(method["model"] not in models for method in section["methods"].values()):
        return
    for label in repeated_labels(branchpoint_styles(section, models)):
        yield (
            f"branchpoint.methods: two methods have the label {label!r}; a legend can't tell "
            "them. Give one of them a label of its own"
        )


def branchpoint_styles(section: Mapping, models: Mapping) -> dict[str, dict[str, str]]:
    """Label and colour of each method, the position weight matrix last."""
    styles = method_styles(section["methods"], models)
    return styles | {PWM: dict(PWM_STYLE)} if section["pwm"]["run"] else styles


def published_methods(section: Mapping, models: Mapping) -> list[list[str | None]]:
    """Branch, method and its name in the table of published numbers (None for none)."""
    rows = []
    for name, method in section["methods"].items():
        published = published_name(models[method["model"]]["published_as"], "branchpoint")
        rows.append(["branchpoint", name, published and describe_method(method, published)])
    return rows
