"""Junction files, and the usage of splice sites that their counts allow."""

import gzip

import numpy as np
import pandas as pd
import pytest

from splicebert.errors import FormatError, SpliceBERTError
from splicebert.junctions import merge_junctions, read_junctions, site_usage

STAR = "chr1\t101\t200\t1\t1\t1\t30\t5\t40\nchr1\t301\t400\t2\t2\t0\t7\t0\t9\n"


def bed12(start, end, reads, strand, sizes):
    first, last = sizes
    head = ("chr1", start, end, "J", reads, strand, start, end, "255,0,0", 2)
    return "\t".join(map(str, (*head, f"{first},{last}", f"0,{end - start - last}"))) + "\n"


def junctions(*rows):
    return merge_junctions(
        [pd.DataFrame(rows, columns=["chrom", "start", "end", "strand", "reads"])]
    )


def test_star_counts_unique_reads_between_the_first_and_last_base_of_the_intron(tmp_path):
    path = tmp_path / "SJ.out.tab"
    path.write_text(STAR)
    found = read_junctions(path)
    assert found.to_numpy().tolist() == [["chr1", 100, 200, "+", 30], ["chr1", 300, 400, "-", 7]]


def test_regtools_introns_lie_between_the_blocks(tmp_path):
    path = tmp_path / "junctions.bed.gz"
    text = (
        "track name=junctions\n" + bed12(80, 225, 30, "+", (20, 25)) + bed12(1, 99, 4, "?", (9, 9))
    )
    path.write_bytes(gzip.compress(text.encode()))
    found = read_junctions(path)
    assert found.to_numpy().tolist() == [["chr1", 100, 200, "+", 30], ["chr1", 10, 90, ".", 4]]


def test_both_forms_of_the_same_junctions_agree(tmp_path):
    star, bed = tmp_path / "SJ.out.tab", tmp_path / "x.bed"
    star.write_text(STAR)
    bed.write_text(bed12(80, 225, 30, "+", (20, 25)) + bed12(290, 430, 7, "-", (10, 30)))
    pd.testing.assert_frame_equal(read_junctions(star), read_junctions(bed))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("chr1\t1\t2\n", "a junction needs at least 9"),
        ("chr1\t1\t2\t1\t1\t1\t1\t1\t1\tx\n", "found 10 columns; expected 9"),
        ("chr1\t1\t9\t3\t1\t1\t1\t1\t1\n", "strand is 3, expected 0"),
        ("chr1\t9\t7\t1\t1\t1\t1\t1\t1\n", "the intron is 8-7"),
        ("chr1\t1\t9\t1\t1\t1\t-2\t1\t1\n", "-2 reads, expected 0 or more"),
        ("chr1\tx\t9\t1\t1\t1\t2\t1\t1\n", "expected a whole number"),
        (bed12(80, 225, 3, "x", (20, 25)), "strand is 'x', expected"),
        (bed12(80, 225, 3, "+", (20, 25)).replace("20,25", "20"), "blockSizes is '20' with"),
        (bed12(80, 225, 3, "+", (20, 25)).replace("\t2\t", "\t3\t"), "20,25' with blockCount 3"),
        (bed12(80, 225, 3, "+", (20, 25)).replace("0,120", "0,60"), "do not begin and end with"),
        (bed12(80, 225, 3, "+", (100, 45)), "the intron is 180-180"),
    ],
)  # fmt: skip
def test_a_wrong_junction_is_refused_with_its_line(tmp_path, text, message):
    path = tmp_path / "j.tab"
    good = STAR.splitlines()[0] + "\n" if text.count("\t") == 8 else ""
    path.write_text(good + text)
    with pytest.raises(FormatError, match=message) as error:
        read_junctions(path)
    assert f"{path}: line {2 if good else 1}" in str(error.value)


def test_replicates_are_added_up_and_unknown_strands_go():
    one = pd.DataFrame(
        [("chr1", 5, 9, "+", 2), ("chr1", 5, 9, ".", 50), ("chr1", 1, 9, "-", 3)],
        columns=["chrom", "start", "end", "strand", "reads"],
    )
    found = merge_junctions([one, one])
    assert found.to_numpy().tolist() == [["chr1", 5, 9, "+", 4], ["chr1", 1, 9, "-", 6]]


def test_usage_of_a_cassette_exon_by_hand():
    #  exon 0..100, cassette 200..250, exon 400..; 30 reads include, 10 skip
    table = site_usage(
        junctions(
            ("chr1", 100, 200, "+", 30), ("chr1", 250, 400, "+", 30), ("chr1", 100, 400, "+", 10)
        )
    ).set_index(["start", "site"])  # fmt: skip
    assert table.loc[(100, "donor"), "usage"] == 1
    assert table.loc[(198, "acceptor"), "usage"] == 0.75
    assert table.loc[(250, "donor"), "usage"] == 0.75
    assert table.loc[(398, "acceptor"), "usage"] == 1
    assert (table["reads"] == 40).all()
    assert (table["end"] - table.index.get_level_values("start") == 2).all()


def test_on_the_minus_strand_donors_and_acceptors_change_places():
    rows = [("chr1", 100, 200, 30), ("chr1", 250, 400, 30), ("chr1", 100, 400, 10)]
    plus, minus = (site_usage(junctions(*((c, s, e, t, n) for c, s, e, n in rows))) for t in "+-")
    assert (plus["site"] != minus["site"]).all()
    columns = ["start", "end", "usage", "reads"]
    pd.testing.assert_frame_equal(plus[columns], minus[columns])


def test_a_junction_of_the_other_strand_or_chromosome_skips_nothing():
    table = site_usage(
        junctions(("chr1", 100, 200, "+", 5), ("chr1", 50, 300, "-", 9), ("chr2", 50, 300, "+", 9))
    )
    assert (table["usage"] == 1).all()


def test_usage_equals_a_count_over_all_junctions():
    rng = np.random.default_rng(0)
    start = rng.integers(0, 60, 80)
    end = start + rng.integers(2, 30, 80)
    strand = rng.choice(["+", "-"], 80)
    table = junctions(*zip(["c"] * 80, start, end, strand, rng.integers(1, 9, 80), strict=True))
    for row in site_usage(table).itertuples():
        own = table[table["strand"] == row.strand]
        low = (row.site == "donor") == (row.strand == "+")
        edge = row.start if low else row.end
        uses = own.loc[own["start" if low else "end"] == edge, "reads"].sum()
        across = own.loc[(own["start"] < edge) & (own["end"] > edge), "reads"].sum()
        assert row.reads == uses + across
        assert row.usage == pytest.approx(uses / (uses + across))


def test_no_strand_at_all_is_an_error():
    with pytest.raises(SpliceBERTError, match="no junction has a strand"):
        site_usage(junctions(("chr1", 100, 200, ".", 5)))
