"""The machine that walks the opcodes of a pickle; it builds plain data and calls nothing."""

from __future__ import annotations

import pickletools
from collections.abc import Callable, Mapping
from typing import Any, BinaryIO

from .objects import Name, Unfinished, UnsafePickleError, plain_key

CHUNK = 1 << 24
MOST_BYTES = 8 << 30
MOST_OPCODES = 50_000_000
_MARK = object()
# The binary opcodes of protocols 2 to 5 that plain data need; others are methods of the machine.
_VALUES = {
    *("BININT", "BININT1", "BININT2", "LONG1", "LONG4", "BINFLOAT", "BINUNICODE", "BINUNICODE8"),
    *("SHORT_BINUNICODE", "BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8"),
}
_CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
_NOTHING = {"PROTO", "FRAME", "STOP"}


class Source:
    """Reads a stream piece by piece: a length that the file does not have takes no memory."""

    def __init__(self, stream: BinaryIO, most: int = MOST_BYTES) -> None:
        self._stream, self._most, self._read = stream, most, 0

    def tell(self) -> int:
        """Bytes read so far."""
        return self._read

    def read(self, size: int) -> bytes:
        """Read so many bytes; fewer where the stream ends."""
        first = self._count(self._stream.read(min(size, CHUNK)))
        if len(first) == size or not first:
            return first
        parts = bytearray(first)
        while len(parts) < size and (data := self._stream.read(min(size - len(parts), CHUNK))):
            parts += self._count(data)
        return bytes(parts)

    def readline(self) -> bytes:
        """Read a line; names of a pickle are short."""
        return self._count(self._stream.readline(1 << 12))

    def _count(self, data: bytes) -> bytes:
        self._read += len(data)
        if self._read > self._most:
            raise UnsafePickleError(f"it is larger than the limit of {self._most} bytes")
        return data


class Machine:
    """Runs one pickle of a stream.

    Parameters
    ----------
    source
        Where the pickle begins; it is read to its end and no further.
    builders
        Name -> function of the arguments (a tuple) to an object: all that a pickle may "call".
    persistent
        Function of a persistent id to its object; None refuses them.
    """

    def __init__(
        self,
        source: Source,
        builders: Mapping[Name, Callable[[tuple], Any]],
        persistent: Callable[[Any], Any] | None = None,
    ) -> None:
        self.source, self.builders, self.persistent = source, builders, persistent
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}

    def run(self) -> Any:
        """Build the object; UnsafePickleError where the pickle needs more than plain data."""
        for count, (opcode, argument, _) in enumerate(pickletools.genops(self.source)):
            if count > MOST_OPCODES:
                raise UnsafePickleError(f"more than {MOST_OPCODES} opcodes")
            self.step(opcode.name, argument)
        value = self.pop()
        if self.stack:
            raise UnsafePickleError(f"{len(self.stack)} objects are left over at its end")
        return value

    def step(self, name: str, argument: Any) -> None:
        """Do what one opcode says."""
        if name in _VALUES:
            self.stack.append(argument)
        elif name in _CONSTANTS:
            self.stack.append(_CONSTANTS[name])
        elif name in _STEPS:
            _STEPS[name](self, argument)
        elif name not in _NOTHING:
            raise UnsafePickleError(f"opcode {name}, which plain data do not need")

    def pop(self) -> Any:
        """Take the topmost object."""
        if not self.stack or self.stack[-1] is _MARK:
            raise UnsafePickleError("an object is needed where there is none")
        return self.stack.pop()

    def top(self, kind: type) -> Any:
        """Look at the topmost object, which is to be filled and has to be of a kind."""
        found = self.stack[-1] if self.stack else None
        if type(found) is not kind:
            raise UnsafePickleError(
                f"{type(found).__name__} where a {kind.__name__} is to be filled"
            )
        return found

    def marked(self) -> list[Any]:
        """Take what lies above the last mark, and the mark."""
        for place in range(len(self.stack) - 1, -1, -1):
            if self.stack[place] is _MARK:
                values = self.stack[place + 1 :]
                del self.stack[place:]
                return values
        raise UnsafePickleError("a mark is needed where there is none")

    def take(self, count: int) -> tuple:
        """Take the topmost objects, in the order in which they came."""
        return tuple(reversed([self.pop() for _ in range(count)]))

    def extend(self, values: list[Any]) -> None:
        """Put values at the end of the topmost list."""
        self.top(list).extend(values)

    def fill(self, values: list[Any]) -> None:
        """Put keys and values, in turn, into the topmost dict."""
        if len(values) % 2:
            raise UnsafePickleError("a key without a value")
        self.top(dict).update(zip(map(plain_key, values[::2]), values[1::2], strict=True))

    def join(self, values: list[Any]) -> None:
        """Put members into the topmost set."""
        self.top(set).update(map(plain_key, values))

    def remember(self, index: int) -> None:
        """Keep the topmost object for later."""
        if not self.stack or self.stack[-1] is _MARK:
            raise UnsafePickleError("nothing to remember")
        self.memo[index] = self.stack[-1]

    def recall(self, index: int) -> None:
        """Put an object that was kept on top."""
        if index not in self.memo:
            raise UnsafePickleError(f"nothing was remembered as {index}")
        self.stack.append(self.memo[index])

    def name(self, module: Any, name: Any) -> None:
        """Put a name on top: two texts, nothing is imported."""
        if type(name) is not str or type(module) is not str:
            raise UnsafePickleError("a name that is no text")
        self.stack.append(Name(module, name))

    def call(self, name: Any, arguments: Any) -> None:
        """Build the object of a name, if it is one of those that may be built."""
        if type(name) is not Name:
            raise UnsafePickleError(f"a call of a {type(name).__name__}")
        if name not in self.builders:
            raise UnsafePickleError(f"a call of {name}")
        if type(arguments) is not tuple:
            raise UnsafePickleError(f"{name}: arguments that are no tuple")
        self.stack.append(self.builders[name](arguments))

    def build(self, state: Any) -> None:
        """Give the topmost array or dtype its state; nothing else has one."""
        target = self.stack[-1] if self.stack else None
        if not isinstance(target, Unfinished):
            raise UnsafePickleError(f"a state for a {type(target).__name__}, which has none")
        target.build(state)

    def outside(self, key: Any) -> None:
        """Put the object of a persistent id on top."""
        if self.persistent is None:
            raise UnsafePickleError("a persistent id, which points outside the pickle")
        self.stack.append(self.persistent(key))


