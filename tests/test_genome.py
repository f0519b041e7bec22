"""Random access to FASTA files and bigWig tracks."""

import gzip
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pyBigWig
import pysam
import pytest

from splicebert.errors import FormatError, GenomeError
from splicebert.genome import Genome, Track, check_fasta, index_fasta, resolve_contig
from splicebert.sequence import reverse_complement

RNG = np.random.default_rng(5)
CHR1 = "".join(RNG.choice(list("ACGTNacgtn"), 1000))
CHR2 = "".join(RNG.choice(list("ACGT"), 130))
MITO = "".join(RNG.choice(list("ACGT"), 61))
TEXT = "".join(
    f">{name} some text\n" + "".join(f"{text[i : i + 60]}\n" for i in range(0, len(text), 60))
    for name, text in (("chr1", CHR1), ("2", CHR2), ("MT", MITO))
)


def write_bgzip(path, text):
    with pysam.BGZFile(str(path), "wb") as handle:
        handle.write(text.encode())
    return path


@pytest.fixture(params=["plain", "bgzip"])
def fasta(request, tmp_path):
    if request.param == "bgzip":
        return write_bgzip(tmp_path / "genome.fa.gz", TEXT)
    path = tmp_path / "genome.fa"
    path.write_text(TEXT)
    return path


@pytest.fixture
def genome(fasta):
    with Genome(fasta) as genome:
        yield genome


# --- fetching


def test_contigs_and_whole_sequences(genome):
    assert genome.contigs == {"chr1": 1000, "2": 130, "MT": 61}
    assert genome.fetch("chr1", 0, 1000) == CHR1
    assert genome.fetch("2", 0, 130) == CHR2


def test_intervals_are_0_based_and_half_open(genome):
    assert genome.fetch("chr1", 0, 1) == CHR1[0]
    assert genome.fetch("chr1", 59, 62) == CHR1[59:62]
    assert genome.fetch("chr1", 7, 7) == ""
    for a, b, c in [(-10, 0, 10), (0, 60, 61), (37, 500, 999), (990, 1000, 1020)]:
        whole = genome.fetch("chr1", a, c)
        assert genome.fetch("chr1", a, b) + genome.fetch("chr1", b, c) == whole
        assert len(whole) == c - a


def test_n_outside_the_contig(genome):
    assert genome.fetch("2", -3, 2) == "NNN" + CHR2[:2]
    assert genome.fetch("2", 128, 133) == CHR2[128:] + "NNN"
    assert genome.fetch("2", -2, 132) == "NN" + CHR2 + "NN"


@pytest.mark.parametrize(("start", "end"), [(-9, -4), (-5, 0), (130, 135), (500, 505)])
def test_all_n_wholly_outside_the_contig(genome, start, end):
    assert genome.fetch("2", start, end) == "NNNNN"
    assert genome.fetch("2", start, end, "-") == "NNNNN"


@pytest.mark.parametrize(("start", "end"), [(0, 1000), (100, 163), (-4, 9), (995, 1004)])
def test_minus_strand_is_the_reverse_complement(genome, start, end):
    plus, minus = genome.fetch("chr1", start, end), genome.fetch("chr1", start, end, "-")
    assert minus == reverse_complement(plus)
    assert minus != plus


def test_case_is_kept(genome):
    assert any(letter.islower() for letter in CHR1[:100])
    assert genome.fetch("chr1", 0, 100).swapcase() == CHR1[:100].swapcase()


def test_numpy_coordinates(genome):
    start, end = np.array([5, 9])
    assert genome.fetch("chr1", start, end) == CHR1[5:9]


# --- contig names


@pytest.mark.parametrize(("asked", "held"), [("1", "chr1"), ("chr2", "2"), ("chrM", "MT")])
def test_aliases_in_a_genome(genome, asked, held):
    assert genome.resolve(asked) == held
    assert genome.fetch(asked, 3, 20) == genome.fetch(held, 3, 20)


