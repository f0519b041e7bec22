"""Checkpoints from which a killed run goes on exactly: tensors in safetensors, the rest in JSON.

A checkpoint is written under a temporary name and renamed when it is complete; only then is the
one before removed. So at any moment the newest folder `step-…` is whole.
"""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from ..errors import ModelError

Optimisers = dict[str, torch.optim.Optimizer]
NAME = "step-{:010d}"


def newest(folder: Path) -> Path | None:
    """Return the newest checkpoint in a folder; None where there is none."""
    return max(folder.glob("step-*"), default=None)


def save_checkpoint(
    folder: Path, model: torch.nn.Module, made: Optimisers, state: dict[str, Any]
) -> Path:
    """Write a checkpoint and remove older ones.

    Parameters
    ----------
    folder
        Of the run's checkpoints.
    model, made
        Whose tensors to write.
    state
        What else to keep, for JSON; `step` names the checkpoint.
    """
    target, part = folder / NAME.format(state["step"]), folder / "part"
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    save_file(_own({n: p.data for n, p in model.named_parameters()}), part / "model.safetensors")
    tensors = {}
    for name, optimiser in made.items():
        for number, values in optimiser.state_dict()["state"].items():
            tensors |= {f"{name}.{number}.{key}": value for key, value in values.items()}
    save_file(_own(tensors), part / "optimiser.safetensors")
    (part / "state.json").write_text(json.dumps(state, indent=1) + "\n")
    for file in part.iterdir():
        _to_disk(file)
    shutil.rmtree(target, ignore_errors=True)  # of a run that went on from an older one
    part.rename(target)
    _to_disk(folder)
    for old in folder.glob("step-*"):
        if old != target:
            shutil.rmtree(old, ignore_errors=True)
    return target


def _own(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}


def _to_disk(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def read_state(path: Path, fingerprint: dict[str, Any]) -> dict[str, Any]:
    """Read the JSON of a checkpoint.

    Raises
    ------
    ModelError
        It can't be read, or is of a run with other settings or another corpus.
    """
    try:
        state = json.loads((path / "state.json").read_text())
    except (OSError, ValueError) as error:
        raise ModelError(f"{path}: not a checkpoint ({error}); remove it") from error
    found = state.get("fingerprint", {})
    differ = sorted(k for k in {*found, *fingerprint} if found.get(k) != fingerprint.get(k))
    if differ:
        key = differ[0]
        raise ModelError(
            f"{path}: a checkpoint of a run with another {', '.join(differ)}: it has {key} "
            f"{_short(found.get(key))}, this run {_short(fingerprint.get(key))}. Go on with the "
            f"settings and corpus that it began with, or remove {path.parent} to begin anew"
        )
    return state


def _short(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 300 else text[:300] + " …"


def load_checkpoint(path: Path, model: torch.nn.Module, made: Optimisers) -> None:
    """Put the tensors of a checkpoint into a model and its optimisers.

    Raises
    ------
    ModelError
        They can't be read, or are not those of this model and these optimisers.
    """
    try:
        weights = load_file(path / "model.safetensors")
        tensors = load_file(path / "optimiser.safetensors")
    except (OSError, SafetensorError) as error:
        raise ModelError(f"{path}: not a whole checkpoint ({error}); remove it") from error
    parameters = dict(model.named_parameters())
    if weights.keys() != parameters.keys():
        raise ModelError(f"{path}: not the parameters of this model; remove it")
    with torch.no_grad():
        for name, parameter in parameters.items():
            parameter.copy_(weights[name])
    for name, optimiser in made.items():
        optimiser.load_state_dict(
            {
                "state": _states(tensors, name),
                "param_groups": optimiser.state_dict()["param_groups"],
            }
        )


def _states(tensors: dict[str, torch.Tensor], name: str) -> dict[int, dict[str, torch.Tensor]]:
    states: dict[int, dict[str, torch.Tensor]] = {}
    for key, tensor in tensors.items():
        optimiser, number, value = key.split(".")
        if optimiser == name:
            states.setdefault(int(number), {})[value] = tensor
    return states
