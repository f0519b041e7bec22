"""Hidden states of every layer at the two bases of each site, for one shard of the sites."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from splicebert.arrays import ArrayWriter
from splicebert.embedding_shards import layer_field, shard_rows
from splicebert.embedding_tables import EMBEDDING_SITES
from splicebert.errors import SpliceBERTError
from splicebert.genome import Genome
from splicebert.inference import Item, run_hidden_states
from splicebert.jobs import job, open_genome, open_model
from splicebert.models.base import ModelAdapter
from splicebert.sites import centred_window, site_offsets
from splicebert.tables import atomic_path, read_table


def items(sites: pd.DataFrame, genome: Genome, length: int, protocol: str) -> Iterator[Item]:
    """Yield the window centred on each site, 5'->3', with the offsets of the site's two bases.

    Parameters
    ----------
    sites
        chrom, start, end (0-based half-open), strand.
    genome
        Sequence; N outside a contig.
    length
        nt of a window.
    protocol
        corrected, or published: on `-` one base before the dinucleotide.
    """
    for s in sites.itertuples(index=False):
        window = centred_window(s.start, s.end, length)
        offsets = np.arange(*site_offsets(s.start, s.end, window, s.strand, protocol=protocol))
        yield Item(genome.fetch(s.chrom, *window, s.strand), None, offsets)


def require_context(model: ModelAdapter) -> None:
    """Raise SpliceBERTError for a model whose states know no more than the base itself."""
    if model.neighbourhood:
        raise SpliceBERTError(
            f"embedding.models: {model.name!r} is a one-hot encoding; its states at the "
            "dinucleotide are the same for all sites. Take embedding.flanks, the one-hot baselines"
        )


def main(snakemake):
    params, shard = snakemake.params, int(snakemake.wildcards.shard)
    with (
        job(snakemake) as log,
        open_genome(snakemake) as genome,
        atomic_path(snakemake.output.hidden_states) as path,
    ):
        table = read_table(snakemake.input.sites, EMBEDDING_SITES)
        sites = table.iloc[shard_rows(len(table), shard, params.shards)]
        model, runtime = open_model(snakemake)
        require_context(model)
        layers = range(model.n_layers)
        results = run_hidden_states(
            model,
            items(sites, genome, params.length, params.protocol),
            runtime,
            layers=layers,
            stored="float16",
            total_nt=len(sites) * params.length,
            label=snakemake.rule,
        )
        fields = dict.fromkeys(map(layer_field, layers), ((2, model.hidden_size), "float16"))
        known = [[snakemake.wildcards.model, layer, layer_field(layer)] for layer in layers]
        about = {"representations": known, "protocol": params.protocol}
        with ArrayWriter(path, sites["site_id"], fields, attributes=about) as writer:
            for states in results:
                writer.append(**{layer_field(k): states[k] for k in layers})
        log.info("%d of %d sites, %d layers", len(sites), len(table), len(layers))


if __name__ == "__main__":
    main(snakemake)  # noqa: F821
