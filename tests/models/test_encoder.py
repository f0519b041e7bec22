"""The lean encoder against transformers, one sequence at a time: back ends, dtypes, some rows."""

import itertools

import numpy as np
import pytest
import torch
from transformers import AutoModelForMaskedLM, BertConfig, BertForMaskedLM

from splicebert.errors import ModelError
from splicebert.models import SpliceBERT, encoder
from splicebert.precision import LIMITS, kl_divergence
from splicebert.sequence import VOCABULARY

TOKEN = dict(zip("NACGT", range(5, 10), strict=True))
NO_GPU = pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
DEVICES = [pytest.param("cpu"), pytest.param("cuda", marks=NO_GPU)]
# Unsorted, with neighbours and others of one length.
LENGTHS = (511, 64, 64, 1024, 65, 510, 64, 300, 65)
LAYERS = range(4)


def random_sequence(length, seed=0):
    return "".join(np.random.default_rng(seed).choice(list("ACGTN"), length))


TEXTS = [random_sequence(length, seed) for seed, length in enumerate(LENGTHS)]


def save_model(path, **options):
    sizes = {
        "hidden_size": 64, "num_hidden_layers": 3, "num_attention_heads": 4, "vocab_size": 10,
        "intermediate_size": 96, "max_position_embeddings": 1026, "initializer_range": 0.1,
    }  # fmt: skip
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(4)
        model = BertForMaskedLM(BertConfig(**sizes | options))
        for parameter in model.parameters():  # biases and norms too are not 0 and 1
            parameter.add_(torch.randn_like(parameter), alpha=0.05)
    model.save_pretrained(path)
    (path / "vocab.txt").write_text("\n".join(VOCABULARY))
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return save_model(tmp_path_factory.mktemp("model"))


def one_by_one(path, texts):
    """Hidden states (nt of all, layers, hidden) and logits (nt of all, 10) of transformers."""
    theirs = AutoModelForMaskedLM.from_pretrained(path, attn_implementation="eager").eval()
    states, logits = [], []
    for text in texts:
        ids = torch.tensor([[2, *map(TOKEN.get, text), 3]])
        with torch.inference_mode():
            out = theirs(ids, output_hidden_states=True)
        states.append(torch.cat(out.hidden_states).transpose(0, 1)[1:-1])
        logits.append(out.logits[0, 1:-1])
    return torch.cat(states), torch.cat(logits)


@pytest.fixture(scope="module")
def expected(folder):
    return one_by_one(folder, TEXTS)


@pytest.fixture(scope="module")
def model(folder):
    return SpliceBERT(folder)


def check(found, wanted, atol):
    assert found.shape == wanted.shape
    assert found.dtype == torch.float32
    torch.testing.assert_close(found.cpu(), wanted, atol=atol, rtol=0)


# --- every back end


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("attention", ["auto", "eager", "sdpa", "flash"])
def test_mixed_lengths_equal_transformers(folder, expected, device, attention):
    if device == "cuda" and attention == "flash":
        pytest.skip("flash kernels on a GPU need float16 or bfloat16")
    model = SpliceBERT(folder, device=device, attention=attention)
    assert attention in ("auto", model.backend.name)
    check(model.hidden_states_packed(TEXTS, LAYERS), expected[0], 1e-4)
    check(model.logits_packed(TEXTS), expected[1], 1e-4)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("attention", ["eager", "sdpa", "flash"])
def test_the_shared_model_equals_transformers(shared, device, attention):
    if device == "cuda" and attention == "flash":
        pytest.skip("flash kernels on a GPU need float16 or bfloat16")
    path, texts = shared / "real" / "models" / "tiny.1024nt", [TEXTS[i] for i in (0, 3, 4, 8)]
    states, logits = one_by_one(path, texts)
    model = SpliceBERT(path, device=device, attention=attention)
    check(model.hidden_states_packed(texts, LAYERS), states, 1e-4)
    check(model.logits_packed(texts), logits, 1e-4)


@pytest.mark.parametrize("activation", ["relu", "gelu_new", "silu"])
def test_other_activations(tmp_path, activation):
    path = save_model(tmp_path, hidden_act=activation)
    states, logits = one_by_one(path, TEXTS[1:3])
    model = SpliceBERT(path)
    check(model.hidden_states_packed(TEXTS[1:3], LAYERS), states, 1e-4)
    check(model.logits_packed(TEXTS[1:3]), logits, 1e-4)


def test_the_order_of_a_batch_is_no_matter(model):
    pieces = dict(zip(TEXTS, model.logits_packed(TEXTS).split(LENGTHS), strict=True))
    shuffled = [TEXTS[i] for i in np.random.default_rng(0).permutation(len(TEXTS))]
    check(model.logits_packed(shuffled), torch.cat([pieces[text] for text in shuffled]), 1e-5)


# --- every dtype


def half_types(device):
    return ("float16", "bfloat16", "int8") if device == "cpu" else ("float16", "bfloat16")


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("attention", ["auto", "eager", "sdpa", "flash"])
def test_errors_of_the_dtypes_are_below_their_limits(folder, expected, device, attention):
    means = []
    for dtype in half_types(device):
        model = SpliceBERT(folder, device=device, dtype=dtype, attention=attention)
        logits = model.logits_packed(TEXTS).cpu()
        states = model.hidden_states_packed(TEXTS, LAYERS).cpu()
        assert {logits.dtype, states.dtype} == {torch.float32}
        kl = kl_divergence(expected[1], logits)
        assert 0 < kl.max() < LIMITS[dtype]["logits"]
        assert 0 < (states - expected[0]).abs().max() < LIMITS[dtype]["hidden_states"]
        assert (states[:, 1:] - expected[0][:, 1:]).abs().amax((0, 2)).min() > 0
        means.append(float(kl.mean()))
    assert means == sorted(means)
    assert all(2 * a < b for a, b in itertools.pairwise(means))


