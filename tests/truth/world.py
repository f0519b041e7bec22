"""The demo genomes in memory, and windows of them."""

from typing import NamedTuple

import numpy as np
import pandas as pd

from splicebert.synthetic import GenomeSpec, SyntheticGenome, make_genome

COMPLEMENT = str.maketrans("ACGTN", "TGCAN")
HELD_OUT = "chr5"  # the chromosome that the demo model was not trained on


class World(NamedTuple):
    """A genome and its sequences in upper case."""

    genome: SyntheticGenome
    sequences: dict[str, str]


def make_world(species, seed, chromosomes, **settings):
    """World of a species; `settings` are further ones of `GenomeSpec`."""
    spec = GenomeSpec(chromosomes=dict(chromosomes), species=species, **settings)
    genome = make_genome(spec, seed)
    return World(genome, {chrom: s.upper() for chrom, s in genome.sequences.items()})


def window(world, chrom, start, end, strand):
    """Sequence 5'->3'; N outside the chromosome."""
    sequence = world.sequences[chrom]
    left, right = max(-start, 0), max(end - len(sequence), 0)
    text = "N" * left + sequence[max(start, 0) : min(end, len(sequence))] + "N" * right
    return text if strand == "+" else text.translate(COMPLEMENT)[::-1]


def around(world, table, length=510):
    """Windows of `length` nt with the dinucleotide of each row at length // 2 - 1."""
    half = length // 2
    found = []
    for row in table.itertuples():
        start = row.start + 1 - half
        found.append(window(world, row.chrom, start, start + length, row.strand))
    return found


def background(world, site, n, seed):
    """Dinucleotides of a site's kind inside transcripts that are no site and no decoy."""
    rng = np.random.default_rng(seed)
    pair = "GT" if site == "donor" else "AG"
    genome = world.genome
    known = pd.concat([genome.splice_sites, genome.decoys])
    known = set(known[["chrom", "start"]].itertuples(index=False, name=None))
    transcripts = genome.transcripts[genome.transcripts["canonical"]]
    weight = (transcripts["end"] - transcripts["start"]).to_numpy(float)
    rows = {}
    while len(rows) < n:
        tx = transcripts.iloc[rng.choice(len(transcripts), p=weight / weight.sum())]
        start = int(rng.integers(tx.start, tx.end - 1))
        text = window(world, tx.chrom, start, start + 2, tx.strand)
        if text == pair and (tx.chrom, start) not in known:
            rows[tx.chrom, start] = (tx.chrom, start, start + 2, tx.strand, tx.tx_id)
    columns = ["chrom", "start", "end", "strand", "tx_id"]
    return pd.DataFrame(list(rows.values()), columns=columns)
