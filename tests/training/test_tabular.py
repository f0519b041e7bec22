"""A user's own examples."""

import numpy as np
import pandas as pd
import pytest

from splicebert.errors import FormatError, SpliceBERTError
from splicebert.training.tables import EXAMPLES
from splicebert.training.tabular import read_user_examples, with_folds


@pytest.fixture
def write(tmp_path):
    """Function (text): a TSV file."""

    def make(text, name="examples.tsv"):
        path = tmp_path / name
        path.write_text(text.replace(" ", "\t"))
        return path

    return make


def test_sequence_and_labels_are_enough(write):
    table = read_user_examples(write("sequence labels\nacgt 0\nGGTA 1\n"), "sequence")
    assert table["sequence"].tolist() == ["ACGT", "GGTA"]
    assert [labels.tolist() for labels in table["labels"]] == [[0], [1]]
    assert table["example_id"].tolist() == ["example1", "example2"]
    assert "fold" not in table


@pytest.mark.parametrize("labels", ["-100,0,1,-100", ".01."])
def test_labels_of_nucleotides_as_text(write, labels):
    table = read_user_examples(write(f"sequence labels\nACGT {labels}\n"), "token")
    assert table["labels"][0].tolist() == [-100, 0, 1, -100]


def test_numbers_of_a_tsv_are_still_names(write):
    text = "example_id sequence labels group fold\n7 ACGT 0 1 1\n8 ACGA 1 2 0\n"
    table = with_folds(read_user_examples(write(text), "sequence"), folds=2, how=None, seed=0)
    assert table["example_id"].tolist() == ["7", "8"]
    assert table["group"].tolist() == ["1", "2"]
    assert table["fold"].tolist() == [1, 0]
    assert list(table.columns) == EXAMPLES.names


def test_parquet_with_lists_or_numbers(tmp_path):
    path = tmp_path / "examples.parquet"
    pd.DataFrame({"sequence": ["ACGT"], "labels": [[0, 1, -100, 0]]}).to_parquet(path)
    assert read_user_examples(path, "token")["labels"][0].tolist() == [0, 1, -100, 0]
    pd.DataFrame({"sequence": ["ACGT"], "labels": [1]}).to_parquet(path)
    assert read_user_examples(path, "sequence")["labels"][0].tolist() == [1]


@pytest.mark.parametrize(
    ("columns", "how"),
    [({"fold": [1, 1, 0, 0, 1, 0]}, "given"), ({"group": list("aabbcc")}, "group"),
     ({}, "stratified")],
)  # fmt: skip
def test_folds_by_what_the_table_has(tmp_path, columns, how):
    table = pd.DataFrame({"sequence": ["ACGT"] * 6, "labels": [[0], [1], [0], [1], [0], [1]]})
    table.assign(**columns).to_parquet(tmp_path / "e.parquet")
    table = read_user_examples(tmp_path / "e.parquet", "sequence")
    folds = with_folds(table, folds=2, how=None, seed=0)["fold"].tolist()
    if how == "given":
        assert folds == columns["fold"]
    elif how == "group":
        assert folds == [0, 0, 1, 1, 0, 0]
    else:
        assert set(folds[::2]) == set(folds[1::2]) == {0, 1}
        assert np.bincount(folds).tolist() == [3, 3]


@pytest.mark.parametrize(
    ("text", "task", "words"),
    [("sequence label\nACGT 1\n", "sequence", "labels"),
     ("sequence labels\nACGT 0,x\n", "token", "labels"),
     ("sequence labels\nACGT 0.5\n", "sequence", "labels"),
     ("sequence labels\nACGT 0,1\n", "token", "example 'example1': 2 labels for 4 nt"),
     ("example_id sequence labels\na AC 0\na AC 1\n", "sequence", "'a' a second time")],
)  # fmt: skip
def test_mistakes_are_named(write, text, task, words):
    with pytest.raises(FormatError, match=words) as error:
        read_user_examples(write(text), task)
    assert "examples.tsv" in str(error.value)


def test_given_folds_need_their_column(write):
    table = read_user_examples(write("sequence labels\nacgt 0\nGGTA 1\n"), "sequence")
    with pytest.raises(FormatError, match="no column fold"):
        with_folds(table, folds=2, how="given", seed=0)
    with pytest.raises(SpliceBERTError, match="1 of class 0"):
        with_folds(table, folds=2, how=None, seed=0)
