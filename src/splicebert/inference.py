"""One streaming engine for every analysis: windows in, arrays out, in input order.

Sequences are read a buffer at a time, sorted by length, run in batches of a bounded number of
nucleotides without padding, and given back in the order in which they came. Memory depends on the
buffer and the batch, not on the number of windows. On a GPU the next batch is prepared and started
before the results of the last one are waited for, which are copied beside it, so that most of what
the caller does with them, such as writing, goes on while the GPU works.
"""

from __future__ import annotations

import functools
import itertools
import logging
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
import torch
from tqdm import tqdm

from .errors import SpliceBERTError
from .models.base import ModelAdapter
from .precision import check_sample
from .runtime import Runtime

__all__ = [
    "Item",
    "Runtime",
    "run_attention_rows",
    "run_hidden_states",
    "run_logits",
    "stream",
]
log = logging.getLogger(__name__)


class Item(NamedTuple):
    """One sequence to run.

    sequence : nucleotides 5'->3'
    mask : bool (nt,), bases to hide from the model; None hides nothing
    offsets : int (rows,), 0-based positions whose results are wanted; None: all
    """

    sequence: str
    mask: np.ndarray | None = None
    offsets: np.ndarray | None = None

    @property
    def rows(self) -> int:
        """How many rows its result has."""
        return len(self.sequence) if self.offsets is None else len(self.offsets)


Compute = Callable[[Sequence[Item]], torch.Tensor]
Split = Callable[[np.ndarray, Sequence[Item]], Sequence[np.ndarray]]


def split_rows(values: np.ndarray, batch: Sequence[Item]) -> list[np.ndarray]:
    """Rows (rows of all items, ...) as one array an item."""
    ends = np.cumsum([item.rows for item in batch])
    if len(values) != ends[-1]:
        raise SpliceBERTError(f"the model gave {len(values)} rows; expected {ends[-1]}")
    return np.split(values, ends[:-1])


class _Started(NamedTuple):
    """A batch under way: values are on the host once `event` has happened."""

    batch: list[tuple[int, Item]]
    values: torch.Tensor
    event: torch.cuda.Event | None

    def results(self, split: Split) -> Iterator[tuple[int, np.ndarray]]:
        if self.event is not None:
            self.event.synchronize()
        arrays = split(self.values.numpy(), [item for _, item in self.batch])
        for (index, _), array in zip(self.batch, arrays, strict=True):
            yield index, array


class _Batches:
    """Runs batches, halving them for good when memory runs out."""

    def __init__(self, compute: Compute, runtime: Runtime) -> None:
        self.compute, self.batch_nt = compute, runtime.batch_nt

    def cut(self, items: Sequence[tuple[int, Item]]) -> Iterator[list[tuple[int, Item]]]:
        """Cut items, sorted by length, into batches of at most `batch_nt`, at least one item."""
        batch: list[tuple[int, Item]] = []
        size = 0
        for index, item in items:
            if batch and size + len(item.sequence) > self.batch_nt:
                yield batch
                batch, size = [], 0
            batch.append((index, item))
            size += len(item.sequence)
        if batch:
            yield batch

    def start(self, batch: list[tuple[int, Item]]) -> Iterator[_Started]:
        """Run a batch, in parts where memory runs out."""
        try:
            started = _Started(batch, *_to_host(self.compute([item for _, item in batch])))
        except (torch.OutOfMemoryError, RuntimeError) as error:
            self.batch_nt = _halve(error, [item for _, item in batch], self.batch_nt)
        else:
            yield started
            return
        if torch.cuda.is_available():  # only now: the error held on to the batch's tensors
            torch.cuda.empty_cache()
        for part in self.cut(batch):
            yield from self.start(part)

    def run(self, items: Sequence[tuple[int, Item]]) -> Iterator[_Started]:
        """Run items, which are sorted by length."""
        position = 0
        while position < len(items):  # cut anew after each batch: the limit may have changed
            batch = next(self.cut(items[position:]))
            position += len(batch)
            yield from self.start(batch)


@functools.cache
def _copier(device: torch.device) -> torch.cuda.Stream:
    return torch.cuda.Stream(device)


