"""Whole folds: accumulation, restarts, early stopping, precision, and what the test fold may do."""

import json
import math

import numpy as np
import pandas as pd
import pytest
import torch
import transformers
from safetensors.torch import load_file
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from splicebert.errors import ModelError, SpliceBERTError
from splicebert.models.packing import pack
from splicebert.tables import read_table
from splicebert.training.model import build_learner
from splicebert.training.run import fingerprint, split_examples
from splicebert.training.tables import METRICS, PREDICTIONS
from splicebert.training.trainer import Trainer

NO_DROPOUT = {"hidden_dropout": 0.0, "attention_dropout": 0.0}


def weights(outputs):
    return load_file(outputs.model / "model.safetensors")


def assert_same_weights(one, two, without=(), **tolerance):
    ours, theirs = weights(one), weights(two)
    assert ours.keys() == theirs.keys()
    for name, tensor in ours.items():
        if name.endswith(tuple(without)):
            continue
        torch.testing.assert_close(tensor, theirs[name], **({"atol": 0, "rtol": 0} | tolerance))


def assert_same(one, two):
    assert_same_weights(one, two)
    assert one.metrics.read_bytes() == two.metrics.read_bytes()
    assert one.predictions.read_bytes() == two.predictions.read_bytes()


def metric(outputs, split, name):
    table = read_table(outputs.metrics, METRICS)
    return table[(table["split"] == split) & (table["metric"] == name)]["value"].tolist()


@pytest.fixture
def make_trainer(tables, runtime, tmp_path):
    """Function (job, name): a trainer that has not begun."""

    def make(job, name="run"):
        parts = split_examples(tables[job.task], job)
        learner = build_learner(job, runtime.device)
        return Trainer(job, parts, learner, runtime, tmp_path / name, fingerprint(job, parts))

    return make


# --- a step


def gradients(trainer, rows):
    trainer.optimiser.step = lambda: None
    trainer.optimiser.zero_grad = lambda **_: None
    passes = trainer.read(rows)
    sums = trainer.step(passes)
    return len(passes), sums, [p.grad for p in trainer.learning]


@pytest.mark.parametrize("class_weights", [None, [1.0, 5.0]])
@pytest.mark.parametrize("task", ["token", "sequence"])
def test_accumulation_changes_nothing(make_job, make_trainer, task, class_weights):
    options = NO_DROPOUT | {"class_weights": class_weights}
    rows, found = np.arange(8), []
    for parts in (1, 2):
        job = make_job(task, batch={"size": 8, "accumulation": parts}, **options)
        found.append(gradients(make_trainer(job), rows))
    (one, sums, wanted), (two, other, again) = found
    assert (one, two) == (1, 2)
    torch.testing.assert_close(sums, other, atol=1e-5, rtol=0)
    for a, b in zip(wanted, again, strict=True):
        torch.testing.assert_close(a, b, atol=1e-6, rtol=1e-5)
    assert max(float(a.abs().max()) for a in wanted) > 1e-3


def test_whole_runs_with_and_without_accumulation_agree(make_job, train):
    options = NO_DROPOUT | {"epochs": 2}
    one = train(make_job(**options), "one")
    two = train(make_job(batch={"size": 8, "accumulation": 2}, **options), "two")
    # A key's bias changes no attention: its gradient is rounding, which AdamW scales up to steps.
    assert_same_weights(one, two, without=["attention.self.key.bias"], atol=5e-5)


@pytest.mark.parametrize("task", ["token", "sequence"])
def test_gradients_are_those_of_transformers(make_job, make_trainer, task, tmp_path):
    """With equal weights a step is that of transformers' own loss on the padded batch."""
    trainer = make_trainer(make_job(task, **NO_DROPOUT))
    model = trainer.learner.model
    model.save_pretrained(tmp_path / "start")
    kind = {"token": transformers.BertForTokenClassification,
            "sequence": transformers.BertForSequenceClassification}[task]  # fmt: skip
    theirs = kind.from_pretrained(tmp_path / "start").train()
    _, sums, found = gradients(trainer, np.arange(8))
    part = trainer.parts["training"].take(np.arange(8))
    ids = pack(part.sequences, device=torch.device("cpu")).ids.view(8, -1)
    labels = torch.from_numpy(np.stack(part.labels)).long()
    if task == "token":
        full = torch.full(ids.shape, -100)
        full[torch.arange(8)[:, None], torch.from_numpy(np.stack(part.offsets)) + 1] = labels
        loss = theirs(ids, labels=full).loss
    else:
        loss = theirs(ids, labels=labels.float()).loss
    loss.backward()
    assert float(sums[0] / sums[1]) == pytest.approx(loss.item(), abs=1e-6)
    wanted = [p.grad for p in theirs.parameters() if p.requires_grad]
    for a, b in zip(found, wanted, strict=True):
        torch.testing.assert_close(a, b, atol=1e-6, rtol=1e-4)


