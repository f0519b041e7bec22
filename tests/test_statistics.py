"""Scores and their block-bootstrap intervals."""

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, balanced_accuracy_score, roc_auc_score

from splicebert import statistics
from splicebert.errors import SpliceBERTError
from splicebert.statistics import (
    balanced_accuracy,
    block_weights,
    bootstrap_counts,
    estimate,
    rank_scores,
)


def labelled_scores(n, levels=None, seed=0):
    rng = np.random.default_rng(seed)
    label = rng.random(n) < 0.3
    score = rng.normal(size=n) + label
    if levels:
        score = np.floor(score * levels) / levels  # many ties
    return label, score.astype(np.float32), rng.integers(0, 20, n)


# --- AUC and AP


def test_rank_scores_by_hand():
    # By falling score the labels are 1 0 1 0: three of the four pairs are in order.
    label, score = np.array([1, 0, 1, 0], bool), np.array([4, 3, 2, 1])
    auc, ap = rank_scores(label, score, np.arange(4), replicates=1, seed=0)
    assert auc.value == pytest.approx(3 / 4)
    assert ap.value == pytest.approx((1 / 1 + 2 / 3) / 2)


def test_equal_scores_count_as_ties():
    label = np.array([1, 0, 0, 0, 1], bool)
    auc, ap = rank_scores(label, np.full(5, 0.5), np.arange(5), replicates=1, seed=0)
    assert (auc.value, ap.value) == (0.5, pytest.approx(0.4))


@pytest.mark.parametrize("levels", [None, 1, 4])
@pytest.mark.parametrize("n", [10, 501])
def test_rank_scores_equal_those_of_sklearn(n, levels):
    label, score, block = labelled_scores(n, levels)
    auc, ap = rank_scores(label, score, block, replicates=3, seed=0)
    assert auc.value == pytest.approx(roc_auc_score(label, score), abs=1e-12)
    assert ap.value == pytest.approx(average_precision_score(label, score), abs=1e-12)


@pytest.mark.parametrize("levels", [None, 3])
def test_replicates_are_scores_weighted_by_how_often_a_block_is_drawn(monkeypatch, levels):
    label, score, block = labelled_scores(300, levels, seed=1)
    samples = []
    monkeypatch.setattr(
        statistics, "estimate", lambda value, found: samples.append(found) or (value, 0, 0)
    )
    rank_scores(label, score, block, replicates=12, seed=4)
    for row, weights in enumerate(block_weights(20, 12, 4)):
        weight = weights[block]
        assert samples[0][row] == pytest.approx(roc_auc_score(label, score, sample_weight=weight))
        assert samples[1][row] == pytest.approx(
            average_precision_score(label, score, sample_weight=weight)
        )


def test_order_of_the_bases_does_not_matter():
    label, score, block = labelled_scores(400, 3)
    order = np.random.default_rng(9).permutation(400)
    one = rank_scores(label, score, block, replicates=20, seed=1)
    other = rank_scores(label[order], score[order], block[order], replicates=20, seed=1)
    np.testing.assert_allclose(one, other, atol=1e-12)


def test_block_names_may_be_strings():
    label, score, block = labelled_scores(200)
    names = np.array([f"w{b:02d}" for b in block], dtype=object)
    assert rank_scores(label, score, names, replicates=10, seed=1) == rank_scores(
        label, score, block, replicates=10, seed=1
    )


def test_the_same_seed_gives_the_same_interval():
    label, score, block = labelled_scores(200)
    one = rank_scores(label, score, block, replicates=30, seed=1)
    assert rank_scores(label, score, block, replicates=30, seed=1) == one
    other = rank_scores(label, score, block, replicates=30, seed=2)
    assert other.auc.value == one.auc.value
    assert other.auc != one.auc


def test_rank_scores_refuse_what_has_no_score():
    label, score, block = labelled_scores(50)
    options = {"replicates": 2, "seed": 0}
    with pytest.raises(SpliceBERTError, match="49 labels, 50 scores, 50 blocks"):
        rank_scores(label[1:], score, block, **options)
    with pytest.raises(SpliceBERTError, match="50 labels, 50 scores, 49 blocks"):
        rank_scores(label, score, block[1:], **options)
    for same in (np.ones(50, bool), np.zeros(50, bool)):
        with pytest.raises(SpliceBERTError, match="all 50 labels are alike"):
            rank_scores(same, score, block, **options)
    score[[3, 7]] = np.nan
    with pytest.raises(SpliceBERTError, match="2 scores are NaN"):
        rank_scores(label, score, block, **options)


# --- balanced accuracy


