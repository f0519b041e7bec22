"""Numbers in captions: counts of tables, published beside reproduced."""

import gzip

import pytest

from splicebert import captions

HEAD = "branch\tdataset\tmethod\tmetric\tvalue\treproduced\n"


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "t.tsv"
    path.write_text("group\tn\na\t1200\na\t30\nb\t\nb\t7\n")
    return path


def test_counts_of_a_table(table):
    assert captions.count(table, "n") == "1,200"
    assert captions.count(table, "n", group="b") == "7"
    assert captions.count(table, "n", group="c") == "0"
    assert captions.total(table, "n") == "1,237"
    assert captions.distinct(table, "group") == "2"
    packed = table.with_suffix(".tsv.gz")
    packed.write_bytes(gzip.compress(table.read_bytes()))
    assert captions.total(packed, "n") == "1,237"


def test_published_numbers_with_and_without_this_runs(tmp_path):
    path = tmp_path / "c.tsv"
    assert captions.published("variant", table=path) == ""  # a report of one branch
    path.write_text(HEAD + "variant\tX|all\tM\tap\t0.25\t\nvariant\tY\tM\tap\t0.5\t0.75\n")
    both = captions.published("variant", table=path)
    assert "X all, M, ap 0.25; Y, M, ap 0.5 (this run 0.75)" in both
    assert "other data" not in both
    assert "has none of these numbers" in captions.published("variant", "X", table=path)
    assert captions.published("variant", metric="auc", table=path) == captions.NONE
