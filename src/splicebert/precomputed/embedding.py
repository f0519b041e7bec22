"""Section 2: UMAP and Leiden clusters of sites, an h5ad file a method, layer and subset."""

from __future__ import annotations

import re
from collections.abc import Iterator
from os import PathLike
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from splicebert.embedding_sites import EXPECTED, MOTIF, USAGE
from splicebert.embedding_tables import CLUSTERS, EMBEDDING_SITES

from . import SPACING, UNPLACED
from .archive import find_all, require
from .h5ad import read_h5ad

STEMS = {"motif": "hg19.ss-motif.for_umap", "usage": "K562.SSE.hg38.for_visualization"}
_SUBSETS = {None: "all", "GT": "donor", "AG": "acceptor"}
_COLUMNS = ["name", "name2", "label", "leiden"]


class ClusterFile(NamedTuple):
    """A file of section 2.

    path : where it is
    method : model of the model table, or onehot<flank>
    layer : 0 = embedding output; 0 of a baseline
    subset : all, donor (GT alone) or acceptor (AG alone)
    """

    path: Path
    method: str
    layer: int
    subset: str


def model_files(
    folder: str | PathLike, kind: str, authors_name: str, model: str
) -> list[ClusterFile]:
    """Files of one model, as many layers and subsets as there are, by layer."""
    stem = f"{STEMS[kind]}.{authors_name}"
    pattern = re.compile(rf"{re.escape(stem)}\.L(\d+)(?:\.(GT|AG))?\.h5ad")
    found = []
    for name, path in find_all(folder, pattern).items():
        layer, part = pattern.fullmatch(name).groups()
        found.append(ClusterFile(path, model, int(layer), _SUBSETS[part]))
    order = list(_SUBSETS.values())
    return sorted(found, key=lambda file: (file.layer, order.index(file.subset)))


def baseline_files(folder: str | PathLike, kind: str) -> list[ClusterFile]:
    """Files of the one-hot baselines, by flank."""
    pattern = re.compile(rf"{re.escape(STEMS[kind])}\.onehot\.flanking(\d+)\.h5ad")
    flanks = {int(pattern.fullmatch(n)[1]): path for n, path in find_all(folder, pattern).items()}
    return [ClusterFile(flanks[n], f"onehot{n}", 0, "all") for n in sorted(flanks)]


def site_table(table: pd.DataFrame, kind: str, path: str | PathLike) -> pd.DataFrame:
    """Rows of EMBEDDING_SITES without coordinates, which the files do not hold.

    Parameters
    ----------
    table
        From `read_h5ad`, of all sites; its index numbers the rows of the authors' BED.
    kind
        motif or usage.
    path
        Of the file, for messages.
    """
    parts = table["label"].astype(str).str.extract(f"^{MOTIF if kind == 'motif' else USAGE}$")
    wrong = table["label"][parts["site"].isna()]
    require(
        wrong.empty, f"labels such as {wrong.iloc[:1].tolist()}; expected {EXPECTED[kind]}", path
    )
    require(table.index.is_unique, "sites that have the same name", path)
    gene = table["name2"].astype(str)
    start = np.arange(len(table), dtype=np.int64) * SPACING
    columns = {
        "site_id": site_ids(table),
        "chrom": UNPLACED,
        "start": start,
        "end": start + 2,
        "strand": "+",
        "site": parts["site"].to_numpy(object),
        "positive": (parts["non"].isna() if kind == "motif" else parts["sign"] == ">").to_numpy(),
        "label": table["label"].astype(str).to_numpy(object),
        "gene": gene.where(~gene.isin([".", ""]), None).to_numpy(object),
        "usage": np.nan,
    }
    return pd.DataFrame(columns)[EMBEDDING_SITES.names]


def site_ids(table: pd.DataFrame) -> list[str]:
    """Name sites by their row in the authors' BED, from 0."""
    return [f"row:{name}" for name in table.index]


def cluster_rows(files: list[ClusterFile], sites: pd.DataFrame) -> Iterator[pd.DataFrame]:
    """Yield the rows of CLUSTERS of each file, whose sites must be those of `sites`."""
    labels = sites.set_index("site_id")["label"]
    for file in files:
        table = read_h5ad(file.path, _COLUMNS, "X_umap")
        ids = site_ids(table)
        known = set(ids) <= set(labels.index)
        same = known and bool((labels.loc[ids].to_numpy() == table["label"].astype(str)).all())
        require(same, "its sites or labels are not those of the other files", file.path)
        cluster = pd.to_numeric(table["leiden"], errors="coerce")
        require(bool((cluster >= 0).all()), "a cluster that is no number", file.path)
        columns = {
            "method": file.method,
            "layer": file.layer,
            "subset": file.subset,
            "site_id": ids,
            "cluster": cluster.to_numpy(np.int32),
            "x": table["x"].to_numpy(),
            "y": table["y"].to_numpy(),
        }
        yield pd.DataFrame(columns)[CLUSTERS.names]


def read_sites(files: list[ClusterFile], kind: str) -> pd.DataFrame:
    """Rows of EMBEDDING_SITES, of the first file that holds all sites."""
    first = next(file for file in files if file.subset == "all")
    return site_table(read_h5ad(first.path, _COLUMNS, "X_umap"), kind, first.path)
