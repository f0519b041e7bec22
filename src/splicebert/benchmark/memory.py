"""Peak memory of a piece of work."""

from __future__ import annotations

import ctypes
import gc
from collections.abc import Callable
from pathlib import Path

import torch

MIB = 2**20


def _status(field: str) -> int:
    """A memory field of /proc/self/status in bytes; 0 where there is none."""
    try:
        rows = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(row.split()[1]) * 1024 for row in rows if row.startswith(field)), 0)


def _forget_peak() -> bool:
    """Give freed memory back and set the process's peak to now; False where that can't be done."""
    gc.collect()
    try:
        ctypes.CDLL("libc.so.6").malloc_trim(0)
        Path("/proc/self/clear_refs").write_text("5")
    except (OSError, AttributeError):
        return False
    return True


def peak_mib(function: Callable[[], object], device: torch.device) -> float:
    """Peak memory above what was held before, in MiB: of the GPU, or resident of the process.

    NaN where the system does not tell.
    """
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
        before = torch.cuda.memory_allocated(device)
        function()
        torch.cuda.synchronize(device)
        return (torch.cuda.max_memory_allocated(device) - before) / MIB
    if not _forget_peak():
        return float("nan")
    before = _status("VmRSS")
    function()
    return (_status("VmHWM") - before) / MIB
