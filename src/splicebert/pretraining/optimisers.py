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
        # bfloat16 products, which PyTorch's own takes, are slow on a CPU without them
        kind = torch.optim.Muon if matrices[0][1].is_cuda else Float32Muon
        made["muon"] = kind([p for _, p in matrices], weight_decay=decay)
    return made


class Float32Muon(torch.optim.Muon):
    """Muon whose Newton-Schulz iteration is float32, for all matrices of one shape at a time.

    Settings and state are those of torch.optim.Muon (Jordan et al. 2024), whose "original" rates
    these are; its updates differ from these by the rounding of bfloat16.
    """

    @torch.no_grad()
    def step(self, closure: None = None) -> None:
        """Do one step with the gradients that there are."""
        for group in self.param_groups:
            alike: dict[torch.Size, list[torch.nn.Parameter]] = {}
            for parameter in group["params"]:
                if parameter.grad is not None:
                    alike.setdefault(parameter.shape, []).append(parameter)
            for shape, parameters in alike.items():
                updates = torch.stack([self._momentum(p, group) for p in parameters])
                updates = orthogonalise(
                    updates, group["ns_coefficients"], group["ns_steps"], group["eps"]
                )
                rate = group["lr"] * math.sqrt(max(1, shape[0] / shape[1]))
                for parameter, update in zip(parameters, updates, strict=True):
                    parameter.mul_(1 - group["lr"] * group["weight_decay"])
                    parameter.add_(update, alpha=-rate)

    def _momentum(self, parameter: torch.nn.Parameter, group: dict[str, Any]) -> torch.Tensor:
        state = self.state[parameter]
        if "momentum_buffer" not in state:
            state["momentum_buffer"] = torch.zeros_like(parameter.grad)
        buffer = state["momentum_buffer"].lerp_(parameter.grad, 1 - group["momentum"])
        return parameter.grad.lerp(buffer, group["momentum"]) if group["nesterov"] else buffer


def orthogonalise(
    matrices: torch.Tensor, coefficients: tuple[float, float, float], steps: int, eps: float
) -> torch.Tensor:
    """Bring the singular values of matrices near 1 by the quintic Newton-Schulz iteration.

    Parameters
    ----------
    matrices
        float32 (matrices, rows, columns).
    coefficients, steps
        Of X <- a X + (b X X' + c (X X')**2) X; how often.
    eps
        Smallest norm that a matrix is divided by.

    Returns
    -------
    As `matrices`.
    """
    a, b, c = coefficients
    tall = matrices.shape[1] > matrices.shape[2]
    x = matrices.mT if tall else matrices
    x = x / torch.linalg.matrix_norm(x, keepdim=True).clamp(min=eps)
    for _ in range(steps):
        gram = x @ x.mT
        x = torch.baddbmm(x, torch.baddbmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return x.mT if tall else x


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
