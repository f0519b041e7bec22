"""Attention in the demo's world: introns against random pairs, trained against untrained.

The score is the published one, of the two bases beside the sites, but of one layer; pairs are
compared within strata of 20 nt, for attention falls with distance. That donors attend to donors as
well says that splice sites find each other. Whether it is an intron's own two ends that do, the
shuffled pairing asks: a donor and the acceptor of a later intron of its transcript, as far away.
"""

from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest
import torch

from splicebert.attention_scores import around, pair_scores, site_offsets_of
from splicebert.attention_statistics import matched_auc
from splicebert.derived_pairs import derive_pairs, intron_ends
from splicebert.inference import Item, Runtime, run_attention_rows
from splicebert.transcripts import introns
from truth.claims import demands
from truth.world import HELD_OUT, window

LENGTH = 510
CHOICE, TEST = "chr4", HELD_OUT
PER_BIN = {CHOICE: 30, TEST: 150}
"""Pairs of a group in each 100 nt of distance, at most."""
SETTINGS = {"smallest": 100, "largest": 400, "bin": 100, "seed": 5}
STRATUM = 20
INTRONIC, SHUFFLED, RANDOM = "intronic_pair", "shuffled_pair", "random_pair"
RUNTIME = Runtime(torch.device("cpu"))


class Measured(NamedTuple):
    """Layer chosen on CHOICE, pairs of TEST, their scores in that layer: float32 (n,)."""

    layer: int
    pairs: pd.DataFrame
    scores: np.ndarray

    def auc(self, group, reference, shortest=0):
        """AUC of one group of pairs against another, see `auc_of`; from some distance on."""
        kept = self.pairs["group"].isin([group, reference]).to_numpy()
        kept &= (self.pairs["distance"] >= shortest).to_numpy()
        return auc_of(self.pairs[kept], self.scores[kept], group)


def pairs_of(world, chrom, groups):
    """Pairs of some groups of a chromosome."""
    genome = world.genome
    transcripts = genome.transcripts.rename(columns={"canonical": "is_canonical"})
    ends = intron_ends(introns(genome.exons), transcripts)
    ends = ends[ends["chrom"] == chrom].reset_index(drop=True)
    table, _ = derive_pairs(ends, SETTINGS | {"per_bin": PER_BIN[chrom]}, LENGTH)
    p_first = (table["strand"] == "+") == (table["p"] < table["q"])
    from_donor = table["type1"].where(p_first, table["type2"]) == "D"
    later = (table["group"] == "unpair") & from_donor
    table["group"] = table["group"].mask(later, SHUFFLED)
    return table[table["group"].isin(groups)].reset_index(drop=True)


def score(model, world, pairs):
    """Pair scores of each layer: float32 (pairs, layers)."""
    offsets = site_offsets_of(pairs)
    items = (
        Item(window(world, row.chrom, row.start, row.end, row.strand), offsets=wanted)
        for row, wanted in zip(pairs.itertuples(), around(offsets), strict=True)
    )
    rows = run_attention_rows(model, items, RUNTIME, progress=False)
    return np.stack([pair_scores(r, p, q)[1:] for r, (p, q) in zip(rows, offsets, strict=True)])


def auc_of(pairs, scores, group):
    """AUC of one group of pairs among others as far apart, interval over transcripts."""
    return matched_auc(
        (pairs["group"] == group).to_numpy(),
        scores,
        stratum=pairs["distance"].to_numpy() // STRATUM,
        block=pairs["tx_start"].to_numpy(),
        replicates=500,
        seed=0,
    )


def measure(model, world, groups):
    """Choose the layer with the highest AUC on CHOICE, and score the pairs of TEST there."""
    known = pairs_of(world, CHOICE, (INTRONIC, RANDOM))
    layers = [auc_of(known, s, INTRONIC).value for s in score(model, world, known).T]
    chosen = int(np.argmax(layers))
    pairs = pairs_of(world, TEST, groups)
    return Measured(chosen + 1, pairs, score(model, world, pairs)[:, chosen])


@pytest.fixture(scope="module")
def measured(models, world):
    groups = {"trained": (INTRONIC, SHUFFLED, RANDOM)}
    others = dict.fromkeys(("untrained", "coupled", "uncoupled"), (INTRONIC, RANDOM))
    found = {n: measure(models[n], world, kept) for n, kept in (groups | others).items()}
    pairs = found["trained"].pairs
    nearest = pairs["distance"][pairs["group"] == SHUFFLED].min()
    asked = [(name, INTRONIC, RANDOM, 0) for name in found]
    asked += [("trained", a, b, nearest) for a, b in
              ((INTRONIC, RANDOM), (SHUFFLED, RANDOM), (INTRONIC, SHUFFLED))]  # fmt: skip
    rows = [
        (name, found[name].layer, a, b, shortest, *found[name].auc(a, b, shortest))
        for name, a, b, shortest in asked
    ]
    columns = ["model", "layer", "group", "reference", "shortest", "auc", "low", "high"]
    far = pairs[pairs["distance"] >= nearest]
    print(f"\n{pd.DataFrame(rows, columns=columns).round(3).to_string(index=False)}")
    print(f"pairs: {pairs['group'].value_counts().to_dict()}; of {nearest} nt or more: "
          f"{far['group'].value_counts().to_dict()}")  # fmt: skip
    return found


def test_the_shuffled_pairing_goes_from_a_donor_to_a_later_acceptor(world):
    """By the genome's own table of sites, on either strand, and never to its own."""
    pairs = pairs_of(world, TEST, (SHUFFLED,))
    sites = world.genome.splice_sites
    sites = sites[sites["chrom"] == TEST]
    plus = sites["strand"] == "+"
    inner = np.where((sites["site"] == "donor") == plus, sites["start"], sites["end"] - 1)
    number = {
        (site, position): n
        for site, position, n in zip(sites["site"], inner, sites["intron_number"], strict=True)
    }
    assert set(pairs["strand"]) == {"+", "-"}
    for row in pairs.itertuples():
        ends = {row.type1: row.p, row.type2: row.q}
        assert number["donor", ends["D"]] < number["acceptor", ends["A"]]
        assert (ends["D"] < ends["A"]) == (row.strand == "+")


@pytest.mark.parametrize("demand", demands("attention", "pairs"))
def test_introns_exceed_random_pairs_in_some_layer(measured, demand):
    assert measured["trained"].auc(INTRONIC, RANDOM).low > demand.least
    if demand.control != "chance":
        assert measured[demand.control].auc(INTRONIC, RANDOM).high < demand.most


@pytest.mark.parametrize("demand", demands("attention", "shuffled pairs"))
def test_introns_exceed_a_shuffled_pairing(measured, demand):
    assert measured["trained"].auc(INTRONIC, SHUFFLED).low > demand.least
