"""What a model runs for variants: each distinct sequence once, results in order."""

import numpy as np
import pandas as pd
import pytest

from splicebert.errors import SpliceBERTError
from splicebert.sequence import tokens
from splicebert.variant_plan import (
    Group,
    Query,
    count_runs,
    run_groups,
    runs_of,
    shard_groups,
    substitute,
)

REFERENCE = "ACGTACGTAC"


def query(name, offset, *bases, masked=True, rows=range(10)):
    return Query(name, offset, bases, masked, np.array(rows))


def fake_run(log):
    """Logits that tell the token and whether it was hidden; `log` gets what was run."""

    def run(items):
        for item in items:
            hidden = np.zeros(len(item.sequence), bool) if item.mask is None else item.mask
            log.append((item.sequence, tuple(np.flatnonzero(hidden))))
            values = np.zeros((len(item.sequence), 10), np.float32)
            values[:, 0], values[:, 1] = tokens(item.sequence), hidden
            yield values[item.offsets]

    return run


def test_variants_of_a_window_share_its_reference_and_masked_runs():
    group = Group(REFERENCE, (query("a", 2, "A"), query("b", 2, "T"), query("c", 5, "T")))
    log = []
    found = list(run_groups([group], fake_run(log)))
    assert len(log) == len(set(log)) == 1 + 3 + 2
    assert count_runs([group]) == (6, 9, 60)
    assert [q.name for _, q, _ in found] == ["a", "b", "c"]
    for _, asked, answer in found:
        changed = substitute(REFERENCE, asked.offset, asked.alternatives[0])
        np.testing.assert_array_equal(answer.reference[:, 0], tokens(REFERENCE))
        np.testing.assert_array_equal(answer.alternatives[0][:, 0], tokens(changed))
        assert answer.masked[1] == 1


def test_the_same_variant_twice_runs_once():
    group = Group(REFERENCE, (query("a", 2, "A"), query("again", 2, "A")))
    log = []
    assert len(list(run_groups([group], fake_run(log)))) == 2
    assert len(log) == 3


def test_three_alternatives_of_a_site_and_no_masked_run():
    group = Group(REFERENCE, (query("s", 4, "C", "G", "T", masked=False),))
    ((_, _, answer),) = run_groups([group], fake_run(log := []))
    assert len(log) == 4
    assert answer.alternatives.shape == (3, 10, 10)
    assert answer.masked is None
    np.testing.assert_array_equal(answer.alternatives[:, 4, 0], tokens("CGT"))


def test_only_the_rows_asked_for_are_read():
    group = Group(REFERENCE, (query("a", 2, "A", rows=[1, 2]), query("b", 7, "A", rows=[6, 7])))
    items = runs_of(group)
    assert items[()].offsets.tolist() == [1, 2, 6, 7]
    assert items[2, "A"].offsets.tolist() == [1, 2, 6, 7]
    assert items[(2,)].offsets.tolist() == [2]
    answer = next(iter(run_groups([group], fake_run([]))))[2]
    assert np.isnan(answer.reference[0]).all()
    assert np.isfinite(answer.reference[[1, 2, 6, 7]]).all()


def test_neighbours_in_the_stream_can_be_compared():
    """The check of a precision takes sequences beside each other that differ in few bases."""
    items = list(runs_of(Group(REFERENCE, (query("a", 2, "A"), query("b", 3, "A")))).values())
    assert [item.mask is None for item in items] == [True, True, True, False, False]
    assert len({tuple(item.offsets) for item in items[:3]}) == 1


def test_groups_come_in_order_however_far_the_engine_reads_ahead():
    groups = [Group(REFERENCE[::-1] if i % 2 else REFERENCE, (query(str(i), i, "A"),))
              for i in range(5)]  # fmt: skip
    run = fake_run([])
    found = list(run_groups(groups, lambda items: iter(list(run(items)))))
    assert [q.name for _, q, _ in found] == list("01234")
    for group, _, answer in found:
        np.testing.assert_array_equal(answer.reference[:, 0], tokens(group.sequence))


@pytest.mark.parametrize("shards", [1, 2, 3])
def test_shards_hold_whole_groups_and_all_of_them(shards):
    table = pd.DataFrame({"group": [0, 1, 0, 2, 2, 1], "n": range(6)})
    parts = [shard_groups(table, shard, shards, "variant.shards") for shard in range(shards)]
    assert sorted(pd.concat(parts)["n"]) == list(range(6))
    groups = [set(part["group"]) for part in parts]
    assert sum(map(len, groups)) == len(set.union(*groups)) == 3


def test_more_shards_than_windows_are_refused():
    table = pd.DataFrame({"group": [0, 0, 1]})
    with pytest.raises(SpliceBERTError, match=r"2 reference windows.*variant.shards to 2"):
        shard_groups(table, 0, 3, "variant.shards")
