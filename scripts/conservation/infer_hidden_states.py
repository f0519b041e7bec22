"""Last hidden states of the probe's windows, without masking."""

from collections.abc import Iterator

import pandas as pd

from splicebert.arrays import ArrayWriter
from splicebert.conservation_tables import CONSERVATION_WINDOWS
from splicebert.genome import Genome
from splicebert.inference import Item, run_hidden_states
from splicebert.jobs import job, open_genome, open_model
from splicebert.shards import rows_of_shard
from splicebert.tables import atomic_path, read_table


def items(windows: pd.DataFrame, genome: Genome, flank: int) -> Iterator[Item]:
    """Yield the sequence of each window with `flank` nt of the genome on either side."""
    for w in windows.itertuples(index=False):
        yield Item(genome.fetch(w.chrom, w.start - flank, w.end + flank, w.strand))


def main(snakemake):
    shard, shards = int(snakemake.wildcards.shard), snakemake.params.shards
    with (
        job(snakemake) as log,
        open_genome(snakemake) as genome,
        atomic_path(snakemake.output.hidden_states) as path,
    ):
        table = read_table(snakemake.input.windows, CONSERVATION_WINDOWS)
        windows = table.iloc[
            rows_of_shard(len(table), shard, shards, what="windows", key="conservation.shards")
        ]
        model, runtime = open_model(snakemake)
        flank = model.neighbourhood
        length = int((windows["end"] - windows["start"]).iloc[0]) + 2 * flank
        results = run_hidden_states(
            model,
            items(windows, genome, flank),
            runtime,
            stored="float16",
            total_nt=len(windows) * length,
            label=snakemake.rule,
        )
        fields = {"hidden_states": ((length, model.hidden_size), "float16")}
        about = {"neighbourhood": flank, "layer": model.n_layers - 1}
        with ArrayWriter(path, windows["window_id"], fields, chunk=16, attributes=about) as writer:
            for states in results:
                writer.append(hidden_states=states[0])
        log.info("%d of %d windows of %d nt", len(windows), len(table), length)


if __name__ == "__main__":
    main(snakemake)  # noqa: F821
