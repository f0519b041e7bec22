import numpy as np
import pandas as pd
import pytest

from splicebert.errors import SpliceBERTError
from splicebert.training.selection import choose_epochs


def scores(*folds):
    rows = [
        (fold, epoch, value)
        for fold, values in enumerate(folds)
        for epoch, value in enumerate(values, 1)
    ]
    return pd.DataFrame(rows, columns=["fold", "epoch", "value"])


# means          0.5  0.6  0.55  0.7     (fold 0 alone has a fifth epoch)
FOLDS = scores([0.4, 0.9, 0.3, 0.6, 1.0], [0.6, 0.3, 0.8, 0.8])


def test_one_epoch_for_all_folds():
    found = choose_epochs(FOLDS, "published")
    assert found.epochs == {0: 4, 1: 4}
    assert found.scores == {0: 0.6, 1: 0.8}
    assert found.mean == pytest.approx(0.7)


def test_each_folds_own_best():
    found = choose_epochs(FOLDS, "corrected")
    # fold 1 has 0.8 twice: the first of them
    assert found.epochs == {0: 5, 1: 3}
    assert found.scores == {0: 1.0, 1: 0.8}
    assert found.mean == pytest.approx(0.9)


@pytest.mark.parametrize(("patience", "epoch"), [(1, 2), (2, 4), (3, 4), (None, 4)])
def test_the_papers_rule_stops_where_the_mean_has_stalled(patience, epoch):
    # After epoch 2 (0.6) epoch 3 is no better: with patience 1 the paper stops there.
    assert choose_epochs(FOLDS, "published", patience).epochs == {0: epoch, 1: epoch}


@pytest.mark.parametrize(("patience", "ended"), [(1, True), (2, False), (None, False)])
def test_a_fold_that_stopped_before_the_rule_is_told(patience, ended):
    # fold 0 goes on to epoch 5, fold 1 does not: nobody knows the mean there
    found = choose_epochs(FOLDS, "published", patience)
    assert (found.common, found.ended) == (4, ended)


def test_nothing_is_cut_where_all_folds_have_the_same_epochs():
    assert choose_epochs(scores([0.1, 0.2], [0.2, 0.3]), "published", 5).ended
    assert choose_epochs(FOLDS, "corrected", 5).ended


def test_patience_counts_from_the_best_so_far():
    rising = scores([0.5, 0.4, 0.6, 0.5, 0.4, 0.9])
    assert choose_epochs(rising, "published", 2).epochs == {0: 3}
    assert choose_epochs(rising, "published", 3).epochs == {0: 6}


def test_equal_means_give_the_first():
    table = scores([0.5, 0.7, 0.5], [0.5, 0.3, 0.5])
    assert choose_epochs(table, "published").epochs == {0: 1, 1: 1}


def test_the_order_of_the_rows_does_not_matter():
    shuffled = FOLDS.sample(frac=1, random_state=0)
    assert choose_epochs(shuffled, "published") == choose_epochs(FOLDS, "published")


@pytest.mark.parametrize(
    ("table", "protocol", "words"),
    [(FOLDS, "own", "expected one of corrected, published"),
     (FOLDS.iloc[:0], "corrected", "0 validation scores"),
     (FOLDS.assign(value=np.nan), "corrected", "9 of them missing"),
     (FOLDS.drop(index=1), "corrected", "fold 0 has 4 epochs up to 5")],
)  # fmt: skip
def test_mistakes_are_named(table, protocol, words):
    with pytest.raises(SpliceBERTError, match=words):
        choose_epochs(table, protocol)
