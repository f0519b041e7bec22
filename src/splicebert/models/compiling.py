"""torch.compile with one graph for every batch, and a cache that outlives the job."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from pathlib import Path

import torch

log = logging.getLogger(__name__)


def cache_folder() -> Path:
    """Folder of compiled kernels: $TORCHINDUCTOR_CACHE_DIR, or in the user's cache."""
    base = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"))
    return Path(os.environ.get("TORCHINDUCTOR_CACHE_DIR", base / "splicebert" / "inductor"))


def compile_once(function: Callable) -> Callable:
    """Compile `function`; the number of rows stays a variable, so one graph serves all batches.

    The first call takes seconds, or takes the kernels from the cache folder. Where compilation
    fails the function runs as it is, with a warning.

    Parameters
    ----------
    function
        Takes and returns tensors (rows, ...).
    """
    os.environ["TORCHINDUCTOR_CACHE_DIR"] = str(cache_folder())
    compiled, broken = torch.compile(function, dynamic=True), False

    def call(*args, **kwargs):
        nonlocal broken
        # One row would be a graph of its own: torch.compile takes 1 for a constant.
        single = any(isinstance(a, torch.Tensor) and len(a) < 2 for a in args)
        if broken or single:
            return function(*args, **kwargs)
        try:
            return compiled(*args, **kwargs)
        except torch.OutOfMemoryError:
            raise
        except Exception as error:  # the compiler's failures have no common class
            first = (str(error).strip().splitlines() or [""])[0]
            kind = type(error).__name__
            log.warning("torch.compile failed (%s: %s); going on without it", kind, first)
            broken = True
            return function(*args, **kwargs)

    return call
