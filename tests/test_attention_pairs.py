"""Pairs of the attention branch: read, derived by hand, sampled, put into windows."""

import gzip

import numpy as np
import pandas as pd
import pytest

from splicebert.attention_tables import PAIRS, PARTS
from splicebert.derived_pairs import (
    derive_introns,
    derive_pairs,
    distance_bins,
    intron_ends,
    random_pairs,
    sample_bins,
)
from splicebert.errors import FormatError, GenomeError, SpliceBERTError
from splicebert.pairs import (
    GROUPS,
    INTRON_GROUP,
    choose_example,
    choose_introns,
    number,
    on_genome,
    place_windows,
    read_group,
    window_parts,
)
from splicebert.tables import validate
from splicebert.transcripts import introns, read_gtf

SETTINGS = {"smallest": 100, "largest": 800, "bin": 100, "per_bin": 1000, "seed": 1}
# Introns [1000, 1200), [1350, 1600), [1900, 2100) of a transcript [200, 3000).
FIRST, LAST = (1000, 1350, 1900), (1199, 1599, 2099)


def ends(strand="+"):
    return pd.DataFrame(
        {
            "chrom": "chr1", "strand": strand, "tx_start": 200, "tx_end": 3000, "tx": 0,
            "first": FIRST, "last": LAST,
        }
    )  # fmt: skip


def places(table, group):
    own = table[table["group"] == group]
    return set(zip(own["p"], own["q"], own["type1"] + own["type2"], strict=True))


@pytest.mark.parametrize("strand", ["+", "-"])
def test_groups_by_hand(strand):
    found, skipped = derive_pairs(ends(strand), SETTINGS, 1000)

    validate(found[PAIRS.names], PAIRS)
    da = "DA" if strand == "+" else "AD"
    assert places(found, "intronic_pair") == {(1000, 1199, da), (1350, 1599, da), (1900, 2099, da)}
    assert places(found, "exonic_pair") == {(1350, 1199, da), (1900, 1599, da)}
    assert places(found, "unpair") == {(1000, 1599, da), (1350, 2099, da), (1900, 1199, da)}
    starts = {(1000, 1350), (1350, 1900)}  # 1000 and 1900 are too far apart
    stops = {(1199, 1599), (1599, 2099)}
    donors, acceptors = (starts, stops) if strand == "+" else (stops, starts)
    assert places(found, "donor_pair") == {(*pair, "DD") for pair in donors}
    assert places(found, "acceptor_pair") == {(*pair, "AA") for pair in acceptors}
    assert sum(skipped.values()) == 0


def test_random_pairs_have_the_distances_of_the_introns_of_their_transcripts():
    found, _ = derive_pairs(ends(), SETTINGS, 1000)
    groups = dict(list(found.groupby("group")))
    random, intronic = groups["random_pair"], groups["intronic_pair"]

    keys = ["tx_start", "tx_end", "distance"]
    assert random[keys].to_numpy().tolist() == intronic[keys].to_numpy().tolist()
    assert set(random["type1"] + random["type2"]) == {".."}
    assert (random["start"] >= random["tx_start"]).all()
    assert (random["end"] <= random["tx_end"]).all()


@pytest.mark.parametrize("seed", range(5))
def test_random_pairs_reach_both_ends_of_a_transcript_and_no_further(seed):
    table = ends().iloc[[0] * 500].assign(p=1000, q=1199, distance=199, tx_end=1203)
    found = random_pairs(table.reset_index(drop=True), 1000, [seed])
    placed, skipped = place_windows(found, 1000)

    assert sum(skipped.values()) == 0
    assert set(placed["start"]) == {200, 201, 202, 203}


def test_a_seed_gives_the_same_pairs_and_each_bin_its_share():
    real = pd.concat([ends().assign(tx=i, chrom=f"chr{i}") for i in range(40)], ignore_index=True)
    options = SETTINGS | {"per_bin": 7}
    found, _ = derive_pairs(real, options, 1000)
    again, _ = derive_pairs(real, options, 1000)
    other, _ = derive_pairs(real, options | {"seed": 2}, 1000)

    pd.testing.assert_frame_equal(found, again)
    assert not found.equals(other)
    bins = distance_bins(found["distance"], 100, 800, 100)
    assert found.groupby(["group", bins]).size().max() == 7
    assert found["pair_id"].is_unique
    assert list(dict.fromkeys(found["group"])) == [g for g in GROUPS if g in set(found["group"])]


def test_bins_of_distance():
    found = distance_bins(np.array([100, 199, 200, 799, 800]), 100, 800, 100)
    assert found.tolist() == [0, 0, 1, 6, 6]
    assert distance_bins(np.array([5]), 5, 5, 100).tolist() == [0]
    out_of_the_limits = distance_bins(np.array([-1, 0, 99, 801, 900, 901]), 100, 800, 100)
    assert out_of_the_limits.tolist() == [-2, -1, -1, 7, 7, 8]


def test_a_sample_of_bins_keeps_the_order_and_all_of_a_small_bin():
    table = pd.DataFrame({"distance": [150] * 20 + [250] * 3, "row": range(23)})
    found = sample_bins(table, SETTINGS | {"per_bin": 5}, [1])
    assert len(found) == 8
    assert found["row"].is_monotonic_increasing
    assert found["row"].tolist()[-3:] == [20, 21, 22]


def test_windows_are_centred_and_must_lie_in_their_transcripts():
    table = pd.DataFrame({"p": [600, 601, 900, 10], "q": [800, 800, 700, 1900]})
    table = table.assign(tx_start=[200, 201, 300, 0], tx_end=[1200, 1200, 1300, 2000])
    found, skipped = place_windows(table, 1000)

    # 601 + 800 is odd: its centre is rounded down, and the window leaves its transcript.
    assert found[["start", "end"]].to_numpy().tolist() == [[200, 1200], [300, 1300]]
    assert skipped == {"window leaves the transcript": 1, "a site lies outside the window": 1}