def _to_host(values: torch.Tensor) -> tuple[torch.Tensor, torch.cuda.Event | None]:
    """Copy to the host; from a GPU to pinned memory beside the next batch, without waiting."""
    if not values.is_cuda:
        return values, None
    host = torch.empty(values.shape, dtype=values.dtype, pin_memory=True)
    copier = _copier(values.device)
    copier.wait_stream(torch.cuda.current_stream(values.device))
    with torch.cuda.stream(copier):
        host.copy_(values, non_blocking=True)
        values.record_stream(copier)
        event = torch.cuda.Event()
        event.record(copier)
    return host, event


def stream(
    items: Iterable[Item],
    compute: Compute,
    runtime: Runtime,
    *,
    split: Split = split_rows,
    total_nt: int | None = None,
    label: str = "inference",
    progress: bool = True,
) -> Iterator[np.ndarray]:
    """Run `compute` over sequences and yield one array each, in input order.

    Items of one buffer that are the same (sequence, mask and offsets) are run once.

    Parameters
    ----------
    items
        Sequences with their masks and offsets; read lazily.
    compute
        Takes some items, returns a tensor on any device.
    runtime
        Batch size and buffer.
    split
        Cuts a batch's array into one an item; default: rows of the items behind one another.
    total_nt
        Nucleotides in all, for the time left.
    label
        Name of the progress bar.
    progress
        Whether to show one, on a terminal.

    Yields
    ------
    Array of one sequence.
    """
    batches, source = _Batches(compute, runtime), iter(items)
    ahead = 1 if runtime.device.type == "cuda" else 0
    hide = None if progress else True  # None: unless it is a terminal
    with tqdm(total=total_nt, desc=label, unit="nt", unit_scale=True, disable=hide) as bar:
        order = _Order(bar)
        pending: deque[_Started] = deque()
        while buffered := list(itertools.islice(source, runtime.buffer)):
            for started in batches.run(order.expect(buffered)):
                pending.append(started)
                while len(pending) > ahead:
                    yield from order.give(pending.popleft().results(split))
        while pending:
            yield from order.give(pending.popleft().results(split))


class _Order:
    """Puts results back into the order of the items."""

    def __init__(self, bar: tqdm) -> None:
        self._bar = bar
        self._first: deque[int] = deque()  # of each item not yet given, whose result it has
        self._last_use: dict[int, int] = {}
        self._lengths: dict[int, int] = {}
        self._done: dict[int, np.ndarray] = {}
        self._given = self._seen = 0

    def expect(self, buffered: Sequence[Item]) -> list[tuple[int, Item]]:
        """Take a buffer of items; return the different ones with their numbers, by length."""
        first: dict[tuple, int] = {}
        different: list[tuple[int, Item]] = []
        for number, item in enumerate(buffered, self._seen):
            source = first.setdefault(_key(item), number)
            if source == number:
                different.append((number, item))
            self._first.append(source)
            self._last_use[source] = number
            self._lengths[number] = len(item.sequence)
        self._seen += len(buffered)
        # Sequences of one length stay in their order: results do not pile up.
        return sorted(different, key=lambda pair: len(pair[1].sequence))

    def give(self, results: Iterable[tuple[int, np.ndarray]]) -> Iterator[np.ndarray]:
        """Take results; yield those whose turn it is."""
        self._done.update(results)
        while self._first and self._first[0] in self._done:
            source = self._first.popleft()
            last = self._last_use[source] == self._given
            if last:
                del self._last_use[source]
            array = self._done.pop(source) if last else self._done[source].copy()
            self._bar.update(self._lengths.pop(self._given))
            self._given += 1
            yield array


def _key(item: Item) -> tuple:
    mask = None if item.mask is None else np.asarray(item.mask, bool).tobytes()
    offsets = None if item.offsets is None else np.asarray(item.offsets, np.int64).tobytes()
    return item.sequence, mask, offsets


