"""The dependency map shows the planted donor-acceptor link in genes and not in shuffled ones."""

import numpy as np
import pandas as pd
import pytest
import torch

from splicebert.models.base import ModelAdapter
from splicebert.runtime import Runtime
from splicebert.sequence import VOCABULARY, base_codes
from truth.dependency import (
    links_in_maps,
    map_introns,
    sequences_of,
    short_introns,
    show,
    tract_ranks,
)
from truth.world import COMPLEMENT, HELD_OUT, make_world

RUNTIME = Runtime(torch.device("cpu"), purpose="difference")

LEAST_RANK = 0.6
"""Lower bound of the interval of the mean rank in genes; chance is 0.5."""
INTRONS = 20
DONOR, ACCEPTOR = "GTAAGTCC", "TTCCAGG"
"""What the toy model sees: the first 8 bases of an intron, its last 6 and the next exon's first."""


class KnowsTheLink(ModelAdapter):
    """Expects a T at +6 of the donor GTAAGTCC where the acceptor TTCCAG|G is behind it.

    Elsewhere everything depends a little on everything: a background that is not 0.
    """

    name, vocab, n_layers, hidden_size = "knows", VOCABULARY, 1, 1
    min_length, max_length = 1, 1000

    def __init__(self, strength):
        self.strength = strength
        self.noise = np.random.default_rng(0).normal(0, 0.02, (4, 997))

    def hidden_states_packed(self, sequences, layers, offsets=None):
        raise NotImplementedError

    def logits_packed(self, sequences, masks=None, offsets=None):
        parts = []
        for sequence in sequences:
            codes = base_codes(sequence)
            logits = np.zeros((len(sequence), len(VOCABULARY)), np.float32)
            total = sum(self.noise[b, np.flatnonzero(codes == b)].sum() for b in range(4))
            logits[:, 6] = total * np.cos(np.arange(len(sequence)))
            donor = sequence.find(DONOR)
            if donor >= 0 and sequence.find(ACCEPTOR, donor) >= 0:
                logits[donor + 5, VOCABULARY.index("T")] += self.strength
            parts.append(torch.from_numpy(logits))
        return torch.cat(parts)


@pytest.fixture(scope="module")
def small_world():
    return make_world("demo", 3, {HELD_OUT: 60_000})


def planted(world, introns):
    """A copy of the world with the same donor and acceptor at the ends of the introns given."""
    letters = list(world.sequences[HELD_OUT])
    for row in introns.itertuples():
        ends = [(row.start, DONOR), (row.end - 6, ACCEPTOR)]
        if row.strand == "-":
            mirrored = [text.translate(COMPLEMENT)[::-1] for text in (DONOR, ACCEPTOR)]
            ends = list(zip((row.end - len(DONOR), row.start - 1), mirrored, strict=True))
        for start, text in ends:
            letters[start : start + len(text)] = text
    return world._replace(sequences={HELD_OUT: "".join(letters)})


def test_the_measure_finds_a_planted_link_and_none_in_shuffled_windows(small_world):
    introns = short_introns(small_world, HELD_OUT, 6)
    assert len(introns) == 6
    assert set(introns["strand"]) == {"+", "-"}
    world = planted(small_world, introns)
    found = {
        name: links_in_maps(
            map_introns(KnowsTheLink(strength), world, introns, RUNTIME, shuffled=shuffled)
        )
        for name, strength, shuffled in (
            ("genes", 5.0, False), ("shuffled", 5.0, True), ("without a link", 0.0, False),
        )
    }  # fmt: skip
    print("\n" + show(found))
    assert found["genes"].rank.low > 0.75
    assert found["genes"].difference.low > 0
    for control in ("shuffled", "without a link"):
        assert found[control].rank.high < found["genes"].rank.low
        assert abs(found[control].difference.value) < found["genes"].difference.low


def test_offsets_are_those_of_the_sites(small_world):
    introns = short_introns(small_world, HELD_OUT, 30)
    sequences, places = sequences_of(small_world, introns, shuffled=False)
    for sequence, (donor, acceptor) in zip(sequences, places, strict=True):
        assert sequence[donor : donor + 2] == "GT"
        assert sequence[acceptor - 2 : acceptor] == "AG"
    shuffled, again = sequences_of(small_world, introns, shuffled=True)
    assert again == places
    for one, other in zip(sequences, shuffled, strict=True):
        assert one != other
        assert sorted(one) == sorted(other)


@pytest.fixture(scope="module")
def mapped(world, models):
    """Maps of the demo model: of introns of the held-out chromosome, of half of them shuffled."""
    introns = short_introns(world, HELD_OUT, INTRONS)
    genes = map_introns(models["trained"], world, introns, RUNTIME)
    shuffled = map_introns(models["trained"], world, introns[::2], RUNTIME, shuffled=True)
    return {"genes": genes, "shuffled": shuffled}


def test_the_map_shows_the_planted_link_in_genes_and_not_in_shuffled_ones(mapped):
    """Tracts were drawn with the donor's +3, the one bit that the demo model has learned."""
    genes, shuffled = (tract_ranks(mapped[name]) for name in ("genes", "shuffled"))
    rows = [(f"{base:+d}", *genes[base], *shuffled[base]) for base in genes]
    columns = ["donor base", "genes", "low", "high", "shuffled", "low", "high"]
    print("\n" + pd.DataFrame(rows, columns=columns).round(3).to_string(index=False))
    assert genes[3].low > LEAST_RANK
    assert shuffled[3].high < genes[3].value
    others = [estimate.value for base, estimate in genes.items() if base != 3]
    assert max(others) < genes[3].value


def test_the_block_score_finds_donor_and_acceptor_in_genes_and_not_in_shuffled_ones(mapped):
    found = {name: links_in_maps(maps) for name, maps in mapped.items()}
    print("\n" + show(found))
    assert found["genes"].rank.low > 0.5
    assert found["shuffled"].rank.low < 0.5
