"""One streaming engine for every analysis: windows in, arrays out, in input order.

Sequences are read a buffer at a time, sorted by length, run in batches of a bounded number of
nucleotides, and given back in the order in which they came. Memory depends on the buffer and the
batch, not on the number of windows.
"""

from __future__ import annotations

import itertools
import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from tqdm import tqdm

from .errors import SpliceBERTError
from .models.base import ModelAdapter

log = logging.getLogger(__name__)
DTYPES = ("float32", "bfloat16")


class Item(NamedTuple):
    """One sequence to run.

    sequence : nucleotides 5'->3'
    mask : bool (nt,), bases to hide from the model; None hides nothing
    """

    sequence: str
    mask: np.ndarray | None = None


Compute = Callable[[Sequence[Item]], torch.Tensor]


@dataclass(frozen=True)
class Runtime:
    """Where and how inference runs.

    Attributes
    ----------
    device : torch.device
    dtype : str
        "float32" or "bfloat16" (autocast; results are float32).
    batch_nt : int
        Nucleotides a batch, special tokens not counted; halved when memory runs out.
    buffer : int
        Sequences read ahead and sorted by length.
    """

    device: torch.device
    dtype: str = "float32"
    batch_nt: int = 8192
    buffer: int = 256

    def __post_init__(self) -> None:
        if self.batch_nt < 1 or self.buffer < 1:
            raise SpliceBERTError(
                f"batch_nt {self.batch_nt}, buffer {self.buffer}; expected 1 or more"
            )

    @classmethod
    def choose(
        cls,
        device: str = "auto",
        dtype: str = "auto",
        batch_nt: int | None = None,
        buffer: int = 256,
    ) -> Runtime:
        """Resolve "auto": the GPU if there is one, float32, and a batch that suits the device.

        Raises
        ------
        SpliceBERTError
            A device that this machine lacks, or an unknown dtype.
        """
        if device == "auto":
            device = "cuda" if torch.cuda.is_available() else "cpu"
        if device.startswith("cuda") and not torch.cuda.is_available():
            raise SpliceBERTError(
                f"device {device!r} was asked for, but torch sees no GPU; set inference.device to "
                "auto or cpu"
            )
        dtype = "float32" if dtype == "auto" else dtype
        if dtype not in DTYPES:
            raise SpliceBERTError(f"dtype {dtype!r}; expected auto or one of {', '.join(DTYPES)}")
        if batch_nt is None:
            batch_nt = 65536 if device.startswith("cuda") else 2048
        return cls(torch.device(device), dtype, batch_nt, buffer)

    def describe(self) -> str:
        """One line for the log: the device by name, threads, precision, batch."""
        if self.device.type == "cuda":
            where = f"{self.device} ({torch.cuda.get_device_name(self.device)})"
        else:
            where = f"{self.device} ({torch.get_num_threads()} threads)"
        return f"device {where}, dtype {self.dtype}, {self.batch_nt} nt a batch"


def stream(
    items: Iterable[Item],
    compute: Compute,
    runtime: Runtime,
    *,
    total_nt: int | None = None,
    label: str = "inference",
) -> Iterator[np.ndarray]:
    """Run `compute` over sequences and yield one array each, in input order.

    Parameters
    ----------
    items
        Sequences with their masks; read lazily.
    compute
        Takes some items, returns a tensor (batch, nt, ...) on any device, or, where the nucleotide
        axis is not the second, use `compute.nt_axis`. See `run_logits` and `run_hidden_states`.
    runtime
        Batch size and buffer.
    total_nt
        Nucleotides in all, for the time left.
    label
        Name of the progress bar, which only a terminal sees.

    Yields
    ------
    Array of one sequence, its nucleotide axis cut to the sequence's length.
    """
    axis = getattr(compute, "nt_axis", 1)
    batch_nt = runtime.batch_nt
    source = iter(items)
    with tqdm(total=total_nt, desc=label, unit="nt", unit_scale=True, disable=None) as bar:
        while buffered := list(itertools.islice(source, runtime.buffer)):
            order = sorted(range(len(buffered)), key=lambda i: len(buffered[i].sequence))
            done: dict[int, np.ndarray] = {}
            position = given = 0
            while position < len(order):
                rows = _next_batch(order, position, buffered, batch_nt)
                try:
                    values = compute([buffered[i] for i in rows]).cpu().numpy()
                except (torch.OutOfMemoryError, RuntimeError) as error:
                    batch_nt = _halve(error, rows, buffered, batch_nt)
                    continue
                for value, i in zip(values, rows, strict=True):
                    done[i] = _cut(value, axis - 1, len(buffered[i].sequence))
                position += len(rows)
                bar.update(sum(len(buffered[i].sequence) for i in rows))
                # Sequences of one length come out batch by batch: results do not pile up.
                while given in done:
                    yield done.pop(given)
                    given += 1


