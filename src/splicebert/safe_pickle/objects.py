"""What a pickle may build: numpy arrays, dtypes and scalars, and containers of the library."""

from __future__ import annotations

import math
import re
import reprlib
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from splicebert.errors import SpliceBERTError

DEEPEST = 50
MOST_NUMBERS = 1 << 48
_LETTERS = re.compile(r"b1|[iu][1248]|f[248]|c8|c16|[SU][1-9]\d{0,5}|O8")
_KEYS = (str, bytes, int, float, bool, type(None))
_LEAVES = (str, bytes, int, float, complex, bool, type(None), np.ndarray, np.generic, np.dtype)


class UnsafePickleError(SpliceBERTError):
    """A pickle that needs more than plain data."""


class Name(NamedTuple):
    """A name in a pickle: text, never imported."""

    module: str
    name: str

    def __str__(self) -> str:
        return f"{self.module}.{self.name}"[:200]


class _Brief(reprlib.Repr):
    """Shows a few levels of tuples and lists; of anything else than short values, its type."""

    def repr1(self, x: Any, level: int) -> str:
        if type(x) is Name:
            return str(x)
        short = type(x) is int and x.bit_length() < 100
        if short or type(x) in (tuple, list, str, float, bool, type(None)):
            return super().repr1(x, level)
        return type(x).__name__


_BRIEF = _Brief()
_BRIEF.maxlevel = 3


def shown(value: Any) -> str:
    """Show an object of a pickle in a message: tuples in tuples may print as more than memory."""
    return _BRIEF.repr(value)[:100]


def plain_key(value: Any) -> Any:
    """Check a key or a member of a set: hashing nested tuples could take for ever."""
    if type(value) not in _KEYS:
        raise UnsafePickleError(f"a key of type {type(value).__name__}; expected text or a number")
    return value


class Unfinished:
    """An object that a pickle makes in two steps: first itself, then its state (`build`)."""

    def build(self, state: Any) -> None:
        """Take the state; UnsafePickleError where it is not of the form that numpy writes."""
        raise NotImplementedError


class Dtype(Unfinished):
    """A dtype of plain values, or of objects."""

    def __init__(self, letters: str) -> None:
        self.value = np.dtype(letters)

    def build(self, state: Any) -> None:
        """Take the state that numpy writes."""
        match state:
            case (3, "<" | ">" | "|" | "=" as order, None, None, None, int(size), int(), int()):
                if size not in (-1, self.value.itemsize):
                    raise UnsafePickleError(f"dtype {self.value} of {size} bytes")
                self.value = self.value.newbyteorder(order if order in "<>" else "=")
            case _:
                raise UnsafePickleError(f"dtype {self.value} with fields or of an unknown form")


class Array(Unfinished):
    """An array whose contents come with its state; `items` are the objects of an object array."""

    def __init__(self) -> None:
        self.value: np.ndarray | None = None
        self.items: list[Any] | None = None
        self.shape: tuple[int, ...] = ()

    def build(self, state: Any) -> None:
        """Take the state that numpy writes."""
        match state:
            case (1, tuple(shape), Dtype() as kind, bool(fortran), list(items)):
                if not kind.value.hasobject or len(items) != _size(shape):
                    raise UnsafePickleError(
                        f"{len(items)} objects for an array {kind.value} {shown(shape)}"
                    )
                self.items, self.shape, self.order = items, shape, "F" if fortran else "C"
            case (1, tuple(shape), Dtype() as kind, bool(fortran), bytes() | bytearray() as raw):
                self.value = from_bytes(raw, kind, shape, "F" if fortran else "C")
            case _:
                raise UnsafePickleError("an array whose state is of an unknown form")


def _size(shape: tuple) -> int:
    """Number of values of an array; UnsafePickleError where the shape is none."""
    if len(shape) > 32 or any(type(n) is not int or not 0 <= n < MOST_NUMBERS for n in shape):
        raise UnsafePickleError(f"an array of shape {shown(shape)}")
    return math.prod(shape)


def from_bytes(raw: bytes | bytearray, kind: Any, shape: Any, order: Any) -> np.ndarray:
    """Array on the bytes of a pickle, which must be as many as its shape and dtype say."""
    if type(kind) is not Dtype or type(shape) is not tuple or order not in ("C", "F"):
        raise UnsafePickleError("an array whose dtype, shape or order is of an unknown form")
    if kind.value.hasobject:
        raise UnsafePickleError("an array of objects in raw bytes")
    if type(raw) not in (bytes, bytearray) or len(raw) != _size(shape) * kind.value.itemsize:
        found = f"{len(raw)} bytes" if isinstance(raw, (bytes, bytearray)) else type(raw).__name__
        raise UnsafePickleError(f"{found} for an array {kind.value} {shown(shape)}")
    return np.frombuffer(raw, kind.value).reshape(shape, order=order)