def test_class_weights_weigh_the_losses(make_job, make_trainer):
    plain = make_trainer(make_job("token", **NO_DROPOUT))
    heavy = make_trainer(make_job("token", class_weights="balanced", **NO_DROPOUT))
    np.testing.assert_allclose(heavy.weights.numpy(), [10 / 18, 5], rtol=1e-5)
    assert plain.weights.tolist() == [1, 1]
    losses = []
    for trainer in (plain, heavy):
        (one,) = trainer.read(np.arange(8))
        trainer.learner.eval()
        with torch.no_grad():
            logits = trainer.learner(one.packed, one.rows)
            losses.append(trainer.learner.losses(logits, one.labels))
        sums = gradients(trainer, np.arange(8))[1]
        weight = trainer.weights[one.labels]
        torch.testing.assert_close(sums[0], (losses[-1] * weight).sum().double())
        torch.testing.assert_close(sums[1], weight.sum().double())


def test_the_gradient_is_clipped(make_job, make_trainer):
    norms = []
    for clip in (None, 0.01):
        trainer = make_trainer(make_job(clip=clip, **NO_DROPOUT))
        found = gradients(trainer, np.arange(8))[2]
        norms.append(math.sqrt(sum(float(g.square().sum()) for g in found)))
    assert norms[0] > 0.1
    assert norms[1] == pytest.approx(0.01, rel=1e-3)


# --- precision


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_mixed_precision_learns_alike(make_job, train, precision):
    options = NO_DROPOUT | {"epochs": 2}
    exact = train(make_job("token", **options), "exact")
    mixed = train(make_job("token", precision=precision, **options), "mixed")
    losses = [metric(outputs, "training", "loss") for outputs in (exact, mixed)]
    assert losses[0] != losses[1]
    np.testing.assert_allclose(*losses, rtol=0.02)
    assert {tensor.dtype for tensor in weights(mixed).values()} == {torch.float32}
    about = json.loads((mixed.model / "training.json").read_text())
    assert about["hardware"]["precision"] == precision


def test_float16_scales_the_loss_and_skips_what_overflows(make_job, make_trainer):
    trainer = make_trainer(make_job(precision="float16", **NO_DROPOUT))
    assert trainer.scaler.is_enabled()
    before = trainer.learning[0].detach().clone()
    start = trainer.scaler.get_scale()
    trainer.scaler.scale(torch.zeros(1))
    trainer.scaler.update(1e38)  # its products are no float16
    trainer.step(trainer.read(np.arange(8)))
    assert torch.equal(trainer.learning[0], before)
    assert trainer.scaler.get_scale() == pytest.approx(5e37, rel=1e-3)
    trainer.scaler.update(start)
    trainer.step(trainer.read(np.arange(8)))
    assert not torch.equal(trainer.learning[0], before)
    for precision in ("auto", "float32", "bfloat16"):
        assert not make_trainer(make_job(precision=precision)).scaler.is_enabled()


# --- seeds


def test_the_same_seed_gives_the_same_run(make_job, train):
    one, two = (train(make_job("token", epochs=2), name) for name in ("one", "two"))
    assert_same(one, two)
    other = train(make_job("token", epochs=2, seed=1), "other")
    name = "bert.encoder.layer.0.output.dense.weight"
    assert not torch.equal(weights(one)[name], weights(other)[name])


def test_each_epoch_and_fold_has_an_order_of_its_own(make_job, make_trainer):
    one, two = make_trainer(make_job()), make_trainer(make_job(fold=1))
    orders = [one.draw(0), one.draw(1), two.draw(0)]
    for order in orders:
        assert sorted(order) == list(range(30))
    assert len({tuple(order) for order in orders}) == 3


def test_training_leaves_the_callers_random_numbers_alone(make_job, train):
    torch.manual_seed(5)
    wanted = torch.rand(2)
    torch.manual_seed(5)
    train(make_job(epochs=1))
    assert torch.equal(torch.rand(2), wanted)


# --- stopping, and what is left


