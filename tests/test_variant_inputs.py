"""Variants and mutagenesis sites in their windows."""

from collections import Counter

import numpy as np
import pandas as pd
import pyBigWig
import pytest

from splicebert.errors import FormatError, GenomeError, SpliceBERTError
from splicebert.genome import Genome, Track
from splicebert.sequence import reverse_complement
from splicebert.tables import validate
from splicebert.variant_inputs import (
    MISMATCH,
    NO_CONTIG,
    draw_snvs,
    number_groups,
    on_genome,
    outside_splice_sites,
    place_snvs,
    read_snvs,
    read_tracks,
)
from splicebert.variant_plan import count_runs
from splicebert.variant_queries import site_groups, snv_groups, strand_bases
from splicebert.variant_sites import choose_transcripts, draw_sites, place_sites, site_distances
from splicebert.variant_tables import SITES, SNV_TRACKS, SNVS

LETTERS = "".join(np.random.default_rng(0).choice(list("ACGT"), 3000))
LETTERS = LETTERS[:1500] + "N" * 5 + LETTERS[1505:]


@pytest.fixture(scope="module")
def genome(tmp_path_factory):
    path = tmp_path_factory.mktemp("genome") / "g.fa"
    path.write_text(f">chr1\n{LETTERS}\n")
    with Genome(path) as opened:
        yield opened


@pytest.fixture(scope="module")
def track(tmp_path_factory):
    path = str(tmp_path_factory.mktemp("track") / "t.bw")
    with pyBigWig.open(path, "w") as out:
        out.addHeader([("chr1", 3000)])
        values = [round(0.001 * (i % 1000), 3) for i in range(2000)]
        out.addEntries("chr1", 500, values=values, span=1, step=1)
    return path


def write_vcf(folder, *records):
    """Records of (0-based position, alt or None, exon start as written, exon end, strand, dpsi)."""
    lines = ["##fileformat=VCFv4.2", "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO"]
    for number, (position, alt, start, end, strand, change) in enumerate(records):
        ref = LETTERS[position]
        other = alt or "ACGT"[("ACGT".index(ref) + 1) % 4]
        name = f"v{number}|.|{start}|{end}|{strand}|90.0|{change}|True"
        lines.append(f"chr1\t{position + 1}\t{name}\t{ref}\t{other}\t.\t.\t.")
    path = folder / "v.vcf"
    path.write_text("\n".join(lines) + "\n")
    return path


def placed(folder, genome, *records, kind="MFASS", length=510):
    path = write_vcf(folder, *records)
    table = on_genome(read_snvs(path, kind, Counter()), genome, path, Counter())
    return number_groups(place_snvs(table, length), genome)


def test_windows_are_centred_on_the_exon_on_either_strand(tmp_path, genome):
    records = [(1010, None, 1000, 1100, strand, -0.6) for strand in "+-"]
    table = validate(placed(tmp_path, genome, *records)[SNVS.names], SNVS)
    assert table["start"].tolist() == [1050 - 255] * 2
    assert table["end"].tolist() == [1050 + 255] * 2
    assert table["offset"].tolist() == [1010 - 795, 1304 - 1010]
    for row in table.itertuples():
        window = genome.fetch("chr1", row.start, row.end, row.strand)
        ref, alt = strand_bases(row)
        assert window[row.offset] == ref
        assert alt in (row.alt, reverse_complement(row.alt))
    assert table["group"].tolist() == [0, 1]


def test_vexseq_counts_exon_starts_from_one(tmp_path, genome):
    vexseq = placed(tmp_path, genome, (1010, None, 1001, 1100, "+", -30), kind="VexSeq")
    mfass = placed(tmp_path, genome, (1010, None, 1000, 1100, "+", -30))
    names = ["exon_start", "exon_end", "start", "offset", "distance"]
    pd.testing.assert_frame_equal(vexseq[names], mfass[names])


def test_distance_is_to_the_intron_base_beside_the_exon(tmp_path, genome):
    """Acceptor dinucleotide 998, 999; exon 1000..1099; donor dinucleotide 1100, 1101."""
    positions = [997, 998, 999, 1000, 1001, 1098, 1099, 1100, 1101, 1102]
    table = placed(tmp_path, genome, *((p, None, 1000, 1100, "+", 0.1) for p in positions))
    assert table["distance"].tolist() == [2, 1, 0, 1, 2, 2, 1, 0, 1, 2]
    assert table["is_exonic"].tolist() == [False] * 3 + [True] * 4 + [False] * 3
    outside = outside_splice_sites(table).tolist()
    assert outside == [True, False, False, True, True, True, True, False, False, True]


