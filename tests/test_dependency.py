"""Dependency maps: the definition on a toy model, strands, N, edges, batches, a naive loop."""

import numpy as np
import pytest
import torch

from splicebert.dependency import (
    KNOWN,
    OUTSIDE,
    STATUS,
    UNKNOWN,
    count_nt,
    dependency_maps,
    genome_positions,
    log2_odds,
    mutants,
    position_status,
)
from splicebert.errors import ModelError
from splicebert.models import SpliceBERT
from splicebert.models.base import ModelAdapter
from splicebert.models.onehot import OneHot
from splicebert.runtime import Runtime
from splicebert.scores import base_probabilities
from splicebert.sequence import BASES, VOCABULARY, base_codes, reverse_complement

RUNTIME = Runtime(torch.device("cpu"), purpose="difference")


class Linked(ModelAdapter):
    """A model whose odds at some positions depend on the base at one other position.

    links: observed -> (mutated, strength by base, log2 odds of A at the observed position).
    """

    name, vocab, n_layers, hidden_size = "linked", VOCABULARY, 1, 1
    min_length, max_length = 1, 1000

    def __init__(self, links):
        self.links, self.seen = links, []

    def hidden_states_packed(self, sequences, layers, offsets=None):
        raise NotImplementedError

    def logits_packed(self, sequences, masks=None, offsets=None):
        assert masks is None or all(mask is None for mask in masks)  # nothing is masked
        self.seen += sequences
        parts = []
        for sequence in sequences:
            logits = np.zeros((len(sequence), len(VOCABULARY)), np.float32)
            logits[:, 0] = 50.0  # a special token must not matter
            codes = base_codes(sequence)
            for observed, (mutated, strength) in self.links.items():
                odds = np.append(strength, 0.0)[codes[mutated]]  # N: 0
                # log2 odds of A = logit - ln(3), in nats, the other three being 0
                logits[observed, VOCABULARY.index("A")] = odds * np.log(2) + np.log(3)
            parts.append(torch.from_numpy(logits))
        return torch.cat(parts)


def one_map(model, sequence, runtime=RUNTIME):
    (found,) = dependency_maps(model, [sequence], runtime, progress=False)
    return found


@pytest.fixture(scope="module")
def tiny(shared):
    """A random checkpoint."""
    return SpliceBERT(shared / "real" / "models" / "tiny.1024nt")


# --- the definition


def test_a_planted_link_gives_exactly_its_change_of_log2_odds():
    """From G (2) the alternatives give 0, 5 and -1: the largest change is 3, not 6 or 2."""
    sequence = "ACGTACGTAC"
    found = one_map(Linked({7: (2, [0.0, 5.0, 2.0, -1.0])}), sequence)

    expected = np.zeros((10, 10), np.float32)
    expected[2, 7] = 3.0
    np.fill_diagonal(expected, np.nan)
    np.testing.assert_allclose(found, expected, atol=1e-5)
    assert found.dtype == np.float32


def test_the_largest_change_may_be_a_loss():
    found = one_map(Linked({1: (4, [1.0, 1.5, -6.0, 0.0])}), "ACGTA")
    np.testing.assert_allclose(found[4, 1], 7.0, atol=1e-5)
    assert np.nansum(found) == pytest.approx(7.0, abs=1e-4)


def test_a_base_that_changes_its_own_odds_stays_on_the_diagonal():
    found = one_map(Linked({3: (3, [0.0, 4.0, 8.0, 2.0])}), "ACGTACG")
    assert np.isnan(np.diag(found)).all()
    assert np.nanmax(found) < 1e-5


def test_log2_odds_are_those_of_the_four_bases_alone():
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 3, (5, 10)).astype(np.float32)
    p = base_probabilities(logits, bases_only=True)
    found = log2_odds(logits, [VOCABULARY.index(base) for base in BASES])
    np.testing.assert_allclose(found, np.log2(p / (1 - p)), rtol=1e-6)


def test_log2_odds_of_a_certain_base_are_finite():
    logits = np.zeros(4, np.float32)
    logits[2] = 200.0
    found = log2_odds(logits, range(4))
    np.testing.assert_allclose(found[2], 200 / np.log(2) - np.log2(3), rtol=1e-6)
    assert np.isfinite(found).all()


def test_equals_a_naive_loop_of_the_published_form(tiny):
    """Probabilities, one sequence at a time, all (a, b) of all (i, j), then the maximum."""
    sequence = "".join(np.random.default_rng(3).choice(list(BASES), 70))

    def odds(s):
        p = base_probabilities(tiny.logits([s])[0].numpy(), bases_only=True)
        return np.log2(p) - np.log2(1 - p)

    reference, effect = odds(sequence), np.zeros((70, 70, 4, 4))
    for i in range(70):
        for a, base in enumerate(BASES):
            effect[i, :, a] = odds(sequence[:i] + base + sequence[i + 1 :]) - reference
    expected = np.abs(effect).max(axis=(2, 3))
    np.fill_diagonal(expected, np.nan)

    found = one_map(tiny, sequence)
    np.testing.assert_allclose(found, expected, atol=2e-5)
    assert np.nanmax(expected) > 100 * 2e-5  # the comparison says something


# --- sequences


