"""Scores of variants: values worked out by hand, and what must hold of any."""

import math

import numpy as np
import pytest

from splicebert.errors import SpliceBERTError
from splicebert.genome import Genome
from splicebert.models import SpliceBERT
from splicebert.scores import (
    base_log_probs,
    base_probabilities,
    context_profile,
    context_score,
    exon_site_offsets,
    kl_all_tokens,
    kl_per_base,
    largest_kl,
    log_softmax,
    probability_change,
    site_kl,
)
from splicebert.sites import window_around

UNIFORM = (0.25, 0.25, 0.25, 0.25)
SKEWED = (0.7, 0.1, 0.1, 0.1)


def logits(*bases, others=-np.inf):
    """Logits (positions, 10) whose softmax over the bases is as given."""
    out = np.full((len(bases), 10), others, np.float32)
    out[:, 6:] = np.log(bases)
    return out


def random_logits(shape, seed=0, scale=3.0):
    return np.random.default_rng(seed).normal(0, scale, (*shape, 10)).astype(np.float32)


# --- probabilities


def test_log_softmax_of_large_logits_does_not_overflow():
    np.testing.assert_allclose(log_softmax([1000.0, 1000.0]), np.log([0.5, 0.5]))
    np.testing.assert_allclose(log_softmax([-1000.0, 0.0]), [-1000, 0])


def test_base_log_probs_ignore_the_other_tokens():
    found = base_log_probs(logits(SKEWED, others=50.0))
    assert found.dtype == np.float64
    np.testing.assert_allclose(np.exp(found), [SKEWED], rtol=1e-6)


def test_base_probabilities_share_the_softmax_with_the_other_tokens():
    values = logits(SKEWED)
    values[:, 5] = 0.0  # N as likely as all four bases together
    np.testing.assert_allclose(base_probabilities(values), np.array([SKEWED]) / 2, rtol=1e-6)
    np.testing.assert_allclose(base_probabilities(values, bases_only=True), [SKEWED], rtol=1e-6)


def test_probability_change_is_p_alt_less_p_ref():
    p_ref, p_alt, delta = probability_change(logits(SKEWED)[0], ref=0, alt=2)
    assert (p_ref, p_alt, delta) == pytest.approx((0.7, 0.1, -0.6), rel=1e-6)


# --- KL


def test_kl_by_hand():
    found = kl_per_base(logits(SKEWED, UNIFORM), logits(UNIFORM, SKEWED))
    forward = 0.7 * math.log(0.7 / 0.25) + 0.3 * math.log(0.1 / 0.25)
    backward = 0.25 * math.log(0.25 / 0.7) + 0.75 * math.log(0.25 / 0.1)
    np.testing.assert_allclose(found, [forward, backward], rtol=1e-6)


def test_kl_of_identical_logits_is_zero():
    values = random_logits((50,))
    assert not kl_per_base(values, values).any()


def test_kl_does_not_change_with_a_constant_or_the_other_tokens():
    alt, ref = random_logits((50,)), random_logits((50,), 1)
    expected = kl_per_base(alt, ref)
    assert (expected > 0).all()
    alt[:, :6] += 7
    np.testing.assert_allclose(kl_per_base(alt + 3, ref), expected, rtol=1e-5)


def test_kl_is_never_negative_and_keeps_tiny_differences():
    ref = random_logits((1000,), scale=10)
    alt = np.nextafter(ref, np.float32(np.inf))
    kl = kl_per_base(alt, ref)
    assert kl.dtype == np.float64
    assert (kl >= 0).all()
    assert kl.max() < 1e-10


def test_kl_of_complementary_distributions_is_the_same():
    alt, ref = random_logits((20,)), random_logits((20,), 1)
    complement = [*range(6), 9, 8, 7, 6]
    found = kl_per_base(alt[::-1, complement], ref[::-1, complement])
    np.testing.assert_allclose(found[::-1], kl_per_base(alt, ref), rtol=1e-12)


def test_kl_of_all_tokens_by_hand():
    sure, unsure = np.zeros((2, 10), np.float32)
    sure[6] = 100.0
    alt, floor = 1 - 1e-6, 1e-6  # 0 and 1 are clipped
    expected = alt * math.log(alt / 0.1) + 9 * floor * math.log(floor / 0.1)
    assert kl_all_tokens(sure, unsure) == pytest.approx(expected)
    assert kl_all_tokens(np.stack([sure, unsure]), unsure).shape == (2,)