@pytest.mark.parametrize(
    ("asked", "held"),
    [
        ("chr1", "chr1"), ("chr1", "1"), ("1", "chr1"), ("1", "1"), ("X", "chrX"),
        ("chrM", "MT"), ("chrM", "M"), ("MT", "chrM"), ("M", "chrM"), ("M", "MT"),
        ("chrMT", "chrM"), ("GL000192.1", "GL000192.1"),
    ],
)  # fmt: skip
def test_alias(asked, held):
    assert resolve_contig(asked, {"other": 1, held: 5}, "a file") == held


def test_the_exact_name_goes_before_an_alias():
    contigs = {"1": 5, "chr1": 6, "MT": 7, "chrM": 8}
    for name in contigs:
        assert resolve_contig(name, contigs, "a file") == name


def test_unknown_contig_names_it_the_file_and_some_that_there_are(genome):
    with pytest.raises(GenomeError) as caught:
        genome.fetch("chr7", 0, 5)
    for part in ("'chr7'", genome.path, "3 contigs", "chr1, 2, MT"):
        assert part in str(caught.value)


def test_unknown_contig_lists_only_a_few():
    with pytest.raises(GenomeError, match=r"holds 9 contigs: c0, c1, c2, c3, c4, …"):
        resolve_contig("x", {f"c{i}": 1 for i in range(9)}, "a file")


# --- wrong requests


def test_end_before_start(genome):
    with pytest.raises(GenomeError, match=r"chr1:9-4 .*end lies before the start"):
        genome.fetch("chr1", 9, 4)


@pytest.mark.parametrize("strand", [".", "", "+-", "1", None])
def test_strand_other_than_plus_and_minus(genome, strand):
    with pytest.raises(GenomeError, match=r"expected \+ or -"):
        genome.fetch("chr1", 4, 9, strand)


# --- wrong files


def test_missing_file(tmp_path):
    with pytest.raises(FormatError, match=r"none\.fa: no such file"):
        Genome(tmp_path / "none.fa")


def test_empty_file(tmp_path):
    path = tmp_path / "genome.fa"
    path.touch()
    with pytest.raises(FormatError, match=r"genome\.fa: the file is empty"):
        Genome(path)


def test_plain_gzip_is_refused_with_advice(tmp_path):
    path = tmp_path / "genome.fa.gz"
    path.write_bytes(gzip.compress(TEXT.encode()))
    with pytest.raises(FormatError, match=r"gunzip -c FILE \| bgzip"):
        Genome(path)


@pytest.mark.parametrize("cut", [1, 28, 100])
def test_truncated_bgzip(tmp_path, cut):
    path = write_bgzip(tmp_path / "genome.fa.gz", TEXT)
    path.write_bytes(path.read_bytes()[:-cut])
    with pytest.raises(FormatError, match="truncated"):
        Genome(path)


def test_text_without_a_header(tmp_path):
    path = tmp_path / "genome.fa"
    path.write_text("ACGT\n")
    with pytest.raises(FormatError, match=r"line 1: expected '>'.*found b'A'"):
        Genome(path)


@pytest.mark.parametrize("text", ["hello\nworld\n", "", ">chr1\n", ">chr1\nACGT\nAC\nACGT\n"])
@pytest.mark.parametrize("suffix", [".fa", ".fa.gz"])
def test_files_that_cannot_be_indexed_leave_nothing_behind(tmp_path, text, suffix):
    path = tmp_path / f"genome{suffix}"
    if suffix == ".fa.gz":
        write_bgzip(path, text)
    else:
        path.write_text(text)
    with pytest.raises(FormatError, match="FASTA"):
        Genome(path)
    assert os.listdir(tmp_path) == [path.name]


def test_check_fasta_tells_bgzip_from_plain(tmp_path):
    (tmp_path / "a.fa").write_text(TEXT)
    assert check_fasta(tmp_path / "a.fa") is False
    assert check_fasta(write_bgzip(tmp_path / "a.fa.gz", TEXT)) is True


# --- indices


