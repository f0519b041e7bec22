"""Sequences packed into one row of tokens, by hand."""

import itertools

import numpy as np
import pytest
import torch

from splicebert.errors import ModelError
from splicebert.models import packing
from splicebert.sequence import MASK

CPU = torch.device("cpu")
TEXTS = ["ACG", "TTGCA", "GGCAU", "n"]


@pytest.fixture
def packed():
    return packing.pack(TEXTS, device=CPU)


def offsets(*rows):
    return [None if row is None else np.array(row, int) for row in rows]


def test_tokens_positions_and_starts_by_hand(packed):
    assert packed.ids.tolist() == [
        *(2, 6, 7, 8, 3),
        *(2, 9, 9, 8, 7, 6, 3),
        *(2, 8, 8, 7, 6, 9, 3),
        *(2, 5, 3),
    ]
    assert packed.positions.tolist() == [*range(5), *range(7), *range(7), *range(3)]
    assert packed.cumulative.tolist() == [0, 5, 12, 19, 22]
    assert packed.lengths.tolist() == [5, 7, 7, 3]
    kinds = packed.ids.dtype, packed.positions.dtype, packed.cumulative.dtype, packed.lengths.dtype
    assert kinds == (torch.int64, torch.int64, torch.int32, np.int64)


def test_neighbours_of_one_length_are_one_group(packed):
    assert packed.groups == ((0, 0, 1, 5), (5, 1, 2, 7), (19, 3, 1, 3))
    assert [group.tokens for group in packed.groups] == [slice(0, 5), slice(5, 19), slice(19, 22)]


@pytest.mark.parametrize(
    ("lengths", "expected"),
    [
        ([], ()),
        ([4], [(0, 0, 1, 4)]),
        ([4, 4, 4], [(0, 0, 3, 4)]),
        ([4, 5, 4], [(0, 0, 1, 4), (4, 1, 1, 5), (9, 2, 1, 4)]),
        ([3, 3, 9, 9, 9, 3], [(0, 0, 2, 3), (6, 2, 3, 9), (33, 5, 1, 3)]),
    ],
)
def test_groups_by_hand(lengths, expected):
    assert packing.find_groups(np.array(lengths, np.int64)) == tuple(expected)


def test_groups_cover_all_tokens_once():
    rng = np.random.default_rng(0)
    for _ in range(50):
        lengths = rng.integers(1, 4, rng.integers(1, 30))
        groups = packing.find_groups(lengths)
        tokens = np.concatenate([np.arange(g.tokens.start, g.tokens.stop) for g in groups])
        assert tokens.tolist() == list(range(lengths.sum()))
        assert np.repeat(*np.array([(g.length, g.count) for g in groups]).T).tolist() == list(
            lengths
        )
        assert all(a.length != b.length for a, b in itertools.pairwise(groups))


def test_masked_bases_are_mask_tokens(packed):
    masks = [np.array([True, False, True]), None, np.arange(5) == 4, None]
    joined = packing.joined_masks(masks, TEXTS)
    assert joined.tolist() == [True, False, True, *[False] * 9, True, False]
    found = packing.pack(TEXTS, joined, device=CPU)
    changed = (found.ids != packed.ids).nonzero().flatten().tolist()
    assert changed == [1, 3, 17]
    assert found.ids[changed].tolist() == [MASK] * 3
    assert packing.joined_masks(None, TEXTS) is None
    assert packing.joined_masks([None] * 4, TEXTS) is None


def test_a_mask_of_another_length():
    with pytest.raises(ModelError, match="mask of 2 bases for a sequence of 3 nt"):
        packing.joined_masks([np.zeros(2, bool), None, None, None], TEXTS)


def test_rows_of_every_nucleotide(packed):
    rows = packing.all_rows(packed)
    assert rows.index.tolist() == [1, 2, 3, 6, 7, 8, 9, 10, 13, 14, 15, 16, 17, 20]
    assert rows.counts.tolist() == [3, 5, 5, 1]
    assert rows.cumulative.tolist() == [0, 3, 8, 13, 14]
    assert rows.cumulative.dtype == torch.int32


def test_some_rows_by_hand(packed):
    rows = packing.some_rows(packed, offsets([2], [4, 0, 0], [], None))
    assert rows.index.tolist() == [3, 10, 6, 6, 20]
    assert rows.counts.tolist() == [1, 3, 0, 1]
    assert rows.cumulative.tolist() == [0, 1, 4, 4, 5]


def test_none_everywhere_is_all_rows(packed):
    some, every = packing.some_rows(packed, [None] * 4), packing.all_rows(packed)
    assert torch.equal(some.index, every.index)
    assert some.counts.tolist() == every.counts.tolist()


def test_no_rows_at_all(packed):
    rows = packing.some_rows(packed, offsets([], [], [], []))
    assert rows.index.shape == (0,)
    assert rows.cumulative.tolist() == [0] * 5


@pytest.mark.parametrize(
    ("wanted", "offset", "sequence", "last"),
    [
        (([3], None, None, None), 3, 0, 2),
        (([-1], None, None, None), -1, 0, 2),
        ((None, [0, 5], [9], None), 5, 1, 4),
        (([0], [], [4], [1]), 1, 3, 0),
    ],
)
def test_rows_outside_a_sequence(packed, wanted, offset, sequence, last):
    message = rf"offset {offset} \(0-based\) of sequence {sequence}; expected 0 to {last}$"
    with pytest.raises(ModelError, match=message):
        packing.some_rows(packed, offsets(*wanted))


def test_offsets_of_too_few_sequences(packed):
    with pytest.raises(ModelError, match=r"offsets of 2 sequences; expected .* 4 sequences"):
        packing.some_rows(packed, offsets([0], [0]))


def test_tokens_that_are_nucleotides():
    assert packing.nucleotide_tokens(np.array([2, 0, 3])).tolist() == [1, 2, 7, 8, 9]


def test_first_rows_are_those_of_cls():
    packed = packing.pack(["ACG", "T", "GGGGG"], device=torch.device("cpu"))
    rows = packing.first_rows(packed)
    assert rows.index.tolist() == [0, 5, 8]
    assert (packed.ids[rows.index] == 2).all()
    assert rows.counts.tolist() == [1, 1, 1]
    assert rows.cumulative.tolist() == [0, 1, 2, 3]
