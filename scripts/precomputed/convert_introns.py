"""The authors' attention rows of the MANE introns, as profiles; single heads are not in them."""

from splicebert.arrays import ArrayWriter
from splicebert.jobs import job
from splicebert.precomputed.archive import find
from splicebert.precomputed.attention import (
    INTRONS_FILE,
    intron_profiles,
    read_rows,
    require_introns,
)
from splicebert.tables import atomic_path

WITHOUT = "leave out attention.models"


def main(snakemake):
    flank, output = snakemake.params.flank, snakemake.output
    with job(snakemake) as log:
        path = find(snakemake.input.folder, INTRONS_FILE, WITHOUT)
        rows = read_rows(path)
        require_introns(rows, path)
        n, layers = rows.p_rows.shape[:2]
        ids, shape = [f"intron:{row}" for row in range(n)], (2, 2 * flank + 1)
        fields = {f"layer_{layer}": (shape, "float32") for layer in range(1, layers + 1)}
        with (
            atomic_path(output.profiles) as part,
            ArrayWriter(part, ids, fields) as writer,
        ):
            for row in range(n):
                profiles = intron_profiles(rows, row, flank)
                writer.append(**dict(zip(fields, profiles, strict=True)))
        # Maxima over the heads are all that the file holds: a table of no heads.
        none = {"total": (shape, "float64"), "count": (shape, "int64")}
        with atomic_path(output.heads) as part, ArrayWriter(part, [], none):
            pass
        log.info("%d introns, %d layers", n, layers)


if __name__ == "__main__":
    main(snakemake)  # noqa: F821
