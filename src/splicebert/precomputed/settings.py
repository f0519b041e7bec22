"""What the JSON schema can't check of a configuration that names pre-computed results."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from splicebert.configuration import published_name
from splicebert.errors import ConfigError

from . import MASKED_BASE_MODELS


def check_precomputed(config: Mapping, models: Mapping) -> None:
    """Check that the branches ask for no more than the authors' files hold.

    Parameters
    ----------
    config
        A configuration that follows the schema and names pre-computed results.
    models
        The model table.

    Raises
    ------
    ConfigError
        One line for every mistake, with its key.
    """
    lines = [
        *_conservation(config["conservation"], models),
        *_one_each(config, "embedding"),
        *_one_each(config, "variant"),
        *_attention(config["attention"]),
    ]
    for branch in ("attention", "conservation", "variant"):
        if config[branch]["datasets"] and config[branch]["shards"] != 1:
            lines.append(f"{branch}.shards: found {config[branch]['shards']}, allowed: 1")
    if lines:
        raise ConfigError("configuration, with precomputed.source:\n  " + "\n  ".join(lines))


def _conservation(branch: Mapping, models: Mapping) -> Iterator[str]:
    if len(branch["datasets"]) > 1:
        yield "conservation.datasets: allowed: one, that of the authors' files"
    for name in branch["mlm"]["models"]:
        authors = published_name(models[name]["published_as"], "conservation")
        if authors not in MASKED_BASE_MODELS:
            yield (
                f"conservation.mlm.models: the authors' file has no {name!r}; allowed: models that "
                f"are published_as {' or '.join(MASKED_BASE_MODELS)} there"
            )
    splits = branch["probe"]["splits"] or ["chromosome"]
    if branch["probe"]["models"] and "chromosome" in splits:
        yield (
            "conservation.probe.splits: found chromosome (the default), but the authors' file has "
            "no coordinates; allowed: base, window"
        )


def _one_each(config: Mapping, branch: str) -> Iterator[str]:
    kinds = [dataset["kind"] for dataset in config[branch]["datasets"].values()]
    for kind in sorted({kind for kind in kinds if kinds.count(kind) > 1}):
        yield f"{branch}.datasets: two of kind {kind!r}; allowed: one, that of the authors' files"


def _attention(branch: Mapping) -> Iterator[str]:
    for key in ("datasets", "models"):
        if len(branch[key]) > 1:
            yield f"attention.{key}: allowed: one, that of the authors' files"
