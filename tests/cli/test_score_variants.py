"""`splicebert score-variants`."""

import gzip
import shutil

import numpy as np
import pandas as pd
import pytest

from splicebert.models import SpliceBERT
from splicebert.scores import context_profile, context_score, kl_per_base
from splicebert.sequence import reverse_complement

HEADER = "##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"
SCORES = ["p_ref", "p_alt", "delta_p", "context_score", "max_kl"]
OTHER = {"A": "C", "C": "G", "G": "T", "T": "A"}


def vcf(*records):
    """VCF of (chrom, pos, id, ref, alt, info); pos 1-based."""
    lines = ("\t".join([*map(str, r[:5]), ".", ".", r[5]]) + "\n" for r in records)
    return (HEADER + "".join(lines)).encode()


def snv(genome, pos, id_="v", info="."):
    ref = genome.chr1[pos - 1]
    return ("chr1", pos, id_, ref, OTHER[ref], info)


@pytest.fixture
def score(cli, folder, genome):
    """Function (VCF, *options) -> Outcome, in windows of 204 nt."""

    def run(text, *options, strand="+"):
        strand = ("--strand", strand) if strand else ()
        return cli(
            *("score-variants", "-m", folder, "--genome", genome.path, "--length", 204),
            *(*strand, *options, "-"),
            stdin=text,
        )

    return run


def numbers(rows):
    return np.array([[float(row[name]) for name in SCORES] for row in rows])


def test_scores_are_those_of_the_definition(score, folder, genome):
    found = score(vcf(snv(genome, 501)))
    assert found.code == 0
    (row,) = found.rows
    expected = {"chrom": "chr1", "pos": "501", "strand": "+", "window_start": "398",
                "window_end": "602", "offset": "102", "ref": genome.chr1[500]}  # fmt: skip
    assert expected.items() <= row.items()
    ref = genome.chr1[398:602]
    alt = ref[:102] + row["alt"] + ref[103:]
    mask = np.zeros((3, 204), bool)
    mask[2, 102] = True
    logits = SpliceBERT(folder).logits([ref, alt, ref], mask).numpy()
    kl = kl_per_base(logits[1], logits[0])
    assert float(row["context_score"]) == pytest.approx(
        context_score(context_profile(kl, 102)), rel=1e-3
    )
    kl[102] = 0
    assert float(row["max_kl"]) == pytest.approx(kl.max(), rel=1e-3)
    assert int(row["max_kl_distance"]) == kl.argmax() - 102
    probs = np.exp(logits[2, 102] - np.logaddexp.reduce(logits[2, 102]))
    p_ref, p_alt = (probs[6 + "ACGT".index(row[name])] for name in ("ref", "alt"))
    found_p = [float(row[name]) for name in ("p_ref", "p_alt", "delta_p")]
    np.testing.assert_allclose(found_p, [p_ref, p_alt, p_alt - p_ref], atol=1e-5)


def test_a_context_with_n_has_no_score_and_says_so(score, genome):
    # chr1 begins 60 bases before the first: the window is filled with N there.
    found = score(vcf(snv(genome, 61), snv(genome, 101), snv(genome, 501)))
    assert found.code == 0
    near, just, whole = found.rows
    assert (near["context_score"], near["missing"]) == ("", "context_score:N_in_context")
    assert float(near["max_kl"]) > 0
    assert int(near["max_kl_distance"]) >= -60
    for row in (just, whole):
        assert row["missing"] == "."
        assert float(row["context_score"]) < 0


