"""Alleles of a VCF in their windows."""

import numpy as np
import pytest

from splicebert.genome import Genome
from splicebert.sequence import reverse_complement
from splicebert.vcf import Record
from splicebert.vcf_alleles import (
    Change,
    Reference,
    Skip,
    check_reference,
    lay_window,
    longest_allele,
    read_change,
    trim,
)


@pytest.fixture(scope="module")
def sequence():
    return "".join(np.random.default_rng(3).choice(list("ACGT"), 400))


@pytest.fixture(scope="module")
def reference(tmp_path_factory, sequence):
    path = tmp_path_factory.mktemp("genome") / "g.fa"
    path.write_text(f">chr1\n{sequence.lower()}\n")
    with Genome(path) as genome:
        yield Reference(genome)


def record(start, ref, *alts, chrom="chr1"):
    return Record(1, 3, chrom, start, "v", ref, alts, ".")


@pytest.mark.parametrize(
    ("alleles", "expected", "kind"),
    [
        (("A", "G"), (10, "A", "G"), "SNV"),
        (("ACG", "ATG"), (11, "C", "T"), "SNV"),
        (("ACG", "TCT"), (10, "ACG", "TCT"), "MNV"),
        (("A", "ACC"), (11, "", "CC"), "insertion"),
        (("ACC", "A"), (11, "CC", ""), "deletion"),
        (("AAA", "AA"), (10, "A", ""), "deletion"),
        (("ACG", "AT"), (11, "CG", "T"), "indel"),
    ],
)
def test_shared_ends_are_cut_off(alleles, expected, kind):
    change = trim(10, *alleles)
    assert change == expected
    assert change.kind == kind


@pytest.mark.parametrize(
    ("ref", "alt", "reason"),
    [
        ("A", ".", "no_alternative"), ("A", "<DEL>", "symbolic"), ("A", "*", "symbolic"),
        ("A", "A[chr2:5[", "symbolic"), ("A", "R", "not_acgt"), ("N", "A", "not_acgt"),
        ("A", "a", "same_as_ref"), ("A", "A" * 12, "too_long"),
    ],
)  # fmt: skip
def test_what_can_not_be_scored(ref, alt, reason):
    found = read_change(record(10, ref, alt), alt, longest=10)
    assert isinstance(found, Skip)
    assert found.reason == reason


def test_length_counts_without_the_shared_ends():
    assert read_change(record(10, "A", "A" + "C" * 10), "A" + "C" * 10, 10) == (11, "", "C" * 10)


def test_longest_change_leaves_100_nt_behind():
    assert longest_allele(510) == 155
    assert 510 - 510 // 2 - 155 == 100
    assert longest_allele(100) == 1


@pytest.mark.parametrize("strand", ["+", "-"])
@pytest.mark.parametrize("length", [40, 41])
@pytest.mark.parametrize(
    ("size", "alt"), [(1, "T"), (0, "ACG"), (5, ""), (3, "GG"), (2, "TTTTT"), (4, "ACGT")]
)
def test_windows_hold_the_alleles_and_their_flanks(reference, sequence, strand, length, size, alt):
    change = Change(200, sequence[200 : 200 + size], alt)
    locus = lay_window(record(199, "x", "y"), "y", change, strand, length, reference)
    mutated = sequence[:200] + alt + sequence[200 + size :]
    whole = [sequence, mutated]
    if strand == "-":
        whole = [reverse_complement(s) for s in whole]
    begin = 200 if strand == "+" else len(sequence) - 200 - size
    assert locus.offset == length // 2
    assert locus.sequence == whole[0][begin - length // 2 :][:length]
    assert locus.alternative == whole[1][begin - length // 2 :][:length]
    left, right = locus.window
    window = sequence[left:right]
    assert locus.sequence == (window if strand == "+" else reverse_complement(window))


def test_window_over_the_ends_of_a_contig(reference, sequence):
    locus = lay_window(record(1, "x", "y"), "y", Change(1, sequence[1], "A"), "+", 20, reference)
    assert locus.sequence == "N" * 9 + sequence[:11]
    end = Change(399, sequence[399], "A")
    assert lay_window(record(399, "x", "y"), "y", end, "+", 20, reference).sequence.endswith(
        "N" * 9
    )


def test_records_are_compared_with_the_genome(reference, sequence):
    assert check_reference(record(5, sequence[5:9].lower(), "A"), reference) is None
    assert check_reference(record(5, sequence[5:9], "A", chrom="1"), reference) is None
    wrong = "A" if sequence[5] != "A" else "C"
    assert check_reference(record(5, wrong, "A"), reference).reason == "ref_mismatch"
    assert check_reference(record(399, "AC", "A"), reference).reason == "past_contig"
    assert check_reference(record(5, "A", "C", chrom="x"), reference).reason == "unknown_contig"
    assert "no contig 'x'" in check_reference(record(5, "A", "C", chrom="x"), reference).detail


def test_pieces_of_the_genome_join(reference, sequence, monkeypatch):
    monkeypatch.setattr(Reference, "PIECE", 7)
    for start in (*range(0, 390, 13), 3, 200):
        assert reference.fetch("chr1", start, start + 9) == sequence[start : start + 9]
