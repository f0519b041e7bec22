"""Attention back ends, how one is chosen, and rows of the maps without the maps."""

import numpy as np
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from transformers import AutoModelForMaskedLM, BertConfig, BertForMaskedLM

from splicebert.errors import ModelError
from splicebert.models import SpliceBERT, attention, packing
from splicebert.sequence import VOCABULARY

CPU, CUDA = torch.device("cpu"), torch.device("cuda")
BACKENDS = ("eager", "sdpa", "flash")
HEADS, LAYERS = 4, 3
TOKEN = dict(zip("NACGT", range(5, 10), strict=True))


def random_sequence(length, seed=0):
    return "".join(np.random.default_rng(seed).choice(list("ACGTN"), length))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("model")
    config = BertConfig(
        hidden_size=64, num_hidden_layers=LAYERS, num_attention_heads=HEADS, intermediate_size=96,
        max_position_embeddings=1026, vocab_size=10,
    )  # fmt: skip
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(2)
        model = BertForMaskedLM(config)
        for parameter in model.parameters():  # biases and norms too are not 0 and 1
            parameter.add_(torch.randn_like(parameter), alpha=0.15)
    model.save_pretrained(path)
    (path / "vocab.txt").write_text("\n".join(VOCABULARY))
    return path


# --- the choice


@pytest.fixture
def capability(monkeypatch):
    """Set what the GPU, if there were one, can do."""

    def choose(major=9, *, package=False):
        monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device=None: (major, 0))
        monkeypatch.setattr(attention, "flash_package", lambda: package)
        monkeypatch.setattr(attention, "flash_fails", lambda *_: "")

    return choose


@pytest.mark.parametrize(
    ("requested", "device", "dtype", "major", "package", "name", "kernel", "reason"),
    [
        ("auto", CUDA, torch.float16, 9, False, "flash", "varlen_attn", "float16 on this GPU"),
        ("auto", CUDA, torch.bfloat16, 8, False, "flash", "varlen_attn", "bfloat16 on this GPU"),
        ("auto", CUDA, torch.float16, 9, True, "flash", "flash-attn package", "float16"),
        ("flash", CUDA, torch.float16, 8, True, "flash", "flash-attn package", "as asked"),
        ("auto", CUDA, torch.float32, 9, True, "sdpa", "scaled_dot", "not float32"),
        ("auto", CUDA, torch.float16, 7, True, "sdpa", "scaled_dot", "capability 8.0"),
        ("sdpa", CUDA, torch.float16, 9, True, "sdpa", "scaled_dot", "as asked"),
        ("eager", CUDA, torch.float16, 9, True, "eager", "matrix products", "as asked"),
        ("auto", CPU, torch.float32, 9, True, "sdpa", "scaled_dot", "on a CPU"),
        ("auto", CPU, torch.bfloat16, 9, False, "sdpa", "scaled_dot", "on a CPU"),
        ("flash", CPU, torch.float32, 9, True, "flash", "for CPU", "as asked"),
        ("auto", torch.device("mps"), torch.float16, 9, True, "sdpa", "scaled_dot", "'mps'"),
    ],
)
def test_chosen_back_end(
    capability, requested, device, dtype, major, package, name, kernel, reason
):
    capability(major, package=package)
    chosen = attention.choose_backend(requested, device, dtype)
    assert chosen.name == name
    assert kernel in chosen.kernel
    assert reason in chosen.reason
    assert str(chosen) == f"{chosen.name} ({chosen.kernel}; {chosen.reason})"


@pytest.mark.parametrize(
    ("device", "dtype", "major", "message"),
    [
        (CUDA, torch.float32, 9, "need float16 or bfloat16, not float32; use auto or sdpa"),
        (CUDA, torch.float16, 7, "compute capability 8.0 or later; use auto or sdpa"),
        (torch.device("mps"), torch.float16, 9, "no flash kernel for device 'mps'"),
    ],
)
def test_flash_where_it_can_not_run(capability, device, dtype, major, message):
    capability(major)
    with pytest.raises(ModelError, match=f"attention 'flash': .*{message}"):
        attention.choose_backend("flash", device, dtype)


def test_a_flash_kernel_is_tried_before_it_is_used(monkeypatch):
    fails = attention.flash_fails.__wrapped__
    assert fails("a kernel", CPU, torch.float32) == ""
    monkeypatch.setattr(
        torch.nn.functional, "scaled_dot_product_attention", lambda q, k, v, **_: 0 * v
    )
    assert "a kernel is off by" in fails("a kernel", CPU, torch.float32)

    def broken(*_, **__):
        raise ImportError("undefined symbol")

    monkeypatch.setattr(torch.nn.functional, "scaled_dot_product_attention", broken)
    problem = fails("a kernel", CPU, torch.float32)
    assert problem == "a kernel does not run here (ImportError: undefined symbol)"


@pytest.mark.parametrize("broken", ["flash-attn package", "PyTorch"])
def test_a_kernel_that_fails_is_passed_over(capability, monkeypatch, broken):
    capability(9, package=True)
    monkeypatch.setattr(
        attention, "flash_fails", lambda kernel, *_: "it broke" if broken in kernel else ""
    )
    chosen = attention.choose_backend("auto", CUDA, torch.float16)
    assert chosen.name == "flash"
    assert ("PyTorch" in chosen.kernel) == (broken == "flash-attn package")
    monkeypatch.setattr(attention, "flash_fails", lambda *_: "it broke")
    chosen = attention.choose_backend("auto", CUDA, torch.float16)
    assert (chosen.name, chosen.reason) == ("sdpa", "it broke")