def _next_batch(
    order: Sequence[int], position: int, items: Sequence[Item], batch_nt: int
) -> list[int]:
    """Return as many of the sorted items as fit into `batch_nt` with padding, at least one."""
    rows: list[int] = []
    for i in order[position:]:
        length = len(items[i].sequence)
        if rows and length * (len(rows) + 1) > batch_nt:
            break
        rows.append(i)
    return rows


def _cut(value: np.ndarray, axis: int, length: int) -> np.ndarray:
    """Cut one sequence's array to its length; a copy, so that the padded batch can be freed."""
    return np.take(value, range(length), axis=axis) if value.shape[axis] != length else value.copy()


def _halve(error: RuntimeError, rows: Sequence[int], items: Sequence[Item], batch_nt: int) -> int:
    """Return half the batch after an out-of-memory error; raise where it can't be halved."""
    text = str(error).lower()
    out_of_memory = isinstance(error, torch.OutOfMemoryError) or (
        "out of memory" in text or "can't allocate memory" in text
    )
    if not out_of_memory:
        raise error
    longest = max(len(items[i].sequence) for i in rows)
    if len(rows) == 1:
        raise SpliceBERTError(
            f"out of memory with a single sequence of {longest} nt; use a smaller model, shorter "
            "windows or a device with more memory"
        ) from error
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    # Halve what was really in the batch, so that the next try is smaller whatever batch_nt was.
    halved = longest * max(1, len(rows) // 2)
    log.warning("out of memory with %d sequences; going on with %d nt a batch", len(rows), halved)
    return min(halved, batch_nt)


def _masks(items: Sequence[Item]) -> np.ndarray | None:
    """Masks of a batch as bool (batch, longest); None where no item has one."""
    if all(item.mask is None for item in items):
        return None
    out = np.zeros((len(items), max(len(i.sequence) for i in items)), bool)
    for row, item in enumerate(items):
        if item.mask is not None:
            if len(item.mask) != len(item.sequence):
                raise SpliceBERTError(
                    f"a mask of {len(item.mask)} bases for a sequence of {len(item.sequence)} nt"
                )
            out[row, : len(item.mask)] = item.mask
    return out


def run_logits(
    adapter: ModelAdapter, items: Iterable[Item], runtime: Runtime, **options
) -> Iterator[np.ndarray]:
    """MLM logits of each sequence: float32 (nt, vocab). Options as of `stream`."""

    def compute(batch: Sequence[Item]) -> torch.Tensor:
        return adapter.logits([item.sequence for item in batch], _masks(batch))

    return stream(items, compute, runtime, **options)


def run_hidden_states(
    adapter: ModelAdapter,
    items: Iterable[Item],
    runtime: Runtime,
    *,
    layers: Sequence[int] = (-1,),
    **options,
) -> Iterator[np.ndarray]:
    """Hidden states of each sequence: float32 (layers, nt, hidden). Options as of `stream`."""

    def compute(batch: Sequence[Item]) -> torch.Tensor:
        return adapter.hidden_states([item.sequence for item in batch], layers)

    compute.nt_axis = 2
    return stream(items, compute, runtime, **options)
