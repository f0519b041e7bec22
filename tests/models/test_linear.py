"""Linear layers in their forms against a product in float64."""

import logging

import pytest
import torch

from splicebert.errors import ModelError
from splicebert.models import linear
from splicebert.models.encoder import linear_maker

CPU = torch.device("cpu")
SHAPES = [(1, 8, 16), (7, 64, 192), (130, 96, 64), (3, 33, 17), (0, 16, 16)]


def layer(rows, inputs, outputs, seed=0):
    generator = torch.Generator().manual_seed(seed)
    weight = torch.randn(outputs, inputs, generator=generator) / inputs**0.5
    return (
        torch.randn(rows, inputs, generator=generator),
        weight,
        torch.randn(outputs, generator=generator),
    )


def exact(x, weight, bias):
    return (x.double() @ weight.double().T + bias.double()).float()


def exact_gelu(x, weight, bias):
    y = exact(x, weight, bias).double()
    return (y * 0.5 * (1 + torch.erf(y / 2**0.5))).float()


@pytest.mark.parametrize("kind", [linear.Dense, linear.OneDNN])
@pytest.mark.parametrize("shape", SHAPES)
def test_float32_products(kind, shape):
    x, weight, bias = layer(*shape)
    product = kind(weight, bias)
    torch.testing.assert_close(product(x), exact(x, weight, bias), atol=2e-5, rtol=0)
    torch.testing.assert_close(product.gelu(x), exact_gelu(x, weight, bias), atol=2e-5, rtol=0)


@pytest.mark.parametrize("shape", SHAPES)
def test_onednn_equals_dense(shape):
    x, weight, bias = layer(*shape, seed=1)
    fast, plain = linear.OneDNN(weight, bias), linear.Dense(weight, bias)
    for function in ("__call__", "gelu"):
        found, expected = getattr(fast, function)(x), getattr(plain, function)(x)
        assert (found.dtype, found.shape) == (torch.float32, expected.shape)
        torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)


def test_onednn_of_rows_that_lie_apart():
    x, weight, bias = layer(6, 64, 32)
    fast = linear.OneDNN(weight, bias)
    columns = x.repeat_interleave(2, dim=1)[:, ::2]
    assert not columns.is_contiguous()
    torch.testing.assert_close(fast(columns), fast(x))


def test_onednn_keeps_its_weights_when_the_module_changes():
    x, weight, bias = layer(4, 64, 32)
    fast = linear.OneDNN(weight, bias)
    before = fast(x)
    weight.zero_()
    torch.testing.assert_close(fast(x), before, atol=0, rtol=0)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_dense_in_half_precision_keeps_its_dtype(dtype):
    x, weight, bias = layer(50, 64, 96)
    found = linear.Dense(weight.to(dtype), bias.to(dtype))(x)
    assert found.dtype == dtype
    error = (found.float() - exact(x, weight, bias)).abs().max()
    assert 0 < error < 20 * torch.finfo(dtype).eps


def test_dense_is_differentiable():
    x, weight, bias = layer(5, 8, 4)
    weight.requires_grad_()
    linear.Dense(weight, bias).gelu(x).sum().backward()
    assert weight.grad.abs().sum() > 0


@pytest.fixture(params=["as found", "clips"])
def cpu(request, monkeypatch):
    """This CPU, and one whose int8 product would clip sums of 8-bit inputs."""
    if request.param == "clips":
        monkeypatch.setattr(linear, "int8_clips", lambda: True)


@pytest.mark.usefixtures("cpu")
@pytest.mark.parametrize("shape", SHAPES[:4])
def test_int8_is_near(shape):
    x, weight, bias = layer(*shape)
    found = linear.Int8(weight, bias)(x)
    assert found.dtype == torch.float32
    error = (found - exact(x, weight, bias)).abs().max()
    assert 1e-5 < error < 0.1
    expected = exact_gelu(x, weight, bias)
    assert (linear.Int8(weight, bias).gelu(x) - expected).abs().max() < 0.12


@pytest.mark.usefixtures("cpu")
@pytest.mark.parametrize("sign", [1, -1])
def test_int8_of_largest_values_is_not_clipped(sign):
    """Every product of the sum is the largest that there is."""
    x, weight, bias = torch.full((3, 64), float(sign)), torch.ones(16, 64), torch.zeros(16)
    torch.testing.assert_close(linear.Int8(weight, bias)(x), sign * torch.full((3, 16), 64.0),
                               rtol=0.01, atol=0)  # fmt: skip


