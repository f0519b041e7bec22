"""The streaming engine: order, batches, memory, laziness."""

import itertools
import logging
import tracemalloc

import numpy as np
import pytest
import torch
from transformers import BertConfig, BertForMaskedLM

from splicebert.errors import ModelError, SpliceBERTError
from splicebert.inference import (
    Item,
    Runtime,
    run_attention_rows,
    run_hidden_states,
    run_logits,
    stream,
)
from splicebert.models import OneHot, SpliceBERT
from splicebert.precision import LIMITS
from splicebert.sequence import VOCABULARY, base_codes

CPU = torch.device("cpu")


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


@pytest.fixture(scope="module")
def model(folder):
    return SpliceBERT(folder)


def runtime(batch_nt=1024, buffer=64):
    return Runtime(CPU, "float32", batch_nt, buffer)


def mixed_items(n=10, seed=0):
    rng = np.random.default_rng(seed)
    lengths = [1, 510, 2, *rng.integers(1, 511, n - 3)]
    return [
        Item("".join(rng.choice(list("ACGTN"), length)), rng.random(length) < 0.15)
        for length in lengths
    ]


def codes(batch):
    """A model of which every base's result is known: its code, its offset, the length."""
    parts = []
    for item in batch:
        n = len(item.sequence)
        columns = base_codes(item.sequence), np.arange(n), np.full(n, n)
        parts.append(np.stack(columns, axis=1).astype(np.float32))
    return torch.from_numpy(np.concatenate(parts))


def check_codes(items, results):
    assert len(results) == len(items)
    for item, result in zip(items, results, strict=True):
        n = len(item.sequence)
        assert result.shape == (n, 3)
        np.testing.assert_array_equal(result[:, 0], base_codes(item.sequence))
        np.testing.assert_array_equal(result[:, 1], np.arange(n))
        np.testing.assert_array_equal(result[:, 2], n)


# --- order and batches


@pytest.mark.parametrize("buffer", [1, 3, 64, 1000])
@pytest.mark.parametrize("batch_nt", [1, 700, 10**6])
def test_results_come_in_input_order_cut_to_their_length(buffer, batch_nt):
    items = mixed_items(50)
    check_codes(items, list(stream(items, codes, runtime(batch_nt, buffer))))


def test_no_items_give_no_results():
    assert list(stream([], codes, runtime())) == []


def test_batches_hold_at_most_batch_nt():
    seen = []

    def compute(batch):
        seen.append([len(item.sequence) for item in batch])
        return codes(batch)

    items = mixed_items(60)
    list(stream(items, compute, runtime(1200, 60)))
    assert sum(map(len, seen)) == 60
    assert all(sum(lengths) <= 1200 for lengths in seen)
    assert sorted(itertools.chain(*seen)) == list(itertools.chain(*seen))
    assert max(map(len, seen)) > 3


def test_a_sequence_longer_than_batch_nt_runs_alone():
    items = [Item("A" * 50), Item("C" * 200), Item("G" * 300)]
    sizes = []

    def compute(batch):
        sizes.append(len(batch))
        return codes(batch)

    check_codes(items, list(stream(items, compute, runtime(100, 10))))
    assert sizes == [1, 1, 1]


def test_logits_do_not_depend_on_batch_buffer_or_order(model):
    items = mixed_items()
    expected = list(run_logits(model, items, runtime(1, 1)))
    for item, logits in zip(items, expected, strict=True):
        alone = model.logits([item.sequence], item.mask[None])[0]
        assert logits.shape == (len(item.sequence), 10)
        np.testing.assert_allclose(logits, alone, atol=1e-5, rtol=0)
    for batch_nt, buffer in ((600, 5), (3000, 64), (10**5, 7)):
        for found, wanted in zip(
            run_logits(model, items, runtime(batch_nt, buffer)), expected, strict=True
        ):
            np.testing.assert_allclose(found, wanted, atol=1e-5, rtol=0)
    order = np.random.default_rng(1).permutation(len(items))
    shuffled = run_logits(model, [items[i] for i in order], runtime(3000, 64))
    for i, found in zip(order, shuffled, strict=True):
        np.testing.assert_allclose(found, expected[i], atol=1e-5, rtol=0)


