"""The ways of doing the work that this machine has."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from ..errors import SpliceBERTError
from ..models import SpliceBERT
from ..models.attention import choose_backend
from ..runtime import Runtime
from .cases import Work
from .published import Published

log = logging.getLogger("splicebert.benchmark")


class Route(NamedTuple):
    """One way of doing the work: its name, dtype of the products, and what does it."""

    name: str
    dtype: str
    run: Callable[[Work], Sequence[np.ndarray]]
    tasks: tuple[str, ...] = ()  # empty: all


def ours(
    folder: Path, device: torch.device, attention: str, dtype: str, *, compiled: bool = False
) -> Route | None:
    """Return a route of this library; None where the machine can't do it."""
    purpose = "embedding" if dtype in ("bfloat16", "int8") else "difference"
    kind = {"float16": torch.float16, "bfloat16": torch.bfloat16}.get(dtype, torch.float32)
    try:
        runtime = Runtime.choose(str(device), dtype, purpose=purpose)
        backend = choose_backend(attention, device, kind)
        model = SpliceBERT(
            folder, device=device, dtype=dtype, attention=attention, compiled=compiled
        )
    except SpliceBERTError as error:
        log.info("left out: %s %s (%s)", attention, dtype, error)
        return None

    def run(work: Work) -> Sequence[np.ndarray]:
        with unchecked(model):
            return work.ours(model, runtime)

    names = ("hidden states", "MLM logits", "attention rows")
    name = f"{backend.name}{' compiled' if compiled else ''}"
    return Route(name, dtype, run, () if purpose == "difference" else names)


@contextmanager
def unchecked(model: SpliceBERT) -> Iterator[None]:
    """Report float32 to the engine: its check, and fall-back, would hide what is measured."""
    dtype, model.dtype = model.dtype, "float32"
    try:
        yield
    finally:
        model.dtype = dtype


def routes(
    folder: Path, device: torch.device, dtypes: Sequence[str], *, compiled: bool
) -> Iterator[Route]:
    """Yield every route of the machine, the published ones first.

    Parameters
    ----------
    folder
        Model folder.
    device
        Where all of them run.
    dtypes
        Of this library's routes.
    compiled
        Also with torch.compile.
    """
    dtype = "float16 autocast" if device.type == "cuda" else "float32"
    for batch in (8, 16):
        route = Published(folder, batch_size=batch, device=device)
        yield Route(f"published, batch {batch}", dtype, lambda work, r=route: work.published(r))
    fast = Published(folder, batch_size=8, device=device, attention="sdpa")
    names = ("hidden states", "MLM logits", "mutagenesis")
    yield Route("transformers sdpa, batch 8", dtype, lambda work: work.published(fast), names)
    for kind in dtypes:
        # On a CPU flash is sdpa's own kernel, and other dtypes show nothing of the back ends.
        few = ("eager", "sdpa") if kind == "float32" else ("sdpa",)
        for attention in few if device.type == "cpu" else ("eager", "sdpa", "flash"):
            for compile_it in (False, True) if compiled and attention != "eager" else (False,):
                route = ours(folder, device, attention, kind, compiled=compile_it)
                if route is not None:
                    yield route
