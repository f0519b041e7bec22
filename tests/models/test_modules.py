"""The classes of transformers' names: same numbers, same gradients, same files."""

import copy

import pytest
import torch
import transformers
from transformers import BertConfig

import splicebert
from splicebert.models import modules

CLASSES = (
    "BertModel", "BertForMaskedLM", "BertForTokenClassification", "BertForSequenceClassification",
)  # fmt: skip
TOKENS, LENGTHS = 40, (40, 25, 33)


def pair(name, **options):
    """Our model and transformers', with the same weights, none of them 0 or 1."""
    sizes = {
        "hidden_size": 64, "num_hidden_layers": 3, "num_attention_heads": 4, "num_labels": 3,
        "intermediate_size": 96, "max_position_embeddings": 66, "vocab_size": 10,
    }  # fmt: skip
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(5)
        theirs = getattr(transformers, name)(BertConfig(**sizes | options)).eval()
        for parameter in theirs.parameters():
            parameter.add_(torch.randn_like(parameter), alpha=0.1)
        ours = getattr(splicebert, name)(copy.deepcopy(theirs.config)).eval()
    ours.load_state_dict(theirs.state_dict())
    theirs.set_attn_implementation("eager")
    return ours, theirs


@pytest.fixture(params=CLASSES)
def name(request):
    return request.param


def batch(name, *, padded=True):
    """Random tokens, with labels where the class takes them."""
    generator = torch.Generator().manual_seed(0)
    lengths = torch.tensor(LENGTHS if padded else (TOKENS,) * 3)
    mask = (torch.arange(TOKENS) < lengths[:, None]).long()
    ids = torch.randint(5, 10, (3, TOKENS), generator=generator)
    ids[:, 0], ids[torch.arange(3), lengths - 1] = 2, 3
    inputs = {"input_ids": ids * mask}
    if padded:
        inputs["attention_mask"] = mask
    classes = torch.randint(0, 3, (3, TOKENS), generator=generator)
    if name == "BertForSequenceClassification":
        inputs["labels"] = classes[:, 0]
    elif name != "BertModel":
        inputs["labels"] = classes.masked_fill(mask == 0, -100)
    return inputs


def real(value, inputs):
    """A result without what belongs to padding, which is nobody's business."""
    mask = inputs.get("attention_mask")
    if mask is None or value.shape[:2] != mask.shape:
        return value
    return value[mask.bool()]


def same(found, expected, inputs, atol=2e-5):
    """Whether two results (a tensor, or tensors) are equal where there are tokens."""
    if isinstance(expected, tuple | list):
        assert len(found) == len(expected)
        for a, b in zip(found, expected, strict=True):
            same(a, b, inputs, atol)
    else:
        assert found.shape == expected.shape
        a, b = real(found, inputs), real(expected, inputs)
        torch.testing.assert_close(a, b, atol=atol, rtol=1e-5)


@pytest.fixture
def lean(monkeypatch):
    """Calls of the lean encoder."""
    calls, function = [], modules.encode

    def counted(*args, **options):
        calls.append(options)
        return function(*args, **options)

    monkeypatch.setattr(modules, "encode", counted)
    return calls


# --- results


@pytest.mark.parametrize("padded", [True, False])
@pytest.mark.parametrize("grad", [True, False])
def test_results_equal_transformers(name, padded, grad, lean):
    (ours, theirs), inputs = pair(name), batch(name, padded=padded)
    for states in (True, False):
        with torch.set_grad_enabled(grad):
            found = ours(**inputs, output_hidden_states=states)
            expected = theirs(**inputs, output_hidden_states=states)
        assert type(found) is type(expected)
        assert found.keys() == expected.keys()
        for key in expected:
            same(found[key], expected[key], inputs)
        assert found[0].requires_grad == grad
    assert len(lean) == 2


def test_tuples_equal_transformers(name):
    (ours, theirs), inputs = pair(name), batch(name)
    for options in ({}, {"output_hidden_states": True}):
        found = ours(**inputs, **options, return_dict=False)
        expected = theirs(**inputs, **options, return_dict=False)
        assert isinstance(found, tuple)
        same(found, expected, inputs)


