"""By what margin a score finds disrupting variants better than others do: average precision."""

import numpy as np
import pandas as pd
from sklearn.metrics import average_precision_score

from splicebert.statistics import block_weights, estimate
from truth.analyses import (
    STRONG,
    disrupting,
    disrupting_anywhere,
    disrupting_both_ways,
    once,
    variant_scores,
)

REPLICATES = 300
SETS = {
    "alike": disrupting,
    "anywhere": disrupting_anywhere,
    "both ways": disrupting_both_ways,
}


@once
def drawn(world, name):
    """A set of variants, drawn once a world."""
    return SETS[name](world)


def all_scores(models, world, name):
    """Table of a set of variants with the scores of both models, and of no model."""
    table = drawn(world, name)
    ends = [(table["position"] - table[end]).abs() for end in ("exon_start", "exon_end")]
    found = variant_scores(models["trained"], world, table, hidden=True)
    untrained = variant_scores(models["untrained"], world, table).add_prefix("untrained ")
    near = pd.DataFrame({"distance": -np.minimum(*ends), "chance": 0.0})
    near["size of delta_p"] = found["delta_p"].abs()
    return pd.concat([table[["tx_id", "delta_psi"]], found, untrained, near], axis=1)


def margin(table, score, against):
    """Difference of two scores' average precision, with its interval over transcripts."""
    label = (table["delta_psi"] < STRONG).to_numpy()
    scores = [table[name].to_numpy() for name in (score, against)]
    return paired(average_precision_score, label, scores, table["tx_id"])


def paired(metric, label, scores, block):
    """Difference of two scores' metric on the same items, with its interval over blocks."""
    blocks, index = np.unique(block, return_inverse=True)

    def difference(weight):
        found = [metric(label, score, sample_weight=weight) for score in scores]
        return found[0] - found[1]

    draws = [difference(w[index]) for w in block_weights(len(blocks), REPLICATES, 0)]
    return estimate(difference(np.ones(len(label))), np.array(draws))
