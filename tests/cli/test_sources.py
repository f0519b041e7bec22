"""Reading FASTA, BED and streams."""

import os
import threading

import pytest

from splicebert.cli.sources import Record, as_file, open_genome, read_fasta
from splicebert.errors import FormatError


def records(tmp_path, text):
    path = tmp_path / "a.fa"
    path.write_bytes(text)
    return list(read_fasta(str(path)))


def test_records(tmp_path):
    text = b"\n>a x\nAC\nGT\n\n> b\ty\r\nacgu\r\n>c\nNN NN"
    expected = [Record("a", "ACGT"), Record("b", "acgu"), Record("c", "NNNN")]
    assert records(tmp_path, text) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"", "holds no sequence"),
        (b"\n\n", "holds no sequence"),
        (b"ACGT\n>a\nAC\n", "line 1: expected '>'"),
        (b">a\nAC\n>b\n>c\nAC\n", "line 3: record 'b' lacks a sequence"),
        (b">a\nAC\n>b\n", "line 3: record 'b' lacks a sequence"),
        (b">a\nAC\n>\nAC\n", "line 3: record '' lacks an id"),
    ],
)
def test_broken_fasta_names_the_line(tmp_path, text, message):
    with pytest.raises(FormatError) as error:
        records(tmp_path, text)
    assert message in str(error.value)
    assert "a.fa" in str(error.value)


def test_a_named_pipe_is_read_once(tmp_path):
    path = tmp_path / "pipe"
    os.mkfifo(path)
    writer = threading.Thread(target=lambda: path.write_bytes(b">a\nACGT\n"))
    writer.start()
    assert list(read_fasta(str(path))) == [Record("a", "ACGT")]
    writer.join()
    writer = threading.Thread(target=lambda: path.write_bytes(b"text"))
    writer.start()
    with as_file(str(path)) as copy:
        assert copy.read_bytes() == b"text"
    writer.join()
    assert not copy.exists()


@pytest.mark.parametrize("folder_is_writable", [True, False])
def test_the_index_of_a_genome(tmp_path, genome, monkeypatch, folder_is_writable):
    path = tmp_path / "genome.fa"
    path.write_bytes(genome.path.read_bytes())
    if not folder_is_writable:
        monkeypatch.setattr(os, "access", lambda *_: False)
    for _ in range(2):
        with open_genome(str(path)) as opened:
            assert opened.fetch("chr1", 0, 9) == genome.chr1[:9]
    assert (tmp_path / "genome.fa.fai").exists() == folder_is_writable


def embed(cli, folder, *options, stdin=None):
    return cli("embed", "-m", folder, "--pool", "mean", *options, stdin=stdin)


def test_damaged_gzip_on_stdin(cli, folder):
    found = embed(cli, folder, "-", stdin=b"\x1f\x8b\x08\x00broken")
    assert found.code == 2
    assert "standard input: damaged gzip data" in found.err


def test_an_id_that_comes_twice(cli, folder, sequences):
    found = embed(cli, folder, "-", stdin=f">a\n{sequences['s0']}\n".encode() * 2)
    assert found.code == 2
    assert "'a' comes twice" in found.err


def test_other_letters_are_warned_about_once(cli, folder, sequences):
    stdin = f">a\n{sequences['s1']}RY\n>b\n{sequences['s1']}*\n>c\n{sequences['s1']}uN\n".encode()
    found = embed(cli, folder, "-", stdin=stdin)
    assert found.code == 0
    assert found.err.count("letters other than ACGTUN, read as N: 3, in 2 sequences") == 1


def test_u_and_case_do_not_matter(cli, folder, sequences):
    sequence = sequences["s0"]
    one = embed(cli, folder, "-", stdin=f">a\n{sequence}\n".encode())
    other = embed(cli, folder, "-", stdin=f">a\n{sequence.replace('T', 'u').lower()}\n".encode())
    assert one.out == other.out


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ((), "either a FASTA"),
        (("x.fa", "--bed", "x.bed"), "either a FASTA"),
        (("x.fa", "--genome", "g.fa"), "belong to --bed"),
        (("x.fa", "--length", "100"), "belong to --bed"),
        (("--bed", "x.bed"), "needs --genome"),
    ],
)
def test_inputs_that_do_not_go_together(cli, folder, options, message):
    found = embed(cli, folder, *options)
    assert (found.code, found.err.count("\n")) == (2, 1)
    assert message in found.err


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("chr1\t0\t100", "standard input: line 1: found 3"),
        ("chr1\t0\t100\tx\t0\t.", "chr1:0-100(.)"),
        ("chr9\t0\t100\tx\t0\t+", "no contig 'chr9'"),
        ("chr1\t1000\t1100\tx\t0\t+", "begins behind the end of its contig, 1000 nt"),
        ("chr1\t10\t10\tx\t0\t+", "is empty"),
        ("chr1\t5\t1\tx\t0\t+", "start 5 is past end 1"),
    ],
)
def test_intervals_that_can_not_be_read(cli, folder, genome, line, message):
    stdin = f"{line}\n".encode()
    found = embed(cli, folder, "--bed", "-", "--genome", genome.path, stdin=stdin)
    assert found.code == 2
    assert message in found.err
    assert "/tmp/splicebert-" not in found.err