def test_a_base_model_without_pooler():
    ours = splicebert.BertModel(pair("BertModel")[0].config, add_pooling_layer=False)
    out = ours(**batch("BertModel"))
    assert out.pooler_output is None
    assert list(out.keys()) == ["last_hidden_state"]


def test_hidden_states_at_padding_are_zero():
    ours, inputs = pair("BertModel")[0], batch("BertModel")
    out = ours(**inputs, output_hidden_states=True)
    for states in out.hidden_states:
        assert not states[inputs["attention_mask"] == 0].any()
        assert states[inputs["attention_mask"] == 1].all(-1).any()


def test_hidden_states_asked_for_by_the_configuration():
    (ours, theirs), inputs = pair("BertModel", output_hidden_states=True), batch("BertModel")
    same(ours(**inputs).hidden_states, theirs(**inputs).hidden_states, inputs)
    assert ours(**inputs, output_hidden_states=False).hidden_states is None


def test_attention_maps_equal_transformers(name):
    (ours, theirs), inputs = pair(name), batch(name)
    before = ours.config._attn_implementation
    found = ours(**inputs, output_attentions=True)
    expected = theirs(**inputs, output_attentions=True)
    assert len(found.attentions) == 3
    same(found.attentions, expected.attentions, {}, atol=1e-6)
    assert ours.config._attn_implementation == before != "eager"


def test_attention_maps_asked_for_by_the_configuration():
    (ours, theirs), inputs = pair("BertModel", output_attentions=True), batch("BertModel")
    same(ours(**inputs).attentions, theirs(**inputs).attentions, {}, atol=1e-6)
    assert ours(**inputs, output_attentions=False).attentions is None


def left_padded(inputs):
    return {key: value.flip(1) for key, value in inputs.items()}


NOT_SECOND = torch.tensor([[1], [0], [1]])
TYPES = (torch.arange(TOKENS) > 9).long().expand(3, -1)
FOREIGN = {
    "left padding": left_padded,
    "embeddings": lambda i: {
        "inputs_embeds": torch.randn(3, TOKENS, 64, generator=torch.Generator().manual_seed(1)),
        "attention_mask": i["attention_mask"],
    },
    "positions": lambda i: i | {"position_ids": torch.arange(TOKENS).flip(0)[None].expand(3, -1)},
    "token types": lambda i: i | {"token_type_ids": TYPES},
    "hole": lambda i: i | {"attention_mask": i["attention_mask"] * (torch.arange(TOKENS) != 5)},
    "mask of pairs": lambda i: i | {
        "attention_mask": torch.full((3, 1, TOKENS, TOKENS), -1e4).triu(1)
    },
    "empty sequence": lambda i: i | {"attention_mask": i["attention_mask"] * NOT_SECOND},
}  # fmt: skip


@pytest.mark.parametrize("kind", FOREIGN)
def test_whatever_is_not_plain_goes_to_transformers(kind, lean):
    ours, theirs = pair("BertModel")
    inputs = FOREIGN[kind](batch("BertModel"))
    found, expected = ours(**inputs), theirs(**inputs)
    if kind == "empty sequence":  # what nothing attends to has no meaning
        found, expected = ({"last_hidden_state": o[0][[0, 2]]} for o in (found, expected))
        inputs = {"attention_mask": inputs["attention_mask"][[0, 2]]}
    same(found["last_hidden_state"], expected["last_hidden_state"], inputs)
    assert not lean


def test_token_types_of_zero_are_plain(lean):
    (ours, theirs), inputs = pair("BertModel"), batch("BertModel")
    inputs["token_type_ids"] = torch.zeros(3, TOKENS, dtype=torch.long)
    same(ours(**inputs)[0], theirs(**inputs)[0], inputs)
    assert len(lean) == 1


@pytest.mark.parametrize("options", [{"is_decoder": True}, {"return_dict": False}])
def test_what_the_configuration_asks_for(options):
    (ours, theirs), inputs = pair("BertModel", **options), batch("BertModel", padded=False)
    found, expected = ours(**inputs, use_cache=False), theirs(**inputs, use_cache=False)
    assert type(found) is type(expected)
    same(found[0], expected[0], inputs)


