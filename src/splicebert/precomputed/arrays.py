"""Arrays out of the authors' pickles: tuples by position, dicts by name, their shapes checked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from itertools import islice
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from splicebert.safe_pickle import MOST_BYTES, load_pickle, shown

from .archive import require

DEEPEST, MOST, MOST_INNER = 3, 24, 4
"""Levels, members of the outermost and of each inner container that a message tells."""


def describe(value: Any, levels: int = DEEPEST) -> str:
    """Say what an object of a pickle is, such as `tuple of 2: float16 (9, 6), int8 (9,)`.

    Only some levels and members of each are told: a tuple may hold another any number of times.
    """
    if isinstance(value, np.ndarray):
        return f"{value.dtype} {value.shape}"
    if not isinstance(value, dict | list | tuple):
        return type(value).__name__
    kind = f"{type(value).__name__} of {len(value)}"
    if not levels:
        return kind
    most = MOST if levels == DEEPEST else MOST_INNER
    if isinstance(value, dict):
        some = islice(value.items(), most)
        parts = [f"{_key(key)}: {describe(part, levels - 1)}" for key, part in some]
    else:
        parts = [describe(part, levels - 1) for part in value[:most]]
    return f"{kind}: " + ", ".join(parts)


def _key(key: Any) -> str:
    return key[:40] if isinstance(key, str) else shown(key)


def _unlike(name: str, value: Any, wanted: str) -> str:
    return f"{name} is {describe(value)}; expected {wanted}"


def read_arrays(path: str | PathLike, axes: Mapping[str, int]) -> dict[str, np.ndarray]:
    """Read a pickle of arrays that share their first axis.

    Parameters
    ----------
    path
        A tuple or list of as many arrays, in this order, or a dict that holds these (and others).
    axes
        Name -> number of axes.

    Returns
    -------
    dict
        name -> array.

    Raises
    ------
    FormatError
        The file is of another form; the message says which.
    """
    # A plain file has been unpacked within precomputed.max_gb; a compressed one may grow.
    value = load_pickle(path, most_bytes=max(MOST_BYTES, Path(path).stat().st_size))
    if isinstance(value, dict):
        missing = [name for name in axes if name not in value]
        require(not missing, lambda: f"lacks {', '.join(missing)}: {describe(value)}", path)
        found = {name: value[name] for name in axes}
    else:
        right = isinstance(value, list | tuple) and len(value) == len(axes)
        wanted = f"{len(axes)} arrays ({', '.join(axes)})"
        require(right, lambda: f"holds {describe(value)}; expected {wanted}", path)
        found = dict(zip(axes, value, strict=True))
    for name, array in found.items():
        right = isinstance(array, np.ndarray) and array.ndim == axes[name]
        wanted = f"{axes[name]} axes"
        require(right, partial(_unlike, name, array, f"an array of {wanted}"), path)
    same_length(found, path)
    return found


def same_length(arrays: Mapping[str, np.ndarray], path: str | PathLike) -> None:
    """Raise FormatError unless all arrays have the same first axis, of at least one row."""
    lengths = {name: len(array) for name, array in arrays.items()}
    right = len(set(lengths.values())) == 1 and min(lengths.values()) > 0
    require(right, f"arrays of different or no length: {lengths}", path)


def require_shape(
    arrays: Mapping[str, np.ndarray],
    names: Sequence[str],
    shape: tuple[int | None, ...],
    path: str | PathLike,
) -> None:
    """Raise FormatError unless arrays have a shape; None is any length."""
    for name in names:
        found = arrays[name].shape
        right = len(found) == len(shape) and all(
            b is None or a == b for a, b in zip(found, shape, strict=True)
        )
        wanted = "(" + ", ".join("any" if n is None else str(n) for n in shape) + ")"
        require(right, partial(_unlike, name, arrays[name], f"the shape {wanted}"), path)
