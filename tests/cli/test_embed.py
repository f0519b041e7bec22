"""`splicebert embed`."""

import gzip

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from transformers import AutoModel

from splicebert.cli import writers
from splicebert.models import SpliceBERT
from splicebert.sequence import reverse_complement


def expected(folder, sequences, layer=2):
    model = SpliceBERT(folder)
    return {n: model.hidden_states([s], [layer])[0, 0].numpy() for n, s in sequences.items()}


def stack(frame):
    return np.stack(frame["values"].to_numpy())


def test_parquet_holds_a_row_a_nucleotide(cli, folder, fasta, sequences, tmp_path):
    out = tmp_path / "new" / "out.parquet"
    assert cli("embed", "-m", folder, fasta, "-o", out).code == 0
    table = pq.read_table(out)
    types = {field.name: str(field.type) for field in table.schema}
    assert types == {
        "id": "string", "offset": "int64", "layer": "int64", "values": "list<element: float>"
    }  # fmt: skip
    frame = table.to_pandas()
    assert frame["id"].drop_duplicates().tolist() == list(sequences)
    for name, states in expected(folder, sequences).items():
        rows = frame[frame["id"] == name]
        assert rows["offset"].tolist() == list(range(len(sequences[name])))
        assert set(rows["layer"]) == {2}
        np.testing.assert_allclose(stack(rows), states, atol=1e-5)


def test_values_are_those_of_transformers(cli, folder, tmp_path, fasta, sequences):
    import torch

    from splicebert.sequence import token_batch

    out = tmp_path / "out.npz"
    assert cli("embed", "-m", folder, fasta, "-o", out, "--layers", "0-2").code == 0
    ids, _ = token_batch([sequences["s0"]])
    with torch.inference_mode():
        states = (
            AutoModel.from_pretrained(folder)
            .eval()(torch.from_numpy(ids), output_hidden_states=True)
            .hidden_states
        )
    found = np.load(out)["s0"]
    np.testing.assert_allclose(found, [s[0, 1:-1].numpy() for s in states], atol=2e-5)


def test_npz_holds_an_array_a_sequence(cli, folder, fasta, sequences, tmp_path):
    out = tmp_path / "out.npz"
    assert cli("embed", "-m", folder, fasta, "-o", out, "--layers=-1,0").code == 0
    with np.load(out, allow_pickle=False) as arrays:
        assert arrays["names"].tolist() == list(sequences)
        assert arrays["layers"].tolist() == [2, 0]
        for name, sequence in sequences.items():
            assert arrays[name].shape == (2, len(sequence), 32)
            assert arrays[name].dtype == np.float32
        states = expected(folder, {"s1": sequences["s1"]}, layer=0)["s1"]
        np.testing.assert_allclose(arrays["s1"][1], states, atol=1e-6)


def test_npz_refuses_an_id_that_is_taken(cli, folder, tmp_path, sequences):
    out = tmp_path / "out.npz"
    found = cli("embed", "-m", folder, "-", "-o", out, stdin=f">names\n{sequences['s0']}".encode())
    assert found.code == 2
    assert "'names'" in found.err
    assert not out.exists()


def test_mean_over_the_nucleotides(cli, folder, fasta, sequences, tmp_path):
    states = {name: s.mean(axis=0) for name, s in expected(folder, sequences).items()}
    table = cli("embed", "-m", folder, fasta, "--pool", "mean").rows
    assert list(table[0]) == ["id", "layer", *(f"values_{i}" for i in range(32))]
    found = [[float(row[f"values_{i}"]) for i in range(32)] for row in table]
    np.testing.assert_allclose(found, list(states.values()), atol=1e-5)
    out = tmp_path / "out.npz"
    assert cli("embed", "-m", folder, fasta, "--pool", "mean", "-o", out).code == 0
    np.testing.assert_allclose(np.load(out)["s2"], [states["s2"]], atol=1e-5)


def test_tsv_in_order_of_layer_and_offset(cli, folder, fasta, tmp_path):
    out = tmp_path / "out.tsv.gz"
    assert cli("embed", "-m", folder, fasta, "-o", out, "--layers", "0,2").code == 0
    frame = pd.read_csv(out, sep="\t")
    first = frame[frame["id"] == "s0"]
    assert first["offset"].tolist() == [*range(100), *range(100)]
    assert first["layer"].tolist() == [0] * 100 + [2] * 100
    before = out.read_bytes()
    cli("embed", "-m", folder, fasta, "-o", out, "--layers", "0,2")
    assert out.read_bytes() == before  # no time in the gzip header


