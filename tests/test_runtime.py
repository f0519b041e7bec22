"""Where and in which precision inference runs, and what that precision may serve."""

import dataclasses

import pytest
import torch

from splicebert.errors import SpliceBERTError
from splicebert.runtime import DTYPES, PURPOSES, Runtime

CPU, CUDA = torch.device("cpu"), torch.device("cuda")
ALLOWED = {
    "embedding": ("float32", "float16", "bfloat16", "int8"),
    "probability": ("float32", "float16", "int8"),
    "difference": ("float32", "float16"),
}


def test_the_table_of_purposes():
    assert PURPOSES == ALLOWED
    assert set(DTYPES) == set(ALLOWED["embedding"])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("purpose", ALLOWED)
def test_a_purpose_takes_its_dtypes_and_names_them(purpose, dtype):
    if dtype in ALLOWED[purpose]:
        assert Runtime.choose("cpu", dtype, purpose=purpose).dtype == dtype
        return
    names = ", ".join(ALLOWED[purpose])
    message = f"{dtype!r} is too coarse .* {purpose!r}; expected auto or one of {names}$"
    with pytest.raises(SpliceBERTError, match=message):
        Runtime.choose("cpu", dtype, purpose=purpose)
    with pytest.raises(SpliceBERTError, match=message):
        Runtime(CPU, dtype, purpose=purpose)


def test_probabilities_are_the_default_purpose():
    assert Runtime(CPU).purpose == Runtime.choose("cpu").purpose == "probability"
    with pytest.raises(SpliceBERTError, match="bfloat16"):
        Runtime.choose("cpu", "bfloat16")


def test_unknown_purpose():
    message = "purpose 'fun'; expected one of embedding, probability, difference"
    with pytest.raises(SpliceBERTError, match=message):
        Runtime.choose("cpu", purpose="fun")


@pytest.mark.parametrize("dtype", ["half", "", "float64", "fp16"])
def test_unknown_dtype(dtype):
    names = ", ".join(DTYPES)
    with pytest.raises(SpliceBERTError, match=f"{dtype!r}; expected auto or one of {names}$"):
        Runtime.choose("cpu", dtype)


def test_int8_is_for_the_cpu(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    with pytest.raises(SpliceBERTError, match="'int8' runs on the CPU only, not on cuda:1"):
        Runtime.choose("cuda:1", "int8")


@pytest.mark.parametrize("purpose", ALLOWED)
@pytest.mark.parametrize(("gpu", "dtype"), [(True, "float16"), (False, "float32")])
def test_auto_suits_every_purpose(monkeypatch, purpose, gpu, dtype):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: gpu)
    chosen = Runtime.choose(purpose=purpose)
    assert (chosen.device.type, chosen.dtype) == ("cuda" if gpu else "cpu", dtype)


def test_unknown_device():
    with pytest.raises(SpliceBERTError, match="device 'gpu'; expected auto, cpu, cuda or cuda:N"):
        Runtime.choose("gpu")


def test_a_runtime_does_not_change():
    with pytest.raises(dataclasses.FrozenInstanceError):
        Runtime(CPU).dtype = "bfloat16"
    with pytest.raises(SpliceBERTError, match="bfloat16"):
        dataclasses.replace(Runtime(CPU), dtype="bfloat16")


def test_one_line_for_the_log(monkeypatch):
    monkeypatch.setattr(torch, "get_num_threads", lambda: 7)
    expected = "device cpu (7 threads), dtype int8, 99 nt a batch"
    assert Runtime.choose("cpu", "int8", 99).describe() == expected
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: "H200")
    assert Runtime(CUDA, "float16").describe().startswith("device cuda (H200), dtype float16")