def test_index_is_written_beside_the_fasta_and_used_again(fasta):
    Genome(fasta).close()
    expected = {fasta.name, f"{fasta.name}.fai"}
    if fasta.suffix == ".gz":
        expected.add(f"{fasta.name}.gzi")
    assert set(os.listdir(fasta.parent)) == expected
    before = os.stat(f"{fasta}.fai").st_mtime_ns
    Genome(fasta).close()
    assert os.stat(f"{fasta}.fai").st_mtime_ns == before


def test_index_elsewhere_leaves_the_fasta_folder_alone(fasta, tmp_path_factory):
    other = tmp_path_factory.mktemp("index")
    fasta.parent.chmod(0o555)
    try:
        with Genome(fasta, fai=other / "g.fai", gzi=other / "g.gzi") as genome:
            assert genome.fetch("chr1", 100, 130) == CHR1[100:130]
    finally:
        fasta.parent.chmod(0o755)
    assert os.listdir(fasta.parent) == [fasta.name]
    assert (other / "g.fai").is_file()


def test_index_fasta_writes_both_files_for_the_workflow(fasta, tmp_path):
    index_fasta(fasta, tmp_path / "i.fai", tmp_path / "i.gzi")
    assert (tmp_path / "i.fai").read_text().split()[:2] == ["chr1", "1000"]
    assert ((tmp_path / "i.gzi").stat().st_size > 0) == (fasta.suffix == ".gz")
    with Genome(fasta, fai=tmp_path / "i.fai", gzi=tmp_path / "i.gzi") as genome:
        assert genome.fetch("MT", 0, 61) == MITO
    assert not [name for name in os.listdir(tmp_path) if name.endswith(".part")]


def test_index_that_cannot_be_written_says_what_to_do(fasta, tmp_path):
    missing = tmp_path / "missing"
    with pytest.raises(GenomeError, match=r"can't be written .*pass fai= and gzi="):
        Genome(fasta, fai=missing / "g.fai", gzi=missing / "g.gzi")


# --- memory

MEASURE = """
import re, sys
from pathlib import Path
from splicebert.genome import Genome
def peak():  # not ru_maxrss, which a child inherits from its parent
    return int(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1])
before = peak()
with Genome(sys.argv[1]) as genome:
    for start in range(0, 200_000_000, 10_000_000):
        assert genome.fetch("big", start + 7, start + 517) == "A" * 510
    assert genome.fetch("big", 199_999_999, 200_000_001) == "AN"
print(peak() - before)
"""


def test_random_access_to_a_big_genome_needs_little_memory(tmp_path):
    path = tmp_path / "big.fa"
    line = b"A" * 1_000_000 + b"\n"
    with path.open("wb") as handle:
        handle.write(b">big\n")
        for _ in range(200):
            handle.write(line)
    # An index at hand, so that only access is measured.
    path.with_name("big.fa.fai").write_text("big\t200000000\t5\t1000000\t1000001\n")
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, str(path)], capture_output=True, text=True, check=True
    )
    path.unlink()
    assert int(done.stdout) < 100_000  # KiB; the file has 195,000


# --- tracks


@pytest.fixture
def track(tmp_path):
    path = tmp_path / "track.bw"
    bigwig = pyBigWig.open(str(path), "w")
    bigwig.addHeader([("chr1", 100), ("2", 50), ("MT", 10)])
    bigwig.addEntries("chr1", [5, 6, 7], values=[0.25, 0.5, 1.0], span=1)
    bigwig.addEntries("chr1", [9], values=[-2.0], span=1)
    bigwig.addEntries("chr1", [98, 99], values=[3.0, 4.0], span=1)
    bigwig.addEntries(["2"], [0], ends=[3], values=[7.0])
    bigwig.close()
    with Track(path) as track:
        yield track


NAN = float("nan")


def test_track_keeps_gaps_as_nan(track):
    values = track.values("chr1", 4, 11)
    np.testing.assert_array_equal(values, np.float32([NAN, 0.25, 0.5, 1, NAN, -2, NAN]))
    assert values.dtype == np.float32
    assert np.isnan(track.values("MT", 0, 10)).all()