def _halve(error: RuntimeError, batch: Sequence[Item], batch_nt: int) -> int:
    """Return half the batch after an out-of-memory error; raise where it can't be halved."""
    text = str(error).lower()
    out_of_memory = isinstance(error, torch.OutOfMemoryError) or (
        "out of memory" in text or "can't allocate memory" in text
    )
    if not out_of_memory:
        raise error
    longest = max(len(item.sequence) for item in batch)
    if len(batch) == 1:
        raise SpliceBERTError(
            f"out of memory with a single sequence of {longest} nt; use a smaller model, shorter "
            "windows or a device with more memory"
        ) from error
    # Halve what was really in the batch, so that the next try is smaller whatever batch_nt was.
    halved = min(sum(len(item.sequence) for item in batch) // 2, longest * (len(batch) // 2))
    log.warning("out of memory with %d sequences; going on with %d nt a batch", len(batch), halved)
    return min(max(halved, longest), batch_nt)


def _offsets(batch: Sequence[Item]) -> list[np.ndarray | None] | None:
    """Offsets of a batch; None where every position is wanted."""
    if all(item.offsets is None for item in batch):
        return None
    return [item.offsets for item in batch]


def _rectangle(batch: Sequence[Item]) -> np.ndarray:
    """Offsets of a batch as int64 (batch, rows)."""
    if len({-1 if item.offsets is None else len(item.offsets) for item in batch}) != 1 or (
        batch[0].offsets is None
    ):
        raise SpliceBERTError(
            "attention rows need offsets, as many of every sequence; found "
            f"{sorted({'none' if i.offsets is None else str(len(i.offsets)) for i in batch})}"
        )
    return np.stack([np.asarray(item.offsets, np.int64) for item in batch])


def run_logits(
    adapter: ModelAdapter, items: Iterable[Item], runtime: Runtime, **options
) -> Iterator[np.ndarray]:
    """MLM logits of each sequence: float32 (nt or offsets, vocab). Options as of `stream`."""

    def compute(batch: Sequence[Item]) -> torch.Tensor:
        return adapter.logits_packed(
            [item.sequence for item in batch], [item.mask for item in batch], _offsets(batch)
        )

    items = check_sample(adapter, items, compute, runtime, kind="logits")
    return stream(items, compute, runtime, **options)


def run_hidden_states(
    adapter: ModelAdapter,
    items: Iterable[Item],
    runtime: Runtime,
    *,
    layers: Sequence[int] = (-1,),
    stored: np.dtype | str = "float32",
    **options,
) -> Iterator[np.ndarray]:
    """Hidden states of each sequence: (layers, nt or offsets, hidden).

    Options as of `stream`; `stored` is the dtype of the results, float32 or, for half the traffic
    and memory, float16.
    """
    kind = {"float32": torch.float32, "float16": torch.float16}[str(np.dtype(stored))]

    def compute(batch: Sequence[Item]) -> torch.Tensor:
        sequences = [item.sequence for item in batch]
        return adapter.hidden_states_packed(sequences, layers, _offsets(batch)).to(kind)

    def split(values: np.ndarray, batch: Sequence[Item]) -> list[np.ndarray]:
        return [rows.transpose(1, 0, 2) for rows in split_rows(values, batch)]

    items = check_sample(adapter, items, compute, runtime, kind="hidden_states")
    return stream(items, compute, runtime, split=split, **options)


def run_attention_rows(
    adapter: ModelAdapter,
    items: Iterable[Item],
    runtime: Runtime,
    *,
    maximum: bool = True,
    **options,
) -> Iterator[np.ndarray]:
    """Attention rows of each sequence: float32 (layers, rows, nt), maximum over the heads.

    Every item has as many `offsets` (its query positions, 0-based). With `maximum=False` all
    heads: (layers, heads, rows, nt). Options as of `stream`.
    """

    def compute(batch: Sequence[Item]) -> torch.Tensor:
        offsets = _rectangle(batch)
        return adapter.attention_rows([item.sequence for item in batch], offsets, maximum=maximum)

    def split(values: np.ndarray, batch: Sequence[Item]) -> list[np.ndarray]:
        return [value[..., : len(item.sequence)] for value, item in zip(values, batch, strict=True)]

    items = check_sample(adapter, items, compute, runtime, kind="attention")
    return stream(items, compute, runtime, split=split, **options)
