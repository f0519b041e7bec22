"""Linear layers in the forms that inference uses: plain, oneDNN, int8."""

from __future__ import annotations

import functools
import logging
import warnings
from typing import Protocol

import torch
from torch.nn import functional

log = logging.getLogger(__name__)


class Linear(Protocol):
    """x (rows, in) -> (rows, out)."""

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        """Return x W' + b."""

    def gelu(self, x: torch.Tensor) -> torch.Tensor:
        """GELU (exact, by the error function) of the same."""


class Dense:
    """PyTorch's own product, in the dtype of the weight; differentiable."""

    def __init__(self, weight: torch.Tensor, bias: torch.Tensor) -> None:
        self.weight, self.bias = weight, bias

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        """Return x W' + b."""
        return functional.linear(x.to(self.weight.dtype), self.weight, self.bias)

    def gelu(self, x: torch.Tensor) -> torch.Tensor:
        """GELU of the same."""
        return functional.gelu(self(x))


class OneDNN:
    """float32 on a CPU: weights laid out in blocks once, GELU in the product (inference only)."""

    def __init__(self, weight: torch.Tensor, bias: torch.Tensor) -> None:
        self._weight = torch.ops.mkldnn._reorder_linear_weight(weight.detach().contiguous(), 1024)
        self._bias = bias.detach()

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        """Return x W' + b."""
        return torch.ops.mkldnn._linear_pointwise(x, self._weight, self._bias, "none", [], "")

    def gelu(self, x: torch.Tensor) -> torch.Tensor:
        """GELU of the same."""
        return torch.ops.mkldnn._linear_pointwise(x, self._weight, self._bias, "gelu", [], "none")


class Int8:
    """int8 weights, by output, and int8 inputs (CPU, inference only).

    PyTorch's product takes one scale for all rows; each row is brought to a largest value of 1
    first, so that no row is ground down by another of the batch. Inputs have 7 bits on a CPU that
    would clip sums of 8: see `int8_clips`.
    """

    def __init__(self, weight: torch.Tensor, bias: torch.Tensor) -> None:
        self._packed = _pack_int8(weight.detach())
        self._bias = bias.detach()
        self._reduce = int8_clips()

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        """Return x W' + b."""
        scale = x.abs().amax(1, keepdim=True).clamp(min=1e-12)
        y = torch.ops.quantized.linear_dynamic((x / scale).contiguous(), self._packed, self._reduce)
        return torch.addcmul(self._bias, y, scale)

    def gelu(self, x: torch.Tensor) -> torch.Tensor:
        """GELU of the same."""
        return functional.gelu(self(x))


def _pack_int8(weight: torch.Tensor) -> torch.ScriptObject:
    """Weights (out, in) with a scale of each output, as PyTorch's int8 product takes them."""
    scale = weight.abs().amax(1).clamp(min=1e-12) / 127
    zero = torch.zeros(len(weight), dtype=torch.long)
    with warnings.catch_warnings():  # PyTorch has no other int8 product on a CPU
        warnings.simplefilter("ignore")
        quantised = torch.quantize_per_channel(weight, scale.double(), zero, 0, torch.qint8)
    return torch.ops.quantized.linear_prepack(quantised, None)


@functools.cache
def int8_clips() -> bool:
    """Tell whether the int8 product of this CPU clips the largest sums of 8-bit inputs.

    Without VNNI instructions it adds two products in 16 bits, where 2 * 255 * 127 does not fit.
    """
    packed = _pack_int8(torch.ones(16, 32))
    return not torch.allclose(
        torch.ops.quantized.linear_dynamic(torch.ones(4, 32), packed),
        torch.tensor(32.0),
        rtol=0.02,
    )


def onednn_works() -> bool:
    """Tell whether this PyTorch has the blocked product, and it gives the plain one's numbers.

    It is no public function of PyTorch: a release without it costs speed, nothing else.
    """
    try:
        weight = torch.linspace(-1, 1, 64 * 32).reshape(64, 32)
        x, bias = torch.linspace(-2, 2, 5 * 32).reshape(5, 32), torch.linspace(0, 1, 64)
        fast, plain = OneDNN(weight, bias), Dense(weight, bias)
        return torch.allclose(fast(x), plain(x), atol=1e-4) and torch.allclose(
            fast.gelu(x), plain.gelu(x), atol=1e-4
        )
    except (AttributeError, RuntimeError, TypeError) as error:
        log.info("no oneDNN linear layers in this PyTorch (%s)", str(error).splitlines()[0])
        return False