def scripted(monkeypatch, values):
    """Let the validation scores be `values`."""
    scores = iter(values)
    monkeypatch.setattr("splicebert.training.records.Records.score", lambda *_: next(scores))


@pytest.mark.parametrize(
    ("patience", "epochs", "done", "best"), [(2, 9, 5, 3), (3, 9, 9, 7), (None, 4, 4, 3)]
)
def test_it_stops_after_epochs_without_a_better_score(
    make_job, make_trainer, monkeypatch, patience, epochs, done, best
):
    trainer = make_trainer(make_job(patience=patience, epochs=epochs))
    scripted(monkeypatch, [0.3, 0.2, 0.5, 0.5, 0.4, 0.1, 0.9, 0.1, 0.2])
    if patience == 3:
        scripted(monkeypatch, [0.3, 0.2, 0.5, 0.5, 0.4, 0.6, 0.9, 0.1, 0.2])
    trainer.run()
    assert (trainer.progress.epoch, trainer.progress.best_epoch) == (done, best)
    assert trainer.finished
    kept = [path.name for path in (trainer.state / "best").iterdir()]
    assert kept == [f"epoch-{best:05d}.safetensors"]


@pytest.mark.parametrize("task", ["token", "sequence"])
def test_it_learns_and_leaves_all_it_says(make_job, train, tables, task):
    outputs = train(make_job(task, epochs=8, schedule={"kind": "constant"}, **NO_DROPOUT))
    assert max(metric(outputs, "validation", "auc")) > 0.9
    assert metric(outputs, "training", "loss")[-1] < metric(outputs, "training", "loss")[0]
    metrics = read_table(outputs.metrics, METRICS)
    assert metrics.groupby("epoch").size().tolist() == [9] * 8
    predictions = read_table(outputs.predictions, PREDICTIONS)
    table = tables[task]
    test = table[table["fold"] == 0]
    per_epoch = {"token": 10, "sequence": 1}[task] * len(test)
    assert predictions.groupby("epoch").size().tolist() == [per_epoch] * 8
    first = predictions[predictions["epoch"] == 1]
    assert list(dict.fromkeys(first["example_id"])) == test["example_id"].tolist()
    labels = {row.example_id: row.labels for row in test.itertuples()}
    assert all(labels[r.example_id][r.offset] == r.label for r in first.itertuples())
    assert (predictions["logit_negative"] == 0).all() == (task == "sequence")
    assert not (outputs.metrics.parent / "state").exists()


def test_the_model_folder_is_that_of_the_best_epoch(
    make_job, train, tables, cli_predict, monkeypatch
):
    scripted(monkeypatch, [0.3, 0.8, 0.5])
    outputs = train(make_job("token"))
    about = json.loads((outputs.model / "training.json").read_text())
    assert (about["best_epoch"], about["epochs"]) == (2, 3)
    predictions = read_table(outputs.predictions, PREDICTIONS)
    chosen = predictions[predictions["epoch"] == about["best_epoch"]]
    found = cli_predict(outputs.model, tables["token"].set_index("example_id")["sequence"])
    wanted = chosen.merge(
        found, left_on=["example_id", "offset"], right_on=["id", "offset"], validate="1:1"
    )
    assert len(wanted) == len(chosen)
    np.testing.assert_allclose(wanted["logit"], wanted["logit_1"].astype(float), atol=2e-4)
    np.testing.assert_allclose(wanted["logit_negative"], wanted["logit_0"].astype(float), atol=2e-4)


@pytest.fixture
def cli_predict(tmp_path):
    """Function (folder, sequences): what `splicebert predict --raw` gives."""
    from splicebert.cli import main

    def run(folder, sequences):
        fasta = tmp_path / "some.fa"
        fasta.write_text("".join(f">{name}\n{s}\n" for name, s in sequences.items()))
        out = tmp_path / "out.tsv"
        command = ["predict", "-m", str(folder), str(fasta), "--raw", "-q"]
        assert main([*command, "-o", str(out)]) == 0
        return pd.read_csv(out, sep="\t", dtype={"id": str})

    return run


def test_predict_takes_the_lengths_of_training(make_job, train, cli_predict, capsys):
    from splicebert.cli import main

    outputs = train(make_job(epochs=1))
    assert len(cli_predict(outputs.model, {"a": "ACGT" * 10})) == 1
    fasta = outputs.model.parent / "long.fa"
    fasta.write_text(f">b\n{'ACGTA' * 10}\n")
    assert main(["predict", "-m", str(outputs.model), str(fasta)]) == 2
    assert "takes exactly 40 nt" in capsys.readouterr().err