def test_the_ends_of_real_introns_are_those_of_the_papers_file(shared):
    annotation = read_gtf(shared / "real" / "annotation.gtf.gz", infer_gene_type=True)
    table = intron_ends(introns(annotation.exons), annotation.transcripts)
    derived, _ = derive_pairs(table, SETTINGS, 1000)
    keys = ["chrom", "p", "q", "strand", "type1", "type2"]
    for group in GROUPS[:-1]:
        path = shared / "real" / f"hg19.{group}.1000_per_group.bedpe.gz"
        paper, _ = place_windows(read_group(path, group), 1000)
        both = paper.merge(derived.loc[derived["group"] == group, keys], on=keys)
        # The paper's transcripts are GENCODE's, these are refGene's.
        assert len(both) > 0.8 * len(paper), group


@pytest.mark.parametrize("group", GROUPS)
def test_the_papers_files_are_read(shared, group):
    table = read_group(shared / "real" / f"hg19.{group}.1000_per_group.bedpe.gz", group)
    assert set(table["group"]) == {group}
    assert table["pair_id"].tolist()[:2] == [f"{group}:0", f"{group}:1"]
    assert table["distance"].between(100, 800).all()


def test_introns_of_the_papers_file_are_read(shared):
    path = shared / "real" / "gencode.v41lift37.MANE.intron.for_attention.bedpe.gz"
    table = read_group(path, INTRON_GROUP)
    placed, skipped = place_windows(table, 1000)
    validate(placed[PAIRS.names], PAIRS)
    assert len(placed) == len(table) == 238
    assert set(table["type1"] + table["type2"]) == {"DA", "AD"}
    assert sum(skipped.values()) == 0


def test_files_that_are_swapped_are_refused(tmp_path):
    path = tmp_path / "pairs.bedpe.gz"
    name = "chr1:0-2000|donor_pair|D|D|GT|GT|200"
    line = f"chr1\t900\t901\tchr1\t1100\t1101\t{name}\t.\t+\t+\n"
    path.write_bytes(gzip.compress(line.encode()))
    assert len(read_group(path, "donor_pair")) == 1
    with pytest.raises(FormatError, match=r"1 pairs are of group 'donor_pair', expected 'unpair'"):
        read_group(path, "unpair")


def test_pairs_are_numbered_within_their_groups():
    table = pd.DataFrame({"group": ["a", "b", "a"]})
    assert number(table)["pair_id"].tolist() == ["a:0", "b:0", "a:1"]


def test_contigs_that_the_genome_lacks():
    table = pd.DataFrame({"chrom": ["1", "KI270728.1"], "tx_start": [0, 0], "tx_end": [900, 900]})
    with pytest.raises(GenomeError, match=r"no contig 'KI270728\.1'"):
        on_genome(table, {"chr1": 1000}, "genome.fa", missing="error")
    kept, lacking = on_genome(table, {"chr1": 1000}, "genome.fa", missing="skip")
    assert kept["chrom"].tolist() == ["chr1"]
    assert lacking == 1
    with pytest.raises(GenomeError, match=r"none of the 2 rows lies on a contig"):
        on_genome(table, {"chr7": 1000}, "genome.fa", missing="skip")


def test_introns_are_chosen_by_length_and_number():
    every = derive_introns(ends())
    options = {"smallest": 100, "largest": 200, "most": None, "seed": 1}
    found, skipped = choose_introns(every, options, 1000)
    assert found[["p", "q"]].to_numpy().tolist() == [[1000, 1199], [1900, 2099]]
    assert skipped["length out of the limits"] == 1
    one, _ = choose_introns(every, options | {"most": 1}, 1000)
    assert len(one) == 1
    assert one["pair_id"].iloc[0] in set(found["pair_id"])


def test_the_example_is_of_median_length_or_the_one_named():
    table, _ = choose_introns(
        derive_introns(ends()), {"smallest": 1, "largest": 900, "most": None, "seed": 1}, 1000
    )
    assert choose_example(table, None)["pair_id"] == "intron:0"  # 199, 249, 199
    assert choose_example(table, "intron:1")["p"] == 1350
    with pytest.raises(SpliceBERTError, match=r"introns\.example: no intron 'x' among the 3"):
        choose_example(table, "x")


def test_the_example_is_told_from_an_intron_with_the_same_start():
    known = derive_introns(ends())
    shorter = known.iloc[[1]].assign(pair_id="intron:9", q=known["q"].iloc[1] - 50)
    table, _ = choose_introns(known, {"smallest": 1, "largest": 900, "most": None, "seed": 1}, 1000)
    found = window_parts(table.iloc[1], pd.concat([known, shorter], ignore_index=True))
    example = found[found["part"] == "example"]
    assert example[["start", "end"]].to_numpy().tolist() == [[1350, 1600]]


def test_parts_of_the_window_by_hand():
    known = derive_introns(ends())
    table, _ = choose_introns(known, {"smallest": 1, "largest": 900, "most": None, "seed": 1}, 1000)
    found = validate(window_parts(table.iloc[1], known), PARTS)  # window [974, 1974)

    rows = set(zip(found["part"], found["start"], found["end"], strict=True))
    assert rows == {
        ("window", 974, 1974), ("exon", 974, 1000), ("intron", 1000, 1200), ("exon", 1200, 1350),
        ("example", 1350, 1600), ("exon", 1600, 1900), ("intron", 1900, 1974),
    }  # fmt: skip
