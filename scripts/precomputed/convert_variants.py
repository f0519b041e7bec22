"""The authors' scores of the variants of one set, for each model."""

import numpy as np

from splicebert.arrays import ArrayWriter
from splicebert.jobs import job
from splicebert.precomputed.archive import find
from splicebert.precomputed.variant import (
    read_variants,
    require_same_variants,
    score_table,
    snv_table,
    track_table,
    variants_file,
)
from splicebert.scores import REACH
from splicebert.tables import atomic_path, write_table
from splicebert.variant_tables import SNV_SCORES, SNV_TRACKS, SNVS


def write_profiles(path, ids, profiles: np.ndarray) -> None:
    """Write KL by distance of each variant."""
    fields = {"kl": ((REACH,), "float32")}
    with atomic_path(path) as part, ArrayWriter(part, ids, fields) as writer:
        for row in profiles.astype(np.float32):
            writer.append(kl=row)


def main(snakemake):
    params, output = snakemake.params, snakemake.output
    first = None
    with job(snakemake) as log:
        for (model, name), scores, profiles in zip(
            params.models, output.scores, output.profiles, strict=True
        ):
            without = f"leave out {model} in variant.models"
            path = find(snakemake.input.folder, variants_file(params.kind, name), without)
            found = read_variants(path)
            if first is None:
                first, table = found, snv_table(found, params.kind, path)
                write_table(table, output.snvs, SNVS)
                write_table(track_table(found), output.tracks, SNV_TRACKS)
            require_same_variants(first, found, path)
            write_table(score_table(found, path), scores, SNV_SCORES)
            write_profiles(profiles, table["variant_id"], found["kl_distance"])
            log.info("%s: %d variants", model, len(table))


if __name__ == "__main__":
    main(snakemake)  # noqa: F821