def test_hidden_states_do_not_depend_on_batch_or_buffer(model):
    items = [Item(item.sequence) for item in mixed_items(12)]
    found = list(run_hidden_states(model, items, runtime(2000, 5), layers=(0, -1)))
    for item, states in zip(items, found, strict=True):
        alone = model.hidden_states([item.sequence], (0, 2))[0]
        assert states.shape == (2, len(item.sequence), 32)
        np.testing.assert_allclose(states, alone, atol=1e-5, rtol=0)
    last = list(run_hidden_states(model, items, runtime()))
    np.testing.assert_allclose(last[1][0], found[1][1], atol=1e-5, rtol=0)


def test_one_hot_through_the_engine_is_exact():
    items = mixed_items()
    for item, states in zip(items, run_hidden_states(OneHot(), items, runtime()), strict=True):
        np.testing.assert_array_equal(states, OneHot().hidden_states([item.sequence], [0])[0])


def test_items_with_and_without_a_mask_mix(model):
    text = mixed_items()[3].sequence
    mask = np.zeros(len(text), bool)
    mask[::3] = True
    found = list(run_logits(model, [Item(text), Item(text, mask), Item(text[:-1])], runtime()))
    np.testing.assert_allclose(found[0], model.logits([text])[0], atol=1e-5, rtol=0)
    np.testing.assert_allclose(found[1], model.logits([text], mask[None])[0], atol=1e-5, rtol=0)
    assert not np.allclose(found[0], found[1], atol=1e-2)


@pytest.mark.parametrize("length", [3, 5])
def test_mask_of_another_length_than_its_sequence(model, length):
    items = [Item("A" * 9), Item("ACGT", np.zeros(length, bool))]
    with pytest.raises(SpliceBERTError, match=f"mask of {length} bases for a sequence of 4 nt"):
        list(run_logits(model, items, runtime()))


def test_errors_of_the_model_reach_the_caller(model):
    with pytest.raises(ModelError, match="511 nt"):
        list(run_logits(model, [Item("A" * 511)], runtime()))


# --- memory


def out_of_memory(limit, error, message):
    sizes = []

    def compute(batch):
        sizes.append(len(batch))
        if len(batch) > limit:
            raise error(message)
        return codes(batch)

    return compute, sizes


ERRORS = [
    (torch.OutOfMemoryError, "CUDA out of memory. Tried to allocate 20 GiB"),
    (RuntimeError, "CUDA error: out of memory"),
    (RuntimeError, "DefaultCPUAllocator: can't allocate memory: you tried"),
]


@pytest.mark.parametrize(("error", "message"), ERRORS)
@pytest.mark.parametrize("limit", [1, 3])
def test_batches_are_halved_when_memory_runs_out(caplog, error, message, limit):
    compute, sizes = out_of_memory(limit, error, message)
    items = mixed_items(60)
    with caplog.at_level(logging.WARNING):
        results = list(stream(items, compute, runtime(20_000, 30)))
    check_codes(items, results)
    assert "out of memory with" in caplog.text
    failed = [size for size in sizes if size > limit]
    assert 0 < len(failed) < 10  # the smaller batch is kept from then on
    assert failed == sorted(failed, reverse=True)


def test_out_of_memory_with_one_sequence():
    compute, sizes = out_of_memory(0, torch.OutOfMemoryError, "CUDA out of memory")
    with pytest.raises(SpliceBERTError, match=r"single sequence of 40 nt.*shorter windows"):
        list(stream([Item(base * 40) for base in "ACGTNacg"], compute, runtime(1000, 8)))
    assert sizes == [8, 4, 2, 1]


def test_other_runtime_errors_propagate():
    compute, sizes = out_of_memory(0, RuntimeError, "shapes cannot be multiplied")
    with pytest.raises(RuntimeError, match="shapes cannot be multiplied"):
        list(stream([Item(base * 40) for base in "ACGTNacg"], compute, runtime(1000, 8)))
    assert sizes == [8]


def test_items_are_read_no_further_ahead_than_the_buffer():
    read = 0

    def source():
        nonlocal read
        for _ in range(10_000):
            read += 1
            yield Item("ACGT")

    given = 0
    results = stream(source(), codes, runtime(1024, 64))
    assert read == 0
    for _ in results:
        given += 1
        assert read <= given + 64
    assert given == read == 10_000


