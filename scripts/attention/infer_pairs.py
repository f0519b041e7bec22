"""Score the pairs of one shard: attention between their bases, of each layer and of the mean."""

import numpy as np
import pandas as pd

from splicebert.attention_scores import (
    around,
    items,
    layer_names,
    pair_scores,
    shard_rows,
    site_offsets_of,
)
from splicebert.attention_tables import PAIR_SCORES, PAIRS
from splicebert.inference import run_attention_rows
from splicebert.jobs import job, open_genome, open_model
from splicebert.tables import read_table, write_table


def score_table(pair_ids: pd.Series, scores: np.ndarray) -> pd.DataFrame:
    """Rows of PAIR_SCORES from scores float32 (pairs, layers + 1), pair by pair."""
    names = layer_names(scores.shape[1] - 1)
    return pd.DataFrame(
        {
            "pair_id": np.repeat(pair_ids.to_numpy(), len(names)),
            "layer": np.tile(np.array(names, object), len(scores)),
            "score": scores.ravel(),
        }
    )


def main(snakemake):
    params = snakemake.params
    with job(snakemake) as log, open_genome(snakemake) as genome:
        table = read_table(snakemake.input.pairs, PAIRS)
        pairs = shard_rows(table, int(snakemake.wildcards.shard), params.shards)
        model, runtime = open_model(snakemake)
        offsets = site_offsets_of(pairs)
        rows = run_attention_rows(
            model,
            items(pairs, genome, around(offsets)),
            runtime,
            total_nt=int((pairs["end"] - pairs["start"]).sum()),
            label=snakemake.rule,
        )
        scores = np.empty((len(pairs), model.n_layers), np.float32)
        for row, (values, (p, q)) in enumerate(zip(rows, offsets, strict=True)):
            scores[row] = pair_scores(values, p, q)
        write_table(score_table(pairs["pair_id"], scores), snakemake.output.scores, PAIR_SCORES)
        edge = int(np.isnan(scores).any(axis=1).sum())
        log.info("%d pairs, %d without a score: a base lies at the window's edge", len(pairs), edge)


if __name__ == "__main__":
    main(snakemake)  # noqa: F821
