import numpy as np
import pytest
import torch

from splicebert.masking import KEPT, MASKED, NOT_CHOSEN, REPLACED, bert_masking, masking_of
from splicebert.pretraining.batches import make_batch, pieces, read_batch, read_share, to_model
from splicebert.pretraining.corpus import pool
from splicebert.pretraining.fragments import draw_step, share_out
from splicebert.pretraining.settings import Phase
from splicebert.pretraining.tables import TRAINING
from splicebert.sequence import CLS, MASK, SEP

TOKEN = np.array([6, 7, 8, 9, 5])
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def step(corpus):
    source = pool(corpus, TRAINING, 16, 100)
    return draw_step(source, Phase(16, 100, 1, 1500), 3, 0, positions=130)


def test_masking_of_drawn_numbers_is_bert_masking():
    codes = np.random.default_rng(0).integers(0, 5, (1, 500)).astype(np.uint8)
    draws = np.random.default_rng(4).random((500, 3), np.float32)
    for found, wanted in zip(masking_of(codes[0], draws), bert_masking(codes, 4), strict=True):
        np.testing.assert_array_equal(found, wanted[0])


def test_a_batch_hides_replaces_and_asks_for_what_the_masking_says(corpus, step):
    numbers = np.arange(len(step.length))
    codes = np.concatenate(
        [corpus.codes(*place) for place in zip(step.part, step.start, step.length, strict=True)]
    )
    treatment, seen = masking_of(codes, step.draws)
    batch = read_batch(corpus, step, numbers)
    ends = np.cumsum(batch.lengths)
    specials = np.concatenate([ends - batch.lengths, ends - 1])
    assert (batch.ids[ends - batch.lengths] == CLS).all()
    assert (batch.ids[ends - 1] == SEP).all()
    inner = np.delete(batch.ids, specials)
    assert (inner[treatment == MASKED] == MASK).all()
    for kind in (REPLACED, KEPT, NOT_CHOSEN):
        np.testing.assert_array_equal(inner[treatment == kind], TOKEN[seen[treatment == kind]])
    place = np.delete(np.arange(len(batch.ids)), specials)
    np.testing.assert_array_equal(batch.rows, place[treatment != NOT_CHOSEN])
    np.testing.assert_array_equal(batch.labels, TOKEN[codes[treatment != NOT_CHOSEN]])
    assert set(batch.labels) == {6, 7, 8, 9}
    owner = np.searchsorted(ends, batch.rows, side="right")
    np.testing.assert_array_equal(batch.counts, np.bincount(owner, minlength=len(ends)))
    assert {MASKED, REPLACED, KEPT} <= set(treatment)


def test_positions_begin_at_the_shift_of_each_fragment(corpus, step):
    packed, rows, labels = to_model(read_batch(corpus, step, np.arange(len(step.length))), CPU)
    starts = packed.cumulative[:-1]
    np.testing.assert_array_equal(packed.positions[starts], step.shift)
    inside = np.delete(np.diff(packed.positions), starts[1:] - 1)
    assert (inside == 1).all()
    assert packed.positions.max() < 130
    assert len(rows.index) == len(labels) == rows.cumulative[-1]


@pytest.mark.parametrize(("processes", "passes"), [(1, 3), (2, 1), (3, 2)])
def test_shares_read_the_same_fragments_with_the_same_masks(corpus, step, processes, passes):
    whole = read_batch(corpus, step, np.arange(len(step.length)))
    found = {}
    shares = share_out(step.length, processes * passes)
    for rank in range(processes):
        batches = read_share(corpus, step, rank=rank, processes=processes, passes=passes)
        for batch, numbers in zip(batches, shares[rank * passes :], strict=False):
            found |= dict(zip(numbers, np.split(batch.ids, np.cumsum(batch.lengths)), strict=False))
    wanted = np.split(whole.ids, np.cumsum(whole.lengths)[:-1])
    assert len(found) == len(wanted)
    for number, ids in enumerate(wanted):
        np.testing.assert_array_equal(found[number], ids)


def test_a_share_without_fragments_is_an_empty_batch(corpus, step):
    batch = read_batch(corpus, step, np.empty(0, np.int64))
    assert [len(part) for part in batch] == [0] * 6


def test_n_is_never_predicted():
    codes = np.full(1000, 4, np.uint8)
    draws = np.random.default_rng(0).random((1000, 3), np.float32)
    batch = make_batch(codes, *masking_of(codes, draws), np.array([600, 400]))
    assert len(batch.rows) == 0
    assert batch.counts.tolist() == [0, 0]


def test_pieces_hold_every_fragment_once():
    lengths = np.array([50, 50, 50, 200, 10, 10])
    found = list(pieces(lengths, 110))
    assert [(p.start, p.stop) for p in found] == [(0, 2), (2, 3), (3, 4), (4, 6)]
