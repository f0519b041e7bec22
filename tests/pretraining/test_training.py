"""Whole runs on the toy genome: sharing out, restarts, learning, and what is left behind."""

import json
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from transformers import AutoTokenizer, BertForMaskedLM

from splicebert.errors import ModelError
from splicebert.learning import checkpoint
from splicebert.models import SpliceBERT
from splicebert.models.checkpoint import write_model
from splicebert.pretraining.__main__ import train
from splicebert.pretraining.batches import to_model
from splicebert.pretraining.corpus import Corpus
from splicebert.pretraining.model import build_model
from splicebert.pretraining.processes import Process
from splicebert.pretraining.tables import METRICS, PERPLEXITIES
from splicebert.pretraining.trainer import Trainer
from splicebert.tables import read_table

MUON = {"name": "muon"}
ALONE = Process(0, 1, torch.device("cpu"))


def weights(job):
    return load_file(Path(job.model) / "model.safetensors")


def curve(job):
    """Metrics without the columns that tell the time."""
    return read_table(job.metrics, METRICS).drop(columns=["seconds", "nt_per_second"])


def finish(popen):
    output, _ = popen.communicate(timeout=300)  # imports alone may take a minute on a busy machine
    assert popen.returncode == 0, output
    return output


def assert_same(job, other, atol=0.0):
    ours, theirs = weights(job), weights(other)
    assert ours.keys() == theirs.keys()
    for name, tensor in ours.items():
        torch.testing.assert_close(tensor, theirs[name], atol=atol, rtol=0, msg=name)


@pytest.fixture(scope="module")
def whole(make_job_in, tmp_path_factory):
    """A run that nothing interrupts; no test changes it."""
    place = tmp_path_factory.mktemp("whole")
    job = make_job_in(place, "whole", optimiser=MUON, random_positions=True)
    train(job)
    return job


def gradients(job, corpus, **hardware):
    trainer = Trainer(job._replace(hardware=job.hardware | hardware), ALONE, corpus)
    trainer.progress.step = 9  # of the phase with mixed lengths
    data = trainer.read(9)
    loss = trainer.backward(data)
    return len(data.batches), float(loss), [p.grad for p in trainer.learning]


def test_accumulation_changes_nothing(make_job, corpus):
    job = make_job()
    once, loss, wanted = gradients(job, corpus)
    often, summed, found = gradients(job, corpus, micro_tokens=120)
    assert (once, often) == (1, 5)
    assert summed == pytest.approx(loss, abs=1e-6)
    for a, b in zip(wanted, found, strict=True):
        torch.testing.assert_close(a, b, atol=1e-6, rtol=0)


def test_a_step_is_the_mean_over_its_masked_bases(make_job, corpus):
    job = make_job()
    _, loss, found = gradients(job, corpus)
    trainer = Trainer(job, ALONE, corpus)
    (batch,) = trainer.read(9).batches
    wanted = trainer.loss.train()(*to_model(batch, ALONE.device)) / len(batch.labels)
    wanted.backward()
    assert loss == pytest.approx(wanted.item(), abs=1e-6)
    for a, parameter in zip(found, trainer.learning, strict=True):
        torch.testing.assert_close(a, parameter.grad, atol=1e-6, rtol=0)


def test_two_processes_do_what_one_does(make_job, start):
    # Adam divides by the gradient's size, so that without eps rounding alone (the gradient of a
    # key's bias is 0 but for rounding) would be a whole step; Muon, too, has steps of one size.
    changes = {"optimiser": {"eps": 1e-4}, "random_positions": True}
    one = make_job("one", **changes)
    two = make_job("two", **changes, hardware={"micro_tokens": 150})
    train(one)
    finish(start(two, processes=2))
    assert_same(one, two, atol=1e-6)
    ours, theirs = curve(one), curve(two)
    np.testing.assert_allclose(ours, theirs, atol=1e-5)
    about = json.loads((Path(two.model) / "training.json").read_text())
    assert about["hardware"]["processes"] == 2
    assert about["hardware"]["passes"] == 1  # of the first phase


def test_a_killed_run_goes_on_exactly(whole, make_job, start):
    killed = make_job("killed", optimiser=MUON, random_positions=True)
    popen = start(killed)
    state = Path(killed.folder) / "state"
    while not list((state / "checkpoints").glob("step-*")):
        assert popen.poll() is None, popen.communicate()[0]
        time.sleep(0.002)
    popen.kill()
    popen.communicate()
    assert not Path(killed.model).exists()
    assert "going on from" in finish(start(killed))
    assert_same(whole, killed)
    assert curve(whole).equals(curve(killed))
    tables = [read_table(job.regions, PERPLEXITIES) for job in (whole, killed)]
    assert tables[0].equals(tables[1])
    assert not state.exists()


