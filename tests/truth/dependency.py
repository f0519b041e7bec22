"""How a dependency map shows the planted link of donor and acceptor, in genes and in shuffled ones.

In a shuffled gene the bases of the whole window are permuted: its composition stays, its sites do
not, and the same blocks of the map are scored.
"""

from typing import NamedTuple

import numpy as np
import pandas as pd

from splicebert.attention_statistics import block_mean
from splicebert.dependency import dependency_maps
from splicebert.dependency_scores import score_link, shifted_means, site_blocks
from splicebert.sites import centred_window
from splicebert.statistics import Estimate
from truth.world import window

LENGTH = 200
REPLICATES = 500
SIZES = {
    "donor": {"exon": 3, "intron": 8},
    "acceptor": {"intron": 6, "exon": 3},
    "branchpoint": {"before": 3, "behind": 1},
}


class Link(NamedTuple):
    """Means over introns with 95 % intervals over transcripts; rank is 0.5 and z 0 by chance."""

    n: int
    rank: Estimate
    z: Estimate
    difference: Estimate


def short_introns(world, chrom, n, *, longest=120, seed=6):
    """Introns with room for a background: chrom, start, end, strand, tx_id, branchpoint.

    The last is the forward-strand position of the A.
    """
    keys = ["tx_id", "intron_number"]
    sites, branchpoints = (
        table[table["chrom"] == chrom]
        for table in (world.genome.splice_sites, world.genome.branchpoints)
    )
    known = branchpoints.set_index(keys)["start"]
    rows = []
    for key, pair in sites.groupby(keys):
        if len(pair) == 2 and pair["end"].max() - pair["start"].min() <= longest:
            ends = (pair["start"].min(), pair["end"].max())
            rows.append((chrom, *ends, pair.iloc[0]["strand"], key[0], known[key]))
    columns = ["chrom", "start", "end", "strand", "tx_id", "branchpoint"]
    table = pd.DataFrame(rows, columns=columns)
    return table.sample(min(n, len(table)), random_state=seed).sort_index(ignore_index=True)


def sequences_of(world, introns, *, shuffled, seed=7):
    """Windows centred on introns, 5'->3', and donor, acceptor and branchpoint's offsets in each."""
    rng = np.random.default_rng(seed)
    sequences, places = [], []
    for row in introns.itertuples():
        left, right = centred_window(row.start, row.end, LENGTH)
        sequence = window(world, row.chrom, left, right, row.strand)
        if shuffled:
            sequence = "".join(rng.permutation(list(sequence)))
        sequences.append(sequence)
        plus = row.strand == "+"
        donor = row.start - left if plus else right - row.end
        acceptor = row.end - left if plus else right - row.start
        branchpoint = row.branchpoint - left if plus else right - 1 - row.branchpoint
        places.append((donor, acceptor, branchpoint))
    return sequences, places


class Mapped(NamedTuple):
    """Introns, their maps, and the offsets of donor, acceptor and branchpoint in each."""

    introns: pd.DataFrame
    maps: list[np.ndarray]
    places: list[tuple[int, int, int]]


def map_introns(model, world, introns, runtime, *, shuffled=False):
    """Dependency maps of introns, or of the same windows shuffled: Mapped."""
    sequences, places = sequences_of(world, introns, shuffled=shuffled)
    maps = list(dependency_maps(model, sequences, runtime, progress=False))
    return Mapped(introns, maps, places)


def links_in_maps(mapped, link="donor_acceptor"):
    """Block scores of a link in maps: a Link."""
    rows = []
    tx_ids = mapped.introns["tx_id"]
    for values, place, tx_id in zip(mapped.maps, mapped.places, tx_ids, strict=True):
        found = score_link(values, site_blocks(*place, SIZES), link)
        rows.append((tx_id, found.rank, found.z, found.score - found.background_mean, found.reason))
    table = pd.DataFrame(rows, columns=["tx_id", "rank", "z", "difference", "reason"])
    table = table[table["reason"] == ""]
    estimates = {
        name: block_mean(table[name].to_numpy(), table["tx_id"].to_numpy(),
                         replicates=REPLICATES, seed=0)
        for name in ("rank", "z", "difference")
    }  # fmt: skip
    return Link(len(table), **estimates)


def tract_ranks(mapped):
    """How a changed tract moves each donor base, ranked among places as far apart: by base.

    The tract is the 14 bases that end 4 nt before the exon; mutated there, observed at the donor's
    -3 to +8. For each base the rank of its mean in the map among those of the same two pieces
    moved along the window, 0.5 by chance: the mean over introns, with its interval.
    """
    ranks = {base: [] for base in range(-3, 9) if base}
    for values, (donor, acceptor, _) in zip(mapped.maps, mapped.places, strict=True):
        for base, found in ranks.items():
            at = donor + base - (base > 0)
            shifts = np.arange(-at, LENGTH - (acceptor - 4) + 1)
            means = shifted_means(values, (acceptor - 18, acceptor - 4), (at, at + 1), shifts)
            background = means[np.abs(shifts) > 8]
            found.append((background < means[shifts == 0]).mean())
    return {
        base: block_mean(np.array(found), mapped.introns["tx_id"].to_numpy(),
                         replicates=REPLICATES, seed=0)
        for base, found in ranks.items()
    }  # fmt: skip


def show(links):
    """Table of some Links by name, to print."""
    rows = [
        (name, link.n, *(f"{e.value:.3f} ({e.low:.3f}-{e.high:.3f})" for e in link[1:]))
        for name, link in links.items()
    ]
    columns = ["windows", "n", "rank (0.5 by chance)", "z", "difference (log2 odds)"]
    return pd.DataFrame(rows, columns=columns).to_string(index=False)
