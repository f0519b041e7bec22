"""What the attention branch reads from rows: by hand, at the edges, and summed."""

import numpy as np
import pandas as pd
import pytest

from splicebert.attention_scores import (
    ProfileSums,
    around,
    blank_outside,
    columns,
    donor_acceptor_offsets,
    items,
    layer_names,
    link_profiles,
    pair_scores,
    shard_rows,
    site_offsets_of,
)
from splicebert.errors import SpliceBERTError


def pairs(*rows):
    names = ["pair_id", "chrom", "p", "q", "strand", "type1", "type2", "start", "end"]
    return pd.DataFrame(rows, columns=names)


BOTH = pairs(
    ("a", "chr1", 110, 150, "+", "D", "A", 100, 200),
    ("b", "chr1", 110, 150, "-", "A", "D", 100, 200),
)


def test_offsets_are_read_5_to_3_on_the_strand():
    assert site_offsets_of(BOTH).tolist() == [[10, 50], [89, 49]]
    assert donor_acceptor_offsets(BOTH).tolist() == [[10, 50], [49, 89]]


def test_only_a_donor_and_an_acceptor_are_an_intron():
    with pytest.raises(SpliceBERTError, match=r"b: sites of types '\.\.'"):
        donor_acceptor_offsets(BOTH.assign(type1=["D", "."], type2=["A", "."]))


class Letters:
    """A genome whose base says where it is."""

    def fetch(self, chrom, start, end, strand):
        assert chrom == "chr1"
        return "ACGT"[start % 4] * (end - start) if strand == "+" else "T" * (end - start)


def test_items_ask_for_positions_inside_the_window():
    offsets = np.array([[-1, 0, 1], [98, 99, 100]])
    first, second = items(BOTH, Letters(), offsets)
    assert first.offsets.tolist() == [0, 0, 1]
    assert second.offsets.tolist() == [98, 99, 99]
    assert len(first.sequence) == len(second.sequence) == 100


def test_neighbours_site_by_site():
    assert around(np.array([[5, 90]])).tolist() == [[4, 5, 6, 89, 90, 91]]


@pytest.mark.parametrize("shards", [1, 2, 3, 7, 12])
@pytest.mark.parametrize("n", [0, 1, 7, 100])
def test_shards_are_the_whole_in_order(n, shards):
    table = pd.DataFrame({"row": range(n)})
    parts = [shard_rows(table, shard, shards) for shard in range(shards)]
    assert [row for part in parts for row in part["row"]] == list(range(n))
    sizes = [len(part) for part in parts]
    assert max(sizes) - min(sizes) <= 1


def test_columns_outside_are_nan_and_never_wrapped():
    values = np.arange(10, dtype=np.float32)[None]
    assert columns(values, 5, 2).tolist() == [[3, 4, 5, 6, 7]]
    np.testing.assert_array_equal(columns(values, 0, 2), [[np.nan, np.nan, 0, 1, 2]])
    np.testing.assert_array_equal(columns(values, 9, 2), [[7, 8, 9, np.nan, np.nan]])
    assert np.isnan(columns(values, 40, 2)).all()
    assert np.isnan(columns(values, -40, 2)).all()
    np.testing.assert_array_equal(
        columns(values, 5, 7)[0], [np.nan, np.nan, *range(10), np.nan, np.nan, np.nan]
    )


def test_rows_outside_are_nan_and_never_wrapped():
    rows = np.ones((2, 3, 10), np.float32)
    found = blank_outside(rows, np.array([-1, 0, 10]))
    assert np.isnan(found).all(axis=(0, 2)).tolist() == [True, False, True]
    assert found.dtype == np.float32
    assert not np.isnan(rows).any()


def test_pair_score_by_hand():
    """The score is that of protocol.md, written out with loops."""
    rng = np.random.default_rng(0)
    rows, p, q = rng.random((3, 6, 100)).astype(np.float32), 20, 70
    expected = []
    for layers in ([0, 1, 2], [0], [1], [2]):
        means = rows[layers].mean(axis=0)
        there, back = means[:3].mean(axis=0), means[3:].mean(axis=0)
        expected.append(max((there[q + i] + back[p + i]) / 2 for i in (-1, 0, 1)))
    found = pair_scores(rows, p, q)
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    assert layer_names(3) == ["mean", "1", "2", "3"]


@pytest.mark.parametrize(("p", "q"), [(0, 70), (20, 99), (99, 0)])
def test_a_pair_at_the_windows_edge_has_no_score(p, q):
    rows = np.random.default_rng(0).random((3, 6, 100)).astype(np.float32)
    assert np.isnan(pair_scores(rows, p, q)).all()


@pytest.mark.parametrize(("p", "q"), [(1, 98), (98, 1)])
def test_a_pair_beside_the_edge_has_one(p, q):
    rows = np.random.default_rng(0).random((3, 6, 100)).astype(np.float32)
    assert np.isfinite(pair_scores(rows, p, q)).all()


@pytest.mark.parametrize("heads", [(), (4,)])
def test_profiles_by_hand(heads):
    rng = np.random.default_rng(1)
    rows = rng.random((3, *heads, 2, 100)).astype(np.float32)
    found = link_profiles(rows, 30, 95, 10)
    assert found.shape == (3, *heads, 2, 21)
    np.testing.assert_array_equal(found[..., 1, :], rows[..., 1, 20:41])
    np.testing.assert_array_equal(found[..., 0, :15], rows[..., 0, 85:])
    assert np.isnan(found[..., 0, 15:]).all()


def test_sums_over_introns_count_each_column():
    rng = np.random.default_rng(2)
    profiles = [rng.random((2, 3, 2, 5)) for _ in range(4)]
    for number, profile in enumerate(profiles):
        profile[:, :, 0, : number % 3] = np.nan
    sums = ProfileSums()
    for profile in profiles:
        sums.add(profile)
    np.testing.assert_allclose(
        sums.total / sums.count, np.nanmean(np.stack(profiles), axis=0), rtol=1e-12
    )
    assert sums.count[0].tolist() == [2, 3, 4, 4, 4]
    assert sums.count[1].tolist() == [4] * 5
