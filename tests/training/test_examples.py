import numpy as np
import pytest

from splicebert.errors import FormatError, SpliceBERTError
from splicebert.tables import read_table, validate, write_table
from splicebert.training.examples import (
    balanced_weights,
    check_examples,
    check_parts,
    count_shared,
    digest,
    make_examples,
    read_examples,
)  # fmt: skip
from splicebert.training.tables import EXAMPLES


def test_lists_of_labels_survive_the_file(tables, tmp_path):
    table = tables["token"].assign(chrom="chr1")
    write_table(table, tmp_path / "examples.parquet", EXAMPLES)
    found = read_examples(tmp_path / "examples.parquet", "token")
    assert list(found.columns) == [*EXAMPLES.names, "chrom"]
    assert found["fold"].dtype == np.int16
    for one, two in zip(found["labels"], table["labels"], strict=True):
        assert one.dtype == np.int8
        np.testing.assert_array_equal(one, two)
    assert read_table(tmp_path / "examples.parquet", EXAMPLES).shape == table.shape


@pytest.mark.parametrize("labels", [[[0.5]], ["01"], [[200]], [[[0]]], [None]])
def test_labels_that_are_no_list_of_small_numbers(tables, labels):
    table = tables["sequence"].iloc[:1].assign(labels=labels)
    with pytest.raises(FormatError, match="labels"):
        validate(table, EXAMPLES)


def test_ignored_labels_fall_away(tables):
    found = make_examples(tables["token"], "token")
    assert [o.tolist() for o in found.offsets[:2]] == [list(range(15, 25))] * 2
    assert [len(labels) for labels in found.labels] == [10] * 50
    assert found.all_labels().sum() == 50
    items = list(found.items())
    assert items[3].sequence == tables["token"]["sequence"][3]
    assert items[3].rows == 10
    two = found.take(np.array([4, 1]))
    assert two.ids == ["e4", "e1"]
    assert two.total_nt == 80


def test_a_whole_sequence_is_a_row_at_0(tables):
    found = make_examples(tables["sequence"], "sequence")
    assert all(offsets.tolist() == [0] for offsets in found.offsets)
    assert len(found.all_labels()) == 50


@pytest.mark.parametrize(
    ("task", "sequence", "labels", "words"),
    [("token", "ACGT", [0, 1], "2 labels for 4 nt; task token needs 4"),
     ("sequence", "ACGT", [0, 1, 0, 0], "4 labels for 4 nt; task sequence needs 1"),
     ("token", "ACGT", [0, 1, 2, 0], "label 2; expected 0 or 1, or -100"),
     ("sequence", "ACGT", [-100], "label -100; expected 0 or 1$"),
     ("token", "AC", [-100, -100], "no label but -100"),
     ("sequence", "", [1], "an empty sequence")],
)  # fmt: skip
def test_a_wrong_example_is_named(tables, task, sequence, labels, words):
    table = tables["sequence"].iloc[:2].copy()
    good = [0] if task == "sequence" else [0] * 40
    table["labels"] = [np.array(good, np.int8), np.array(labels, np.int8)]
    table.loc[1, "sequence"] = sequence
    with pytest.raises(FormatError, match=f"some.parquet: example 'e1': {words}"):
        check_examples(table, task, "some.parquet")


def test_parts_need_examples_of_both_classes(tables):
    every = make_examples(tables["sequence"], "sequence")
    none, one = every.take(np.arange(0)), every.take(np.arange(5))
    check_parts({"training": every, "validation": every, "test": one})
    with pytest.raises(SpliceBERTError, match="the test part has no examples"):
        check_parts({"training": every, "validation": every, "test": none})
    with pytest.raises(SpliceBERTError, match="all 5 examples of the validation part are of class"):
        check_parts({"training": every, "validation": one, "test": one})


def test_balanced_weights_give_both_classes_the_same_sum():
    labels = np.repeat([0, 1], [90, 10])
    weights = balanced_weights(labels)
    np.testing.assert_allclose(weights, [100 / 180, 5])
    sums = np.bincount(labels, weights=weights[labels])
    np.testing.assert_allclose(sums, [50, 50], rtol=1e-6)


def test_sequences_of_training_in_other_parts_are_counted(tables):
    every = make_examples(tables["sequence"], "sequence")
    parts = {
        "training": every.take(np.arange(20)), "validation": every.take(np.arange(18, 24)),
        "test": every.take(np.arange(30, 40)),
    }  # fmt: skip
    assert count_shared(parts) == {"validation": 2, "test": 0}


def test_the_digest_sees_every_change(tables):
    table = tables["token"]
    seen = {digest(make_examples(table, "token"))}
    for row, column, value in (
        (3, "sequence", "A" * 40), (4, "example_id", "other"), (5, "labels", table["labels"][6]),
    ):  # fmt: skip
        changed = table.copy()
        changed.at[row, column] = value
        seen.add(digest(make_examples(changed, "token")))
    assert len(seen) == 4
    assert digest(make_examples(table.copy(), "token")) in seen