@pytest.mark.parametrize("task", ["token", "sequence"])
def test_transformers_loads_the_model_folder(make_job, train, tables, task):
    outputs = train(make_job(task, epochs=1))
    kind = {"token": "AutoModelForTokenClassification",
            "sequence": "AutoModelForSequenceClassification"}[task]  # fmt: skip
    model = getattr(transformers, kind).from_pretrained(outputs.model).eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(outputs.model)
    predictions = read_table(outputs.predictions, PREDICTIONS)
    row = predictions.iloc[-1]
    sequence = tables[task].set_index("example_id")["sequence"][row["example_id"]]
    with torch.inference_mode():
        logits = model(torch.tensor([tokenizer.encode(" ".join(sequence))])).logits[0]
    found = logits[row["offset"] + 1, 1] if task == "token" else logits[0]
    assert float(found) == pytest.approx(row["logit"], abs=1e-5)
    assert {p.suffix for p in outputs.model.iterdir()} <= {".json", ".txt", ".safetensors"}


def test_tensorboard_reads_the_events(make_job, train):
    outputs = train(make_job(epochs=2))
    events = EventAccumulator(str(outputs.metrics.parent / "tensorboard"))
    events.Reload()
    tags = set(events.Tags()["scalars"])
    assert {"loss/training", "ap/validation", "auc/test", "rate"} <= tags
    found = [(event.step, event.value) for event in events.Scalars("ap/validation")]
    np.testing.assert_allclose(
        found, list(enumerate(metric(outputs, "validation", "ap"), 1)), rtol=1e-4
    )


def test_a_diverging_run_says_so(make_job, make_trainer):
    trainer = make_trainer(make_job())
    with torch.no_grad():
        trainer.learner.model.classifier.bias.fill_(math.nan)
    with pytest.raises(SpliceBERTError, match="scores are NaN; training diverged"):
        trainer.run()


# --- restarts


class KilledError(Exception):
    """Stands for a kill at a chosen moment."""


def kill(trainer, method, when, *, after=False):
    """Stop a run at the call number `when` of a method."""
    owner = trainer if hasattr(trainer, method) else trainer.records
    do, calls = getattr(owner, method), []

    def call(*args):
        calls.append(args)
        if len(calls) == when and not after:
            raise KilledError
        found = do(*args)
        if len(calls) == when:
            raise KilledError
        return found

    setattr(owner, method, call)
    with pytest.raises(KilledError):
        trainer.run()


@pytest.fixture
def whole(make_job, train):
    """A run that nothing interrupts, with dropout, on a plateau."""
    return train(make_job("token", patience=None), "whole")


@pytest.mark.parametrize(
    ("seconds", "method", "when", "after"),
    [(0.0, "step", 2, False),  # within the first epoch
     (0.0, "step", 6, True),
     (600.0, "step", 7, False),  # back to the end of the first
     (0.0, "finish_epoch", 2, False),  # before an evaluation
     (600.0, "keep_predictions", 2, True),  # best weights and predictions are there, no checkpoint
     (600.0, "save", 2, False),
     (600.0, "forget", 2, False),
     (0.0, "close", 1, True)],  # all is done but the outputs
)  # fmt: skip
def test_a_killed_run_goes_on_exactly(
    make_job, make_trainer, train, whole, seconds, method, when, after
):
    job = make_job("token", patience=None)
    trainer = make_trainer(job, "killed")
    trainer.checkpoint_seconds = seconds
    kill(trainer, method, when, after=after)
    assert_same(train(job, "killed"), whole)


def test_float16_goes_on_with_its_scale(make_job, make_trainer, tables):
    job = make_job(precision="float16")
    trainer = make_trainer(job)
    trainer.scaler.scale(torch.zeros(1))
    trainer.scaler.update(128.0)
    kill(trainer, "step", 5)
    again = make_trainer(job)
    again.resume()
    assert again.scaler.get_scale() == 128


def test_the_rate_and_the_plateau_go_on(make_job, make_trainer):
    trainer = make_trainer(make_job())
    for score in (0.9, 0.1, 0.1, 0.1):
        trainer.schedule.after_epoch(score)
    kill(trainer, "step", 5)  # the first epoch has four
    again = make_trainer(make_job())
    again.resume()
    assert again.schedule.state() == trainer.schedule.state()
    assert again.schedule.rate < make_trainer(make_job()).schedule.rate


