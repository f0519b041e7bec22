"""PCA, neighbours, UMAP and Leiden clusters of every layer: all sites, GT alone, AG alone."""

import logging
import os
from contextlib import suppress
from functools import cache

import numpy as np
import pandas as pd

from splicebert.embedding import FeatureReader
from splicebert.embedding_kinds import SUBSETS
from splicebert.embedding_tables import CLUSTERS, EMBEDDING_SITES
from splicebert.jobs import job
from splicebert.tables import read_table, write_table


def subset_rows(sites: pd.DataFrame, subset: str) -> np.ndarray:
    """Rows of the sites of a subset: all, donor (GT) or acceptor (AG)."""
    return np.flatnonzero((sites["site"] == subset) | (subset == "all"))


def few_kinds(features: np.ndarray, most: int) -> np.ndarray | None:
    """Number the different rows where there are at most `most` of them, by size; else None.

    The embedding output of one dinucleotide, for one, is the same at every site: neighbours and
    clusters of such points would be an accident of their order.
    """
    seen: dict[bytes, int] = {}
    kind = np.empty(len(features), np.int64)
    for row, values in enumerate(features):
        kind[row] = seen.setdefault(values.tobytes(), len(seen))
        if len(seen) > most:
            return None
    return by_size(kind)


def by_size(cluster: np.ndarray) -> np.ndarray:
    """Number clusters by falling size (the lower old number first on ties): int32 (n,)."""
    _, index, sizes = np.unique(cluster, return_inverse=True, return_counts=True)
    rank = np.empty(len(sizes), np.int32)
    rank[np.argsort(-sizes, kind="stable")] = np.arange(len(sizes))
    return rank[index]


@cache
def keep_compiled() -> None:
    """Have numba keep on disk what it compiles of UMAP.

    Each job would compile the same again, which takes longer than thousands of sites do.
    """
    from numba.core.dispatcher import Dispatcher
    from umap import layouts, umap_

    # What a function compiles for several threads goes by the same name in numba's cache.
    twin = getattr(layouts, "_nb_optimize_layout_euclidean_single_epoch_parallel", None)
    for function in [*vars(layouts).values(), *vars(umap_).values()]:
        if isinstance(function, Dispatcher) and function is not twin:
            with suppress(RuntimeError):  # there is no folder to write to
                function.enable_caching()


def embed(features: np.ndarray, settings: dict) -> tuple[np.ndarray, np.ndarray]:
    """Cluster sites and lay them out in the plane.

    Where there are no more different rows than neighbours asked for, each kind of row is a cluster
    of its own and lies at (its number, 0).

    Parameters
    ----------
    features
        float32 (sites, values); its columns are centred in place.
    settings
        components (PCA where there are more values), neighbours, epochs, resolution, iterations
        and seed, as in the configuration.

    Returns
    -------
    cluster : int32 (sites,), 0 = the largest
    place : float32 (sites, 2), UMAP coordinates
    """
    kind = few_kinds(features, settings["neighbours"])
    if kind is not None:
        return kind, np.stack([kind, np.zeros_like(kind)], axis=1).astype(np.float32)
    import scanpy as sc

    keep_compiled()
    sc.settings.n_jobs = 1
    features -= features.mean(axis=0)
    data, seed = sc.AnnData(features), settings["seed"]
    used = "X"
    if features.shape[1] > settings["components"]:
        # Exact, without a random start: the covariance matrix has but a thousand rows.
        n = min(settings["components"], min(features.shape) - 1)
        sc.pp.pca(data, n_comps=n, svd_solver="covariance_eigh", random_state=seed)
        used = "X_pca"
    near = min(settings["neighbours"], len(features) - 1)
    # Exact, too, however many sites there are; the approximate search that scanpy takes beyond
    # 8,192 of them gives what scanpy 1.11 can not read (pynndescent 0.7).
    sc.pp.neighbors(data, n_neighbors=near, use_rep=used, transformer="sklearn", random_state=seed)
    sc.tl.umap(data, maxiter=settings["epochs"], random_state=seed)
    sc.tl.leiden(
        data,
        resolution=settings["resolution"],
        flavor="igraph",
        n_iterations=settings["iterations"],
        directed=False,
        random_state=seed,
    )
    cluster = by_size(data.obs["leiden"].astype(int).to_numpy())
    return cluster, np.asarray(data.obsm["X_umap"], np.float32)


def cluster_layers(sites: pd.DataFrame, reader: FeatureReader, settings: dict) -> pd.DataFrame:
    """Rows of CLUSTERS: every representation, every subset; one layer in memory at a time."""
    log, tables = logging.getLogger(__name__), []
    for representation in reader.representations:
        features = reader.read(representation)
        for subset in SUBSETS:
            rows = subset_rows(sites, subset)
            if not len(rows):
                continue
            cluster, place = embed(features[rows], settings)
            log.info("%s, %s: %d clusters", representation[:2], subset, cluster.max() + 1)
            columns = {
                "method": representation.method,
                "layer": representation.layer,
                "subset": subset,
                "site_id": sites["site_id"].to_numpy()[rows],
                "cluster": cluster,
                "x": place[:, 0],
                "y": place[:, 1],
            }
            tables.append(pd.DataFrame(columns))
    return pd.concat(tables, ignore_index=True)


def main(snakemake):
    # More threads, other rounding: the numbers must not depend on --cores.
    os.environ["NUMBA_NUM_THREADS"] = str(snakemake.threads)
    with job(snakemake) as log:
        sites = read_table(snakemake.input.sites, EMBEDDING_SITES)
        with FeatureReader(snakemake.input.features, sites["site_id"]) as reader:
            table = cluster_layers(sites, reader, snakemake.params.settings)
        write_table(table, snakemake.output.clusters, CLUSTERS)
        log.info("%d sites, %d points", len(sites), len(table))


if __name__ == "__main__":
    main(snakemake)  # noqa: F821
