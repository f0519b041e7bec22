"""What this machine can do at best, and what the model needs at least."""

from __future__ import annotations

import platform
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import torch

from ..models.encoder import linear_maker

# The largest products of the model: (rows, 512) x (512, 2048).
MATRIX = (4096, 512, 2048)
GPU_MATRIX = (65536, 512, 2048)


def wait(device: torch.device) -> None:
    """Wait until a GPU has done everything."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def seconds(function: Callable[[], object], device: torch.device, repeats: int = 5) -> float:
    """Shortest of some runs, after one to warm up."""
    function()
    best = float("inf")
    for _ in range(repeats):
        wait(device)
        start = time.perf_counter()
        function()
        wait(device)
        best = min(best, time.perf_counter() - start)
    return best


def hardware(device: torch.device) -> str:
    """Name of the device, for the table."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    name = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.is_file():
        models = [row for row in info.read_text().splitlines() if row.startswith("model name")]
        name = models[0].split(":", 1)[1].strip() if models else name
    return f"{name}, {torch.get_num_threads()} threads"


@torch.inference_mode()
def matmul_ceiling(device: torch.device, dtype: str) -> float:
    """FLOP/s of the model's largest product with weights as the engine keeps them."""
    rows, inner, outer = GPU_MATRIX if device.type == "cuda" else MATRIX
    layer = linear_maker(device, dtype)(
        torch.randn(outer, inner, device=device), torch.randn(outer, device=device)
    )
    kind = {"float16": torch.float16, "bfloat16": torch.bfloat16}.get(dtype, torch.float32)
    x = torch.randn(rows, inner, device=device).to(kind)
    return 2 * rows * inner * outer / seconds(lambda: layer(x), device, 10)


@torch.inference_mode()
def copy_ceiling(device: torch.device) -> float:
    """Bytes/s of a copy, read and written."""
    source = torch.empty(2**28 if device.type == "cuda" else 2**26, device=device)
    target = torch.empty_like(source)
    return 2 * source.nbytes / seconds(lambda: target.copy_(source), device, 10)


class Ceilings:
    """The fastest that a machine was seen to multiply and copy; others may be using it too.

    Attributes
    ----------
    flops
        dtype -> FLOP/s.
    copy
        Bytes/s.
    """

    def __init__(self, device: torch.device, dtypes: Sequence[str]) -> None:
        """Measure for the first time."""
        self.device = device
        self.flops = dict.fromkeys(dtypes, 0.0)
        self.copy = 0.0
        self.measure()

    def measure(self) -> None:
        """Measure again; the best counts."""
        for dtype, best in self.flops.items():
            self.flops[dtype] = max(best, matmul_ceiling(self.device, dtype))
        self.copy = max(self.copy, copy_ceiling(self.device))


def forward_flops(config, tokens: int) -> float:
    """Floating-point operations a token of a forward pass over sequences of so many tokens.

    Matrix products only, 2 a multiplication: projections, attention (scores and sums), head.
    """
    hidden, inner = config.hidden_size, config.intermediate_size
    layer = 2 * (4 * hidden * hidden + 2 * hidden * inner) + 4 * tokens * hidden
    return config.num_hidden_layers * layer + 2 * hidden * (hidden + config.vocab_size)


def forward_bytes(config, size: int) -> float:
    """Bytes a token that must cross memory, with products of `size` bytes a number.

    Each layer writes and reads Q, K, V, the attention's output and the feed-forward's inner
    states once, and reads and writes the float32 residual stream twice; weights are shared by
    the batch and left out.
    """
    hidden, inner = config.hidden_size, config.intermediate_size
    layer = 2 * size * (3 * hidden + hidden + inner) + 4 * 4 * hidden
    return config.num_hidden_layers * layer