def test_memory_does_not_grow_with_the_number_of_windows():
    def peak(n):
        source = (Item("A" * 200) for _ in range(n))
        tracemalloc.start()
        for _ in stream(source, codes, runtime(2000, 32)):
            pass
        top = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return top

    peak(64)
    assert peak(3200) < peak(320) * 1.5 + 50_000


# --- the runtime


def test_runtime_choices(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    chosen = Runtime.choose()
    assert (chosen.device, chosen.dtype, chosen.batch_nt) == (CPU, "float32", 1024)
    assert Runtime.choose("cpu", "float16", 99, 7) == Runtime(CPU, "float16", 99, 7)
    for part in ("cpu", "threads", "float32", "1024 nt"):
        assert part in chosen.describe()
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert Runtime.choose().device.type == "cuda"
    assert Runtime.choose().batch_nt > 2048
    assert Runtime.choose().dtype == "float16"
    assert Runtime.choose("cpu").device == CPU


@pytest.mark.parametrize("device", ["cuda", "cuda:1"])
def test_asking_for_a_gpu_that_is_not_there(monkeypatch, device):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(
        SpliceBERTError, match=rf"'{device}' .*no GPU; take auto or cpu .inference.device"
    ):
        Runtime.choose(device)


def test_unknown_dtype():
    with pytest.raises(SpliceBERTError, match="'half'; expected auto or one of float32"):
        Runtime.choose("cpu", "half")


@pytest.mark.parametrize(("batch_nt", "buffer"), [(0, 8), (8, 0), (-1, 8)])
def test_batch_and_buffer_are_at_least_one(batch_nt, buffer):
    with pytest.raises(SpliceBERTError, match="expected 1 or more"):
        Runtime(CPU, "float32", batch_nt, buffer)


def test_bfloat16_is_close_to_float32(folder, model):
    half = SpliceBERT(folder, dtype="bfloat16")
    items = mixed_items(8)
    differences = []
    for a, b in zip(
        run_logits(model, items, runtime()), run_logits(half, items, runtime()), strict=True
    ):
        p, q = (torch.from_numpy(x).double().log_softmax(-1) for x in (a, b))
        differences.append((p.exp() * (p - q)).sum(-1))
        assert b.dtype == np.float32
    kl = torch.cat(differences)
    assert 0 < kl.max() < 1e-2


# --- some positions only, and what is asked for twice


def test_offsets_pick_rows_of_the_whole(model):
    rng, items = np.random.default_rng(5), mixed_items(20)
    some = [
        item._replace(offsets=rng.integers(0, len(item.sequence), rng.integers(0, 9)))
        for item in items[:-1]
    ]
    some.append(items[-1])  # all of its positions
    whole = list(run_logits(model, items, runtime()))
    bare = [item._replace(mask=None) for item in some]
    states = run_hidden_states(
        model, [Item(item.sequence) for item in items], runtime(), layers=[1, 2]
    )
    states = list(states)
    for batch_nt in (1, 900, 10**5):
        logits = run_logits(model, some, runtime(batch_nt))
        hidden = run_hidden_states(model, bare, runtime(batch_nt), layers=[1, 2])
        for number, (item, found, layers) in enumerate(zip(some, logits, hidden, strict=True)):
            rows = slice(None) if item.offsets is None else item.offsets
            assert len(found) == layers.shape[1] == item.rows
            np.testing.assert_allclose(found, whole[number][rows], atol=1e-5, rtol=0)
            np.testing.assert_allclose(layers, states[number][:, rows], atol=1e-5, rtol=0)


def test_items_that_are_the_same_run_once():
    ran = []

    def compute(batch):
        ran.extend(batch)
        return codes(batch)

    different = [Item(base * n) for n in (5, 9) for base in "ACG"]
    rng = np.random.default_rng(6)
    items = [different[i] for i in rng.integers(0, 6, 100)]
    results = []
    for result in stream(items, compute, runtime(20, 25)):
        results.append(result.copy())
        result[:] = -1  # the caller may do with its array what it likes
    check_codes(items, results)
    assert len(ran) == sum(
        len({item.sequence for item in items[i : i + 25]}) for i in (0, 25, 50, 75)
    )


def test_items_that_differ_in_mask_or_offsets_are_not_the_same(model):
    text, mask, offsets = mixed_items()[4].sequence, np.zeros(0, bool), np.array([3])
    mask = np.arange(len(text)) == 7
    kinds = [
        Item(text), Item(text, mask), Item(text, None, offsets), Item(text, mask, offsets),
        Item(text, mask, np.array([4])), Item(text, ~mask), Item(text[::-1]),
    ]  # fmt: skip
    order = np.random.default_rng(7).integers(0, len(kinds), 40)
    alone = [next(run_logits(model, [item], runtime())) for item in kinds]
    for i, found in zip(
        order, run_logits(model, [kinds[i] for i in order], runtime()), strict=True
    ):
        np.testing.assert_allclose(found, alone[i], atol=1e-5, rtol=0)


@pytest.mark.parametrize("maximum", [True, False])
def test_attention_rows_of_a_stream(model, maximum):
    items = [Item(i.sequence, None, np.array([len(i.sequence) - 1, 0, 0])) for i in mixed_items(12)]
    items += items[:3]
    for batch_nt in (1, 800, 10**5):
        found = list(run_attention_rows(model, items, runtime(batch_nt), maximum=maximum))
        assert len(found) == len(items)
        for item, rows in zip(items, found, strict=True):
            alone = model.attention_rows([item.sequence], item.offsets[None], maximum=maximum)[0]
            np.testing.assert_allclose(rows, alone, atol=1e-5, rtol=0)
            assert rows.shape == (*((2,) if maximum else (2, 2)), 3, len(item.sequence))


@pytest.mark.parametrize(
    ("offsets", "found"),
    [([None, None], "none"), ([[1], None], "1.*none"), ([[1], [1, 2]], "1.*2")],
)
def test_attention_rows_need_as_many_offsets_of_each(model, offsets, found):
    items = [Item("ACGT", None, None if o is None else np.array(o)) for o in offsets]
    with pytest.raises(SpliceBERTError, match=f"as many of every sequence; found .*{found}"):
        list(run_attention_rows(model, items, runtime()))


@pytest.mark.parametrize("offsets", [None, np.array([2, 0])])
def test_hidden_states_stored_in_float16(model, offsets):
    items = [
        Item(item.sequence + "ACG", None, offsets)
        for item in mixed_items(9)
        if len(item.sequence) < 500
    ]
    exact = run_hidden_states(model, items, runtime(), layers=[0, 1, 2])
    for stored in ("float16", np.dtype("float16"), np.float16):
        found = run_hidden_states(model, items, runtime(), layers=[0, 1, 2], stored=stored)
    for a, b in zip(exact, found, strict=True):
        assert (a.dtype, b.dtype) == (np.float32, np.float16)
        np.testing.assert_array_equal(a.astype(np.float16), b)
    with pytest.raises(KeyError):
        run_hidden_states(model, items, runtime(), stored="float64")


# --- a reduced precision that is not good enough (see test_precision.py)


def test_falling_back_is_logged_and_gives_float32(folder, model, monkeypatch, caplog):
    coarse, items = SpliceBERT(folder, dtype="float16"), mixed_items(24)
    monkeypatch.setitem(LIMITS, "float16", dict.fromkeys(LIMITS["float16"], 1e-12))
    found = list(run_logits(coarse, items, runtime()))
    (record,) = [r for r in caplog.records if r.levelno == logging.WARNING]
    assert "dtype float16: error" in record.getMessage()
    assert "going on in float32" in record.getMessage()
    assert coarse.dtype == "float32"
    for a, b in zip(found, run_logits(model, items, runtime()), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-5, rtol=0)


def test_a_precision_that_is_good_enough_stays(folder, model, caplog):
    coarse, items = SpliceBERT(folder, dtype="float16"), mixed_items(24)
    with caplog.at_level(logging.INFO):
        found = list(run_logits(coarse, items, runtime()))
    assert coarse.dtype == "float16"
    assert "dtype float16 against float32 on" in caplog.text
    exact = list(run_logits(model, items, runtime()))
    errors = [np.abs(a - b).max() for a, b in zip(found, exact, strict=True)]
    assert 1e-5 < max(errors) < 0.05


# --- on a GPU where there is one


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
def test_gpu_equals_cpu(folder, model):
    items = mixed_items(8)
    gpu = SpliceBERT(folder, device="cuda")
    found = run_logits(gpu, items, Runtime.choose("cuda"))
    for a, b in zip(run_logits(model, items, runtime()), found, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-3, rtol=0)
