"""Columns and arrays of an h5ad file, read as plain HDF5: nothing outside the file is followed."""

from __future__ import annotations

from itertools import islice
from os import PathLike

import h5py
import numpy as np
import pandas as pd

from splicebert.errors import FormatError

from .archive import require


def _inside(group: h5py.Group, name: str, path: str | PathLike) -> h5py.Group | h5py.Dataset:
    """Object of a group that is stored in this very file; FormatError otherwise."""
    require(isinstance(group, h5py.Group), f"values where a group with {name!r} is expected", path)
    right = "/" not in name and name not in ("", ".")
    require(right, f"{name[:100]!r} is a path, which may be a link out of the file", path)
    link = _link(group, name)
    require(link is not None, lambda: f"no {name!r} in {group.name}; it holds {_some(group)}", path)
    require(isinstance(link, h5py.HardLink), f"{group.name}/{name} is a link out of the file", path)
    found = group[name]
    if isinstance(found, h5py.Dataset):
        outside = found.external or found.is_virtual
        require(not outside, f"{group.name}/{name} is stored outside the file", path)
    return found


def _link(group: h5py.Group, name: str) -> object | None:
    """Link of a name without /; None where there is none. `name in group` would follow it."""
    return group.get(name, getlink=True)


def _some(group: h5py.Group) -> str:
    return ", ".join(islice(group, 20))[:500]


def _values(dataset: h5py.Dataset, path: str | PathLike) -> np.ndarray:
    """Numbers or text of a dataset; anything else, as references, is refused."""
    require(isinstance(dataset, h5py.Dataset), "a group where values are expected", path)
    if h5py.check_string_dtype(dataset.dtype):
        return np.asarray(dataset.asstr()[()], object)
    kind = dataset.dtype.kind
    require(kind in "biuf", f"{dataset.name} holds {dataset.dtype}; expected numbers or text", path)
    return dataset[()]


def _column(obs: h5py.Group, name: str, path: str | PathLike) -> np.ndarray:
    """Column of a table in either form of anndata.

    Since 0.8 a group of codes and categories; before it a dataset of codes whose categories are in
    the group `__categories`.
    """
    found = _inside(obs, name, path)
    if isinstance(found, h5py.Group):
        codes = _values(_inside(found, "codes", path), path)
        categories = _values(_inside(found, "categories", path), path)
    else:
        codes = _values(found, path)
        if _link(obs, "__categories") is None:
            return codes
        known = _inside(obs, "__categories", path)
        require(isinstance(known, h5py.Group), "__categories holds values, expected a group", path)
        if _link(known, name) is None:
            return codes
        categories = _values(_inside(known, name, path), path)
    known = codes.size == 0 or (codes.min() >= 0 and codes.max() < len(categories))
    require(bool(known), f"{obs.name}/{name}: a missing or unknown category", path)
    return np.asarray(categories)[codes]


def read_h5ad(path: str | PathLike, columns: list[str], place: str) -> pd.DataFrame:
    """Read columns of obs and a layout of an h5ad file.

    Parameters
    ----------
    path
        As anndata writes it.
    columns
        Of obs.
    place
        Array (n, 2) of obsm, such as X_umap.

    Returns
    -------
    DataFrame with the index of obs (str), the columns, x and y.

    Raises
    ------
    FormatError
        The file is no HDF5, lacks something, or points outside itself.
    """
    try:
        with h5py.File(path, "r") as file:
            obs = _inside(file, "obs", path)
            index = obs.attrs.get("_index", "_index")
            names = _values(_inside(obs, str(index), path), path)
            table = pd.DataFrame({name: _column(obs, name, path) for name in columns})
            table.index = pd.Index([str(name) for name in names])
            xy = _values(_inside(_inside(file, "obsm", path), place, path), path)
    except (OSError, RuntimeError, KeyError, AttributeError) as error:
        raise FormatError(f"no h5ad file, or damaged: {error}", path) from error
    right = xy.shape == (len(table), 2)
    require(right, f"obsm/{place} is {xy.shape}; expected ({len(table)}, 2)", path)
    return table.assign(x=xy[:, 0].astype(np.float32), y=xy[:, 1].astype(np.float32))
