"""`splicebert dependency-map`."""

import numpy as np
import pandas as pd
import pytest
import torch

from splicebert.arrays import ArrayReader
from splicebert.dependency import dependency_maps
from splicebert.models import SpliceBERT
from splicebert.runtime import Runtime
from splicebert.sequence import reverse_complement

LENGTH = 66


@pytest.fixture
def bed(tmp_path):
    path = tmp_path / "regions.bed"
    path.write_text("chr1\t100\t120\ta\t0\t+\nchr1\t200\t230\tb\t0\t-\nchr1\t0\t10\tend\t0\t+\n")
    return path


def expected(folder, genome, start, end, strand):
    sequence = "N" * max(-start, 0) + genome.chr1[max(start, 0) : end]
    if strand == "-":
        sequence = reverse_complement(sequence)
    runtime = Runtime(torch.device("cpu"), purpose="difference")
    (found,) = dependency_maps(SpliceBERT(folder), [sequence], runtime, progress=False)
    return found


def test_maps_and_table_of_regions(cli, folder, genome, bed, tmp_path):
    out, table = tmp_path / "maps.zarr.zip", tmp_path / "strong.tsv"
    arguments = ("-m", folder, "--genome", genome.path, bed, "--length", LENGTH)
    done = cli("dependency-map", *arguments, "--zarr", out, "--least", "0.05", "-o", table)
    assert done.code == 0, done.err

    with ArrayReader(out) as reader:
        maps, status = reader.read("map"), reader.read("status")
        positions, reasons = reader.read("position"), reader.attributes["status"]
        assert list(reader.window_ids) == [
            "a::chr1:100-120(+)", "b::chr1:200-230(-)", "end::chr1:0-10(+)",
        ]  # fmt: skip
    places = ((77, 143, "+"), (182, 248, "-"), (-28, 38, "+"))
    for found, place in zip(maps, places, strict=True):
        np.testing.assert_allclose(found, expected(folder, genome, *place), atol=2e-5)
    assert positions[0, 0] == 77
    assert positions[1, 0] == 247
    assert positions[1, -1] == 182
    outside = reasons.index("outside the contig")
    np.testing.assert_array_equal(status[2] == outside, np.arange(LENGTH) < 28)
    assert (status[:2] == reasons.index("known")).all()

    rows = pd.read_csv(table, sep="\t")
    strong = np.argwhere(np.nan_to_num(maps) >= 0.05)
    assert 0 < len(rows) == len(strong) < 3 * LENGTH**2
    for name, column in (("mutated", 1), ("observed", 2)):
        np.testing.assert_array_equal(rows[f"{name}_offset"], strong[:, column])
        np.testing.assert_array_equal(rows[name], positions[strong[:, 0], strong[:, column]])
    np.testing.assert_allclose(rows["dependency"], maps[tuple(strong.T)], rtol=1e-5)


def test_regions_of_one_length_are_windows_themselves(cli, folder, genome, tmp_path):
    line = b"chr1\t300\t365\tx\t0\t+\n"
    done = cli("dependency-map", "-m", folder, "--genome", genome.path, "-", "--least", "0",
               "-q", stdin=line)  # fmt: skip
    assert done.code == 0, done.err
    assert len(done.rows) == 65 * 64
    assert {row["id"] for row in done.rows} == {"x::chr1:300-365(+)"}
    assert {int(row["mutated"]) for row in done.rows} == set(range(300, 365))


@pytest.mark.parametrize(
    ("text", "options", "words"),
    [
        ("chr1\t1\t70\ta\t0\t+\nchr1\t1\t80\tb\t0\t+\n", (), "2 lengths, 69 to 79 nt; give --len"),
        ("chr1\t1\t9\ta\t0\t+\n", ("--length", "63"), "--length is 63 nt; model"),
        ("chr1\t1\t99\ta\t0\t+\n", ("--length", "70"), "longer than the window of 70 nt"),
        ("chr1\t1\t9\ta\t0\t.\n", ("--length", "70"), "has no strand"),
        ("chr9\t1\t9\ta\t0\t+\n", ("--length", "70"), "no contig 'chr9'"),
        ("chr1\t1\t1009\ta\t0\t+\n", ("--length", "70"), "longer than"),
        ("chr1\t1\t9\ta\t0\t+\n" * 2, ("--length", "70"), "comes twice"),
        ("chr1\t1\t9\ta\t0\t+\n", ("--length", "70", "--zarr", "x.zip"), "ends in .zarr.zip"),
    ],
)
def test_what_is_refused(cli, folder, genome, tmp_path, text, options, words):
    path = tmp_path / "regions.bed"
    path.write_text(text)
    done = cli("dependency-map", "-m", folder, "--genome", genome.path, path, *options)
    assert done.code == 2
    assert words in done.err
    assert not done.out


def test_least_is_a_number_of_0_or_more(cli, folder, genome, bed):
    for text in ("-1", "much", "nan"):
        with pytest.raises(SystemExit):
            cli("dependency-map", "-m", folder, "--genome", genome.path, bed, f"--least={text}")
