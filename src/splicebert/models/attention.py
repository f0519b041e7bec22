"""Attention back ends on packed sequences: eager, sdpa, flash; and single rows of the maps.

Queries, keys and values are (tokens, heads, head size). No sequence sees another.
"""

from __future__ import annotations

import functools
import importlib.util
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch
from torch.nn import functional
from torch.nn.attention import SDPBackend, sdpa_kernel

from ..errors import ModelError
from .packing import Group, Packed, Rows, pack_ids

FLASH_PACKAGE = "flash-attn package"
FLASH_PYTORCH = "PyTorch varlen_attn and flash kernel"
BACKENDS = ("auto", "eager", "sdpa", "flash")


class Backend(NamedTuple):
    """A back end that was chosen.

    name : eager, sdpa or flash; kernel : whose code runs; reason : why, for the log
    """

    name: str
    kernel: str
    reason: str

    def __str__(self) -> str:
        return f"{self.name} ({self.kernel}; {self.reason})"


def flash_package() -> bool:
    """Tell whether the flash-attn package is installed."""
    return importlib.util.find_spec("flash_attn") is not None


def choose_backend(requested: str, device: torch.device, dtype: torch.dtype) -> Backend:
    """Choose the attention back end.

    Parameters
    ----------
    requested
        "auto", "eager", "sdpa" or "flash".
    device, dtype
        Where the queries are, and their dtype.

    Raises
    ------
    ModelError
        An unknown name, or flash where this device or dtype can't do it.
    """
    if requested not in BACKENDS:
        raise ModelError(f"attention {requested!r}; expected one of {', '.join(BACKENDS)}")
    if requested == "eager":
        return Backend("eager", "PyTorch matrix products", "as asked")
    problem, kernel = _flash(device, dtype)
    if requested == "flash":
        if problem:
            raise ModelError(f"attention 'flash': {problem}; use auto or sdpa")
        return Backend("flash", kernel, "as asked")
    if requested == "sdpa":
        return Backend("sdpa", "PyTorch scaled_dot_product_attention", "as asked")
    if device.type == "cuda" and not problem:
        return Backend("flash", kernel, f"best for {_short(dtype)} on this GPU")
    why = problem or "on a CPU it is the flash kernel already"
    return Backend("sdpa", "PyTorch scaled_dot_product_attention", why)


