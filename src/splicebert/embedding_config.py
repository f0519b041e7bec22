"""What the JSON schema can't check of the embedding section of a configuration."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from .errors import ConfigError

BASELINES = "baselines"


def check_embedding(config: Mapping, made_in: str = "resources") -> None:
    """Check that each data set has what its sites come from, and the section for contradictions.

    Parameters
    ----------
    config
        A configuration that follows the schema.
    made_in
        Folder of files that rules make; they need not exist.

    Raises
    ------
    ConfigError
        One line for every mistake, with its key.
    """
    section = config["embedding"]
    lines = list(_section(section))
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
    if lines:
        raise ConfigError("configuration:\n  " + "\n  ".join(lines))


def _section(section: Mapping) -> Iterator[str]:
    if BASELINES in section["models"]:
        yield (
            f"embedding.models: {BASELINES!r} is the name of the one-hot baselines' folder; give "
            "the model another name"
        )
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
