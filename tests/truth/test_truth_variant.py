"""In-silico mutagenesis in the demo's world: conserved sites are felt more than others."""

import numpy as np
import pandas as pd
import pytest
import torch

from splicebert.scores import context_profile, kl_all_tokens
from splicebert.statistics import block_weights, estimate
from splicebert.synthetic.spec import REGION_NAMES
from truth.analyses import BATCH
from truth.claims import demands
from truth.world import window

REPLICATES = 300
LENGTH, OFFSET = 330, 165
SITES = {"trained": 700, "untrained": 40}
"""Sites that are mutated in each region, conserved and other ones each."""
CONSERVED, OTHER = 0.8, 0.2
"""phastCons at or above, and at or below."""


def draw_sites(world, region, n, seed=11):
    """Bases of a region outside repeats: chrom, position, strand, tx_id, conserved."""
    code = REGION_NAMES.index(region)
    rng, rows = np.random.default_rng(seed), []
    wanted = {True: n, False: n}
    transcripts = world.genome.transcripts
    transcripts = transcripts[transcripts["canonical"]]
    while any(wanted.values()):
        tx = transcripts.iloc[rng.integers(len(transcripts))]
        position = int(rng.integers(tx.start + OFFSET, max(tx.end - OFFSET, tx.start + OFFSET + 1)))
        value = world.genome.tracks["phastcons"][tx.chrom][position]
        kept = value >= CONSERVED or value <= OTHER
        kept &= world.genome.sequences[tx.chrom][position].isupper()
        kept &= world.genome.regions[tx.chrom][position] == code
        if kept and wanted[bool(value >= CONSERVED)]:
            wanted[bool(value >= CONSERVED)] -= 1
            rows.append((tx.chrom, position, tx.strand, tx.tx_id, value >= CONSERVED))
    return pd.DataFrame(rows, columns=["chrom", "position", "strand", "tx_id", "conserved"])


@torch.inference_mode()
def mean_log_profile(model, world, sites):
    """Mean over 1 to 100 nt of ln k(d) of the strongest of the three other bases: float (n,)."""
    sequences = []
    for row in sites.itertuples():
        # Read 5'->3' the base has as many bases before it on either strand.
        left = row.position - OFFSET + (row.strand == "-")
        text = window(world, row.chrom, left, left + LENGTH, row.strand)
        others = [base for base in "ACGT" if base != text[OFFSET]]
        sequences += [text, *(text[:OFFSET] + base + text[OFFSET + 1 :] for base in others)]
    parts = [model.logits(sequences[at : at + BATCH]).numpy()
             for at in range(0, len(sequences), BATCH)]  # fmt: skip
    logits = np.concatenate(parts).reshape(len(sites), 4, LENGTH, -1)
    kl = kl_all_tokens(logits[:, 1:], logits[:, :1]).max(axis=1)
    return np.array([np.log(np.maximum(context_profile(k, OFFSET), 1e-30)).mean() for k in kl])


def conserved_over_other(values, sites):
    """Difference of the means of conserved and other sites, with its interval over transcripts.

    The mean of the differences of the regions, where there are several.
    """
    conserved, region = sites["conserved"].to_numpy(), sites["region"].to_numpy()
    blocks, index = np.unique(sites["tx_id"], return_inverse=True)

    def mean(weight, kept):
        return np.average(values[kept], weights=weight[kept])

    def difference(weight):
        return np.mean([
            mean(weight, conserved & (region == name)) - mean(weight, ~conserved & (region == name))
            for name in np.unique(region)
        ])  # fmt: skip

    draws = [difference(w[index]) for w in block_weights(len(blocks), REPLICATES, 0)]
    return estimate(difference(np.ones(len(sites))), np.array(draws))


@pytest.mark.parametrize("demand", demands("variant", "conserved"))
def test_conserved_sites_are_felt_more_at_equal_distance(world, models, demand):
    found = {}
    for name in ("trained", demand.control):
        sites = pd.concat(
            [draw_sites(world, r, SITES[name]).assign(region=r) for r in demand.case],
            ignore_index=True,
        )
        values = mean_log_profile(models[name], world, sites)
        found[name] = conserved_over_other(values, sites)
        parts = {r: (sites["region"] == r).to_numpy() for r in demand.case}
        own = {r: conserved_over_other(values[kept], sites[kept]) for r, kept in parts.items()}
        for region, value in ({"all": found[name]} | own).items():
            print(f"\n{region}, {name}: ln KL of conserved over other sites "
                  f"{value.value:.3f} ({value.low:.3f} to {value.high:.3f})")  # fmt: skip
    assert found["trained"].low > demand.least
    assert found[demand.control].high < found["trained"].low