def test_the_embedding_is_float32_whatever_the_dtype(folder, expected):
    for dtype in half_types("cpu"):
        states = SpliceBERT(folder, dtype=dtype).hidden_states_packed(TEXTS[:3], [0])
        check(states[:, 0], expected[0][: len(states), 0], 1e-5)


def test_errors_of_attention_rows_are_below_their_limits(folder, model):
    rows = np.array([[0, 30, 63]] * len(TEXTS))
    maps = model.attention_rows(TEXTS, rows)
    for dtype in half_types("cpu"):
        found = SpliceBERT(folder, dtype=dtype).attention_rows(TEXTS, rows)
        assert 0 < (found - maps).abs().max() < LIMITS[dtype]["attention"]


def test_a_dtype_may_change_and_change_back(folder, model):
    other = SpliceBERT(folder, dtype="bfloat16")
    coarse = other.logits_packed(TEXTS[:2])
    other.set_dtype("float32")
    assert other.dtype == "float32"
    check(other.logits_packed(TEXTS[:2]), model.logits_packed(TEXTS[:2]), 0)
    other.set_dtype("bfloat16")
    check(other.logits_packed(TEXTS[:2]), coarse, 0)
    with pytest.raises(ModelError, match="dtype 'half'; expected one of float32"):
        other.set_dtype("half")


# --- some rows only


def picked(values, offsets):
    """The rows of `values` (nt of all, ...) at each sequence's offsets."""
    parts = [
        part if rows is None else part[torch.tensor(rows, dtype=int)]
        for part, rows in zip(values.split(LENGTHS), offsets, strict=True)
    ]
    return torch.cat(parts)


FEW = [[3, 9], [0], [63], [1023, 0, 511], [64], [5, 5, 0], [1], [299], [2]]
RAGGED = [[], [1, 2], [], [7], None, [], list(range(60)), [], [0]]
MANY = [list(range(5, n)) for n in LENGTHS]
CASES = [(FEW, 1), (RAGGED, 1), ([[]] * 9, 1), (MANY, 0), ([None] * 9, 0)]


@pytest.fixture
def last_layers(monkeypatch):
    """Calls of the last layer on some rows."""
    calls, function = [], encoder._last_layer

    def counted(*args):
        calls.append(args)
        return function(*args)

    monkeypatch.setattr(encoder, "_last_layer", counted)
    return calls


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("attention", ["eager", "sdpa", "flash"])
@pytest.mark.parametrize(("offsets", "restricted"), CASES)
def test_some_rows_are_the_rows_of_all(
    folder, expected, last_layers, device, attention, offsets, restricted
):
    if device == "cuda" and attention == "flash":
        pytest.skip("flash kernels on a GPU need float16 or bfloat16")
    model = SpliceBERT(folder, device=device, attention=attention)
    rows = [None if o is None else np.array(o, int) for o in offsets]
    check(model.logits_packed(TEXTS, None, rows), picked(expected[1], offsets), 1e-4)
    assert len(last_layers) == restricted
    for layers in ([-1], [0], [2], [3, 1], [0, 1, 2, 3]):
        found = model.hidden_states_packed(TEXTS, layers, rows)
        check(found, picked(expected[0], offsets)[:, layers], 1e-4)
    assert len(last_layers) == restricted * 5  # never for layer 0


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "int8"])
def test_some_rows_in_other_dtypes(folder, expected, dtype):
    model = SpliceBERT(folder, dtype=dtype)
    found = model.logits_packed(TEXTS, None, FEW)
    assert kl_divergence(picked(expected[1], FEW), found).max() < LIMITS[dtype]["logits"]


def test_masks_with_some_rows(model):
    masks = [np.arange(n) % 7 == 3 for n in LENGTHS]
    offsets = [np.flatnonzero(mask) for mask in masks]
    found = model.logits_packed(TEXTS, masks, offsets)
    check(found, picked(model.logits_packed(TEXTS, masks), offsets), 1e-5)
    assert not torch.allclose(found, model.logits_packed(TEXTS, None, offsets), atol=1e-2)


def test_what_follows_attention_runs_on_the_wanted_rows_only(model, monkeypatch):
    seen = []

    def finish(weights, layer, x, *others):
        seen.append(len(x))
        return encoder.feed_forward(weights, layer, x, *others)

    monkeypatch.setattr(model, "_finish", finish)
    model.logits_packed(TEXTS, None, FEW)
    tokens = sum(LENGTHS) + 2 * len(LENGTHS)
    assert seen == [tokens, tokens, sum(map(len, FEW))]
    seen.clear()
    model.hidden_states_packed(TEXTS, [0, 1])
    assert seen == [tokens]  # layers above are not computed
    seen.clear()
    model.attention_rows(TEXTS, np.zeros((len(TEXTS), 2), int))
    assert seen == [tokens] * 2  # of the last layer only queries and keys


@pytest.mark.parametrize("offset", [-1, 64])
def test_rows_outside_a_sequence(model, offset):
    offsets = [None, [0, offset], *[[]] * 7]
    message = rf"offset {offset} \(0-based\) of sequence 1; expected 0 to 63"
    with pytest.raises(ModelError, match=message):
        model.logits_packed(TEXTS, None, offsets)
    with pytest.raises(ModelError, match=message):
        model.hidden_states_packed(TEXTS, [-1], offsets)
