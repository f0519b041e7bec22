"""Training the classes of transformers' names: gradients, dropout, fresh weights, Trainer."""

import copy
import math

import pytest
import torch
import transformers
from transformers import BertConfig, Trainer, TrainingArguments

import splicebert
from splicebert.models import modules

CLASSES = (
    "BertModel", "BertForMaskedLM", "BertForTokenClassification", "BertForSequenceClassification",
)  # fmt: skip
TOKENS, LENGTHS = 40, (40, 25, 33)
NO_DROPOUT = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}


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


def batch(name, *, mask=True):
    """Padded random tokens, with labels where the class takes them."""
    generator = torch.Generator().manual_seed(0)
    real = (torch.arange(TOKENS) < torch.tensor(LENGTHS)[:, None]).long()
    inputs = {"input_ids": torch.randint(5, 10, (3, TOKENS), generator=generator) * real}
    if mask:
        inputs["attention_mask"] = real
    classes = torch.randint(0, 3, (3, TOKENS), generator=generator)
    if name == "BertForSequenceClassification":
        inputs["labels"] = classes[:, 0]
    elif name != "BertModel":
        inputs["labels"] = classes.masked_fill(real == 0, -100)
    return inputs


def loss(model, inputs):
    """Loss of the labels; of a base model, a random weighting of its states and pooled output."""
    out = model(**inputs)
    if "labels" in inputs:
        return out.loss
    weights = torch.randn(3, TOKENS, 64, generator=torch.Generator().manual_seed(1))
    weights = weights * (inputs["input_ids"] > 0)[..., None]
    return (out.last_hidden_state * weights).mean() + (out.pooler_output * weights[:, 0]).mean()


@pytest.fixture
def lean(monkeypatch):
    """Calls of the lean encoder."""
    calls, function = [], modules.encode

    def counted(*args, **options):
        calls.append(options)
        return function(*args, **options)

    monkeypatch.setattr(modules, "encode", counted)
    return calls


# --- gradients


@pytest.mark.parametrize("attention", ["auto", "eager", "flash"])
@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("name", CLASSES)
def test_gradients_equal_transformers(name, training, attention, lean):
    (ours, theirs), inputs = pair(name, **NO_DROPOUT), batch(name)
    getattr(ours, "bert", ours).engine = modules.Engine(attention=attention)
    check_gradients(ours.train(training), theirs.train(training), inputs)
    assert len(lean) == 1


def test_padding_without_a_mask_gives_pad_no_gradient():
    (ours, theirs), inputs = pair("BertModel"), batch("BertModel", mask=False)
    check_gradients(ours, theirs, inputs)
    assert not ours.embeddings.word_embeddings.weight.grad[0].any()


def check_gradients(ours, theirs, inputs):
    losses = [loss(model, inputs) for model in (ours, theirs)]
    torch.testing.assert_close(*losses, atol=1e-6, rtol=1e-6)
    for value in losses:
        value.backward()
    expected = dict(theirs.named_parameters())
    for name, parameter in ours.named_parameters():
        other = expected.pop(name).grad
        assert (parameter.grad is None) == (other is None), name
        if other is not None:
            torch.testing.assert_close(
                parameter.grad, other, atol=1e-6, rtol=1e-5, msg=lambda m, n=name: f"{n}: {m}"
            )
    assert not expected


def test_gradient_checkpointing_goes_to_transformers(lean):
    (ours, theirs), inputs = pair("BertForMaskedLM", **NO_DROPOUT), batch("BertForMaskedLM")
    for model in (ours, theirs):
        model.activation_checkpointing_enable()
    check_gradients(ours.train(), theirs.train(), inputs)
    assert not lean
    ours.eval()(**inputs)
    assert len(lean) == 1


# --- dropout


def drawn(model, inputs, seed):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return model(**inputs, output_hidden_states=True).hidden_states


@pytest.mark.parametrize("which", list(NO_DROPOUT))
@pytest.mark.parametrize("attention", ["eager", "sdpa", "flash"])
def test_dropout_is_random_and_follows_the_seed(which, attention):
    ours = pair("BertModel", **NO_DROPOUT | {which: 0.3})[0].train()
    ours.engine = modules.Engine(attention=attention)
    inputs = batch("BertModel")
    first, again, other = (drawn(ours, inputs, seed)[1] for seed in (1, 1, 2))
    torch.testing.assert_close(first, again, atol=0, rtol=0)
    assert (first - other).abs().mean() > 0.02
    plain = drawn(ours.eval(), inputs, 1)[1]
    assert (first - plain).abs().mean() > 0.02
    torch.testing.assert_close(plain, drawn(ours, inputs, 2)[1], atol=0, rtol=0)


@pytest.mark.parametrize("which", [*NO_DROPOUT, "both"])
def test_the_same_seed_drops_what_transformers_drops(which):
    options = dict.fromkeys(NO_DROPOUT, 0.2) if which == "both" else NO_DROPOUT | {which: 0.2}
    ours, theirs = pair("BertModel", **options)
    ours.engine = modules.Engine(attention="eager")
    inputs = {"input_ids": batch("BertModel")["input_ids"].clamp(min=5)}  # no padding
    found, expected = (drawn(model.train(), inputs, 3) for model in (ours, theirs))
    for a, b in zip(found, expected, strict=True):
        torch.testing.assert_close(a, b, atol=2e-5, rtol=1e-5)


def test_training_without_dropout_is_evaluation():
    ours, inputs = pair("BertModel", **NO_DROPOUT)[0], batch("BertModel")
    for a, b in zip(drawn(ours, inputs, 1), drawn(ours.train(), inputs, 2), strict=True):
        torch.testing.assert_close(a, b, atol=0, rtol=0)