class KilledError(Exception):
    """Stands for a kill at a chosen moment."""


def interrupted(job, corpus, monkeypatch, step):
    """Stop a run right before a step."""
    trainer = Trainer(job, ALONE, corpus)
    do = trainer.step

    def step_or_stop(data):
        if trainer.progress.step == step:
            raise KilledError
        return do(data)

    monkeypatch.setattr(trainer, "step", step_or_stop)
    with pytest.raises(KilledError):
        trainer.run()


@pytest.mark.parametrize("step", [3, 5, 11, 15])
def test_rows_behind_the_checkpoint_are_cut(make_job, corpus, monkeypatch, step, whole):
    job = make_job(f"cut{step}", optimiser=MUON, random_positions=True)
    interrupted(job, corpus, monkeypatch, step)
    train(job)
    assert curve(job).equals(curve(whole))
    assert_same(job, whole)


def test_dropout_goes_on_exactly_too(make_job, corpus, monkeypatch):
    sizes = {"hidden_dropout_prob": 0.2, "attention_probs_dropout_prob": 0.1}
    jobs = [make_job(name, architecture=sizes) for name in ("a", "b")]
    interrupted(jobs[1], corpus, monkeypatch, 7)
    for job in jobs:
        train(job)
    assert_same(*jobs)


def test_a_kill_while_a_checkpoint_is_written_leaves_the_one_before(make_job, corpus, monkeypatch):
    job = make_job()
    trainer = Trainer(job, ALONE, corpus)
    folder = trainer.state / "checkpoints"
    trainer.progress.step = 4
    trainer.save()

    def fail(*_):
        raise KilledError

    trainer.progress.step = 8
    for broken in ("_to_disk", "save_file"):
        with monkeypatch.context() as patch:
            patch.setattr(checkpoint, broken, fail)
            with pytest.raises(KilledError):
                trainer.save()
        assert checkpoint.newest(folder).name.endswith("04")
    trainer.save()
    assert [path.name for path in folder.iterdir()] == ["step-0000000008"]
    suffixes = {path.suffix for path in checkpoint.newest(folder).iterdir()}
    assert suffixes == {".safetensors", ".json"}


@pytest.mark.parametrize(
    ("changes", "words"),
    [({"optimiser": {"adamw_rate": 0.1}}, "another optimiser"),
     ({"seed": 6, "architecture": {"hidden_size": 16}}, "another architecture, seed")],
)  # fmt: skip
def test_a_checkpoint_of_other_settings_is_refused(make_job, corpus, changes, words):
    Trainer(make_job(), ALONE, corpus).save()
    with pytest.raises(ModelError, match=words) as error:
        Trainer(make_job(**changes), ALONE, corpus).resume()
    assert "remove" in str(error.value)


def test_a_checkpoint_that_began_with_other_weights_is_refused(make_job, corpus, tmp_path):
    file, settings = tmp_path / "model.safetensors", make_job().settings
    job = make_job(start={"weights": str(file)})
    write_model(build_model(settings), tmp_path)
    Trainer(job, ALONE, corpus).save()
    Trainer(job, ALONE, corpus).resume()
    write_model(build_model(settings | {"seed": 8}), tmp_path)
    with pytest.raises(ModelError, match="another weights_sha256"):
        Trainer(job, ALONE, corpus).resume()


def test_a_checkpoint_that_began_with_another_mean_is_refused(make_job, corpus, tmp_path):
    files, settings = [tmp_path / name / "model.safetensors" for name in "ab"], make_job().settings
    for seed, file in enumerate(files):
        write_model(build_model(settings | {"seed": seed}), file.parent)
    job = make_job(start={"weights": str(files[0]), "mean_with": str(files[1])})
    Trainer(job, ALONE, corpus).save()
    write_model(build_model(settings | {"seed": 8}), files[1].parent)
    with pytest.raises(ModelError, match="another mean_with_sha256"):
        Trainer(job, ALONE, corpus).resume()


def test_a_checkpoint_of_another_corpus_is_refused(make_job, corpus, folder):
    Trainer(make_job(), ALONE, corpus).save()
    other = Corpus({"toy": folder})
    other.parts["toy"].about["sha256"] = "other"
    with pytest.raises(ModelError, match=r"another corpus: .*other"):
        Trainer(make_job(), ALONE, other).resume()


@pytest.mark.parametrize("name", ["state.json", "model.safetensors", "optimiser.safetensors"])
def test_a_broken_checkpoint_is_refused(make_job, corpus, name):
    trainer = Trainer(make_job(), ALONE, corpus)
    trainer.save()
    path = checkpoint.newest(trainer.state / "checkpoints") / name
    path.write_bytes(path.read_bytes()[:5])
    with pytest.raises(ModelError, match="checkpoint"):
        trainer.resume()


