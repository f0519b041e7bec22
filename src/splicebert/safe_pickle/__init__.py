"""Pickles of arrays and plain containers, read without Python's unpickler: nothing can run.

A pickle is a program: Python's unpickler imports what it names and calls it. Here a small machine
of its own walks the opcodes and builds only numbers, text, bytes, None, lists, tuples, sets, dicts
and numpy arrays (a tensor of torch becomes one). A name in the pickle is never imported: it is
looked up in the table of what may be built, and everything else is refused by name.
"""

from __future__ import annotations

import gzip
import zlib
from contextlib import ExitStack
from os import PathLike
from typing import Any

from splicebert.errors import FormatError

from .machine import MOST_BYTES, Machine, Source
from .objects import BUILDERS, UnsafePickleError, finished, shown
from .tensors import TENSOR_BUILDERS

__all__ = ["MOST_BYTES", "UnsafePickleError", "load_pickle", "shown"]

_DAMAGED = (ValueError, EOFError, zlib.error, gzip.BadGzipFile, OverflowError, RecursionError)
_GZIP, _NPY, _ZIP = b"\x1f\x8b", b"\x93NUMPY", b"PK\x03\x04"


def load_pickle(path: str | PathLike, *, most_bytes: int = MOST_BYTES) -> Any:
    """Read a pickle of plain data.

    Parameters
    ----------
    path
        A pickle of protocol 2 to 5, plain or gzip.
    most_bytes
        Largest size, decompressed.

    Returns
    -------
    Any
        Numbers, text, bytes, None, list, tuple, set, frozenset, dict (an OrderedDict or a
        defaultdict becomes one) and numpy arrays of them; arrays may be read-only.

    Raises
    ------
    FormatError
        The file is no pickle, is damaged, or holds anything else; the message names it.
    """
    with ExitStack() as stack:
        file = stack.enter_context(open(path, "rb"))
        first = file.read(8)
        file.seek(0)
        if first.startswith((_NPY, _ZIP)):
            kind = "an array of np.save" if first.startswith(_NPY) else "a zip (np.savez, torch)"
            raise FormatError(f"{kind}, expected a pickle; it may hold pickled objects", path)
        stream = stack.enter_context(gzip.open(file)) if first.startswith(_GZIP) else file
        try:
            source = Source(stream, most_bytes)
            return finished(Machine(source, BUILDERS | TENSOR_BUILDERS).run())
        except UnsafePickleError as error:
            raise FormatError(
                f"refused: {error}. Only arrays, numbers, text and plain containers are read, so "
                "that no code in the file can run",
                path,
            ) from error
        except _DAMAGED as error:
            raise FormatError(
                f"not a pickle of protocol 2 to 5, or damaged: {error}", path
            ) from error
