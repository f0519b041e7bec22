"""The model table (config/models.yaml): which models there are and how they load."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
import yaml

from ..errors import ModelError
from ..families import adapter_classes
from .base import ModelAdapter

ADAPTERS: dict[str, type[ModelAdapter]] = {
    module: getattr(importlib.import_module(f".{module}", __package__), name)
    for module, name in adapter_classes().items()
}
"""Adapter of each family, by the name of its module in this folder."""


def read_models(path: str | Path) -> dict[str, dict[str, Any]]:
    """Read the model table: name -> entry (schema: config/schemas/models.schema.yaml)."""
    return yaml.safe_load(Path(path).read_text())


def load_model(
    name: str,
    models: Mapping[str, Mapping[str, Any]],
    *,
    device: str | torch.device = "cpu",
    dtype: str = "float32",
    attention: str = "auto",
    compiled: bool = False,
    root: str | Path = ".",
) -> ModelAdapter:
    """Load a model of the table.

    Parameters
    ----------
    name
        Its name in `models`.
    models
        The table, as `read_models` gives it.
    device, dtype
        Where and in which precision it runs.
    attention, compiled
        Attention back end and whether layers are compiled, for families that have the choice.
    root
        Folder to which relative paths of the table refer.

    Raises
    ------
    ModelError
        Unknown model or adapter, or a folder that can't be loaded.
    """
    if name not in models:
        raise ModelError(f"unknown model {name!r}; the model table has {', '.join(sorted(models))}")
    entry = models[name]
    if entry["adapter"] not in ADAPTERS:
        raise ModelError(
            f"model {name!r}: unknown adapter {entry['adapter']!r}; there are {', '.join(ADAPTERS)}"
        )
    adapter = ADAPTERS[entry["adapter"]]
    accepted = inspect.signature(adapter).parameters
    options = {key: entry[key] for key in accepted if key in entry}
    for key, value in entry.get("options", {}).items():
        if key not in accepted or key in (*entry, "name", "device", "dtype"):
            raise ModelError(f"model {name!r}: adapter {entry['adapter']!r} has no option {key!r}")
        options[key] = value
    if "folder" in accepted:
        if "folder" not in entry:
            raise ModelError(f"model {name!r}: no folder; adapter {entry['adapter']!r} needs one")
        options["folder"] = Path(root) / entry["folder"]
    for key, value in (("attention", attention), ("compiled", compiled)):
        if key in accepted:
            options[key] = value
    return adapter(**options, name=name, device=device, dtype=dtype)