@pytest.mark.parametrize(("product", "clips"), [(32.0, False), (32.2, False), (16.3, True)])
def test_clipping_is_found(monkeypatch, product, clips):
    monkeypatch.setattr(
        torch.ops.quantized, "linear_dynamic", lambda x, _: torch.full((len(x), 16), product)
    )
    assert linear.int8_clips.__wrapped__() is clips


def test_int8_of_a_cpu_that_clips_has_7_bits(monkeypatch):
    """An input of 1 is 127 steps, not 255: the smallest one that is told from 0 is larger."""
    x, weight = torch.zeros(1, 32), torch.ones(16, 32)
    x[0, 0], x[0, 1] = 1, 0.003  # 0.003 is 0.77 of 255 steps, 0.38 of 127
    found = []
    for clips in (False, True):
        monkeypatch.setattr(linear, "int8_clips", lambda clips=clips: clips)
        found.append(float(linear.Int8(weight, torch.zeros(16))(x)[0, 0]))
    assert found[0] == pytest.approx(1 + 1 / 255, abs=1e-5)
    assert found[1] == pytest.approx(1, abs=1e-5)


def test_int8_scales_each_output():
    x, weight, bias = layer(20, 64, 16)
    weight[0] *= 1000  # one scale for all would leave nothing of the others
    found = linear.Int8(weight, bias)(x)
    assert (found - exact(x, weight, bias))[:, 1:].abs().max() < 0.1


def test_int8_rows_do_not_depend_on_their_neighbours():
    x, weight, bias = layer(20, 64, 16)
    x[0] *= 30
    assert (linear.Int8(weight, bias)(x) - exact(x, weight, bias))[1:].abs().max() < 0.1


# --- which form is used where


def test_forms_of_the_dtypes():
    assert linear_maker(CPU, "float32") is linear.OneDNN
    assert linear_maker(CPU, "int8") is linear.Int8
    assert isinstance(
        linear_maker(torch.device("cuda"), "float32")(torch.ones(3, 2), torch.ones(3)), linear.Dense
    )
    assert isinstance(
        linear_maker(CPU, "float32", compiled=True)(torch.ones(3, 2), torch.ones(3)), linear.Dense
    )
    _, weight, bias = layer(1, 8, 8)
    for name in ("float16", "bfloat16"):
        made = linear_maker(CPU, name)(weight, bias)
        assert isinstance(made, linear.Dense)
        assert {made.weight.dtype, made.bias.dtype} == {getattr(torch, name)}


def test_int8_needs_a_cpu():
    with pytest.raises(ModelError, match="int8 runs on the CPU only, not on cuda"):
        linear_maker(torch.device("cuda"), "int8")


class Missing:
    """An operator that this PyTorch lacks, or whose signature has changed."""

    def __init__(self, error):
        self.error = error

    def __call__(self, *args):
        raise self.error


@pytest.mark.parametrize(
    "error", [AttributeError("no attribute"), RuntimeError("not compiled in"), TypeError("args")]
)
def test_without_the_operator_dense_does(monkeypatch, caplog, error):
    monkeypatch.setattr(torch.ops.mkldnn, "_linear_pointwise", Missing(error), raising=False)
    with caplog.at_level(logging.INFO):
        assert isinstance(
            linear_maker(CPU, "float32")(torch.ones(3, 2), torch.ones(3)), linear.Dense
        )
    assert f"no oneDNN linear layers in this PyTorch ({error})" in caplog.text


def test_an_operator_of_other_numbers_is_not_used(monkeypatch):
    real = torch.ops.mkldnn._linear_pointwise

    def tanh_gelu(x, weight, bias, attribute, *others):
        out = real(x, weight, bias, "none", [], "")
        return torch.nn.functional.gelu(out, approximate="tanh") * 1.01 if attribute else out

    monkeypatch.setattr(torch.ops.mkldnn, "_linear_pointwise", tanh_gelu)
    assert not linear.onednn_works()
    assert isinstance(linear_maker(CPU, "float32")(torch.ones(3, 2), torch.ones(3)), linear.Dense)