def test_mutagenesis_equals_that_of_the_published_code(shared, tmp_path):
    published = np.load(shared / "real" / "published_code" / "mutagenesis.tiny.510nt.npz")
    model = SpliceBERT(shared / "real" / "models" / "tiny.510nt")
    options = {"fai": tmp_path / "g.fai", "gzi": tmp_path / "g.gzi"}
    with Genome(shared / "real" / "genome.fa.gz", **options) as genome:
        for row in range(0, 60, 5):
            chrom, position = published["site"][row][:2]
            strand = str(published["strand"][row])
            window = window_around(int(position), 510, strand)
            ref = genome.fetch(chrom, *window, strand).upper()
            alts = [ref[:255] + base + ref[256:] for base in "ACGT" if base != ref[255]]
            logits = model.logits([ref, *alts]).numpy()
            kl = kl_all_tokens(logits[1:], logits[0]).max(axis=0)
            np.testing.assert_allclose(kl, published["kl"][row], atol=3e-6)
            folded = context_profile(kl, 255, reach=254)
            np.testing.assert_allclose(folded, published["folded"][row], atol=3e-6)


# --- the neighbourhood


def test_context_profile_by_hand():
    kl = np.arange(7.0)
    np.testing.assert_array_equal(context_profile(kl, 3, reach=3), [3, 3, 3])
    kl[2] = 10
    np.testing.assert_array_equal(context_profile(kl, 3, reach=3), [7, 3, 3])


def test_context_profile_at_the_edge_takes_the_side_that_is_there():
    kl = np.array([5.0, 1.0, 2.0])
    np.testing.assert_array_equal(context_profile(kl, 0, reach=3), [1, 2, np.nan])
    np.testing.assert_array_equal(context_profile(kl, 2, reach=3), [1, 5, np.nan])
    np.testing.assert_array_equal(context_profile(kl, 1, reach=1), [3.5])


def test_context_profile_does_not_change_when_the_window_is_turned():
    kl = np.random.default_rng(0).random(301)
    turned = context_profile(kl[::-1], 300 - 120)
    np.testing.assert_array_equal(turned, context_profile(kl, 120))


@pytest.mark.parametrize("offset", [-1, 3])
@pytest.mark.parametrize("function", [context_profile, largest_kl])
def test_an_offset_outside_is_refused(function, offset):
    with pytest.raises(SpliceBERTError, match=r"0-based.*0 to 2"):
        function(np.zeros(3), offset)


def test_context_score_by_hand():
    assert context_score([1.0, math.e, math.e**2]) == pytest.approx(3)
    assert context_score(np.zeros(100)) == pytest.approx(100 * math.log(1e-6))
    assert math.isnan(context_score([1.0, math.nan]))


def test_largest_kl_leaves_the_variant_out():
    assert largest_kl([0.1, 9.0, 0.0, 0.3], 1) == (0.3, 2)
    assert largest_kl([0.4, 9.0, 0.0, 0.3], 1) == (0.4, -1)
    assert largest_kl([0.0, 0.0, 0.0], 0) == (0.0, 1)


# --- splice sites


def test_splice_sites_of_an_exon_on_either_strand():
    #  window 100..120, exon 105..110: acceptor 103, 104, donor 110, 111 on +
    assert exon_site_offsets((105, 110), (100, 120), "+") == ((10, 12), (3, 5))
    #  on -: donor 103, 104 read as offsets 15, 16; acceptor 110, 111 as 8, 9
    assert exon_site_offsets((105, 110), (100, 120), "-") == ((15, 17), (8, 10))


def test_splice_sites_outside_the_window_are_none():
    assert exon_site_offsets((101, 110), (100, 120), "+") == ((10, 12), None)
    assert exon_site_offsets((101, 119), (100, 120), "-") == (None, None)


def test_site_kl_is_the_mean_of_two_bases():
    assert site_kl([0.0, 1.0, 3.0, 9.0], (1, 3)) == 2.0
    assert math.isnan(site_kl([0.0, 1.0], None))