@pytest.mark.parametrize("batch_nt", [1, 130, 100_000])
def test_batches_of_any_size_give_the_same(tiny, batch_nt):
    rng = np.random.default_rng(4)
    sequences = ["".join(rng.choice(list(BASES), n)) for n in (40, 65, 40)]
    small = Runtime(torch.device("cpu"), batch_nt=batch_nt, buffer=7, purpose="difference")
    for one, other in zip(
        dependency_maps(tiny, sequences, RUNTIME, progress=False),
        dependency_maps(tiny, sequences, small, progress=False),
        strict=True,
    ):
        np.testing.assert_allclose(one, other, atol=2e-5)


def test_unknown_positions_are_nan_in_row_and_column_and_are_not_mutated():
    model = Linked({5: (1, [0.0, 1.0, 2.0, 3.0])})
    found = one_map(model, "ACNTAGRT")
    gone = np.isnan(found)
    assert gone[[2, 6]].all()
    assert gone[:, [2, 6]].all()
    kept = np.delete(np.delete(gone, [2, 6], 0), [2, 6], 1)
    np.testing.assert_array_equal(kept, np.eye(6, dtype=bool))
    np.testing.assert_allclose(found[1, 5], 2.0, atol=1e-5)
    assert len(model.seen) == 1 + 3 * 6
    assert all(sequence[2] == "N" for sequence in model.seen)


def test_a_window_without_a_base_is_nan_throughout():
    model = Linked({})
    assert np.isnan(one_map(model, "NNNN")).all()
    assert model.seen == ["NNNN"]


def test_case_and_u_do_not_matter():
    links = {4: (0, [0.0, 1.0, 2.0, 3.0])}
    expected = one_map(Linked(links), "ACGTAC")
    model = Linked(links)
    for found in dependency_maps(model, ["acguac", "ACGTAC"], RUNTIME, progress=False):
        np.testing.assert_array_equal(found, expected)
    assert len(model.seen) == len(set(model.seen)) == 1 + 3 * 6


def test_a_sequence_that_comes_again_is_run_once_and_order_is_kept():
    model = Linked({3: (0, [0.0, 1.0, 2.0, 3.0])})
    sequences = ["ACGTA", "CCGTA", "ACGTA", "CCGTA", "ACGTA"]
    maps = list(dependency_maps(model, sequences, RUNTIME, progress=False))
    assert [round(float(m[0, 3])) for m in maps] == [3, 2, 3, 2, 3]
    # The two are mutants of each other, and share the mutants of that position.
    assert len(model.seen) == len(set(model.seen)) == 2 * (1 + 3 * 5) - 4
    maps[0][:] = 0  # each result is the caller's own
    assert maps[2][0, 3] == pytest.approx(3, abs=1e-5)


def test_the_ends_of_a_window_do_not_meet():
    """A link from each end inwards only: nothing wraps around."""
    found = one_map(Linked({1: (0, [0.0, 4.0, 0.0, 0.0]), 8: (9, [4.0, 0.0, 0.0, 0.0])}), "A" * 10)
    assert {tuple(cell) for cell in np.argwhere(np.nan_to_num(found) > 0.1)} == {(0, 1), (9, 8)}


def test_mutants_are_the_three_alternatives_in_order():
    assert list(mutants("GnC")) == [
        (0, "AnC"), (0, "CnC"), (0, "TnC"), (2, "GnA"), (2, "GnG"), (2, "GnT"),
    ]  # fmt: skip
    assert count_nt(["GNC", "gnc", "ACGT"]) == 3 * 7 + 4 * 13


# --- windows


def test_a_window_is_read_on_its_strand():
    """The same link found from either strand lies at the same pair of genome positions."""
    genome = "ACGTTGCAACGGTCA"
    strength = [0.0, 1.0, 2.0, 3.0]
    plus = one_map(Linked({9: (2, strength)}), genome)
    minus = one_map(Linked({9: (2, strength)}), reverse_complement(genome))
    where = {}
    for strand, values in (("+", plus), ("-", minus)):
        positions = genome_positions((100, 115), strand)
        ((i, j),) = np.argwhere(np.nan_to_num(values) > 0.1)
        where[strand] = (positions[i], positions[j])
    assert where == {"+": (102, 109), "-": (112, 105)}


def test_positions_and_status_of_a_window_that_leaves_its_contig():
    sequence = "NNACRTNN"
    for strand in "+-":
        assert sorted(genome_positions((-2, 6), strand)) == list(range(-2, 6))
        found = position_status(sequence, (-2, 6), 5, strand)
        outside = np.flatnonzero(found == OUTSIDE)
        assert outside.tolist() == ([0, 1, 7] if strand == "+" else [0, 6, 7])
    found = position_status(sequence, (-2, 6), 5, "+")
    assert found.tolist() == [OUTSIDE, OUTSIDE, KNOWN, KNOWN, UNKNOWN, KNOWN, UNKNOWN, OUTSIDE]
    assert [STATUS[code] for code in (UNKNOWN, OUTSIDE)] == [
        "not A, C, G or T", "outside the contig",
    ]  # fmt: skip


# --- models


def test_a_model_without_logits_is_refused():
    with pytest.raises(ModelError, match="'onehot' gives no logits"):
        one_map(OneHot(flank=1), "ACGT")


def test_a_sequence_that_is_too_long_is_refused(tiny):
    with pytest.raises(ModelError, match="1025 nt"):
        one_map(tiny, "A" * 1025)