@pytest.mark.parametrize("length", [203, 204])
def test_either_strand_of_mirrored_contigs_gives_the_same(cli, folder, genome, length):
    ref = genome.chr1[500]
    mirrored = [reverse_complement(base) for base in (ref, OTHER[ref])]
    text = vcf(snv(genome, 501, info="STRAND=+"), ("chrR", 500, "v", *mirrored, "A=1;STRAND=-1"))
    found = cli(
        *("score-variants", "-m", folder, "--genome", genome.path, "--length", length, "-"),
        stdin=text,
    )
    plus, minus = found.rows
    assert (plus["strand"], minus["strand"]) == ("+", "-")
    left, right = (int(plus[f"window_{end}"]) for end in ("start", "end"))
    assert (left, right) == (500 - length // 2, 500 + (length + 1) // 2)
    assert [minus["window_start"], minus["window_end"]] == [str(1000 - right), str(1000 - left)]
    assert plus["offset"] == minus["offset"] == str(length // 2)
    np.testing.assert_allclose(*numbers([plus, minus]), rtol=1e-5)
    assert plus["max_kl_distance"] == minus["max_kl_distance"]


def test_strand_of_the_record_goes_before_the_option(score, genome):
    rows = score(vcf(snv(genome, 501), snv(genome, 501, info="STRAND=-"))).rows
    assert [row["strand"] for row in rows] == ["+", "-"]
    assert rows[0]["context_score"] != rows[1]["context_score"]


def test_strand_must_be_known(score, genome):
    found = score(vcf(snv(genome, 501), snv(genome, 502)), strand=None)
    assert (found.code, found.out) == (2, "")
    assert "standard input: line 3: " in found.err
    assert "--strand" in found.err
    found = score(vcf(snv(genome, 501, info="STRAND=x")))
    assert "STRAND in INFO is 'x'" in found.err


def test_several_alternatives_are_several_rows(score, genome):
    chrom, pos, id_, ref, _, info = snv(genome, 501)
    alts = [base for base in "ACGT" if base != ref]
    together = score(vcf((chrom, pos, id_, ref, ",".join(alts), info))).rows
    apart = [score(vcf((chrom, pos, id_, ref, alt, info))).rows[0] for alt in alts]
    assert [row["alt"] for row in together] == alts
    np.testing.assert_allclose(numbers(together), numbers(apart), rtol=1e-4)


def test_what_can_not_be_scored_is_left_out_and_counted(score, genome):
    ref = genome.chr1[500]
    records = [
        ("chr1", 501, "a", ref, ".", "."),
        ("chr1", 501, "b", ref, "<DEL>,*", "."),
        ("chr1", 501, "c", ref, ref + "A" * 2, "."),
        ("chr1", 501, "d", ref, ref + "A" * 3, "."),
        ("chr1", 501, "e", ref, f"N,{OTHER[ref]}", "."),
        ("chr1", 501, "f", ref, ref.lower(), "."),
    ]
    found = score(vcf(*records))
    assert [row["id"] for row in found.rows] == ["c", "e"]
    assert found.code == 3
    for count, reason in (
        (1, "no alternative"), (2, "a symbolic"), (1, "longer than"), (1, "a base other"),
        (1, "ALT equal"),
    ):  # fmt: skip
        assert f"{count} left out: {reason}" in found.err
    assert "2 variants scored" in found.err


def test_nothing_to_score_gives_a_table_without_rows(score, genome):
    found = score(vcf(("chr1", 501, "a", genome.chr1[500], ".", ".")))
    assert (found.code, found.rows) == (0, [])
    found = score(vcf())
    assert (found.code, found.rows) == (0, [])


def test_ref_must_be_that_of_the_genome(score, genome):
    wrong = ("chr1", 501, "w", OTHER[genome.chr1[500]], genome.chr1[500], ".")
    text = vcf(snv(genome, 500), wrong, snv(genome, 502))
    found = score(text, "--strict")
    assert found.code == 2
    for word in ("line 4", f"has '{genome.chr1[500]}' at chr1:501 (1-based", "without --strict"):
        assert word in found.err
    assert len(found.err.splitlines()) == 4  # weights, model, records, error
    skipped = score(text)
    assert skipped.code == 3
    assert [row["pos"] for row in skipped.rows] == ["500", "502"]
    assert "1 left out: REF not as in the genome" in skipped.err


@pytest.mark.parametrize(
    ("record", "message"),
    [
        (("chr9", 5, "v", "A", "C", "."), "no contig 'chr9'"),
        (("chr1", 1001, "v", "A", "C", "."), "no such position, it ends at 1000"),
    ],
)
def test_places_outside_the_genome_name_the_line(score, record, message):
    found = score(vcf(record), "--strict")
    assert found.code == 2
    assert "line 3" in found.err
    assert message in found.err
    found = score(vcf(record))
    assert (found.code, found.rows) == (3, [])


def test_short_windows_have_no_context_score(score, genome):
    found = score(vcf(snv(genome, 501)), "--length", "100", "--profile")
    (row,) = found.rows
    assert row["context_score"] == ""
    assert float(row["profile_1"]) >= 0
    assert row["profile_51"] == row["profile_100"] == ""


def test_window_over_the_end_of_a_contig(score, genome):
    (row,) = score(vcf(snv(genome, 2))).rows
    assert (row["window_start"], row["offset"]) == ("-101", "102")


@pytest.mark.parametrize("batch_nt", ["1", "100000"])
def test_batches_do_not_change_the_numbers(score, genome, batch_nt):
    text = vcf(*(snv(genome, pos) for pos in range(400, 500, 9)))
    one, other = score(text).rows, score(text, "--batch-nt", batch_nt).rows
    np.testing.assert_allclose(numbers(one), numbers(other), rtol=1e-3, atol=1e-6)


def test_parquet_with_profile_and_gzip(score, cli, folder, genome, tmp_path):
    text = vcf(snv(genome, 300), snv(genome, 501))
    path, out = tmp_path / "in.vcf.gz", tmp_path / "out.parquet"
    path.write_bytes(gzip.compress(text))
    found = cli(
        *("score-variants", "-m", folder, "--genome", genome.path, "--length", 204),
        *("--strand", "-", "--profile", path, "-o", out),
    )
    assert (found.code, found.out) == (0, "")
    frame = pd.read_parquet(out)
    assert frame["pos"].tolist() == [300, 501]
    profile = np.stack(frame["profile"].to_numpy())
    assert profile.shape == (2, 100)
    assert profile.dtype == np.float32
    rows = score(text, strand="-").rows
    np.testing.assert_allclose(frame[SCORES].to_numpy(), numbers(rows), rtol=1e-5)


# --- windows centred on exons


def exon_id(start, end, strand, name="v"):
    return f"{name}|.|{start}|{end}|{strand}|90.0|-0.6|True"


def test_exon_windows(score, genome):
    text = vcf(snv(genome, 501, exon_id(480, 540, "-")))
    (row,) = score(text, "--protocol-id", "MFASS", strand=None).rows
    expected = {"strand": "-", "window_start": "408", "window_end": "612", "offset": "111",
                "exon_start": "480", "exon_end": "540"}  # fmt: skip
    assert expected.items() <= row.items()
    total = float(row["donor_kl"]) + float(row["acceptor_kl"])
    assert float(row["splice_site_score"]) == pytest.approx(total, rel=1e-4)
    text = vcf(snv(genome, 501, exon_id(481, 540, "-")))
    assert score(text, "--protocol-id", "VexSeq", strand=None).rows == [row | {"id": row["id"]
        .replace("480", "481")}]  # fmt: skip


def test_exon_windows_leave_out_what_they_do_not_hold(score, genome):
    text = vcf(snv(genome, 501, exon_id(700, 760, "+")), snv(genome, 501, exon_id(300, 700, "+")))
    found = score(text, "--protocol-id", "MFASS", strand=None)
    (row,) = found.rows
    assert (row["donor_kl"], row["acceptor_kl"], row["splice_site_score"]) == ("", "", "")
    assert "1 left out: outside the window of its exon" in found.err
    (row,) = score(vcf(snv(genome, 501, exon_id(480, 600, "+"))), *("--protocol-id", "MFASS"),
                   strand=None).rows  # fmt: skip
    assert (row["offset"], row["context_score"]) == ("62", "")
    assert "context_score:past_window" in row["missing"]


def test_exon_windows_need_ids_of_their_form(score, genome):
    found = score(vcf(snv(genome, 501)), "--protocol-id", "MFASS", strand=None)
    assert found.code == 2
    assert "standard input: line 3: ID is 'v'" in found.err
    found = score(vcf(snv(genome, 501)), "--protocol-id", "MFASS")
    assert "leave out --strand" in found.err


PUBLISHED = [("VexSeq", "tiny.510nt"), ("MFASS", "tiny.510nt"), ("MFASS", "tiny-human.510nt")]


@pytest.mark.parametrize(("dataset", "model"), PUBLISHED)
def test_scores_equal_those_of_the_published_code(cli, shared, tmp_path, dataset, model):
    real = shared / "real"
    published = np.load(real / "published_code" / f"variant.{dataset.lower()}.{model}.npz")
    genome = shutil.copy(real / "genome.fa.gz", tmp_path)  # its index is written beside it
    found = cli(
        *("score-variants", "-m", real / "models" / model, "--genome", genome, "--profile"),
        *("--protocol-id", dataset, real / f"synthetic_snv.{dataset}.vcf.gz"),
        *("-o", tmp_path / "out.parquet"),
    )
    assert found.code == 0, found.err
    frame = pd.read_parquet(tmp_path / "out.parquet")
    assert len(frame) == len(published["delta_psi"]) == 150
    np.testing.assert_allclose(frame["delta_p"], published["prob_change_scores"], atol=1e-6)
    for name in ("donor_kl", "acceptor_kl"):
        np.testing.assert_allclose(frame[name], published[name], atol=3e-7)
    profile = np.stack(frame["profile"].to_numpy())
    np.testing.assert_allclose(profile, published["kl_distance"], atol=3e-7)
    # The published KL is computed in float32, whose noise near the floor adds up over 100 nt.
    expected = [context_score(row) for row in published["kl_distance"]]
    assert np.corrcoef(frame["context_score"], expected)[0, 1] > 0.999
