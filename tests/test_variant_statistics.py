"""Ranks, tests, curves and median profiles of the variant branch."""

import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from splicebert.variant_statistics import (
    detection,
    median_profile,
    one_sided_t,
    precision_recall,
    rank_boxes,
    rank_normalise,
)


def data(n=400, seed=0):
    rng = np.random.default_rng(seed)
    label = rng.random(n) < 0.2
    return label, np.round(rng.normal(size=n) + label, 1)


def test_ranks_lie_between_0_and_1_and_share_ties():
    np.testing.assert_allclose(rank_normalise(np.array([3.0, 1, 2, 2])), [0.875, 0.125, 0.5, 0.5])
    assert rank_normalise(np.array([])).size == 0


def test_the_t_test_is_one_sided():
    label, score = data()
    up, down = one_sided_t(score[label], score[~label]), one_sided_t(-score[label], -score[~label])
    assert up.p_value < 1e-6
    assert down.p_value == pytest.approx(1 - up.p_value)
    assert np.isnan(one_sided_t(score[:1], score)).all()


def test_detection_is_average_precision_with_an_interval():
    label, score = data()
    block = np.arange(len(label)) // 4
    found = detection(label, score, block, replicates=200, seed=1)
    assert found.ap.value == pytest.approx(average_precision_score(label, score))
    assert found.ap.low < found.ap.value < found.ap.high
    assert np.isnan(detection(np.zeros(9, bool), score[:9], block[:9], replicates=9, seed=1)).all()


def test_the_area_under_the_curves_steps_is_the_average_precision():
    label, score = data()
    curve = precision_recall(label, score, points=10_000)
    steps = np.diff(curve["recall"], prepend=0.0) * curve["precision"]
    assert steps.sum() == pytest.approx(average_precision_score(label, score))
    assert curve["recall"].iloc[-1] == 1
    assert (curve["recall"] > 0).all()


def test_a_long_curve_is_thinned_and_keeps_its_ends():
    label, score = data(20_000)
    score = score + np.random.default_rng(1).normal(size=len(score)) * 1e-6
    whole, thin = (precision_recall(label, score, points=n) for n in (100_000, 100))
    assert len(thin) <= 100 < len(whole)
    for end in (0, -1):
        assert thin.iloc[end].tolist() == whole.iloc[end].tolist()


def test_median_profiles_count_what_is_known():
    profiles = np.array([[1.0, np.nan, np.nan], [3.0, 5.0, np.nan], [2.0, 7.0, np.nan]])
    table = median_profile(profiles)
    assert table["distance"].tolist() == [1, 2, 3]
    assert table["n"].tolist() == [3, 2, 0]
    assert table["median"].tolist()[:2] == [2, 6]
    assert np.isnan(table["median"][2])
    assert (table["q1"][:2] < table["median"][:2]).all()


def test_boxes_are_of_ranks_over_both_groups():
    boxes, test = rank_boxes(np.array([True, True, False, False]), np.array([9.0, 8, 1, 2]))
    assert boxes["disrupting"].median == 0.75
    assert boxes["other"].median == 0.25
    assert test.t > 0
