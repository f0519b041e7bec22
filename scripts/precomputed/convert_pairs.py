"""The authors' attention rows of the six groups of pairs, as scores of the pairs."""

import numpy as np
import pandas as pd

from splicebert.attention_scores import layer_names
from splicebert.attention_tables import PAIR_SCORES, PAIRS
from splicebert.jobs import job
from splicebert.pairs import GROUPS
from splicebert.precomputed.archive import find
from splicebert.precomputed.attention import all_scores, pair_table, pairs_file, read_rows
from splicebert.tables import write_table

WITHOUT = "leave out attention.models"


def score_table(pair_ids: pd.Series, scores: np.ndarray) -> pd.DataFrame:
    """Rows of PAIR_SCORES from scores float32 (pairs, layers + 1), pair by pair."""
    names = layer_names(scores.shape[1] - 1)
    columns = {
        "pair_id": np.repeat(pair_ids.to_numpy(), len(names)),
        "layer": np.tile(np.array(names, object), len(scores)),
        "score": scores.ravel(),
    }
    return pd.DataFrame(columns)


def main(snakemake):
    output = snakemake.output
    pairs, scores = [], []
    with job(snakemake) as log:
        for group in GROUPS:  # one after the other: a group's rows fill gigabytes
            rows = read_rows(find(snakemake.input.folder, pairs_file(group), WITHOUT))
            table = pair_table(rows, group)
            pairs.append(table)
            scores.append(score_table(table["pair_id"], all_scores(rows)))
            log.info("%s: %d pairs", group, len(table))
        write_table(pd.concat(pairs, ignore_index=True), output.pairs, PAIRS)
        write_table(pd.concat(scores, ignore_index=True), output.scores[0], PAIR_SCORES)


if __name__ == "__main__":
    main(snakemake)  # noqa: F821