def test_bfloat16_products_learn_alike(make_job):
    jobs = [make_job(name, hardware={"precision": name}) for name in ("float32", "bfloat16")]
    for job in jobs:
        train(job)
    losses = [curve(job)["loss"].to_numpy() for job in jobs]
    assert not np.array_equal(*losses)
    np.testing.assert_allclose(*losses, rtol=0.01)


@pytest.mark.parametrize("name", ["adamw", "muon"])
def test_it_learns_what_neighbours_tell(make_job, name):
    phases = [{"min_length": 60, "max_length": 60, "steps": 90, "batch_tokens": 1240}]
    job = make_job(
        optimiser={"name": name, "adamw_rate": 0.005, "clip": 5}, phases=phases,
        start={"offset_heads": True}, random_positions=True,
        validation={"every": 30}, log_every=30, checkpoint_every=100,
    )  # fmt: skip
    train(job)
    found = curve(job)
    assert found["cross_entropy"].iloc[-1] < 1.0  # chance is ln 4 = 1.39
    assert found["accuracy"].iloc[-1] > 0.5
    assert found["loss"].iloc[-1] < found["loss"].iloc[0]


def test_the_metrics_say_what_was_done(whole):
    table = read_table(whole.metrics, METRICS)
    assert table["step"].tolist() == [3, 6, 9, 12, 15, 16]
    evaluated = table[table["cross_entropy"].notna()]
    assert evaluated["step"].tolist() == [6, 12, 16]
    np.testing.assert_allclose(
        evaluated["perplexity"], np.exp(evaluated["cross_entropy"]), rtol=1e-4
    )
    assert table["tokens"].iloc[1] == 6 * 256
    assert (np.diff(table["seconds"]) > 0).all()
    regions = read_table(whole.regions, PERPLEXITIES)
    last = regions[(regions["step"] == 16) & (regions["region"] == "all")].set_index("bases")
    assert last.loc["all", "perplexity"] == pytest.approx(table["perplexity"].iloc[-1])


def test_tensorboard_reads_the_events(whole):
    events = EventAccumulator(str(Path(whole.folder) / "tensorboard"))
    events.Reload()
    tags = set(events.Tags()["scalars"])
    assert {"training/loss", "training/nt_per_second", "validation/cross_entropy"} <= tags
    assert "perplexity/protein_coding.CDS/all" not in tags  # the toy has none
    assert "perplexity/protein_coding.UTR5/all" in tags
    table = read_table(whole.metrics, METRICS)
    found = [(event.step, event.value) for event in events.Scalars("training/loss")]
    np.testing.assert_allclose(found, table[["step", "loss"]], rtol=1e-4)


def test_the_model_folder_loads_everywhere(whole):
    adapter = SpliceBERT(whole.model)
    sequence = "ACGTN" * 14
    tokenizer = AutoTokenizer.from_pretrained(whole.model)
    assert tokenizer.encode("A C G T N") == [2, 6, 7, 8, 9, 5, 3]
    theirs = BertForMaskedLM.from_pretrained(whole.model).eval()
    with torch.no_grad():
        wanted = theirs(torch.tensor([tokenizer.encode(" ".join(sequence))])).logits[:, 1:-1]
    torch.testing.assert_close(adapter.logits([sequence]), wanted, atol=1e-5, rtol=0)


def test_training_json_tells_all(whole, corpus):
    about = json.loads((Path(whole.model) / "training.json").read_text())
    assert about["settings"] == whole.settings
    assert about["corpus"] == corpus.about
    assert about["steps"] == 16
    assert about["hardware"]["device"].startswith("CPU")


def test_a_run_that_has_ended_but_not_written_writes(whole, make_job, corpus):
    job = make_job("ended", optimiser=MUON, random_positions=True)
    Trainer(job, ALONE, corpus).run()
    assert not Path(job.model).exists()
    train(job)
    assert_same(job, whole)
    assert curve(job).equals(curve(whole))


def test_the_card_says_what_training_began_with(script):
    origin = script("pretrain", "write_card").origin
    start = {"weights": None, "mean_with": None}
    about = {"settings": {"start": start}, "weights_sha256": None, "mean_with_sha256": None}
    assert origin(about) == "and on nothing else"
    start["weights"], about["weights_sha256"] = "a/b.bin", "ab12"
    assert "going on from\n`a/b.bin` (sha256 ab12)" in origin(about)
    start["mean_with"], about["mean_with_sha256"] = "c/d.bin", "cd34"
    assert "mean of\n`a/b.bin` (sha256 ab12) and\n`c/d.bin` (sha256 cd34)" in origin(about)


@pytest.mark.parametrize("entry", ["config.json", "vocab.txt", "tokenizer.json"])
def test_the_demo_model_has_the_form_of_the_published_folders(root, entry):
    assert (root / "config/demo_model" / entry).is_file()