def _short(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


def _flash(device: torch.device, dtype: torch.dtype) -> tuple[str, str]:
    """Return why flash can't run (empty where it can), and whose kernel would."""
    if device.type == "cpu":
        return "", "PyTorch flash kernel for CPU"
    if device.type != "cuda":
        return f"no flash kernel for device {device.type!r}", ""
    if dtype not in (torch.float16, torch.bfloat16):
        return f"flash kernels on a GPU need float16 or bfloat16, not {_short(dtype)}", ""
    if torch.cuda.get_device_capability(device) < (8, 0):
        return "flash kernels need a GPU of compute capability 8.0 or later", ""
    if flash_package() and not flash_fails(FLASH_PACKAGE, device, dtype):
        return "", FLASH_PACKAGE
    problem = flash_fails(FLASH_PYTORCH, device, dtype)
    return problem, "" if problem else FLASH_PYTORCH


@functools.cache
def flash_fails(kernel: str, device: torch.device, dtype: torch.dtype) -> str:
    """Run a flash kernel on two small sequences, packed and dense; what is wrong, or empty."""
    backend = Backend("flash", kernel, "tried")
    try:
        with torch.inference_mode():
            worst = max(_probe(backend, n, device, dtype) for n in ([40, 70], [64, 64]))
    except Exception as error:  # a package built for another PyTorch fails in any way
        return f"{kernel} does not run here ({type(error).__name__}: {str(error)[:200]})"
    return "" if worst < 0.02 else f"{kernel} is off by {worst:.2g} here"


def _probe(backend: Backend, lengths: list[int], device: torch.device, dtype: torch.dtype) -> float:
    """Largest difference of a kernel from float32 on random queries, keys and values."""
    packed = pack_ids(np.zeros(sum(lengths), np.int64), np.array(lengths), device)
    generator = torch.Generator().manual_seed(0)
    qkv = torch.randn(sum(lengths), 3, 2, 32, generator=generator).to(device, dtype)
    found = attend(*qkv.unbind(1), packed, backend)
    true = attend(*qkv.float().unbind(1), packed, Backend("eager", "", ""))
    return float((found.float() - true).abs().max())


def products_dtype(dtype: str) -> torch.dtype:
    """Dtype in which queries, keys and values come out of the products of a precision."""
    return torch.float32 if dtype == "int8" else getattr(torch, dtype)


def best_backend(requested: str, device: torch.device, dtype: str) -> Backend:
    """Return the back end asked for, or where it can't do `dtype` what auto takes."""
    try:
        return choose_backend(requested, device, products_dtype(dtype))
    except ModelError:
        return choose_backend("auto", device, products_dtype(dtype))


def attend(
    q: torch.Tensor,
    k: torch.Tensor,
    v: torch.Tensor,
    packed: Packed,
    backend: Backend,
    *,
    rows: Rows | None = None,
    dropout: float = 0.0,
) -> torch.Tensor:
    """Attention of every token within its own sequence.

    Parameters
    ----------
    q
        (tokens, heads, d), or (rows, heads, d) where `rows` is given.
    k, v
        (tokens, heads, d).
    packed
        Which tokens belong together.
    backend
        From `choose_backend`.
    rows
        The tokens that `q` belongs to; None: all.
    dropout
        Probability of dropping an attention weight (training).

    Returns
    -------
    (tokens or rows, heads * d), dtype of `v`
    """
    if not len(q):
        return v.new_zeros(0, v[0].numel())
    package = backend.kernel == FLASH_PACKAGE
    mixed = package or len(packed.groups) > 1 or rows is not None
    drops = package or not dropout  # varlen_attn has no dropout
    if backend.name == "flash" and q.is_cuda and mixed and drops:
        return _attend_varlen(q, k, v, packed, backend, rows, dropout).flatten(1)
    pieces = [
        _one_group(backend, *_heads_first(q, k, v, group, rows), dropout) for group in packed.groups
    ]
    out = [_back(piece, group, rows) for piece, group in zip(pieces, packed.groups, strict=True)]
    return out[0] if len(out) == 1 else torch.cat(out)


def _dense(tokens: torch.Tensor, group: Group) -> torch.Tensor:
    """(tokens, heads, d) of a group as (sequences, heads, length, d), without a copy."""
    return tokens[group.tokens].unflatten(0, (group.count, group.length)).transpose(1, 2)


def _group_rows(group: Group, rows: Rows) -> tuple[int, np.ndarray]:
    """First row of a group, and the rows of each of its sequences."""
    here = slice(group.sequence, group.sequence + group.count)
    return int(rows.counts[: group.sequence].sum()), rows.counts[here]


def _padded_rows(q: torch.Tensor, group: Group, rows: Rows) -> torch.Tensor:
    """Queries of a group as (sequences, heads, most rows, d); those behind are repetitions."""
    first, counts = _group_rows(group, rows)
    most = int(counts.max())
    if (counts == most).all():
        return (
            q[first : first + len(counts) * most].unflatten(0, (len(counts), most)).transpose(1, 2)
        )
    starts = first + np.cumsum(counts) - counts
    index = starts[:, None] + np.minimum(np.arange(most), np.maximum(counts[:, None] - 1, 0))
    index = np.minimum(index, len(q) - 1)
    return q[torch.from_numpy(index).to(q.device)].transpose(1, 2)


def _heads_first(
    q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, group: Group, rows: Rows | None
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    queries = _dense(q, group) if rows is None else _padded_rows(q, group, rows)
    return queries, _dense(k, group), _dense(v, group)


def _back(out: torch.Tensor, group: Group, rows: Rows | None) -> torch.Tensor:
    """(sequences, heads, length, d) as (tokens, heads * d), rows that were padding left out."""
    flat = out.transpose(1, 2).flatten(2)
    if rows is None:
        return flat.flatten(0, 1)
    counts = _group_rows(group, rows)[1]
    if (counts == flat.shape[1]).all():
        return flat.flatten(0, 1)
    real = np.arange(flat.shape[1]) < counts[:, None]
    return flat[torch.from_numpy(real).to(flat.device)]


def _one_group(
    backend: Backend, q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, dropout: float
) -> torch.Tensor:
    if backend.name == "eager":
        weights = attention_weights(q, k)
        return functional.dropout(weights, dropout).to(v.dtype) @ v
    # cuDNN's kernel is left out: it plans anew for every shape.
    kernels = [SDPBackend.FLASH_ATTENTION]
    if backend.name == "sdpa":
        kernels += [SDPBackend.EFFICIENT_ATTENTION, SDPBackend.MATH]
    if dropout and not q.is_cuda:
        kernels = [SDPBackend.MATH]  # the CPU's flash kernel has no dropout
    with sdpa_kernel(kernels):
        return functional.scaled_dot_product_attention(q, k, v, dropout_p=dropout)


def attention_weights(q: torch.Tensor, k: torch.Tensor) -> torch.Tensor:
    """Softmax of scaled scores: float32 (..., queries, keys), each row sums to 1."""
    scores = (q.float() / q.shape[-1] ** 0.5) @ k.float().transpose(-1, -2)
    return scores.softmax(-1)


def _attend_varlen(
    q: torch.Tensor,
    k: torch.Tensor,
    v: torch.Tensor,
    packed: Packed,
    backend: Backend,
    rows: Rows | None,
    dropout: float,
) -> torch.Tensor:
    """Mixed lengths in one kernel, told apart by their cumulative lengths (GPU only)."""
    starts_q = packed.cumulative if rows is None else rows.cumulative
    longest = int(packed.lengths.max())
    longest_q = longest if rows is None else int(rows.counts.max())
    where = (starts_q, packed.cumulative, longest_q, longest)
    if backend.kernel == FLASH_PACKAGE:
        from flash_attn import flash_attn_varlen_func

        return flash_attn_varlen_func(q, k, v, *where, dropout_p=dropout)
    from torch.nn.attention.varlen import varlen_attn

    return varlen_attn(q, k, v, *where)


def attention_map_rows(
    q: torch.Tensor, k: torch.Tensor, packed: Packed, rows: Rows
) -> Iterator[torch.Tensor]:
    """Yield, for each group, its rows of the attention map without the columns of special tokens.

    Parameters
    ----------
    q
        (rows, heads, d) of the rows asked for.
    k
        (tokens, heads, d).
    packed, rows
        Which tokens belong together; as many rows of every sequence.

    Yields
    ------
    float32 (sequences, heads, rows, nucleotides)
    """
    for group in packed.groups:
        yield attention_weights(_padded_rows(q, group, rows), _dense(k, group))[..., 1:-1]