def test_predictions_behind_the_checkpoint_go(make_job, make_trainer):
    trainer = make_trainer(make_job())
    kill(trainer, "keep_predictions", 2, after=True)
    assert len(trainer.records.parts()) == 2
    again = make_trainer(make_job())
    again.resume()
    assert [path.stem for path in again.records.parts()] == ["epoch-00001"]


def test_a_broken_checkpoint_is_refused(make_job, make_trainer):
    trainer = make_trainer(make_job())
    trainer.checkpoint_seconds = 0.0
    kill(trainer, "step", 3)
    (found,) = (trainer.state / "checkpoints").glob("step-*")
    path = found / "model.safetensors"
    path.write_bytes(path.read_bytes()[:10])
    with pytest.raises(ModelError, match="not a whole checkpoint"):
        make_trainer(make_job()).run()


def test_other_settings_begin_anew(make_job, make_trainer, train, caplog):
    trainer = make_trainer(make_job(), "run")
    trainer.checkpoint_seconds = 0.0
    kill(trainer, "step", 3)
    with caplog.at_level("INFO"):
        found = train(make_job(seed=9), "run")
    assert "going on from" not in caplog.text
    assert_same(found, train(make_job(seed=9), "other"))


# --- the test fold


def changed_test_fold(table, column, values):
    test = table["fold"] == 0
    changed = table.copy()
    changed.loc[test, column] = pd.Series(values(table[test]), index=table.index[test])
    return changed


def flipped(rows):
    return [np.where(v >= 0, 1 - v, v).astype(np.int8) for v in rows["labels"]]


MARKS = ("AAAAAAAA", "GGGGGGGG")


def with_leak(rows, marks=MARKS):
    """The label written into the sequence: eight bases, or an N for the base that is 1."""
    found = []
    for sequence, labels in zip(rows["sequence"], rows["labels"], strict=True):
        place = int(np.argmax(labels))
        token = len(labels) > 1
        found.append(
            f"{sequence[:place]}N{sequence[place + 1 :]}" if token
            else marks[labels[0]] + sequence[8:]
        )  # fmt: skip
    return found


@pytest.mark.parametrize("task", ["token", "sequence"])
@pytest.mark.parametrize(
    ("column", "values"),
    [("labels", flipped), ("labels", lambda rows: list(rows["labels"])[::-1]),
     ("sequence", lambda rows: [s[::-1] for s in rows["sequence"]]), ("sequence", with_leak)],
)  # fmt: skip
def test_nothing_of_the_test_fold_touches_training(make_job, train, tables, task, column, values):
    job = make_job(task, epochs=2)
    changed = changed_test_fold(tables[task], column, values)
    one, two = train(job, "one"), train(job, "two", changed)
    assert_same_weights(one, two)
    for split, name in (("training", "loss"), ("validation", "loss"), ("validation", "ap")):
        assert metric(one, split, name) == metric(two, split, name)
    assert metric(one, "test", "loss") != metric(two, "test", "loss")


def test_fewer_test_examples_change_nothing_either(make_job, train, tables):
    table = tables["sequence"]
    fewer = table.drop(index=table.index[table["fold"] == 0][:4]).reset_index(drop=True)
    job = make_job(epochs=2)
    assert_same_weights(train(job, "one"), train(job, "two", fewer))


def test_a_leak_helps_where_training_has_it_and_not_in_the_test_fold(make_job, train, tables):
    """Sequences without a motif: all that tells the labels is the leak.

    What a model that never saw the leak makes of its marks is the same for all examples, so it
    sorts them rightly or wrongly as a whole. With the marks swapped it is the other way round: the
    mean of both is chance. A model that had learnt from the leaked fold would be right twice.
    """
    rng = np.random.default_rng(4)
    table = tables["sequence"].copy()
    table["sequence"] = ["".join(row) for row in rng.choice(list("CT"), (len(table), 40))]
    job = make_job(epochs=6, schedule={"kind": "constant"}, **NO_DROPOUT)
    auc = []
    for name, marks in (("one", MARKS), ("two", MARKS[::-1])):
        leaked = changed_test_fold(table, "sequence", lambda rows, m=marks: with_leak(rows, m))
        auc.append(metric(train(job, name, leaked), "test", "auc"))
    assert np.mean(auc, axis=0) == pytest.approx(0.5, abs=0.15)
    everywhere = train(job, "everywhere", table.assign(sequence=with_leak(table)))
    assert metric(everywhere, "test", "auc")[-1] == 1
