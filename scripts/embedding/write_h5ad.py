"""One h5ad file of a model's layer, for scanpy and cellxgene: features, sites, UMAPs, clusters."""

import numpy as np
import pandas as pd

from splicebert.embedding import FeatureReader
from splicebert.embedding_scores import figure_layer
from splicebert.embedding_tables import CLUSTERS, EMBEDDING_SITES
from splicebert.jobs import job
from splicebert.tables import atomic_path, read_table

ADDED = {
    "cluster": "Leiden cluster among all sites, 0 = the largest",
    "cluster_own": "Leiden cluster among the sites of the same dinucleotide alone",
}
PLACES = {
    "X_umap": "UMAP of all sites",
    "X_umap_own": "UMAP of the sites of the same dinucleotide alone (GT and AG overlap)",
}


def own_and_all(clusters: pd.DataFrame, sites: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Rows of CLUSTERS in the order of the sites: `all` together, `own` dinucleotide alone."""
    together = clusters["subset"] == "all"
    parts = {"all": clusters[together], "own": clusters[~together]}
    return {name: part.set_index("site_id").loc[sites["site_id"]] for name, part in parts.items()}


def observations(sites: pd.DataFrame, found: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Columns of EMBEDDING_SITES and ADDED by site; clusters and texts as categories."""
    table = sites.set_index("site_id").rename_axis(None)
    table["gene"] = table["gene"].fillna("").astype(str)
    table["cluster"] = found["all"]["cluster"].astype(str).to_numpy()
    table["cluster_own"] = found["own"]["cluster"].astype(str).to_numpy()
    texts = ["chrom", "strand", "site", "label", "gene", *ADDED]
    return table.astype(dict.fromkeys(texts, "category"))


def meanings() -> dict[str, str]:
    """Column or array of the file -> what it holds."""
    columns = {c.name: c.meaning for c in EMBEDDING_SITES.columns if c.name != "site_id"}
    return {"index": "site_id: chrom:start-end:strand"} | columns | ADDED | PLACES


def main(snakemake):
    from anndata import AnnData

    model = snakemake.wildcards.model
    with job(snakemake) as log:
        sites = read_table(snakemake.input.sites, EMBEDDING_SITES)
        clusters = read_table(snakemake.input.clusters, CLUSTERS)
        layer = figure_layer(snakemake.params.layers, model, clusters["layer"].unique())
        found = own_and_all(clusters[clusters["layer"] == layer], sites)
        with FeatureReader(snakemake.input.features, sites["site_id"]) as reader:
            features = reader.read(reader.find(model, layer))
        half = features.shape[1] // 2
        names = [f"base{base}:{value}" for base in (1, 2) for value in range(half)]
        data = AnnData(
            features,
            obs=observations(sites, found),
            var=pd.DataFrame(index=names),
            obsm={
                "X_umap": found["all"][["x", "y"]].to_numpy(np.float32),
                "X_umap_own": found["own"][["x", "y"]].to_numpy(np.float32),
            },
            uns={"columns": meanings(), "model": model, "layer": layer},
        )
        with atomic_path(snakemake.output.h5ad) as path:
            data.write_h5ad(path, compression="gzip")
        log.info("%s layer %d: %d sites x %d values", model, layer, *features.shape)


if __name__ == "__main__":
    main(snakemake)  # noqa: F821
