"""Statistics of the attention branch, against other implementations and by hand."""

import numpy as np
import pytest
from scipy.stats import mannwhitneyu
from sklearn.metrics import roc_auc_score

from splicebert.attention_statistics import (
    block_mean,
    box,
    enrichment,
    mann_whitney,
    matched_auc,
    matched_mann_whitney,
)
from splicebert.errors import SpliceBERTError


def test_enrichment_by_hand():
    profile = np.array([1.0, 1, 4, 6, 5, 1, 1])
    assert enrichment(profile) == pytest.approx(5 / (19 / 7))
    assert enrichment(np.full((2, 3, 7), 0.3)) == pytest.approx(np.ones((2, 3)))
    profile[:2] = np.nan  # columns that no window holds
    assert enrichment(profile) == pytest.approx(5 / (17 / 5))
    assert np.isnan(enrichment(np.full(7, np.nan)))
    assert np.isnan(enrichment(np.zeros(7)))


@pytest.mark.parametrize("columns", [1, 4])
def test_a_profile_has_a_centre(columns):
    with pytest.raises(SpliceBERTError, match=f"{columns} columns; expected an odd number"):
        enrichment(np.ones(columns))


def test_a_box_is_that_of_a_box_plot():
    values = np.array([1, 2, 3, 4, 5, 6, 7, 8, 50], np.float32)
    found = box(values)
    assert (found.q1, found.median, found.q3) == (3, 5, 7)
    assert (found.whisker_low, found.whisker_high) == (1, 8)
    assert np.isnan(box(values[:0])).all()
    assert set(box(values[:1])) == {1.0}


def test_mann_whitney_is_scipys():
    rng = np.random.default_rng(0)
    one, two = rng.normal(0.5, 1, 40), rng.normal(0, 1, 60)
    expected = mannwhitneyu(one, two, method="asymptotic")
    assert mann_whitney(one, two) == pytest.approx((expected.statistic, expected.pvalue))
    assert np.isnan(mann_whitney(one[:0], two)).all()


@pytest.mark.parametrize("levels", [1000, 6])
def test_matched_mann_whitney_of_one_stratum_is_scipys(levels):
    rng = np.random.default_rng(levels)
    label, score = rng.random(90) < 0.4, rng.integers(0, levels, 90).astype(float)
    expected = mannwhitneyu(score[label], score[~label], method="asymptotic")
    found = matched_mann_whitney(label, score, np.zeros(90))
    assert found == pytest.approx((expected.statistic, expected.pvalue))


def test_matched_mann_whitney_compares_within_strata():
    rng = np.random.default_rng(3)
    stratum = np.repeat([0, 1, 2], [60, 60, 5])
    label = np.concatenate([rng.random(60) < 0.8, rng.random(60) < 0.2, np.ones(5, bool)])
    score = rng.integers(0, 40, 125) + 30.0 * (stratum == 0)  # it follows the stratum alone
    u, p = matched_mann_whitney(label, score, stratum)
    parts = [label & (stratum == k) for k in (0, 1)], [~label & (stratum == k) for k in (0, 1)]
    apart = [mannwhitneyu(score[one], score[two]) for one, two in zip(*parts, strict=True)]
    assert u == pytest.approx(sum(part.statistic for part in apart))
    assert p > 0.01
    assert matched_mann_whitney(label, score, np.zeros(125))[1] < 1e-6
    assert u / sum(one.sum() * two.sum() for one, two in zip(*parts, strict=True)) == pytest.approx(
        brute(label, score, stratum)
    )
    assert np.isnan(matched_mann_whitney(label, score, np.arange(125))).all()
    assert matched_mann_whitney(label, score * 0, stratum)[1] == 1


def brute(label, score, stratum):
    won = total = 0
    for i in np.flatnonzero(label):
        for j in np.flatnonzero(~label):
            if stratum[i] == stratum[j]:
                won += 1.0 if score[i] > score[j] else 0.5 if score[i] == score[j] else 0
                total += 1
    return won / total


@pytest.mark.parametrize("seed", range(4))
def test_matched_auc_counts_the_pairs_of_each_stratum(seed):
    rng = np.random.default_rng(seed)
    n = 80
    label, stratum = rng.random(n) < 0.4, rng.integers(3, 7, n)
    score = rng.integers(0, 12, n).astype(np.float32)  # with ties
    options = {"block": np.arange(n) // 3, "replicates": 200, "seed": 1}
    found = matched_auc(label, score, stratum=stratum, **options)
    assert found.value == pytest.approx(brute(label, score, stratum))
    assert found.low < found.value < found.high
    assert found == matched_auc(label, score, stratum=stratum, **options)
    alone = matched_auc(label, score, stratum=stratum * 0, **options)
    assert alone.value == pytest.approx(roc_auc_score(label, score))


def test_a_difference_of_the_strata_alone_is_no_effect():
    """Scores fall with the distance; the positives are nearer: unmatched they seem to win."""
    rng = np.random.default_rng(3)
    stratum = np.repeat(np.arange(4), 200)
    label = rng.random(800) < np.repeat([0.8, 0.6, 0.4, 0.2], 200)
    score = rng.normal(size=800) - 2 * stratum
    options = {"block": np.arange(800), "replicates": 200, "seed": 1}
    unmatched = matched_auc(label, score, stratum=stratum * 0, **options)
    matched = matched_auc(label, score, stratum=stratum, **options)
    assert unmatched.low > 0.6
    assert matched.low < 0.5 < matched.high


def test_nothing_to_compare_gives_nothing():
    options = {"block": np.arange(4), "replicates": 5, "seed": 1}
    score = np.arange(4.0)
    for label, stratum in (
        (np.ones(4, bool), np.zeros(4)),
        (np.array([True, True, False, False]), np.array([0, 0, 1, 1])),
    ):
        assert np.isnan(matched_auc(label, score, stratum=stratum, **options)).all()
    with pytest.raises(SpliceBERTError, match="1 scores are NaN"):
        matched_auc(
            np.array([True, False]), np.array([np.nan, 1]), stratum=np.zeros(2),
            **options | {"block": np.arange(2)},
        )  # fmt: skip


def test_a_mean_over_blocks():
    rng = np.random.default_rng(4)
    block = np.repeat(np.arange(30), 10)
    values = (rng.normal(size=30)[block] + 0.1 * rng.normal(size=300)).astype(np.float32)
    found = block_mean(values, block, replicates=300, seed=1)
    assert found.value == pytest.approx(values.mean(), abs=1e-6)
    # 30 blocks, not 300 values: about 4 standard errors of sd / sqrt(30) wide.
    assert 0.4 < found.high - found.low < 1.1
    assert np.isnan(block_mean(values[:0], block[:0], replicates=3, seed=1)).all()
