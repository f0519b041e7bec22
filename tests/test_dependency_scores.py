"""Block scores: planted blocks, backgrounds, directions, sites on either strand, reasons."""

import numpy as np
import pytest

from splicebert.dependency_scores import (
    FEW,
    MIN_BACKGROUND,
    NO_SITE,
    OUTSIDE,
    OVERLAP,
    UNKNOWN,
    intron_blocks,
    score_block,
    score_link,
    shifted_means,
    site_blocks,
)

SIZES = {
    "donor": {"exon": 3, "intron": 8},
    "acceptor": {"intron": 6, "exon": 3},
    "branchpoint": {"before": 3, "behind": 1},
}
DONOR, ACCEPTOR = (30, 41), (80, 89)


def random_map(nt=150, seed=0):
    values = np.random.default_rng(seed).gamma(2.0, 0.05, (nt, nt))
    np.fill_diagonal(values, np.nan)
    return values


def test_a_planted_block_stands_out_and_the_numbers_are_those_of_a_loop():
    values = random_map()
    values[slice(*DONOR), slice(*ACCEPTOR)] += 0.3
    found = score_block(values, DONOR, ACCEPTOR)

    background = []
    for shift in range(-30, 150 - 89 + 1):
        if abs(shift) >= 11:
            rows, columns = (slice(a + shift, b + shift) for a, b in (DONOR, ACCEPTOR))
            background.append(max(values[rows, columns].mean(), values[columns, rows].mean()))
    there = values[slice(*DONOR), slice(*ACCEPTOR)].mean()
    back = values[slice(*ACCEPTOR), slice(*DONOR)].mean()
    expected = (there, there, back, np.mean(background), np.std(background, ddof=1))
    np.testing.assert_allclose(found[:5], expected)
    assert found.z == pytest.approx((there - expected[3]) / expected[4])
    assert found.rank == 1.0
    assert found.n_background == len(background) == 30 + 62 - 1 + 1 - 21
    assert found.reason == ""


def test_either_direction_counts():
    values = random_map()
    values[slice(*ACCEPTOR), slice(*DONOR)] += 0.3
    found = score_block(values, DONOR, ACCEPTOR)
    assert found.score == found.second_to_first > found.first_to_second
    assert found.rank == 1.0


def test_without_a_planted_block_the_rank_is_a_half_on_average():
    """Also where dependencies fall with distance: the background is at the same distance."""
    distance = np.abs(np.subtract.outer(np.arange(150), np.arange(150)))
    ranks, scores = [], []
    for seed in range(200):
        values = random_map(seed=seed) + 1 / (1 + distance)
        found = score_block(values, DONOR, ACCEPTOR)
        ranks.append(found.rank)
        scores.append(found.z)
    assert np.mean(ranks) == pytest.approx(0.5, abs=4 * 0.29 / np.sqrt(200))
    assert np.mean(scores) == pytest.approx(0, abs=0.3)


def test_the_block_itself_is_no_background_of_its_own():
    values = np.zeros((150, 150))
    values[slice(*DONOR), slice(*ACCEPTOR)] = 1.0
    found = score_block(values, DONOR, ACCEPTOR)
    assert (found.score, found.background_mean, found.background_sd) == (1.0, 0.0, 0.0)
    assert np.isnan(found.z)
    assert found.rank == 1.0


def test_ties_count_half():
    assert score_block(np.ones((150, 150)), DONOR, ACCEPTOR).rank == 0.5


def test_unknown_positions_are_left_out_of_the_background():
    values = random_map()
    whole = score_block(values, DONOR, ACCEPTOR)
    values[140], values[:, 140] = np.nan, np.nan
    found = score_block(values, DONOR, ACCEPTOR)
    assert found.score == whole.score
    assert 0 < found.n_background < whole.n_background
    values[85] = np.nan
    assert score_block(values, DONOR, ACCEPTOR).reason == UNKNOWN


@pytest.mark.parametrize(
    ("first", "second", "reason"),
    [
        ((-1, 10), (80, 89), OUTSIDE),
        ((30, 41), (142, 151), OUTSIDE),
        ((70, 81), (80, 89), OVERLAP),
        ((5, 16), (138, 147), FEW),
    ],
)
def test_a_block_without_a_score_says_why(first, second, reason):
    found = score_block(random_map(), first, second)
    assert found.reason == reason
    assert np.isnan(found[:7]).all()
    assert found.n_background < MIN_BACKGROUND


def test_sites_that_touch_do_not_overlap():
    assert score_block(random_map(), (70, 80), (80, 89)).reason == ""


def test_means_of_a_moved_block():
    values = np.arange(36.0).reshape(6, 6)
    found = shifted_means(values, (1, 2), (3, 5), np.array([-1, 0, 1]))
    np.testing.assert_array_equal(found, [2.5, 9.5, 16.5])


# --- sites of an intron


def test_blocks_lie_around_the_ends_of_the_intron():
    blocks = site_blocks(30, 90, 65, SIZES)
    assert blocks == {"donor": (27, 38), "acceptor": (84, 93), "branchpoint": (62, 67)}
    assert "branchpoint" not in site_blocks(30, 90, None, SIZES)


def test_both_strands_see_the_same_sites():
    """An intron and its mirror image in the window have the same blocks."""
    plus = {"start": 130, "end": 190, "strand": "+", "branchpoint": 165}
    minus = {"start": 110, "end": 170, "strand": "-", "branchpoint": 134}
    expected = intron_blocks(plus, (100, 200), SIZES)
    assert expected == site_blocks(30, 90, 65, SIZES)
    assert intron_blocks(minus, (100, 200), SIZES) == expected


@pytest.mark.parametrize("missing", [None, float("nan")])
def test_a_link_without_its_site(missing):
    intron = {"start": 130, "end": 190, "strand": "+", "branchpoint": missing}
    blocks = intron_blocks(intron, (100, 250), SIZES)
    assert score_link(random_map(), blocks, "branchpoint_acceptor").reason == NO_SITE
    assert score_link(random_map(), blocks, "donor_acceptor").reason == ""
