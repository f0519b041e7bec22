import numpy as np
import pytest

from splicebert.errors import SpliceBERTError
from splicebert.training.folds import assign_folds


def test_whole_groups_balanced():
    groups = np.repeat(["chr1", "chr2", "chr3", "chr4", "chrX"], [50, 10, 30, 20, 5])
    folds = assign_folds(np.zeros(115), groups, folds=3, how="group")
    assert folds.dtype == np.int16
    # 50 -> fold 0; 30 -> 1; 20 -> 2; 10 -> 2 (30, now level with 1); 5 -> 1, the lower of the two
    homes = {group: set(folds[groups == group]) for group in np.unique(groups)}
    assert homes == {"chr1": {0}, "chr2": {2}, "chr3": {1}, "chr4": {2}, "chrX": {1}}


def test_the_order_of_examples_moves_no_group():
    groups = np.random.default_rng(0).choice([f"chr{i}" for i in range(20)], 400)
    order = np.random.default_rng(1).permutation(400)
    folds = assign_folds(np.zeros(400), groups, folds=5, how="group")
    shuffled = assign_folds(np.zeros(400), groups[order], folds=5, how="group")
    np.testing.assert_array_equal(shuffled, folds[order])
    sizes = np.bincount(folds)
    assert sizes.max() - sizes.min() <= 25


def test_stratified_as_scikit_learn_shuffles():
    from sklearn.model_selection import StratifiedKFold

    labels = np.repeat([0, 1], [60, 30])
    folds = assign_folds(labels, labels, folds=10, how="stratified", seed=2020)
    assert [int(labels[folds == k].sum()) for k in range(10)] == [3] * 10
    splitter = StratifiedKFold(10, shuffle=True, random_state=2020)
    for number, (_, rows) in enumerate(splitter.split(labels, labels)):
        np.testing.assert_array_equal(np.flatnonzero(folds == number), rows)
    other = assign_folds(labels, labels, folds=10, how="stratified", seed=1)
    assert not np.array_equal(folds, other)


def test_given():
    found = assign_folds([0, 1, 0], [1, -1, 0], folds=2, how="given")
    assert found.tolist() == [1, -1, 0]


@pytest.mark.parametrize(
    ("labels", "groups", "folds", "how", "words"),
    [([0, 1], ["a", "b"], 2, "random", "one of group, stratified, given"),
     ([0, 1], ["a", "b"], 1, "group", "1 folds; expected 2"),
     ([0, 1], ["a", "a"], 2, "group", r"1 groups \(a\) for 2 folds"),
     ([0, 1], [0, 2], 2, "given", r"example 1 \(0-based\) is in fold 2; expected 0 to 1"),
     ([0, 1], [0, 0], 2, "given", "no example is in fold 1"),
     ([0, 1], ["x", "y"], 2, "given", "expected whole numbers"),
     ([0, 0, 1], [0, 0, 0], 2, "stratified", "1 of class 1; expected 2 or more"),
     ([], [], 2, "stratified", "no examples")],
)  # fmt: skip
def test_mistakes_are_named(labels, groups, folds, how, words):
    with pytest.raises(SpliceBERTError, match=words):
        assign_folds(labels, groups, folds=folds, how=how)
