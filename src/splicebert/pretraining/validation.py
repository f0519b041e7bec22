"""Fixed validation fragments with fixed masks, and what lies at each masked base."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import pandas as pd

from ..genome import Genome, rename_contigs
from ..intervals import FeatureIndex
from ..masking import NOT_CHOSEN, bert_masking
from ..sequence import base_codes, is_soft_masked
from ..tables import REGION_NAMES
from .corpus import Corpus, pool
from .fragments import draw_places
from .tables import VALIDATION, VALIDATION_FRAGMENTS

GROUPS = tuple(
    (region, bases)
    for region in ("all", *REGION_NAMES, "no region")
    for bases in ("all", "nonrepeat", "repeat")
)


class Annotation(NamedTuple):
    """What places a genome's bases: the genome and its regions (REGIONS)."""

    genome: Genome
    regions: pd.DataFrame


def draw_fragments(corpus: Corpus, settings: dict) -> pd.DataFrame:
    """Draw the validation fragments (VALIDATION_FRAGMENTS).

    Parameters
    ----------
    corpus
        With validation chromosomes.
    settings
        The section `validation` of a run: fragments, length, seed.
    """
    length, rng = settings["length"], np.random.default_rng(settings["seed"])
    source = pool(corpus, VALIDATION, length, length)
    lengths = np.full(settings["fragments"], length)
    part, first = draw_places(source, lengths, rng)
    genomes, rows = list(corpus.parts), []
    for number, byte in zip(part, first, strict=True):
        index = corpus.parts[genomes[number]].index
        tx = index.iloc[int(np.searchsorted(index["offset"], byte, side="right")) - 1]
        within = int(byte - tx["offset"])
        start = tx["start"] + within if tx["strand"] == "+" else tx["end"] - within - length
        place = (tx["chrom"], start, start + length, tx["strand"], genomes[number], tx["tx_id"])
        rows.append((f"{genomes[number]}:{len(rows)}", *place))
    return pd.DataFrame(rows, columns=VALIDATION_FRAGMENTS.names)


def masked_bases(
    fragments: pd.DataFrame, annotations: dict[str, Annotation], seed: int
) -> pd.DataFrame:
    """Mask the fragments and tell what lies at each masked base (VALIDATION_BASES).

    Parameters
    ----------
    fragments
        VALIDATION_FRAGMENTS.
    annotations
        Of every genome.
    seed
        Seed of the masks.
    """
    sequences = [
        annotations[f.genome].genome.fetch(f.chrom, f.start, f.end, f.strand)
        for f in fragments.itertuples(index=False)
    ]
    bases = np.stack([base_codes(sequence) for sequence in sequences])
    treatment, seen = bert_masking(bases, [seed, 1])
    row, position = np.nonzero(treatment != NOT_CHOSEN)
    repeat = np.stack([is_soft_masked(sequence) for sequence in sequences])
    return pd.DataFrame(
        {
            "fragment": row,
            "position": position,
            "treatment": treatment[row, position].astype(np.int8),
            "seen": seen[row, position].astype(np.int8),
            "base": bases[row, position].astype(np.int8),
            "repeat": repeat[row, position],
            "regions": region_bits(fragments, annotations)[row, position],
        }
    )


def region_bits(fragments: pd.DataFrame, annotations: dict[str, Annotation]) -> np.ndarray:
    """Region classes of every base, bit k for class k: int64 (fragments, nt)."""
    length = int((fragments["end"] - fragments["start"]).iloc[0])
    bits = np.zeros((len(fragments), length), np.int64)
    for name, group in fragments.groupby("genome"):
        genome, regions = annotations[name]
        regions = rename_contigs(regions, genome.contigs, genome.path, must_exist=False)
        painted = FeatureIndex(regions, REGION_NAMES).paint(group, strand_aware=True)
        bits[group.index] = painted.astype(np.int64) @ (1 << np.arange(len(REGION_NAMES)))
    return bits


def group_members(bases: pd.DataFrame) -> np.ndarray:
    """Tell which masked bases each of GROUPS counts: bool (groups, bases)."""
    bits, repeat = bases["regions"].to_numpy(), bases["repeat"].to_numpy()
    places = [np.ones(len(bits), bool)]
    places += [bits >> k & 1 == 1 for k in range(len(REGION_NAMES))]
    places.append(bits == 0)
    return np.stack([place & which for place in places for which in (True, ~repeat, repeat)])


def fragment_codes(corpus: Corpus, fragments: pd.DataFrame) -> Iterator[np.ndarray]:
    """Yield the codes of each validation fragment, uint8 (nt,), from the corpus."""
    genomes = {name: number for number, name in enumerate(corpus.parts)}
    indices = {name: part.index.set_index("tx_id") for name, part in corpus.parts.items()}
    for f in fragments.itertuples(index=False):
        tx = indices[f.genome].loc[f.tx_id]
        within = f.start - tx["start"] if f.strand == "+" else tx["end"] - f.end
        yield corpus.codes(genomes[f.genome], int(tx["offset"] + within), f.end - f.start)
