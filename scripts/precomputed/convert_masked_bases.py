"""The authors' masked bases as predictions of this project: one window that holds all of them."""

import numpy as np

from splicebert.arrays import ArrayWriter
from splicebert.conservation_tables import REPEAT_FRACTIONS
from splicebert.jobs import job
from splicebert.masking import MASKED
from splicebert.precomputed.archive import find
from splicebert.precomputed.conservation import predictions, read_masked_bases, repeat_fractions
from splicebert.tables import REGION_NAMES, atomic_path, write_table

# Their windows are not in the file: a single block, of which no interval can be drawn.
WINDOW = ["all windows"]
WITHOUT = "leave out conservation.mlm.models"


def write_window(path, attributes=None, **values: np.ndarray) -> None:
    """Write arrays of one window."""
    fields = {name: (array.shape, array.dtype) for name, array in values.items()}
    with (
        atomic_path(path) as part,
        ArrayWriter(part, WINDOW, fields, chunk=1, attributes=attributes) as writer,
    ):
        writer.append(**values)


def main(snakemake):
    params, output = snakemake.params, snakemake.output
    with job(snakemake) as log:
        found = read_masked_bases(find(snakemake.input.folder, "pred_in_region.pkl", WITHOUT))
        n = len(found.bases)
        log.info("%d bases; %d more were N and are left out", n, found.n_unknown)
        write_window(
            output.annotation,
            {"regions": list(REGION_NAMES)},
            bases=found.bases,
            treatment=np.full(n, MASKED, np.uint8),  # or replaced or kept: chosen, in any case
            regions=found.regions,
            repeat=found.repeat,
        )
        for name, path in zip(params.models, output.predictions, strict=True):
            predicted, log_prob = predictions(found.logits[name], found.bases)
            write_window(path, predicted=predicted, log_prob=log_prob)
        write_table(repeat_fractions(found), output.repeats, REPEAT_FRACTIONS)


if __name__ == "__main__":
    main(snakemake)  # noqa: F821
