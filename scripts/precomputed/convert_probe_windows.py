"""The authors' windows of the phastCons probe: tracks, and hidden states of each model."""

import numpy as np

from splicebert.arrays import ArrayWriter
from splicebert.conservation_tables import CONSERVATION_WINDOWS
from splicebert.jobs import job
from splicebert.precomputed.archive import find
from splicebert.precomputed.conservation import (
    ProbeWindows,
    one_hot,
    read_probe_windows,
    window_table,
)
from splicebert.tables import atomic_path, write_table

WITHOUT = "leave out conservation.probe.models"


def write_states(path, ids, found: ProbeWindows, name: str | None, neighbourhood: int) -> None:
    """Write the hidden states of a model of the file, or (name None) one-hot bases."""
    if name is None:
        rows = (one_hot(tokens, neighbourhood) for tokens in found.tokens)
        size, about = 4, {"neighbourhood": neighbourhood, "layer": 0}
    else:
        rows, neighbourhood = found.hidden[name], 0
        size, about = rows.shape[-1], {"neighbourhood": 0, "layer": "last"}
    length = found.length + 2 * neighbourhood
    fields = {"hidden_states": ((length, size), "float16")}
    with (
        atomic_path(path) as part,
        ArrayWriter(part, ids, fields, chunk=16, attributes=about) as writer,
    ):
        for states in rows:
            writer.append(hidden_states=states.astype(np.float16))


def main(snakemake):
    params, output = snakemake.params, snakemake.output
    with job(snakemake) as log:
        names = [name for name, _ in params.models if name is not None]
        path = find(snakemake.input.folder, "embed_cons.pkl", WITHOUT)
        found = read_probe_windows(path, names)
        windows = window_table(len(found.tokens), found.length)
        ids = windows["window_id"]
        write_table(windows, output.windows, CONSERVATION_WINDOWS)
        fields = dict.fromkeys(("phastcons", "phylop"), ((found.length,), "float32"))
        with (
            atomic_path(output.annotation) as part,
            ArrayWriter(part, ids, fields) as writer,
        ):
            for phastcons, phylop in zip(found.phastcons, found.phylop, strict=True):
                writer.append(phastcons=phastcons, phylop=phylop)
        for (name, flank), target in zip(params.models, output.hidden_states, strict=True):
            write_states(target, ids, found, name, flank)
        log.info("%d windows of %d nt: %s", len(windows), found.length, names)


if __name__ == "__main__":
    main(snakemake)  # noqa: F821