def _dtype(arguments: tuple) -> Dtype:
    match arguments:
        case (str(letters), bool() | 0 | 1, bool() | 0 | 1) if _LETTERS.fullmatch(letters):
            return Dtype(letters)
    raise UnsafePickleError(f"dtype {shown(arguments)}")


def _reconstruct(arguments: tuple) -> Array:
    match arguments:
        case (Name("numpy", "ndarray"), (0,), b"b"):
            return Array()
    raise UnsafePickleError("an array of another class than numpy.ndarray")


def _frombuffer(arguments: tuple) -> np.ndarray:
    if len(arguments) == 5 and arguments[4] is None:  # the order of axes, of newer versions
        arguments = arguments[:4]
    if len(arguments) != 4:
        raise UnsafePickleError("an array whose axes are in an unknown order")
    return from_bytes(*arguments)


def _scalar(arguments: tuple) -> np.generic:
    if len(arguments) != 2:
        raise UnsafePickleError("a numpy scalar of an unknown form")
    kind, raw = arguments
    return from_bytes(raw, kind, (), "C")[()]


def _encode(arguments: tuple) -> bytes:
    """Bytes as protocol 2 writes them: text and how to encode it."""
    match arguments:
        case (str(text), "latin1" | "latin-1"):
            return text.encode("latin-1")
    raise UnsafePickleError(f"_codecs.encode of {shown(arguments)}")


def _empty(arguments: tuple, *allowed: tuple) -> dict:
    if arguments not in allowed:
        raise UnsafePickleError(f"a dict made with {shown(arguments)}")
    return {}


def _defaultdict(arguments: tuple) -> dict:
    kinds = ("list", "dict", "set", "int", "float", "str")
    return _empty(arguments, (), *((Name(base, kind),) for base in _BUILTINS for kind in kinds))


def _set(arguments: tuple) -> set:
    """Set as protocols 2 and 3 write it."""
    match arguments:
        case (list(members),):
            return set(map(plain_key, members))
    raise UnsafePickleError("a set of an unknown form")


def _no_bytes(arguments: tuple) -> bytes:
    """Empty bytes as protocol 2 writes them."""
    if arguments:
        raise UnsafePickleError("bytes of an unknown form")
    return b""


_NUMPY = ("numpy.core", "numpy._core")
_BUILTINS = ("builtins", "__builtin__")
BUILDERS: dict[Name, Callable[[tuple], Any]] = {
    Name("numpy", "dtype"): _dtype,
    Name("_codecs", "encode"): _encode,
    Name("collections", "OrderedDict"): lambda arguments: _empty(arguments, ()),
    Name("collections", "defaultdict"): _defaultdict,
    **{Name(base, "set"): _set for base in _BUILTINS},
    **{Name(base, "bytes"): _no_bytes for base in _BUILTINS},
    **{Name(base, "frozenset"): lambda arguments: frozenset(_set(arguments)) for base in _BUILTINS},
    **{Name(f"{base}.multiarray", "_reconstruct"): _reconstruct for base in _NUMPY},
    **{Name(f"{base}.multiarray", "scalar"): _scalar for base in _NUMPY},
    **{Name(f"{base}.numeric", "_frombuffer"): _frombuffer for base in _NUMPY},
}
"""All that a pickle may call, in the places where numpy 1 and numpy 2 keep it."""


def finished(value: Any, depth: int = 0, known: dict[int, Any] | None = None) -> Any:
    """Put arrays and dtypes in the place of what they were made from.

    Raises
    ------
    UnsafePickleError
        A name, an array without a state, an object that holds itself, or more than DEEPEST levels.
    """
    known = {} if known is None else known
    if isinstance(value, bytearray):
        return bytes(value)
    if isinstance(value, _LEAVES) and not isinstance(value, Name):
        return value
    if depth > DEEPEST:
        raise UnsafePickleError(f"more than {DEEPEST} levels, or an object that holds itself")
    if id(value) not in known:
        known[id(value)] = _inner(value, lambda part: finished(part, depth + 1, known))
    return known[id(value)]


def _inner(value: Any, of: Callable[[Any], Any]) -> Any:
    match value:
        case Name():
            raise UnsafePickleError(f"the name {value}, where data are expected")
        case Dtype():
            return value.value
        case Array():
            return _array(value, of)
        case dict():
            return {key: of(part) for key, part in value.items()}
        case list():
            return [of(part) for part in value]
        case tuple():
            return tuple(of(part) for part in value)
        case set() | frozenset():
            return value
    raise UnsafePickleError(f"an object of type {type(value).__name__}")


def _array(array: Array, of: Callable[[Any], Any]) -> np.ndarray:
    if array.items is None:
        if array.value is None:
            raise UnsafePickleError("an array without contents")
        return array.value
    flat = np.empty(len(array.items), object)
    for place, item in enumerate(array.items):
        flat[place] = of(item)
    return flat.reshape(array.shape, order=array.order)
