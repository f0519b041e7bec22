"""torch.compile: one graph, kept kernels, and going on without it."""

import json
import logging
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from transformers import BertConfig, BertForMaskedLM

from splicebert.models import SpliceBERT, compiling
from splicebert.models.encoder import feed_forward
from splicebert.sequence import VOCABULARY

PROGRAM = """
import json, logging, sys
import numpy as np
from torch._dynamo.utils import counters
from splicebert.models import SpliceBERT
logging.basicConfig(level=logging.WARNING)
rng = np.random.default_rng(0)
plain, fast = SpliceBERT(sys.argv[1]), SpliceBERT(sys.argv[1], compiled=True)
errors, graphs = [], []
for lengths in ([100], [64, 65], [300, 200, 5], [7] * 9, [1]):
    texts = ["".join(rng.choice(list("ACGTN"), n)) for n in lengths]
    for offsets in (None, [[0]] * len(texts)):
        found = fast.logits_packed(texts, None, offsets)
        errors.append(float((found - plain.logits_packed(texts, None, offsets)).abs().max()))
        graphs.append(counters["stats"]["unique_graphs"])
texts = ["ACGTACGT", "GGTAAGT"]
maps = [model.attention_rows(texts, np.zeros((2, 1), int)) for model in (fast, plain)]
errors.append(float((maps[0] - maps[1]).abs().max()))
graphs.append(counters["stats"]["unique_graphs"])
inductor = counters["inductor"]
hits, misses = inductor["fxgraph_cache_hit"], inductor["fxgraph_cache_miss"]
print(json.dumps({"errors": errors, "graphs": graphs, "hits": hits, "misses": misses}))
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("model")
    config = BertConfig(
        hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=48,
        max_position_embeddings=512, vocab_size=10, initializer_range=0.2,
    )  # fmt: skip
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        BertForMaskedLM(config).save_pretrained(path)
    (path / "vocab.txt").write_text("\n".join(VOCABULARY))
    return path


def process(folder, cache):
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", PROGRAM, folder],
        env=os.environ | {"TORCHINDUCTOR_CACHE_DIR": str(cache)},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert "torch.compile failed" not in done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.skipif(not shutil.which(os.environ.get("CXX", "g++")), reason="no C++ compiler")
def test_compiled_equals_plain_in_one_graph_whose_kernels_are_kept(folder, tmp_path):
    first = process(folder, tmp_path / "cache")
    assert max(first["errors"]) < 1e-5
    assert set(first["graphs"]) == {1}  # ten batches of different sizes
    assert (first["hits"], first["misses"]) == (0, 1)
    second = process(folder, tmp_path / "cache")
    assert second["errors"] == first["errors"]
    assert set(second["graphs"]) == {1}
    assert (second["hits"], second["misses"]) == (1, 0)


# --- without a compiler


@pytest.fixture
def compiler(monkeypatch, tmp_path):
    """Replace torch.compile by one that does as it is told."""
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path))

    def install(behaviour):
        calls = []

        def compiled(function, *, dynamic):
            assert dynamic

            def run(*args, **kwargs):
                calls.append(args)
                return behaviour(function, *args, **kwargs)

            return run

        monkeypatch.setattr(torch, "compile", compiled)
        return calls

    return install


def failing(error):
    def behaviour(function, *args, **kwargs):
        raise error

    return behaviour


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (RuntimeError("no C++ compiler\nlong story"), "RuntimeError: no C++ compiler"),
        (AssertionError(), "AssertionError"),
        (ValueError("x"), "ValueError: x"),
    ],
)
def test_a_failing_compiler_is_done_without(compiler, folder, caplog, error, text):
    calls = compiler(failing(error))
    model, plain = SpliceBERT(folder, compiled=True), SpliceBERT(folder)
    assert "compiled" in model.describe()
    caplog.clear()
    with caplog.at_level(logging.WARNING):
        for sequences in (["ACGTACGT"], ["ACG", "GGGTA"]):
            found, expected = model.logits_packed(sequences), plain.logits_packed(sequences)
            torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)
    assert len(calls) == 1  # it is not tried again
    assert len(caplog.records) == 1
    assert text in caplog.text
    assert "going on without it" in caplog.text


def test_lack_of_memory_is_no_failure_of_the_compiler(compiler, caplog):
    compiler(failing(torch.OutOfMemoryError("CUDA out of memory")))
    call = compiling.compile_once(lambda x: x + 1)
    for _ in range(2):
        with pytest.raises(torch.OutOfMemoryError):
            call(torch.zeros(3))
    assert not caplog.records


def test_errors_of_the_function_itself_propagate(compiler):
    compiler(lambda function, *args: function(*args))
    with pytest.raises(RuntimeError, match="must match"):
        compiling.compile_once(torch.add)(torch.zeros(3), torch.zeros(4))


def test_single_rows_are_not_compiled(compiler):
    calls = compiler(lambda function, *args: function(*args))
    call = compiling.compile_once(lambda x: x + 1)
    assert [call(torch.zeros(n, 2)).sum() for n in (0, 1, 2, 3)] == [0, 2, 4, 6]
    assert [len(args[0]) for args in calls] == [2, 3]


def test_every_layer_is_compiled(compiler, folder):
    calls = compiler(lambda function, *args, **kwargs: function(*args, **kwargs))
    SpliceBERT(folder, compiled=True).logits_packed(["ACGTACGT"])
    assert len(calls) == 2
    SpliceBERT(folder).logits_packed(["ACGTACGT"])
    assert len(calls) == 2
    assert SpliceBERT(folder)._finish is feed_forward


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"TORCHINDUCTOR_CACHE_DIR": "/a/b", "XDG_CACHE_HOME": "/x"}, "/a/b"),
        ({"XDG_CACHE_HOME": "/x"}, "/x/splicebert/inductor"),
        ({}, "/people/me/.cache/splicebert/inductor"),
    ],
)
def test_folder_of_the_kernels(monkeypatch, variables, expected):
    for name in ("TORCHINDUCTOR_CACHE_DIR", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(Path, "home", lambda: Path("/people/me"))
    assert compiling.cache_folder() == Path(expected)
