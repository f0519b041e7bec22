"""The dependency map shows the planted donor-acceptor link in genes and not in shuffled ones."""

import numpy as np
import pandas as pd
import pytest
import torch

from splicebert.models.base import ModelAdapter
from splicebert.runtime import Runtime
from splicebert.sequence import VOCABULARY, base_codes
from truth.claims import demands
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

INTRONS = 40
DONOR, BRANCHPOINT, ACCEPTOR = "GTAAGTCC", "TACTAAC", "TTCCAGG"
"""What the toy model sees: the first 8 bases of an intron, those around the A 25 nt before the
exon, the last 6 of the intron and the next exon's first."""
FIRST = {"donor_acceptor": (DONOR, 5), "branchpoint_acceptor": (BRANCHPOINT, 4)}
"""Link -> its 5' site, and the offset there of the base that the acceptor tells."""
BEFORE = 30
"""From the branchpoint's first base to the exon, nt."""
FIRST_A = BRANCHPOINT.rindex("A")


class KnowsTheLink(ModelAdapter):
    """Expects a T at +6 of a donor, or within a branchpoint, where an acceptor is behind it.

    Elsewhere everything depends a little on everything: a background that is not 0.
    """

    name, vocab, n_layers, hidden_size = "knows", VOCABULARY, 1, 1
    min_length, max_length = 1, 1000

    def __init__(self, strength, link):
        self.strength = strength
        self.site, self.at = FIRST[link]
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
            acceptor = sequence.rfind(ACCEPTOR)
            first = sequence.rfind(self.site, 0, max(acceptor, 0))
            if first >= 0:
                logits[first + self.at, VOCABULARY.index("T")] += self.strength
            parts.append(torch.from_numpy(logits))
        return torch.cat(parts)


@pytest.fixture(scope="module")
def small_world():
    return make_world("demo", 3, {HELD_OUT: 60_000})


def planted(world, introns):
    """A copy of the world with the same donor, branchpoint and acceptor in the introns given."""
    letters = list(world.sequences[HELD_OUT])
    for row in introns.itertuples():
        size = row.end - row.start
        for offset, text in ((0, DONOR), (size - BEFORE, BRANCHPOINT), (size - 6, ACCEPTOR)):
            start, read = row.start + offset, text
            if row.strand == "-":
                start = row.end - offset - len(text)
                read = text.translate(COMPLEMENT)[::-1]
            letters[start : start + len(text)] = read
    moved = introns["start"].where(introns["strand"] == "-", introns["end"] - 1)
    step = np.where(introns["strand"] == "-", 1, -1)
    introns = introns.assign(branchpoint=moved + step * (BEFORE - 1 - FIRST_A))
    return world._replace(sequences={HELD_OUT: "".join(letters)}), introns


@pytest.mark.parametrize("link", FIRST)
def test_the_measure_finds_a_planted_link_and_none_in_shuffled_windows(small_world, link):
    introns = short_introns(small_world, HELD_OUT, 6)
    assert len(introns) == 6
    assert set(introns["strand"]) == {"+", "-"}
    world, introns = planted(small_world, introns)
    found = {
        name: links_in_maps(
            map_introns(KnowsTheLink(strength, link), world, introns, RUNTIME, shuffled=shuffled),
            link,
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
    for sequence, (donor, acceptor, branchpoint) in zip(sequences, places, strict=True):
        assert sequence[donor : donor + 2] == "GT"
        assert sequence[acceptor - 2 : acceptor] == "AG"
        assert sequence[branchpoint] == "A"
        assert 18 <= acceptor - branchpoint <= 44
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


@pytest.mark.parametrize("demand", demands("dependency", "tract"))
def test_the_map_shows_the_planted_link_in_genes_and_not_in_shuffled_ones(mapped, demand):
    """Tracts were drawn with the donor's +3, the one bit that the demo model has learned."""
    genes, shuffled = (tract_ranks(mapped[name]) for name in ("genes", "shuffled"))
    rows = [(f"{base:+d}", *genes[base], *shuffled[base]) for base in genes]
    columns = ["donor base", "genes", "low", "high", "shuffled", "low", "high"]
    print("\n" + pd.DataFrame(rows, columns=columns).round(3).to_string(index=False))
    assert genes[3].low > demand.least
    assert shuffled[3].high < genes[3].value
    others = [estimate.value for base, estimate in genes.items() if base != 3]
    assert max(others) < genes[3].value


@pytest.mark.parametrize("demand", demands("dependency", "block"))
def test_the_block_score_exceeds_chance_in_genes_and_not_in_shuffled_ones(mapped, demand):
    found = {name: links_in_maps(maps, *demand.case) for name, maps in mapped.items()}
    print("\n" + show(found))
    assert found["genes"].rank.low > demand.least
    assert found["shuffled"].rank.low < demand.least
