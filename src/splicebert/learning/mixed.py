"""Mixed precision: which products are in which dtype while a model trains."""

from __future__ import annotations

import torch

PRECISIONS = ("auto", "float32", "bfloat16", "float16")


def products(device: torch.device, precision: str) -> torch.dtype:
    """Dtype of the matrix products of training.

    Parameters
    ----------
    device
        Of the model.
    precision
        One of PRECISIONS; auto is float32 on a CPU and bfloat16 on a GPU.
    """
    if precision != "auto":
        return getattr(torch, precision)
    return torch.float32 if device.type == "cpu" else torch.bfloat16


def autocast(device: torch.device, precision: str) -> torch.autocast:
    """Context of forward passes; see `products`."""
    dtype = products(device, precision)
    wanted = dtype != torch.float32
    return torch.autocast(device.type, dtype if wanted else torch.bfloat16, enabled=wanted)


def grad_scaler(device: torch.device, precision: str) -> torch.amp.GradScaler:
    """Scaler of the loss, which float16 alone needs; for the other dtypes it does nothing."""
    return torch.amp.GradScaler(device.type, enabled=products(device, precision) == torch.float16)
