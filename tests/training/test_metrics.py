import numpy as np
import pytest

from splicebert.errors import SpliceBERTError
from splicebert.training.metrics import classification, classification_intervals, probability

LABELS = np.array([1, 0, 1, 0, 0])
SCORES = np.array([0.9, 0.8, 0.7, 0.2, 0.6])


def test_scores_by_hand():
    found = classification(LABELS, SCORES)
    # of 6 pairs of a positive and a negative, the one of 0.7 and 0.8 is the wrong way round
    assert found.auc == pytest.approx(5 / 6)
    # precision 1 at recall 1/2, 2/3 at recall 1
    assert found.ap == pytest.approx(0.5 + 0.5 * 2 / 3)
    # above 0.5: 2 true, 2 false positives, none missed
    assert found.f1 == pytest.approx(4 / 6)


def test_one_class_has_no_scores():
    assert np.isnan(classification([1, 1], [0.1, 0.2])).all()


@pytest.mark.parametrize(
    ("labels", "scores", "words"),
    [([0, 2], [0.1, 0.2], "label 2 in row 1"), ([0, 1], [0.1], "shape"),
     ([0, 1], [0.1, np.nan], "1 of 2 scores are NaN; training diverged")],
)  # fmt: skip
def test_mistakes_are_named(labels, scores, words):
    with pytest.raises(SpliceBERTError, match=words):
        classification(labels, scores)


def test_probability_of_two_logits():
    logit, negative = np.array([2.0, -1.0]), np.array([1.0, 0.5])
    softmax = np.exp(logit) / (np.exp(logit) + np.exp(negative))
    np.testing.assert_allclose(probability(logit, negative), softmax)
    sigmoid = 1 / (1 + np.exp(-logit))
    np.testing.assert_allclose(probability(logit, negative, protocol="published"), sigmoid)
    np.testing.assert_allclose(probability(logit), sigmoid)
    assert probability(np.array([-800.0, 800.0])).tolist() == [0, 1]


def test_intervals_resample_whole_groups():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 400)
    scores = np.clip(0.3 * labels + rng.random(400) * 0.7, 0, 1)
    options = {"replicates": 100, "seed": 1}
    alone = classification_intervals(labels, scores, np.arange(400), **options)
    values = classification(labels, scores)
    for value, interval in zip(values, alone, strict=True):
        assert interval.value == pytest.approx(value)
        assert interval.low < value < interval.high
    # Five copies of each example are no more evidence than one, if a copy stays with its original.
    copies = np.tile(np.arange(400), 5)
    together = classification_intervals(labels[copies], scores[copies], copies, **options)
    apart = classification_intervals(labels[copies], scores[copies], np.arange(2000), **options)
    for one, five, wrong in zip(alone, together, apart, strict=True):
        assert five.high - five.low == pytest.approx(one.high - one.low, rel=0.05)
        assert wrong.high - wrong.low < 0.6 * (one.high - one.low)