_STEPS: dict[str, Callable[[Machine, Any], Any]] = {
    "MARK": lambda m, _: m.stack.append(_MARK),
    "POP": lambda m, _: m.pop(),
    "POP_MARK": lambda m, _: m.marked(),
    "EMPTY_LIST": lambda m, _: m.stack.append([]),
    "APPEND": lambda m, _: m.extend([m.pop()]),
    "APPENDS": lambda m, _: m.extend(m.marked()),
    "EMPTY_TUPLE": lambda m, _: m.stack.append(()),
    "TUPLE": lambda m, _: m.stack.append(tuple(m.marked())),
    "TUPLE1": lambda m, _: m.stack.append(m.take(1)),
    "TUPLE2": lambda m, _: m.stack.append(m.take(2)),
    "TUPLE3": lambda m, _: m.stack.append(m.take(3)),
    "EMPTY_DICT": lambda m, _: m.stack.append({}),
    "SETITEM": lambda m, _: m.fill(list(m.take(2))),
    "SETITEMS": lambda m, _: m.fill(m.marked()),
    "EMPTY_SET": lambda m, _: m.stack.append(set()),
    "ADDITEMS": lambda m, _: m.join(m.marked()),
    "FROZENSET": lambda m, _: m.stack.append(frozenset(map(plain_key, m.marked()))),
    "MEMOIZE": lambda m, _: m.remember(len(m.memo)),
    "BINPUT": Machine.remember,
    "LONG_BINPUT": Machine.remember,
    "BINGET": Machine.recall,
    "LONG_BINGET": Machine.recall,
    "GLOBAL": lambda m, text: m.name(*text.split(" ", 1)),
    "STACK_GLOBAL": lambda m, _: m.name(*m.take(2)),
    "REDUCE": lambda m, _: m.call(*m.take(2)),
    "BUILD": lambda m, _: m.build(m.pop()),
    "BINPERSID": lambda m, _: m.outside(m.pop()),
}