def test_others_than_snvs_are_counted(tmp_path, genome):
    path = write_vcf(tmp_path, (1010, None, 1000, 1100, "+", 0), (1011, "ACG", 1000, 1100, "+", 0))
    skipped = Counter()
    assert len(read_snvs(path, "MFASS", skipped)) == 1
    assert skipped["an insertion, deletion or several bases"] == 1
    path = write_vcf(tmp_path, (1011, "ACG", 1000, 1100, "+", 0))
    with pytest.raises(FormatError, match="holds no SNV"):
        read_snvs(path, "MFASS", Counter())


def test_ref_must_be_the_genomes_or_be_skipped(tmp_path, genome):
    path = write_vcf(tmp_path, (1010, None, 1000, 1100, "+", 0), (1011, None, 1000, 1100, "+", 0))
    text = path.read_text().splitlines()
    fields = text[-1].split("\t")
    fields[3], fields[4] = fields[4], fields[3]
    path.write_text("\n".join([*text[:-1], "\t".join(fields)]) + "\n")
    table = read_snvs(path, "MFASS", Counter())
    with pytest.raises(FormatError, match=r"line 4: REF is .* 1 of 2 variants"):
        on_genome(table, genome, path, Counter())
    skipped = Counter()
    assert len(on_genome(table, genome, path, skipped, mismatches="skip")) == 1
    assert skipped[MISMATCH] == 1
    table["chrom"] = ["chr1", "chrX"]
    with pytest.raises(GenomeError, match="chrX"):
        on_genome(table, genome, path, Counter())
    assert len(on_genome(table, genome, path, skipped, mismatches="skip")) == 1
    assert skipped[NO_CONTIG] == 1


def test_a_variant_outside_its_window_is_kept_and_not_run(tmp_path, genome):
    table = placed(
        tmp_path, genome, (1010, None, 1000, 1100, "+", 0), (200, None, 1000, 1100, "+", 0)
    )
    assert table["offset"].tolist()[1] < 0
    (group,) = snv_groups(table, genome)
    assert [query.name for query in group.queries] == [table["variant_id"][0]]


def test_variants_of_an_exon_share_what_they_can(tmp_path, genome):
    others = [b for b in "ACGT" if b != LETTERS[1010]]
    records = [(1010, base, 1000, 1100, "+", 0) for base in others]
    table = placed(tmp_path, genome, *records, (1050, None, 1000, 1100, "+", 0))
    assert table["group"].nunique() == 1
    assert count_runs(snv_groups(table, genome))[:2] == (1 + 4 + 2, 12)


def test_the_same_sequence_at_two_places_is_one_group(tmp_path):
    path = tmp_path / "two.fa"
    path.write_text(f">chr1\n{LETTERS[:1400]}\n>chr2\n{LETTERS[:1400]}\n")
    table = pd.DataFrame({"chrom": ["chr1", "chr2", "chr2"], "start": [500, 500, 501],
                          "end": [700, 700, 701], "strand": "+"})  # fmt: skip
    with Genome(path) as genome:
        assert number_groups(table, genome)["group"].tolist() == [0, 0, 1]


def test_draws_keep_the_order_and_depend_on_the_seed(tmp_path, genome):
    table = placed(tmp_path, genome, *((p, None, 1000, 1100, "+", 0) for p in range(1000, 1060)))
    first = draw_snvs(table, 20, 1)
    assert len(first) == 20
    assert first["position"].is_monotonic_increasing
    pd.testing.assert_frame_equal(first, draw_snvs(table, 20, 1))
    assert set(first["position"]) != set(draw_snvs(table, 20, 2)["position"])
    assert len(draw_snvs(table, None, 1)) == len(draw_snvs(table, 99, 1)) == 60


def test_conservation_is_that_of_the_track(track):
    table = pd.DataFrame({"variant_id": ["a", "b"], "chrom": "chr1", "position": [700, 100]})
    found = validate(read_tracks(table, track, None, published=False), SNV_TRACKS)
    assert found["phastcons"][0] == pytest.approx(0.2, abs=1e-7)
    assert np.isnan(found["phastcons"][1])
    assert found["phylop"].isna().all()
    rounded = read_tracks(table, track, None, published=True)["phastcons"][0]
    assert rounded == float(np.float16(0.2)) != found["phastcons"][0]


