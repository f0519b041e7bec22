"""First weights, frozen layers, logits and losses."""

import json

import numpy as np
import pytest
import torch
import transformers

from splicebert.errors import ConfigError, ModelError
from splicebert.sequence import token_batch
from splicebert.training.evaluation import run_logits
from splicebert.training.examples import make_examples
from splicebert.training.model import build_learner, mean_loss
from splicebert.training.run import train_fold

CPU = torch.device("cpu")


def named(learner):
    return dict(learner.model.named_parameters())


@pytest.mark.parametrize("task", ["token", "sequence"])
def test_pretrained_layers_and_a_seeded_head(make_job, folder, task):
    found = named(build_learner(make_job(task), CPU))
    source = transformers.BertForMaskedLM.from_pretrained(folder).bert.state_dict()
    for name, value in source.items():
        torch.testing.assert_close(found[f"bert.{name}"].data, value, atol=0, rtol=0)
    again = named(build_learner(make_job(task), CPU))
    other = named(build_learner(make_job(task, seed=1), CPU))
    assert torch.equal(found["classifier.weight"], again["classifier.weight"])
    assert not torch.equal(found["classifier.weight"], other["classifier.weight"])


def test_random_weights_depend_on_the_seed_alone(make_job):
    def make(**changes):
        return named(build_learner(make_job(method={"initial": "random"}, **changes), CPU))

    start, again, other = make(), make(fold=2), make(seed=1)
    trained = named(build_learner(make_job(), CPU))
    name = "bert.encoder.layer.1.output.dense.weight"
    assert torch.equal(start[name], again[name])
    assert not torch.equal(start[name], other[name])
    assert not torch.equal(start[name], trained[name])
    assert {k: v.shape for k, v in start.items()} == {k: v.shape for k, v in trained.items()}


def test_the_caller_keeps_its_random_numbers(make_job):
    torch.manual_seed(3)
    wanted = torch.rand(2)
    torch.manual_seed(3)
    build_learner(make_job(method={"initial": "random"}), CPU)
    build_learner(make_job(), CPU)
    assert torch.equal(torch.rand(2), wanted)


@pytest.mark.parametrize("freeze", [0, 1, 2])
def test_frozen_layers_do_not_move(make_job, train, folder, freeze):
    outputs = train(make_job(method={"freeze": freeze}, epochs=1))
    before = transformers.BertForMaskedLM.from_pretrained(folder).bert.state_dict()
    after = transformers.BertModel.from_pretrained(outputs.model).state_dict()
    moved = {name for name in before if not torch.equal(before[name], after[name])}
    still = {
        "embeddings.": freeze > 0,
        "encoder.layer.0.": freeze > 0,
        "encoder.layer.1.": freeze > 1,
    }
    for prefix, frozen in still.items():
        assert any(name.startswith(prefix) for name in moved) is not frozen
    about = json.loads((outputs.model / "training.json").read_text())
    assert (about["learning_parameters"] < about["parameters"]) is (freeze > 0)


@pytest.mark.parametrize("task", ["token", "sequence"])
def test_logits_are_those_of_transformers(make_job, tables, runtime, task, tmp_path):
    learner = build_learner(make_job(task), CPU)
    learner.model.save_pretrained(tmp_path)
    kind = {"token": "AutoModelForTokenClassification",
            "sequence": "AutoModelForSequenceClassification"}[task]  # fmt: skip
    theirs = getattr(transformers, kind).from_pretrained(tmp_path).eval()
    table = tables[task].copy()
    # lengths that differ in a batch
    table["sequence"] = [s[: 40 - 3 * (i % 3)] for i, s in enumerate(table["sequence"])]
    if task == "token":
        table["labels"] = [labels[: 40 - 3 * (i % 3)] for i, labels in enumerate(table["labels"])]
    examples = make_examples(table, task)
    found = run_logits(learner, examples, runtime)
    wanted = []
    for sequence, offsets in zip(examples.sequences, examples.offsets, strict=True):
        ids, _ = token_batch([sequence])
        with torch.inference_mode():
            logits = theirs(torch.from_numpy(ids)).logits[0].numpy()
        wanted.append(logits[1:-1][offsets] if task == "token" else logits[None])
    np.testing.assert_allclose(found, np.concatenate(wanted), atol=1e-5)


@pytest.mark.parametrize("labels", [1, 2])
def test_losses_in_words(make_job, labels):
    learner = build_learner(make_job()._replace(num_labels=labels), CPU)
    logits = np.random.default_rng(0).normal(size=(20, labels)).astype(np.float32)
    classes = np.arange(20) % 2
    margin = logits[:, -1].astype(float) - (logits[:, 0] if labels == 2 else 0)
    wanted = -np.log(1 / (1 + np.exp(-np.where(classes == 1, margin, -margin))))
    found = learner.losses(torch.from_numpy(logits), torch.from_numpy(classes))
    np.testing.assert_allclose(found.numpy(), wanted, atol=1e-6)
    assert mean_loss(logits, classes) == pytest.approx(wanted.mean(), abs=1e-9)


def test_dropout_of_the_settings_overrules_the_models(make_job):
    own = build_learner(make_job(), CPU).model
    assert (own.config.hidden_dropout_prob, own.dropout.p) == (0.1, 0.1)
    job = make_job(hidden_dropout=0.3, attention_dropout=0.0)
    model = build_learner(job, CPU).model
    assert (model.config.hidden_dropout_prob, model.dropout.p) == (0.3, 0.3)
    assert model.config.attention_probs_dropout_prob == 0


def test_what_can_not_be_trained_is_refused(make_job, tables, runtime, tmp_path):
    from splicebert.training.run import outputs_in

    for changes, error, words in (
        ({"entry": {"adapter": "onehot"}}, ModelError, "adapter 'onehot', which can't"),
        ({"method": {"freeze": 3}}, ConfigError, "freeze: 3 layers; the model has 2"),
        ({"entry": {"sha256": {"model.safetensors": "0" * 64}}}, ModelError, "sha256 is"),
        (
            {"entry": {"max_length": 30}},
            ModelError,
            "has 40 nt; model 'tiny' takes at most 30",
        ),
    ):
        with pytest.raises(error, match=words):
            train_fold(make_job(**changes), tables["sequence"], outputs_in(tmp_path), runtime)
    with pytest.raises(ConfigError, match="with 3 labels"):
        build_learner(make_job()._replace(num_labels=3), CPU)
