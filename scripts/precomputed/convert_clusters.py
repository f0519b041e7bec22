"""The authors' UMAPs and clusters of a set of sites: its table, and clusters of each method."""

import pandas as pd

from splicebert.embedding_tables import CLUSTERS, EMBEDDING_SITES
from splicebert.errors import SpliceBERTError
from splicebert.jobs import job
from splicebert.precomputed.archive import find
from splicebert.precomputed.embedding import (
    STEMS,
    ClusterFile,
    baseline_files,
    cluster_rows,
    model_files,
    read_sites,
)
from splicebert.tables import write_table


def files_of(folder: str, kind: str, run: str, name: str | None) -> list[ClusterFile]:
    """Files of a run: a model with the authors' name of it, or (None) the one-hot baselines."""
    found = baseline_files(folder, kind) if name is None else model_files(folder, kind, name, run)
    if not any(file.subset == "all" for file in found):
        missing = "onehot.flanking100" if name is None else f"{name}.L6"
        what = "embedding.flanks" if name is None else f"{run} in embedding.models"
        find(folder, f"{STEMS[kind]}.{missing}.h5ad", f"leave out {what}")
        raise SpliceBERTError(f"{folder}: no file of all sites of {STEMS[kind]}.{missing}")
    return found


def main(snakemake):
    params, output = snakemake.params, snakemake.output
    with job(snakemake) as log:
        runs = [files_of(snakemake.input.folder, params.kind, *run) for run in params.runs]
        sites = read_sites(runs[0], params.kind)
        write_table(sites, output.sites, EMBEDDING_SITES)
        for files, path in zip(runs, output.clusters, strict=True):
            table = pd.concat(cluster_rows(files, sites), ignore_index=True)
            write_table(table, path, CLUSTERS)
            log.info("%s: %d sites, %d points", files[0].method, len(sites), len(table))


if __name__ == "__main__":
    main(snakemake)  # noqa: F821