# --- mutagenesis

EXONS = pd.DataFrame({"tx_id": "t", "start": [100, 1000, 2000], "end": [300, 1100, 2600]})


def test_sites_of_a_transcript_know_their_splice_sites():
    positions = [200, 299, 300, 650, 999, 1000, 1099, 2500]
    table = pd.DataFrame({"tx_id": "t", "position": positions, "strand": "+"})
    found = site_distances(table, EXONS)
    assert found["is_exonic"].tolist() == [True, True, False, False, False, True, True, True]
    # + strand: introns 300..999 and 1100..1999
    donor = [100, 1, 0, 350, 699, 100, 1, None]
    acceptor = [None, None, 699, 349, 0, 1, 100, 501]
    assert found["donor_distance"].astype(object).where(found["donor_distance"].notna(), None
        ).tolist() == donor  # fmt: skip
    assert found["acceptor_distance"].astype(object).where(found["acceptor_distance"].notna(), None
        ).tolist() == acceptor  # fmt: skip
    turned = site_distances(table.assign(strand="-"), EXONS)
    pd.testing.assert_series_equal(
        turned["donor_distance"], found["acceptor_distance"], check_names=False
    )
    pd.testing.assert_series_equal(
        turned["acceptor_distance"], found["donor_distance"], check_names=False
    )


TRANSCRIPTS = pd.DataFrame({"tx_id": ["t", "u", "single"], "chrom": "chr1", "start": [100, 100, 0],
                            "end": [2600, 2600, 900], "strand": ["+", "-", "+"]})  # fmt: skip


def test_transcripts_need_introns_and_exons():
    exons = pd.concat([EXONS, EXONS.assign(tx_id="u"),
                       pd.DataFrame({"tx_id": ["single"], "start": 0, "end": 900})])  # fmt: skip
    skipped = Counter()
    lacking = pd.DataFrame({"tx_id": ["x"], "chrom": "chr1", "start": 0, "end": 9, "strand": "+"})
    found = choose_transcripts(pd.concat([TRANSCRIPTS, lacking]), exons, None, 0, skipped)
    assert found["tx_id"].tolist() == ["t", "u"]
    assert skipped == {"transcripts without introns": 1, "transcripts that the annotation lacks": 1}
    assert len(choose_transcripts(TRANSCRIPTS, exons, 1, 0, Counter())) == 1
    with pytest.raises(SpliceBERTError, match=r"none of the 3 transcripts \(t, u, single"):
        choose_transcripts(TRANSCRIPTS, exons.assign(tx_id="other"), None, 0, Counter())


def drawn(genome, track, fraction=1.0, most=10_000):
    with Track(track) as phastcons:
        return draw_sites(TRANSCRIPTS.head(2), genome, phastcons, margin=255, fraction=fraction,
                          most=most, seed=3)  # fmt: skip


def test_sites_lie_inside_with_a_value_and_a_base(genome, track):
    table = drawn(genome, track)
    plus = table.loc[table["strand"] == "+", "position"]
    # 355..2344 inside, 500..2499 with a value, 1500..1504 N
    assert plus.tolist() == [*range(500, 1500), *range(1505, 2345)]
    tenth = drawn(genome, track, fraction=0.1)
    assert len(tenth) == 2 * 184
    assert len(drawn(genome, track, fraction=0.1, most=50)) == 50
    pd.testing.assert_frame_equal(tenth, drawn(genome, track, fraction=0.1))


def test_sites_have_the_same_offset_on_both_strands(genome, track):
    table = place_sites(site_distances(drawn(genome, track, most=40),
                        pd.concat([EXONS, EXONS.assign(tx_id="u")])), 510)  # fmt: skip
    table = number_groups(table.assign(phastcons=0.5, phylop=np.nan), genome)
    table = validate(table[SITES.names], SITES)
    assert (table["offset"] == 255).all()
    groups = list(site_groups(table, genome))
    assert count_runs(groups)[:2] == (160, 240)
    by_id = table.set_index("site_id")
    for group in groups:
        (query,) = group.queries
        row = by_id.loc[query.name]
        base = genome.fetch("chr1", row["position"], row["position"] + 1, row["strand"])
        assert group.sequence[255] == base
        assert sorted([base, *query.alternatives]) == list("ACGT")
