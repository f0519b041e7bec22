"""Scores of variants near a window's end, beside an N, outside: NaN with a reason."""

import numpy as np
import pytest

from splicebert.scores import context_profile, kl_all_tokens
from splicebert.variant_plan import Answer
from splicebert.variant_scores import (
    N_IN_CONTEXT,
    OUTSIDE,
    PAST_WINDOW,
    known_profile,
    largest_change,
    no_scores,
    score_snv,
    snv_rows,
)

LENGTH = 510
SITES = ((300, 302), (200, 202))


def logits(seed, *shape):
    return np.random.default_rng(seed).normal(size=(*shape, 10)).astype(np.float32)


def scored(offset, sequence="ACGTA" * 102, sites=SITES):
    rows = snv_rows(offset, sites, LENGTH)
    reference, alternative = np.full((2, LENGTH, 10), np.nan, np.float32)
    reference[rows], alternative[rows] = logits(0, len(rows)), logits(1, len(rows))
    answer = Answer(reference, alternative[None], logits(2))
    return score_snv(answer, sequence, offset, ("A", "C"), sites)


def test_all_scores_of_a_variant_in_the_middle():
    found = scored(255)
    assert found.reason is None
    assert np.isfinite(found[:6]).all()
    assert found.profile.shape == (100,)
    assert found.delta_p == found.p_alt - found.p_ref
    assert found.context_score == pytest.approx(np.log(np.maximum(found.profile, 1e-6)).sum())


@pytest.mark.parametrize(("offset", "known"), [(99, 99), (0, 0), (1, 1), (410, 99), (509, 0)])
def test_nothing_is_wrapped_around_at_the_ends(offset, known):
    """A slice with a negative index would take bases of the other end."""
    found = scored(offset)
    assert PAST_WINDOW in found.reason
    assert np.isnan(found.context_score)
    assert np.isfinite(found.profile).sum() == known
    assert np.isfinite(found[:5]).all()


@pytest.mark.parametrize("offset", [100, 409])
def test_a_context_that_just_fits_is_whole(offset):
    assert scored(offset).reason is None
    assert np.isfinite(scored(offset).profile).all()


def test_n_within_the_context_is_missing_and_beyond_it_is_not():
    bases = list("ACGTA" * 102)
    bases[150] = "N"
    found = scored(220, "".join(bases))
    assert found.reason == N_IN_CONTEXT
    assert np.isnan(found.context_score)
    assert np.flatnonzero(np.isnan(found.profile)).tolist() == [220 - 150 - 1]
    assert scored(260, "".join(bases)).reason is None


def test_sites_that_are_missing_are_named():
    found = scored(255, sites=(None, (200, 202)))
    assert found.reason == "the donor lies outside the window"
    assert np.isnan(found.donor_kl)
    assert np.isfinite(found.acceptor_kl)
    bases = list("ACGTA" * 102)
    bases[201] = "N"
    found = scored(400, "".join(bases))
    assert "N in the acceptor" in found.reason
    assert np.isnan(found.acceptor_kl)
    assert np.isfinite(found.donor_kl)


def test_a_variant_outside_its_window_has_no_score():
    found = no_scores()
    assert found.reason == OUTSIDE
    assert np.isnan(found[:6]).all()
    assert np.isnan(found.profile).all()


def test_known_profile_is_the_profile_where_all_is_known():
    kl = np.random.default_rng(0).random(LENGTH)
    known = np.ones(LENGTH, bool)
    np.testing.assert_array_equal(known_profile(kl, known, 255, 254), context_profile(kl, 255, 254))
    by_hand = (kl[255 - 7] + kl[255 + 7]) / 2
    assert known_profile(kl, known, 255, 100)[6] == by_hand


def test_rows_hold_the_context_and_the_sites_once():
    rows = snv_rows(50, ((300, 302), (40, 42)), LENGTH)
    assert rows.tolist() == [*range(151), 300, 301]


def test_largest_change_takes_the_strongest_alternative():
    answer = Answer(logits(0, 20), logits(1, 3, 20), None)
    exact = largest_change(answer, published=False)
    clipped = largest_change(answer, published=True)
    each = np.stack([kl_all_tokens(alt, answer.reference) for alt in answer.alternatives])
    np.testing.assert_array_equal(clipped, each.max(axis=0))
    np.testing.assert_allclose(exact, clipped, rtol=1e-3, atol=1e-4)
    same = Answer(answer.reference, answer.reference[None], None)
    assert (largest_change(same, published=False) == 0).all()