def test_dropped_embeddings_keep_their_expectation():
    ours, inputs = pair("BertModel", hidden_dropout_prob=0.4)[0], batch("BertModel")
    plain = drawn(ours, inputs, 0)[0]
    dropped = drawn(ours.train(), inputs, 0)[0][inputs["attention_mask"] == 1]
    kept = dropped != 0
    assert abs(kept.float().mean() - 0.6) < 0.02
    expected = plain[inputs["attention_mask"] == 1][kept] / 0.6
    torch.testing.assert_close(dropped[kept], expected)


# --- weights that change


STEPS = {
    "sgd": lambda p: torch.optim.SGD(p, lr=0.1),
    "adamw": lambda p: torch.optim.AdamW(p, lr=0.01, foreach=False),
    "adamw, many at once": lambda p: torch.optim.AdamW(p, lr=0.01, foreach=True),
    "adamw, fused": lambda p: torch.optim.AdamW(p, lr=0.01, fused=True),
}


def check_fresh(ours, theirs, inputs, before):
    theirs.load_state_dict(ours.state_dict())
    with torch.no_grad():
        found, expected = ours(**inputs)[0], theirs(**inputs)[0]
    real = inputs["attention_mask"].bool()
    torch.testing.assert_close(found[real], expected[real], atol=2e-5, rtol=1e-5)
    assert (found - before).abs().max() > 1e-2
    return found


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("optimizer", STEPS)
def test_fused_weights_follow_the_optimizer(optimizer, dtype):
    (ours, theirs), inputs = pair("BertModel"), batch("BertModel")
    ours.engine = modules.Engine(dtype=dtype)
    step = STEPS[optimizer](ours.parameters())
    with torch.no_grad():
        before = ours(**inputs)[0]
    for _ in range(3):
        loss(ours, inputs).backward()
        step.step()
        step.zero_grad()
        if dtype == "float32":
            before = check_fresh(ours, theirs, inputs, before)
        else:
            with torch.no_grad():
                after = ours(**inputs)[0]
            assert (after - before).abs().max() > 1e-2
            before = after


CHANGES = {
    "a state dict": lambda m: m.load_state_dict({k: v * 1.1 for k, v in m.state_dict().items()}),
    "in place": lambda m: [p.mul_(1.1) for p in m.parameters()],
    "one in place": lambda m: m.encoder.layer[0].intermediate.dense.weight.mul_(2),
    "another tensor": lambda m: [setattr(p, "data", p.data * 1.1) for p in m.parameters()],
    "a vector": lambda m: torch.nn.utils.vector_to_parameters(
        torch.nn.utils.parameters_to_vector(m.parameters()) * 1.1, m.parameters()
    ),
    "through .data, then eval()": lambda m: [p.data.mul_(1.1) for p in m.parameters()] + [m.eval()],
}


@pytest.mark.parametrize("change", CHANGES)
def test_fused_weights_follow_every_change(change):
    (ours, theirs), inputs = pair("BertModel"), batch("BertModel")
    with torch.no_grad():
        before = ours(**inputs)[0]
        CHANGES[change](ours)
    check_fresh(ours, theirs, inputs, before)


def test_fused_weights_are_kept_while_nothing_changes(monkeypatch):
    made, function = [], modules.fuse
    monkeypatch.setattr(modules, "fuse", lambda *a, **o: made.append(1) or function(*a, **o))
    ours, inputs = pair("BertModel")[0], batch("BertModel")
    with torch.no_grad():
        for _ in range(3):
            ours(**inputs)
    assert len(made) == 1


# --- transformers' Trainer


@pytest.mark.filterwarnings("ignore:.*pin_memory")
@pytest.mark.parametrize("name", CLASSES[1:])
def test_trainer(name, tmp_path, lean):
    ours, inputs = pair(name)[0], batch(name)
    examples = [{k: v[i % 3] for k, v in inputs.items()} for i in range(12)]
    before = copy.deepcopy(ours.state_dict())
    arguments = TrainingArguments(
        output_dir=tmp_path, report_to=[], use_cpu=True, max_steps=3, save_steps=3, seed=1,
        per_device_train_batch_size=4, learning_rate=1e-3, logging_steps=1, disable_tqdm=True,
        eval_strategy="steps", eval_steps=2,
    )  # fmt: skip
    trainer = Trainer(ours, arguments, train_dataset=examples, eval_dataset=examples[:3])
    trainer.train()
    history = trainer.state.log_history
    losses = [line["loss"] for line in history if "loss" in line]
    assert len(losses) == 3
    assert all(math.isfinite(value) and value > 0 for value in losses)
    evaluations = len([line for line in history if "eval_loss" in line])
    assert len(lean) == 3 + evaluations > 3  # nothing by transformers' own encoder
    moved = [key for key, value in ours.state_dict().items() if not torch.equal(value, before[key])]
    assert {"bert.encoder.layer.0.attention.self.query.weight"} <= set(moved)

    auto = getattr(transformers, name.replace("Bert", "AutoModel"))
    theirs = auto.from_pretrained(tmp_path / "checkpoint-3").eval()
    assert type(theirs).__module__.startswith("transformers")
    with torch.no_grad():
        expected, found = theirs(**inputs), ours.eval()(**inputs)
    torch.testing.assert_close(found.loss, expected.loss, atol=1e-5, rtol=1e-5)
    arguments.max_steps = 4
    again = Trainer(pair(name)[0], arguments, train_dataset=examples, eval_dataset=examples[:3])
    again.train(resume_from_checkpoint=str(tmp_path / "checkpoint-3"))
    steps = [line["step"] for line in again.state.log_history if "loss" in line]
    assert steps == [1, 2, 3, 4]
    assert again.state.log_history[0]["loss"] == losses[0]  # of the checkpoint
