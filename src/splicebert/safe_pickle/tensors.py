"""Tensors of torch in a pickle, as numpy arrays: their storage is a file of its own in it.

`pickle` writes a tensor as a storage with offset, size and stride, and the storage as the bytes of
torch's older file format: four pickles (magic number, version, about the machine, the storage as a
persistent id), one of keys, then the number of values and the values.
"""

from __future__ import annotations

import io
import math
from typing import Any, NamedTuple

import numpy as np

from .machine import Machine, Source
from .objects import BUILDERS, Name, UnsafePickleError, shown

MAGIC, VERSION = 0x1950A86A20F9469CFC6C, 1001
STORAGES = {
    "DoubleStorage": "<f8",
    "FloatStorage": "<f4",
    "HalfStorage": "<f2",
    "LongStorage": "<i8",
    "IntStorage": "<i4",
    "ShortStorage": "<i2",
    "CharStorage": "i1",
    "ByteStorage": "u1",
    "BoolStorage": "?",
}


class Storage(NamedTuple):
    """Values of a tensor: an array of one axis."""

    values: np.ndarray


class _Reference(NamedTuple):
    kind: np.dtype
    key: str
    count: int


def _reference(key: Any) -> _Reference:
    match key:
        case ("storage", Name("torch", kind), str(name), str(), int(count), None) if (
            kind in STORAGES and count >= 0
        ):
            return _Reference(np.dtype(STORAGES[kind]), name, count)
    raise UnsafePickleError(f"a storage of torch of another form: {shown(key)}")


def _load_from_bytes(arguments: tuple) -> Storage:
    match arguments:
        case (bytes() | bytearray() as data,):
            return _read_storage(Source(io.BytesIO(data)))
    raise UnsafePickleError("a storage of torch without its bytes")


def _read_storage(source: Source) -> Storage:
    magic, version, machine = (Machine(source, {}).run() for _ in range(3))
    if magic != MAGIC or version != VERSION or type(machine) is not dict:
        raise UnsafePickleError("a storage of torch that does not begin as one")
    if machine.get("little_endian") is not True:
        raise UnsafePickleError("a storage of torch of a big-endian machine")
    found = Machine(source, BUILDERS, _reference).run()
    keys = Machine(source, {}).run()
    if type(found) is not _Reference or keys != [found.key]:
        raise UnsafePickleError("a storage of torch that holds something else than one storage")
    count = int.from_bytes(source.read(8), "little")
    raw = source.read(found.count * found.kind.itemsize)
    if count != found.count or len(raw) != count * found.kind.itemsize:
        raise UnsafePickleError(f"{len(raw)} bytes in a storage of torch of {found.count} values")
    return Storage(np.frombuffer(raw, found.kind))


def _rebuild_tensor(arguments: tuple) -> np.ndarray:
    match arguments:
        case (Storage(values), int(offset), tuple(size), tuple(stride), bool(), dict(), *_):
            pass
        case _:
            raise UnsafePickleError("a tensor of torch of an unknown form")
    if len(size) != len(stride) or len(size) > 32 or offset < 0:
        raise UnsafePickleError(
            f"a tensor of torch of size {shown(size)} and stride {shown(stride)}"
        )
    if any(type(n) is not int or n < 0 for n in (*size, *stride)):
        raise UnsafePickleError(
            f"a tensor of torch of size {shown(size)} and stride {shown(stride)}"
        )
    if math.prod(size) == 0:
        return np.empty(size, values.dtype) if max(size) < 1 << 48 else values[:0]
    last = offset + sum((n - 1) * step for n, step in zip(size, stride, strict=True))
    if last >= len(values) or math.prod(size) > len(values):
        raise UnsafePickleError(f"a tensor of torch of size {shown(size)} in {len(values)} values")
    step = values.dtype.itemsize
    view = np.lib.stride_tricks.as_strided(
        values[offset:], size, [n * step for n in stride], writeable=False
    )
    return np.ascontiguousarray(view).reshape(size)


TENSOR_BUILDERS = {
    Name("torch.storage", "_load_from_bytes"): _load_from_bytes,
    Name("torch._utils", "_rebuild_tensor_v2"): _rebuild_tensor,
}