def test_track_is_nan_outside_the_contig(track):
    np.testing.assert_array_equal(track.values("chr1", 97, 103), [NAN, 3, 4, NAN, NAN, NAN])
    np.testing.assert_array_equal(track.values("2", -2, 2), [NAN, NAN, 7, 7])
    for start, end in ((-5, 0), (100, 105), (400, 405)):
        np.testing.assert_array_equal(track.values("chr1", start, end), [NAN] * 5)
    assert track.values("chr1", 5, 5).shape == (0,)


def test_track_on_the_minus_strand_is_reversed(track):
    for start, end in ((4, 11), (-3, 8), (96, 103)):
        np.testing.assert_array_equal(
            track.values("chr1", start, end, "-"), track.values("chr1", start, end)[::-1]
        )


def test_track_aliases(track):
    for alias, name, end in (("1", "chr1", 10), ("chr2", "2", 10), ("chrM", "MT", 10)):
        np.testing.assert_array_equal(track.values(alias, 0, end), track.values(name, 0, end))


def test_track_without_the_contig(track):
    with pytest.raises(GenomeError, match=r"track\.bw: no contig 'chr9'.*chr1, 2, MT"):
        track.values("chr9", 0, 5)


def test_track_refuses_a_wrong_interval_or_strand(track):
    with pytest.raises(GenomeError, match="end lies before the start"):
        track.values("chr1", 9, 4)
    with pytest.raises(GenomeError, match=r"expected \+ or -"):
        track.values("chr1", 4, 9, ".")


def test_track_without_any_value_is_all_nan(tmp_path):
    bigwig = pyBigWig.open(str(tmp_path / "empty.bw"), "w")
    bigwig.addHeader([("chr1", 100)])
    bigwig.close()
    with Track(tmp_path / "empty.bw") as track:
        np.testing.assert_array_equal(track.values("chr1", 0, 3), [NAN] * 3)


@pytest.mark.parametrize("content", [b"", b"chr1\t0\t10\t0.5\n", b"\0" * 200])
def test_track_refuses_what_is_no_bigwig(tmp_path, content):
    path = tmp_path / "track.bw"
    path.write_bytes(content)
    with pytest.raises(FormatError, match=r"track\.bw: not a bigWig"):
        Track(path)


def test_track_refuses_half_a_bigwig(track, tmp_path):
    content = Path(track.path).read_bytes()
    (tmp_path / "half.bw").write_bytes(content[: len(content) // 2])
    with pytest.raises(FormatError, match="not a bigWig, or a broken one"):
        Track(tmp_path / "half.bw")


def test_track_refuses_a_bigbed(tmp_path, monkeypatch, track):
    bigbed = SimpleNamespace(isBigWig=lambda: False)
    monkeypatch.setattr("splicebert.genome.pyBigWig.open", lambda path: bigbed)
    with pytest.raises(FormatError, match="not a bigWig"):
        Track(track.path)


def test_missing_track(tmp_path):
    with pytest.raises(FormatError, match=r"none\.bw: no such file; expected a bigWig"):
        Track(tmp_path / "none.bw")


# --- real data


def test_real_genome_is_read_from_a_read_only_folder(shared, tmp_path):
    path = shared / "real" / "genome.fa.gz"
    with Genome(path, fai=tmp_path / "g.fai", gzi=tmp_path / "g.gzi") as genome:
        assert genome.contigs == {"chr1": 1_000_000, "chr17": 1_000_000, "chr19": 1_500_000}
        window = genome.fetch("19", 1_000_000, 1_000_510, "-")
        assert window == reverse_complement(genome.fetch("chr19", 1_000_000, 1_000_510))
        assert set(window.upper()) <= set("ACGTN")


def test_real_tracks_are_nan_in_gaps(shared):
    with Track(shared / "real" / "phastcons.bw") as track:
        values = track.values("chr1", 500_000, 510_000)
    assert 0 < np.isnan(values).mean() < 0.5
    assert np.nanmin(values) >= 0
    assert np.nanmax(values) <= 1