def count(true, predicted):
    counts = np.zeros((4, 2), int)
    np.add.at(counts, (true, (predicted == true).astype(int)), 1)
    return counts


def test_balanced_accuracy_by_hand():
    assert balanced_accuracy(np.array([[0, 2], [3, 1], [0, 0], [0, 0]])) == (1 + 0.25) / 2
    assert np.isnan(balanced_accuracy(np.zeros((4, 2))))


@pytest.mark.parametrize("bases", [4, 3, 2])
def test_balanced_accuracy_equals_that_of_sklearn(bases):
    rng = np.random.default_rng(bases)
    true = rng.integers(0, bases, 500)
    predicted = np.where(rng.random(500) < 0.5, true, rng.integers(0, bases, 500))
    assert balanced_accuracy(count(true, predicted)) == pytest.approx(
        balanced_accuracy_score(true, predicted)
    )


def test_balanced_accuracy_works_on_the_last_axes():
    counts = np.random.default_rng(0).integers(0, 9, (3, 5, 4, 2))
    counts[1, 2] = 0
    found = balanced_accuracy(counts)
    assert found.shape == (3, 5)
    assert np.isnan(found).sum() == 1
    assert found[2, 4] == balanced_accuracy(counts[2, 4])


# --- the bootstrap


def test_weights_draw_as_many_blocks_as_there_are():
    weights = np.stack(list(block_weights(50, 400, 3)))
    assert (weights.sum(axis=1) == 50).all()
    assert weights.min() == 0
    assert weights.mean(axis=0) == pytest.approx(np.ones(50), abs=0.3)
    np.testing.assert_array_equal(weights, np.stack(list(block_weights(50, 400, 3))))
    assert not np.array_equal(weights, np.stack(list(block_weights(50, 400, 4))))


def test_estimate_takes_quantiles_of_the_finite_replicates():
    replicates = np.array([np.nan, *np.arange(101.0), np.inf])
    assert estimate(7.0, replicates) == pytest.approx((7.0, 2.5, 97.5))
    assert estimate(7.0, replicates, level=0.5) == pytest.approx((7.0, 25.0, 75.0))
    value, low, high = estimate(1.0, np.array([np.nan]))
    assert value == 1.0
    assert np.isnan([low, high]).all()


def test_bootstrap_counts_score_weighted_sums():
    counts = np.random.default_rng(0).integers(0, 9, (6, 3, 2))
    found = bootstrap_counts(counts, lambda total: total[:, 1] / total.sum(), 5, seed=2)
    assert found.shape == (5, 3)
    for row, weights in zip(found, block_weights(6, 5, 2), strict=True):
        total = sum(w * block for w, block in zip(weights, counts, strict=True))
        np.testing.assert_allclose(row, total[:, 1] / total.sum())


def test_the_interval_covers_the_truth_about_as_often_as_it_says():
    rng, covered = np.random.default_rng(11), 0
    for trial in range(200):
        right = rng.binomial(20, 0.7, 60)  # 60 windows of 20 bases, truly 0.7
        counts = np.stack([20 - right, right], axis=1)
        samples = bootstrap_counts(counts, lambda total: total[1] / total.sum(), 200, seed=trial)
        _, low, high = estimate(0, samples)
        covered += low <= 0.7 <= high
    assert 175 <= covered <= 199


def test_the_auc_interval_covers_the_truth_about_as_often_as_it_says():
    # Two normal distributions one standard deviation apart: AUC = Phi(1 / sqrt 2) = 0.7602.
    rng, covered = np.random.default_rng(12), 0
    for trial in range(60):
        label = rng.random(300) < 0.4
        score = rng.normal(size=300) + label
        auc = rank_scores(label, score, np.arange(300), replicates=100, seed=trial).auc
        covered += auc.low <= 0.7602 <= auc.high
    assert 50 <= covered <= 60


def test_blocks_give_wider_intervals_than_bases_where_bases_of_a_block_are_alike():
    rng = np.random.default_rng(6)
    block = np.repeat(np.arange(40), 25)
    shift = rng.normal(size=40)[block]  # windows differ, in label and score alike
    label = rng.random(1000) < 1 / (1 + np.exp(-2 * shift))
    score = shift + 0.3 * rng.normal(size=1000)
    wide = rank_scores(label, score, block, replicates=200, seed=0)
    narrow = rank_scores(label, score, np.arange(1000), replicates=200, seed=0)
    assert wide.auc.value == narrow.auc.value
    for name in ("auc", "ap"):
        w, n = getattr(wide, name), getattr(narrow, name)
        assert w.high - w.low > 1.5 * (n.high - n.low)