def test_flash_gives_way_in_float32(capability):
    capability(9)
    assert attention.best_backend("flash", CUDA, "float16").name == "flash"
    assert attention.best_backend("flash", CUDA, "float32").name == "sdpa"
    assert attention.best_backend("eager", CUDA, "float32").name == "eager"


def test_unknown_back_end():
    with pytest.raises(ModelError, match="'fast'; expected one of auto, eager, sdpa, flash"):
        attention.choose_backend("fast", CPU, torch.float32)


# --- packed attention, against one sequence at a time

LENGTHS = np.array([5, 9, 9, 2, 5, 33])


def packed_inputs(seed=0, dtype=torch.float32):
    generator = torch.Generator().manual_seed(seed)
    q, k, v = torch.randn(3, int(LENGTHS.sum()), HEADS, 16, generator=generator).to(dtype)
    return q, k, v, packing.pack_ids(np.full(LENGTHS.sum(), 6), LENGTHS, CPU)


def naive(q, k, v):
    scores = torch.einsum("qhd,khd->hqk", q.double(), k.double()) / 4
    return torch.einsum("hqk,khd->qhd", scores.softmax(-1), v.double()).flatten(1).float()


def alone(q, k, v):
    parts = (tensor.split(LENGTHS.tolist()) for tensor in (q, k, v))
    return [naive(*part) for part in zip(*parts, strict=True)]


@pytest.mark.parametrize("name", BACKENDS)
def test_no_sequence_sees_another(name):
    q, k, v, packed = packed_inputs()
    backend = attention.choose_backend(name, CPU, torch.float32)
    found = attention.attend(q, k, v, packed, backend)
    torch.testing.assert_close(found, torch.cat(alone(q, k, v)), atol=1e-5, rtol=0)


@pytest.mark.parametrize("name", BACKENDS)
@pytest.mark.parametrize(
    "wanted",
    [
        [[0], [6], [0], [], [2], [30]],
        [[2, 0, 0], [], [3, 6], [], [1], [5, 6, 7, 8]],
        [[], [], [], [], [], [29]],
        [[1], [], [], [], [], []],
        [[0], [6], [], [], [], []],
        [[]] * 6,
        [None] * 6,
    ],
)
def test_queries_of_some_rows(name, wanted):
    q, k, v, packed = packed_inputs()
    rows = packing.some_rows(packed, wanted)
    backend = attention.choose_backend(name, CPU, torch.float32)
    found = attention.attend(q[rows.index], k, v, packed, backend, rows=rows)
    tokens = [slice(1, -1) if w is None else np.array(w, int) + 1 for w in wanted]
    expected = torch.cat([a[t] for a, t in zip(alone(q, k, v), tokens, strict=True)])
    assert found.shape == expected.shape
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize("name", BACKENDS)
def test_dropped_weights_keep_their_expectation(name):
    q, k, v, packed = packed_inputs()
    backend = attention.choose_backend(name, CPU, torch.float32)
    expected = attention.attend(q, k, v, packed, backend)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        draws = [attention.attend(q, k, v, packed, backend, dropout=0.3) for _ in range(600)]
    assert not torch.allclose(draws[0], draws[1], atol=1e-2)
    assert (torch.stack(draws).mean(0) - expected).abs().mean() < 0.03
    assert (draws[0] - expected).abs().mean() > 0.1


# --- rows of the maps


@pytest.mark.parametrize("name", BACKENDS)
def test_rows_equal_those_of_transformers_maps(folder, name):
    texts = [random_sequence(n, n) for n in (64, 200, 200, 65, 1)]
    offsets = np.array([[0, 5, 63, 5], [199, 7, 7, 0], [3, 1, 2, 3], [64, 0, 0, 1], [0] * 4])
    model = SpliceBERT(folder, attention=name)
    heads = model.attention_rows(texts, offsets)
    assert heads.shape == (5, LAYERS, HEADS, 4, 200)
    torch.testing.assert_close(
        model.attention_rows(texts, offsets, maximum=True), heads.amax(2), atol=0, rtol=0
    )
    theirs = AutoModelForMaskedLM.from_pretrained(folder, attn_implementation="eager").eval()
    for i, text in enumerate(texts):
        ids = torch.tensor([[2, *map(TOKEN.get, text), 3]])
        with torch.inference_mode():
            maps = torch.cat(theirs(ids, output_attentions=True).attentions)
        expected = maps[:, :, offsets[i] + 1, 1:-1]
        found = heads[i]
        torch.testing.assert_close(found[..., : len(text)], expected, atol=1e-5, rtol=0)
        assert not found[..., len(text) :].any()


class Largest(TorchDispatchMode):
    """Number of values of the largest tensor that any operation gives."""

    numel = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        out = function(*args, **(kwargs or {}))
        for tensor in out if isinstance(out, tuple | list) else [out]:
            if isinstance(tensor, torch.Tensor):
                self.numel = max(self.numel, tensor.numel())
        return out


def largest(model, nt, rows, **options):
    with Largest() as seen:
        model.attention_rows([random_sequence(nt)], np.arange(rows)[None] * 100, **options)
    return seen.numel


@pytest.mark.parametrize("name", ["sdpa", "flash"])
@pytest.mark.parametrize("maximum", [True, False])
def test_rows_without_the_maps(folder, name, maximum):
    nt = 1000
    assert largest(SpliceBERT(folder, attention=name), nt, 6, maximum=maximum) < nt * nt / 3
    if name == "sdpa":  # the counter does count: eager carries the states by full maps
        assert largest(SpliceBERT(folder, attention="eager"), nt, 6) >= HEADS * nt * nt
