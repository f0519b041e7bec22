import numpy as np
import pytest

from splicebert.pretraining.corpus import Pool
from splicebert.pretraining.fragments import draw_lengths, draw_places, draw_step, passes, share_out
from splicebert.pretraining.settings import Phase

MIXED = Phase(16, 100, 1, 1000)


@pytest.fixture
def source():
    """Transcripts of 20, 200 and 50 nt, the last in a second genome."""
    length = np.array([20, 200, 50])
    return Pool(np.array([0, 0, 1]), np.array([5, 25, 7]), length, np.array([0, 20, 220, 270]))


def test_fragments_lie_in_their_transcripts_and_every_place_comes_up_alike(source):
    lengths = np.full(40_000, 20)
    part, start = draw_places(source, lengths, np.random.default_rng(0))
    counts = {}
    for key in zip(part.tolist(), start.tolist(), strict=True):
        counts[key] = counts.get(key, 0) + 1
    wanted = {(0, 5)} | {(0, 25 + i) for i in range(181)} | {(1, 7 + i) for i in range(31)}
    assert set(counts) == wanted
    share = np.array(list(counts.values())) / len(lengths)
    np.testing.assert_allclose(share, 1 / len(wanted), rtol=0.5)


def test_lengths_are_uniform_and_fill_the_batch():
    rng = np.random.default_rng(1)
    drawn = [draw_lengths(MIXED, rng) for _ in range(500)]
    for lengths in drawn:
        assert (lengths + 2).sum() <= 1000
        assert (lengths + 2).sum() > 1000 - 102
        assert (np.diff(lengths) >= 0).all()
    every = np.concatenate(drawn)
    assert (every.min(), every.max()) == (16, 100)
    assert abs(every.mean() - 58) < 2.5


def test_fixed_lengths_fill_the_batch_exactly():
    assert draw_lengths(Phase(62, 62, 1, 640), np.random.default_rng(0)).tolist() == [62] * 10


def test_a_step_depends_on_seed_and_step_alone(source):
    phase = Phase(10, 40, 1, 300)
    again = [draw_step(source, phase, 7, 3, positions=64) for _ in range(2)]
    for first, second in zip(*again, strict=True):
        np.testing.assert_array_equal(first, second)
    for seed, step in ((7, 4), (8, 3)):
        other = draw_step(source, phase, seed, step, positions=64)
        assert not np.array_equal(other.start, again[0].start)
        assert not np.array_equal(other.draws[:20], again[0].draws[:20])


def test_shifts_reach_both_ends_of_the_position_table(source):
    phase = Phase(10, 14, 1, 1600)
    steps = [draw_step(source, phase, 0, step, positions=20) for step in range(20)]
    shift, length = (np.concatenate([getattr(s, k) for s in steps]) for k in ("shift", "length"))
    assert shift.min() == 0
    assert (shift + length + 2).max() == 20
    assert not draw_step(source, phase, 0, 0).shift.any()


@pytest.mark.parametrize("shares", [1, 2, 3, 7, 50])
def test_shares_hold_every_fragment_once_and_are_balanced(shares):
    lengths = draw_lengths(Phase(16, 100, 1, 2000), np.random.default_rng(shares))
    found = share_out(lengths, shares)
    assert len(found) == shares
    assert sorted(np.concatenate(found).tolist()) == list(range(len(lengths)))
    tokens = [int((lengths[share] + 2).sum()) for share in found]
    assert max(tokens) - min(tokens) <= 102
    assert all((np.diff(lengths[share]) >= 0).all() for share in found)


def test_passes_hold_what_fits():
    assert passes(1000, 1, None) == 1
    assert passes(1000, 1, 250) == 4
    assert passes(1000, 2, 300) == 2
    assert passes(1000, 8, 300) == 1
