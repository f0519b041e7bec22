"""Attention in the demo's world: introns against random pairs, trained against untrained.

The score is the published one, of the two bases beside the sites. That donors attend to donors as
well says that splice sites find each other, not yet that an intron's own two ends do.
"""

from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest
import torch

from splicebert.attention_scores import around, pair_scores, site_offsets_of
from splicebert.attention_statistics import matched_auc
from splicebert.derived_pairs import derive_pairs, distance_bins, intron_ends
from splicebert.inference import Item, Runtime, run_attention_rows
from splicebert.statistics import Estimate
from splicebert.transcripts import introns
from truth.claims import demands
from truth.world import HELD_OUT, window

LENGTH = 1000
CHOICE, TEST = ("chr3",), ("chr4", HELD_OUT)
PER_BIN = {"trained": (25, 60), "untrained": (12, 30)}
"""Pairs of a group in each bin of distance, on the chromosomes of the choice and of the test."""
SETTINGS = {"smallest": 100, "largest": 800, "bin": 100, "per_bin": 10**6, "seed": 5}
RUNTIME = Runtime(torch.device("cpu"))


class Measured(NamedTuple):
    """Layer chosen on some chromosomes, and its matched AUC on another."""

    layer: int
    auc: Estimate


def pairs_of(world, chroms, per_bin):
    """Intronic and random pairs of some chromosomes, so many a bin of distance."""
    genome = world.genome
    transcripts = genome.transcripts.rename(columns={"canonical": "is_canonical"})
    ends = intron_ends(introns(genome.exons), transcripts)
    ends = ends[ends["chrom"].isin(chroms)].reset_index(drop=True)
    table, _ = derive_pairs(ends, SETTINGS, LENGTH)
    table = table[table["group"].isin(["intronic_pair", "random_pair"])]
    bins = distance_bins(table["distance"], 100, 800, 100)
    kept = table.groupby([table["group"], bins]).head(per_bin)
    return kept.reset_index(drop=True)


def score(model, world, pairs):
    """Pair scores of each layer: float32 (pairs, layers)."""
    offsets = site_offsets_of(pairs)
    items = (
        Item(window(world, row.chrom, row.start, row.end, row.strand), offsets=wanted)
        for row, wanted in zip(pairs.itertuples(), around(offsets), strict=True)
    )
    rows = run_attention_rows(model, items, RUNTIME, progress=False)
    return np.stack([pair_scores(r, p, q)[1:] for r, (p, q) in zip(rows, offsets, strict=True)])


def auc_of(pairs, scores):
    """AUC of intronic against random pairs at matched distance, interval over transcripts."""
    return matched_auc(
        (pairs["group"] != "random_pair").to_numpy(),
        scores,
        stratum=distance_bins(pairs["distance"].to_numpy(), 100, 800, 100),
        block=(pairs["chrom"] + ":" + pairs["tx_start"].astype(str)).to_numpy(),
        replicates=500,
        seed=0,
    )


def measure(model, world, per_bin):
    """Choose the layer with the highest AUC on CHOICE, and measure it on TEST."""
    choice, test = (pairs_of(world, c, n) for c, n in zip((CHOICE, TEST), per_bin, strict=True))
    scores = score(model, world, choice)
    chosen = int(np.argmax([auc_of(choice, layer).value for layer in scores.T]))
    return Measured(chosen + 1, auc_of(test, score(model, world, test)[:, chosen]))


@pytest.fixture(scope="module")
def measured(models, world):
    found = {name: measure(model, world, PER_BIN[name]) for name, model in models.items()}
    table = pd.DataFrame(
        [(name, m.layer, *m.auc) for name, m in found.items()],
        columns=["model", "layer", "auc", "low", "high"],
    )
    print(f"\nintronic against random pairs\n{table.round(3).to_string(index=False)}")
    return found


@pytest.mark.parametrize("demand", demands("attention", "pairs"))
def test_introns_exceed_random_pairs_in_some_layer(measured, demand):
    assert measured["trained"].auc.low > demand.least
    if demand.control != "chance":
        assert measured[demand.control].auc.high < demand.most
