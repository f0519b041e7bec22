"""The benchmark script: what it counts, measures and writes. No test depends on a time."""

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import torch
from transformers import BertConfig

from splicebert.benchmark.__main__ import main
from splicebert.benchmark.cases import all_work, sequences_of, write_random_model
from splicebert.benchmark.machine import forward_bytes, forward_flops
from splicebert.benchmark.memory import peak_mib
from splicebert.benchmark.published import Published, kl_by_base
from splicebert.benchmark.routes import routes
from splicebert.benchmark.table import add_ratios, show
from splicebert.models import SpliceBERT
from splicebert.runtime import Runtime

CPU = torch.device("cpu")
TINY = {"hidden_size": 16, "num_attention_heads": 2, "intermediate_size": 32,
        "num_hidden_layers": 2}  # fmt: skip
TRUE = BertConfig(
    vocab_size=10, hidden_size=512, num_hidden_layers=6, num_attention_heads=16,
    intermediate_size=2048,
)  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("benchmark") / "model"
    write_random_model(path, 0, TINY)
    return path


def test_operations_of_the_true_size():
    assert forward_flops(TRUE, 512) / 1e6 == pytest.approx(44.6, abs=0.05)
    assert forward_flops(TRUE, 1026) / 1e6 == pytest.approx(50.9, abs=0.05)


def test_operations_of_the_true_size_by_hand():
    one = BertConfig(vocab_size=3, hidden_size=2, num_hidden_layers=1, intermediate_size=5)
    # Q, K, V, output: 4 products 2 x 2; up and down: 2 products 2 x 5; 7 keys, twice; head.
    assert forward_flops(one, 7) == 2 * (4 * 4 + 2 * 10) + 2 * 2 * 2 * 7 + 2 * (4 + 6)
    assert forward_bytes(one, 4) == 2 * 4 * (3 * 2 + 2 + 5) + 4 * 4 * 2


def test_both_routes_give_the_same_numbers(folder):
    route = Published(folder, batch_size=3, device=CPU)
    model, runtime = SpliceBERT(folder), Runtime.choose("cpu", purpose="difference")
    names = set()
    for work in all_work(1, 3, lengths=(70,)):
        names.add(work.name)
        theirs, ours = work.published(route), work.ours(model, runtime)
        assert len(theirs) == len(ours) > 0
        for a, b in zip(theirs, ours, strict=True):
            assert a.shape == b.shape
            np.testing.assert_allclose(a, b, atol=1e-5, rtol=0)
    assert names == {"hidden states", "MLM logits", "attention rows", "mutagenesis"}


def test_the_published_route_sees_what_a_wrong_answer_would_be(folder):
    route = Published(folder, batch_size=2, device=CPU)
    one, other = sequences_of([70, 70], 1)
    a, b = route.logits([one, other])
    assert np.abs(a - b).max() > 1e-4
    assert kl_by_base(a, a) == pytest.approx(np.zeros(70), abs=1e-12)
    assert (kl_by_base(a, b) > 0).all()


def test_routes_of_a_cpu(folder):
    found = [(route.name, route.dtype) for route in routes(folder, CPU, ["float32", "int8"],
                                                            compiled=False)]  # fmt: skip
    assert found == [
        ("published, batch 8", "float32"),
        ("published, batch 16", "float32"),
        ("transformers sdpa, batch 8", "float32"),
        ("eager", "float32"),
        ("sdpa", "float32"),
        ("sdpa", "int8"),
    ]


def test_peak_memory_sees_what_was_freed_again():
    def work():
        np.ones(2**25).sum()  # 256 MiB

    peak = peak_mib(work, CPU)
    if np.isnan(peak):
        pytest.skip("this system does not reset the peak of a process")
    assert 250 < peak < 400
    assert peak_mib(lambda: None, CPU) < 50


def test_ratios_are_those_of_the_published_route():
    table = pd.DataFrame(
        {
            "task": ["MLM logits"] * 3,
            "length": ["510"] * 3,
            "route": ["published, batch 8", "published, batch 16", "sdpa"],
            "dtype": ["float32"] * 3,
            "nt_per_s": [100.0, 125.0, 400.0],
            "peak_mib": [60.0, 80.0, 20.0],
            "tokens": [512] * 3,
            "error": [0.0, 1e-6, 1e-6],
        }
    )
    flops = {"float32": forward_flops(TRUE, 512) * 1000.0}
    found = add_ratios(table, flops, TRUE, copy=1e15)
    assert found["x_published"].tolist() == [1.0, 1.25, 4.0]
    assert found["x_best_published"].tolist() == [0.8, 1.0, 3.2]
    assert found["less_memory"].tolist() == [1.0, 0.75, 3.0]
    assert found["floor"].tolist() == pytest.approx([0.1, 0.125, 0.4])
    assert "| MLM logits | 510 |" in show(found)


def test_it_needs_no_genome_libraries():
    """A GPU machine may have torch and transformers and little else."""
    code = """
import sys
for name in ("pysam", "pyBigWig", "pybedtools", "zarr", "sklearn", "matplotlib", "snakemake"):
    sys.modules[name] = None
import splicebert.benchmark.__main__
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_run_prints_a_table_and_writes_a_tsv(tmp_path, capsys):
    out = tmp_path / "measured.tsv"
    arguments = ["--tiny", "--rounds", "1", "--device", "cpu", "--threads", "1", "--out", str(out),
                 "--task", "encoding", "--task", "mutagenesis"]  # fmt: skip
    threads = torch.get_num_threads()
    try:
        assert main(arguments) == 0
    finally:
        torch.set_num_threads(threads)
    table = pd.read_csv(out, sep="\t")
    assert set(table["task"]) == {"encoding", "mutagenesis"}
    assert set(table["length"]) == {510, 1000}
    assert (table["nt_per_s"] > 0).all()
    assert table["hardware"].nunique() == 1
    rows = table[(table["task"] == "mutagenesis") & (table["dtype"] == "float32")]
    assert len(rows) == 10
    assert (rows["error"] < 1e-6).all()
    assert (table["error"].dropna() >= 0).all()
    assert table["error"].notna().all()  # both ways of encoding gave the same tokens
    assert capsys.readouterr().out.count("\n|") >= len(table)
