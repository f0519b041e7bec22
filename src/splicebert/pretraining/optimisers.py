"""Optimisers and their rates."""

from __future__ import annotations

import math
from typing import Any

import torch

Named = list[tuple[str, torch.nn.Parameter]]


def optimisers(
    model: torch.nn.Module, settings: dict[str, Any]
) -> dict[str, torch.optim.Optimizer]:
    """Make the optimisers of a run: name -> optimiser, on all parameters that learn.

    Parameters
    ----------
    model
        A BertForMaskedLM.
    settings
        The section `optimiser` of a run.
    """
    named = [(n, p) for n, p in model.named_parameters() if p.requires_grad]
    matrices: Named = []
    if settings["name"] == "muon":
        matrices = [(n, p) for n, p in named if "encoder.layer" in n and p.ndim == 2]
    taken = {n for n, _ in matrices}
    made = {"adamw": _adamw([(n, p) for n, p in named if n not in taken], settings)}
    if matrices:
        decay = settings["weight_decay"]
        made["muon"] = torch.optim.Muon([p for _, p in matrices], weight_decay=decay)
    return made


def _adamw(named: Named, settings: dict[str, Any]) -> torch.optim.AdamW:
    groups = [
        {"params": [p for _, p in named if p.ndim > 1], "weight_decay": settings["weight_decay"]},
        {"params": [p for _, p in named if p.ndim <= 1], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(
        groups,
        betas=tuple(settings["betas"]),
        eps=settings["eps"],
        fused=named[0][1].is_cuda,
    )


def set_rates(made: dict[str, torch.optim.Optimizer], share: float, settings: dict) -> None:
    """Set every optimiser to a share of its highest rate."""
    for name, optimiser in made.items():
        for group in optimiser.param_groups:
            group["lr"] = share * settings[f"{name}_rate"]


def rate_share(step: int, steps: int, settings: dict[str, Any]) -> float:
    """Share of the highest rate at a step (from 0): linear warm-up, then cosine or linear decay.

    Parameters
    ----------
    step, steps
        Which of how many.
    settings
        The section `optimiser` of a run: warmup, decay, final_rate.
    """
    warm_up = max(1, int(steps * settings["warmup"]))
    if step < warm_up:
        return (step + 1) / warm_up
    done = (step - warm_up) / max(1, steps - warm_up)
    fall = 0.5 * (1 + math.cos(math.pi * done)) if settings["decay"] == "cosine" else 1 - done
    return settings["final_rate"] + (1 - settings["final_rate"]) * fall
