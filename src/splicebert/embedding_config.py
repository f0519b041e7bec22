"""What the JSON schema can't check of the embedding section of a configuration."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from .errors import ConfigError

BASELINES = "baselines"
BASELINE_NAMES = re.compile(rf"{BASELINES}|onehot\d+")


def check_embedding(config: Mapping, models: Mapping, made_in: str = "resources") -> None:
    """Check that each data set has what its sites come from, and the section for contradictions.

    Parameters
    ----------
    config
        A configuration that follows the schema.
    models
        The model table.
    made_in
        Folder of files that rules make; they need not exist.

    Raises
    ------
    ConfigError
        One line for every mistake, with its key.
    """
    section = config["embedding"]
    lines = [*_section(section), *_models(section["models"], models), *_published(section)]
    for name, dataset in section["datasets"].items():
        key = f"embedding.datasets.{name}"
        genome = config["genomes"][dataset["genome"]]
        lines += [f"{key}.{line}" for line in _sources(dataset, genome, made_in)]
        lines += [
            f"{key}.layers: model {model!r} is not in embedding.models; allowed: "
            f"{', '.join(section['models']) or 'none'}"
            for model in dataset["layers"]
            if model not in section["models"]
        ]
        for model, layer in dataset["layers"].items():
            last = _last_layer(models.get(model, {}))
            if last is not None and layer > last:
                lines.append(f"{key}.layers: {model} has no layer {layer}; allowed: 0 to {last}")
    if lines:
        raise ConfigError("configuration:\n  " + "\n  ".join(lines))


def _models(names: Sequence[str], models: Mapping) -> Iterator[str]:
    for name in filter(BASELINE_NAMES.fullmatch, names):
        yield (
            f"embedding.models: {name!r} is a name of the one-hot baselines; give the model "
            "another name"
        )
    labels = [models[name]["label"] for name in names if name in models]
    for label in sorted({label for label in labels if labels.count(label) > 1}):
        yield f"embedding.models: two models have the label {label!r}; a legend can't tell them"


def _published(section: Mapping) -> Iterator[str]:
    kinds = [d["kind"] for d in section["datasets"].values() if d["published"]]
    for kind in sorted({kind for kind in kinds if kinds.count(kind) > 1}):
        yield (
            f"embedding.datasets: two of kind {kind!r} are marked published; the paper has one of "
            "each kind. Mark the one that is the paper's"
        )


def _last_layer(entry: Mapping) -> int | None:
    """Number of the last layer of a model whose folder is there, else None."""
    path = Path(entry.get("folder", "")) / "config.json"
    if not path.is_file():
        return None
    try:
        return json.loads(path.read_text()).get("num_hidden_layers")
    except ValueError:
        return None  # the model's own loader says what is wrong with the file


def _section(section: Mapping) -> Iterator[str]:
    low, high = section["usage"]["low"], section["usage"]["high"]
    if low > high:
        yield f"embedding.usage: low {low} lies above high {high}; allowed: low up to high"
    flank = section["figure"]["flank"]
    if flank is not None and flank not in section["flanks"]:
        allowed = ", ".join(map(str, section["flanks"])) or "null"
        yield f"embedding.figure.flank: {flank} is not in embedding.flanks; allowed: {allowed}"
    if section["datasets"] and not section["models"] and not section["flanks"]:
        yield "embedding.models: empty, and embedding.flanks, too; give one of them"


def _sources(dataset: Mapping, genome: Mapping, made_in: str) -> Iterator[str]:
    sites, junctions = dataset["sites"], dataset["junctions"]
    if dataset["kind"] == "motif":
        if junctions:
            yield "junctions: given, but kind is motif; allowed: kind usage, or no junctions"
        if not sites and not genome["annotation"]:
            yield (
                f"sites: missing, and genomes.{dataset['genome']}.annotation, from which they "
                "would be drawn, is missing too; give either"
            )
    elif bool(sites) == bool(junctions):
        found = "both" if sites else "neither"
        yield f"sites: {found} of sites (BED) and junctions are given; kind usage needs one of them"
    for path in junctions:
        if not path.startswith(f"{made_in}/") and not Path(path).exists():
            yield f"junctions: no file {path!r}; give a path that exists"