@pytest.mark.parametrize("grad", [True, False])
def test_half_precision_parameters_go_to_transformers(grad, lean):
    (ours, theirs), inputs = pair("BertForMaskedLM"), batch("BertForMaskedLM")
    with torch.set_grad_enabled(grad):
        found = ours.to(torch.bfloat16)(**inputs).logits
    theirs.set_attn_implementation("sdpa")
    same(found, theirs.to(torch.bfloat16)(**inputs).logits, inputs, atol=0)
    assert found.dtype == torch.bfloat16
    assert not lean


def test_a_model_made_in_inference_mode():
    with torch.inference_mode():
        (ours, theirs), inputs = pair("BertModel"), batch("BertModel")
        for _ in range(2):
            same(ours(**inputs)[0], theirs(**inputs)[0], inputs)


@pytest.mark.parametrize("attention", ["eager", "sdpa", "flash"])
def test_back_ends(attention):
    (ours, theirs), inputs = pair("BertForMaskedLM"), batch("BertForMaskedLM")
    ours.bert.engine = modules.Engine(attention=attention)
    for grad in (True, False):
        with torch.set_grad_enabled(grad):
            same(ours(**inputs).logits, theirs(**inputs).logits, inputs)


@pytest.mark.parametrize(("dtype", "error"), [("float16", 2e-2), ("bfloat16", 0.2), ("int8", 0.5)])
def test_dtypes_are_for_inference(dtype, error):
    (ours, theirs), inputs = pair("BertForMaskedLM"), batch("BertForMaskedLM", padded=False)
    ours.bert.engine = modules.Engine(dtype=dtype)
    expected = theirs(**inputs).logits
    same(ours(**inputs).logits, expected, inputs)  # with gradients: float32
    with torch.no_grad():
        found = ours(**inputs).logits
    assert found.dtype == torch.float32
    assert 1e-5 < (found - expected).abs().max() < error


def test_autocast():
    (ours, theirs), inputs = pair("BertForMaskedLM"), batch("BertForMaskedLM", padded=False)
    exact = theirs(**inputs).logits
    with torch.autocast("cpu", torch.bfloat16):
        found, expected = ours(**inputs).logits, theirs(**inputs).logits
    assert found.dtype == expected.dtype == torch.bfloat16
    assert 0 < (found - exact).abs().max() < 2 * (expected - exact).abs().max()


# --- copies and files


def no_grad(model, inputs):
    with torch.no_grad():
        return model(**inputs)[0]


def test_files_go_to_transformers_and_back(name, tmp_path):
    (ours, theirs), inputs = pair(name), batch(name)
    expected = no_grad(theirs, inputs)
    no_grad(ours, inputs)
    ours.save_pretrained(tmp_path / "ours")
    theirs.save_pretrained(tmp_path / "theirs")
    config = BertConfig.from_pretrained(tmp_path / "ours")
    assert (config.architectures, config.model_type) == ([name], "bert")
    auto = "AutoModel" + name.removeprefix("Bert").removeprefix("Model")
    for source in ("ours", "theirs"):
        read = getattr(transformers, auto).from_pretrained(tmp_path / source)
        assert type(read).__module__ == theirs.__module__
        same(no_grad(read, inputs), expected, inputs)
        back = getattr(splicebert, name).from_pretrained(tmp_path / source)
        assert not back.training
        same(no_grad(back, inputs), expected, inputs)
        assert back.state_dict().keys() == theirs.state_dict().keys()


def test_copies_are_independent(name, tmp_path):
    ours, inputs = pair(name)[0], batch(name)
    expected = no_grad(ours, inputs)  # fused weights are there
    torch.save(ours.state_dict(), tmp_path / "state.pt")
    torch.save(ours, tmp_path / "model.pt")
    other = copy.deepcopy(ours)
    with torch.no_grad():
        for parameter in ours.parameters():
            parameter.mul_(0.5)
    assert not torch.allclose(no_grad(ours, inputs), expected, atol=1e-3)
    for model in (other, torch.load(tmp_path / "model.pt", weights_only=False)):
        torch.testing.assert_close(no_grad(model, inputs), expected, atol=0, rtol=0)
    ours.load_state_dict(torch.load(tmp_path / "state.pt", weights_only=True))
    torch.testing.assert_close(no_grad(ours, inputs), expected, atol=0, rtol=0)
