"""Zones and labels of branchpoints, on real rows against what the paper's own code made."""

from collections import Counter
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from splicebert.branchpoint_bed import MISFIT, OTHER_WIDTH, read_labelled_zones
from splicebert.branchpoint_zones import (
    NO_LABEL,
    SHORT,
    Zone,
    acceptor_zones,
    draw_zones,
    label_zones,
    on_genome,
    place_zones,
    window_labels,
)
from splicebert.errors import FormatError, SpliceBERTError
from splicebert.genome import Genome
from splicebert.sequence import token_batch

ZONE = Zone()


def windows(zones, length=510):
    return np.array([window_labels(row, ZONE, length) for row in zones.itertuples()])


def test_windows_and_labels_are_those_of_the_papers_code(shared, tmp_path):
    published = np.load(shared / "real/published_code/branchpoint.npz")
    counts = Counter()
    zones = read_labelled_zones(shared / "real/mercer_dataset.hg19.bed.gz", ZONE, "keep", counts)
    path = shared / "real/genome.fa.gz"
    with Genome(path, fai=tmp_path / "fai", gzi=tmp_path / "gzi") as genome:
        zones = on_genome(zones, genome.contigs, genome.path, counts)
        zones = place_zones(zones, ZONE, 510)
        sequences = [genome.fetch(r.chrom, r.start, r.end, r.strand) for r in zones.itertuples()]
    np.testing.assert_array_equal(zones["row"], published["row"])
    np.testing.assert_array_equal(windows(zones), published["labels"])
    np.testing.assert_array_equal(token_batch(sequences)[0], published["input_ids"])
    assert +counts == {NO_LABEL: 80}
    assert set(zones["strand"]) == {"+", "-"}
    ends = {s[a - 2 : a].upper() for s, a in zip(sequences, zones["acceptor"], strict=True)}
    assert ends == {"AG"}  # `acceptor` is the first base behind the intron


def write_bed(path, *rows):
    path.write_text("".join("\t".join(map(str, row)) + "\n" for row in rows))
    return path


def marked(width, *offsets, ignore=()):
    values = np.zeros(width, int)
    values[list(offsets)], values[list(ignore)] = 1, -100
    return ",".join(map(str, values))


@pytest.mark.parametrize(("choice", "rows"), [("keep", [0, 1]), ("skip", [0])])
def test_other_widths_are_counted_and_kept_or_left_out(tmp_path, choice, rows):
    path = write_bed(
        tmp_path / "a.bed",
        ("chr1", 1000, 1027, "a", marked(27, 2, ignore=[5]), "-"),
        ("chr1", 2000, 2024, "b", marked(24, 23), "+"),
        ("chr1", 3000, 3021, "c", marked(27, 1), "+"),
        ("chr1", 4000, 4027, "d", marked(27, ignore=[3]), "+"),
    )
    counts = Counter()
    zones = read_labelled_zones(path, ZONE, choice, counts)
    assert zones["row"].tolist() == rows
    assert counts[OTHER_WIDTH] == 2
    assert counts[MISFIT] == 1
    assert counts[NO_LABEL] == 1
    placed = place_zones(zones, ZONE, 510)
    found = windows(placed)
    assert np.flatnonzero(found[0] == 1).tolist() == [241 + 24]  # ascending labels, turned on -
    assert found[0][241 + 21] == -100
    if choice == "keep":  # the 3'-most base is 18 nt from the acceptor, whatever the width
        assert placed["acceptor"][1] - np.flatnonzero(found[1] == 1)[0] == 18
        assert (found[1] != -100).sum() == 24


@pytest.mark.parametrize("labels", ["0,x,1", "0,2", "0.5,1", ""])
def test_labels_that_are_none_are_refused(tmp_path, labels):
    path = write_bed(tmp_path / "a.bed", ("chr1", 10, 13, "a", labels, "+"))
    with pytest.raises(FormatError, match=r"record 1 .*column 5"):
        read_labelled_zones(path, ZONE, "keep", Counter())


def test_a_zone_without_a_strand_is_refused(tmp_path):
    path = write_bed(tmp_path / "a.bed", ("chr1", 10, 11, "a", "1", "."))
    with pytest.raises(FormatError, match="no strand"):
        read_labelled_zones(path, ZONE, "keep", Counter())


INTRONS = pd.DataFrame(
    [("chr1", 900, 1000, "+"), ("chr1", 970, 1000, "+"), ("chr1", 2000, 2100, "-"),
     ("chr1", 3000, 3017, "+"), ("chr1", 4000, 4030, "-")],
    columns=["chrom", "start", "end", "strand"],
)  # fmt: skip


def test_zones_of_an_annotation_lie_upstream_of_each_acceptor_once():
    counts = Counter()
    zones = acceptor_zones(INTRONS, ZONE, counts)
    assert counts == {SHORT: 1}
    assert zones["row"].tolist() == [0, 2, 4]
    assert zones["zone_start"].tolist() == [956, 2017, 4017]
    assert zones["zone_end"].tolist() == [983, 2044, 4044]


def test_labels_of_an_annotation():
    counts = Counter()
    zones = acceptor_zones(INTRONS, ZONE, counts)
    points = pd.DataFrame(
        [("chr1", 970, "+"), ("chr1", 982, "+"), ("chr1", 2017, "-"), ("chr1", 4040, "-"),
         ("chr1", 970, "-"), ("chr2", 5, "+")],
        columns=["chrom", "position", "strand"],
    )  # fmt: skip
    labelled = label_zones(zones, points, ZONE, counts)
    placed = place_zones(labelled, ZONE, 100)
    distances = [
        (row.acceptor - np.flatnonzero(window_labels(row, ZONE, 100) == 1)).tolist()
        for row in placed.itertuples()
    ]
    assert distances == [[30, 18], [18]]
    # 4040 lies past the end of the intron 4000-4030, 970 on the other strand.
    assert counts["branchpoints in no zone"] == 3
    assert counts[NO_LABEL] == 1


def test_bases_before_the_intron_are_no_candidates():
    zones = acceptor_zones(INTRONS.iloc[[4]], ZONE, Counter())
    points = pd.DataFrame([("chr1", 4020, "-")], columns=["chrom", "position", "strand"])
    placed = place_zones(label_zones(zones, points, ZONE, Counter()), ZONE, 60)
    row = next(placed.itertuples())
    candidates = np.flatnonzero(window_labels(row, ZONE, 60) >= 0)
    assert sorted(row.acceptor - candidates) == list(range(18, 31))


def test_repeated_zones_have_names_of_their_own_and_a_draw_keeps_the_order():
    zones = acceptor_zones(INTRONS, ZONE, Counter())
    twice = place_zones(pd.concat([zones, zones], ignore_index=True), ZONE, 100)
    assert twice["example_id"].is_unique
    drawn = draw_zones(twice, 4, 1)
    assert len(drawn) == 4
    assert drawn["example_id"].tolist() == sorted(
        drawn["example_id"], key=twice["example_id"].tolist().index
    )


def test_a_zone_wider_than_its_window_is_refused():
    row = SimpleNamespace(labels=np.zeros(27, np.int8), acceptor=40, example_id="x")
    with pytest.raises(SpliceBERTError, match=r"windows\.length"):
        window_labels(row, ZONE, 20)