@pytest.mark.parametrize("batch_nt", ["1", "300", "100000"])
def test_batches_do_not_change_the_numbers(cli, folder, fasta, tmp_path, batch_nt):
    paths = tmp_path / "one.parquet", tmp_path / "other.parquet"
    cli("embed", "-m", folder, fasta, "-o", paths[0])
    cli("embed", "-m", folder, fasta, "-o", paths[1], "--batch-nt", batch_nt)
    one, other = map(pd.read_parquet, paths)
    assert one[["id", "offset"]].equals(other[["id", "offset"]])
    np.testing.assert_allclose(stack(one), stack(other), atol=1e-5)


def test_row_groups_are_written_as_they_fill(cli, folder, fasta, tmp_path, monkeypatch):
    out = tmp_path / "out.parquet"
    monkeypatch.setattr(writers, "GROUP_VALUES", 150 * 34)
    cli("embed", "-m", folder, fasta, "-o", out)
    assert pq.ParquetFile(out).num_row_groups == 3
    assert len(pd.read_parquet(out)) == 621


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_stdin_plain_and_gzip(cli, folder, fasta, pack):
    from_file = cli("embed", "-m", folder, fasta, "--pool", "mean")
    from_stdin = cli("embed", "-m", folder, "-", "--pool", "mean", stdin=pack(fasta.read_bytes()))
    assert from_stdin.code == 0
    assert from_stdin.out == from_file.out


def test_gzip_file(cli, folder, fasta, tmp_path):
    path = tmp_path / "sequences.fa.gz"
    path.write_bytes(gzip.compress(fasta.read_bytes()))
    command = ("embed", "-m", folder, "--pool", "mean")
    assert cli(*command, path).out == cli(*command, fasta).out


# --- intervals


def test_intervals_of_a_genome(cli, folder, genome, tmp_path):
    bed = tmp_path / "a.bed"
    bed.write_text("chr1\t200\t300\texon\t0\t+\nchr1\t400\t500\t.\t0\t-\n")
    out = tmp_path / "out.npz"
    assert cli("embed", "-m", folder, "--bed", bed, "--genome", genome.path, "-o", out).code == 0
    arrays = np.load(out)
    names = ["exon::chr1:200-300(+)", "chr1:400-500(-)"]
    assert arrays["names"].tolist() == names
    given = {
        names[0]: genome.chr1[200:300],
        names[1]: reverse_complement(genome.chr1[400:500]),
    }
    for name, states in expected(folder, given).items():
        np.testing.assert_allclose(arrays[name][0], states, atol=1e-5)


def test_either_strand_of_mirrored_contigs_gives_the_same(cli, folder, genome):
    def bed(chrom, start, end, strand):
        line = f"{chrom}\t{start}\t{end}\tx\t0\t{strand}\n".encode()
        found = cli(
            *("embed", "-m", folder, "--bed", "-", "--genome", genome.path, "--length", 120),
            stdin=line,
        )
        assert found.code == 0
        return [[row[f"values_{i}"] for i in range(32)] for row in found.rows]

    plus = bed("chr1", 300, 302, "+")
    assert len(plus) == 120
    assert bed("chrR", 698, 700, "-") == plus
    assert bed("chr1", 300, 302, "-") != plus


def test_windows_over_the_end_of_a_contig_are_padded_with_n(cli, folder, genome):
    found = cli(
        *("embed", "-m", folder, "--bed", "-", "--genome", genome.path, "--length", 100),
        stdin=b"chr1\t990\t1000\tx\t0\t+\n",
    )
    states = expected(folder, {"x": genome.chr1[945:] + "N" * 45})["x"]
    values = [[float(row[f"values_{i}"]) for i in range(32)] for row in found.rows]
    np.testing.assert_allclose(values, states, atol=1e-4)


# --- the demo model and refusals


def test_demo_model_by_name_and_by_folder(cli, root, monkeypatch, sequences):
    monkeypatch.chdir(root)
    stdin = f">a\n{sequences['s2'] * 2}".encode()[:513]
    by_name = cli("embed", "-m", "demo", "-", "--pool", "mean", stdin=stdin)
    by_folder = cli("embed", "-m", "config/demo_model", "-", "--pool", "mean", stdin=stdin)
    assert by_name.code == by_folder.code == 0
    assert by_name.out == by_folder.out
    assert "sha256" in by_name.err
    assert "device cpu" in by_name.err
    assert "attention" in by_name.err


def test_layer_that_is_not_there(cli, folder, fasta):
    found = cli("embed", "-m", folder, fasta, "--layers", "3")
    assert found == (2, "", found.err)
    assert "no layer 3; the model has 0 (the embedding layer) to 2" in found.err


@pytest.mark.parametrize("text", ["", "1,,2", "a", "1-b", "2-1"])
def test_layers_that_are_no_numbers(cli, folder, fasta, text, capsys):
    with pytest.raises(SystemExit):
        cli("embed", "-m", folder, fasta, f"--layers={text}")
    assert "expected" in capsys.readouterr().err
