"""`splicebert train`, and the same in a process that is killed."""

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pytest

from splicebert.cli import main
from splicebert.tables import read_table, write_table
from splicebert.training.crossvalidate import SUMMARY, summarise
from splicebert.training.metrics import classification
from splicebert.training.tables import CHOSEN_PREDICTIONS, EXAMPLES

FILES = ["metrics.tsv", "predictions.parquet", "model/model.safetensors"]


@pytest.fixture
def examples(tables, tmp_path):
    path = tmp_path / "examples.parquet"
    write_table(tables["token"], path, EXAMPLES)
    return path


@pytest.fixture
def command(folder, examples):
    """Function (output, *options): arguments of the command."""

    def make(output, *others):
        options = ["--task", "token", "--learning-rate", "0.003", "-o", str(output), *others]
        return ["train", "-m", str(folder), str(examples), *options]

    return make


def start(arguments, root):
    environment = os.environ | {"PYTHONPATH": str(root / "src"), "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [sys.executable, "-m", "splicebert", *arguments], env=environment, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip


def test_a_killed_process_goes_on_exactly(command, tmp_path, root):
    options = ["--only", "0", "--epochs", "12", "--patience", "0"]
    popen = start(command(tmp_path / "killed", *options), root)
    state = tmp_path / "killed" / "fold0" / "state"
    while not list(state.glob("*/checkpoints/step-*")):
        assert popen.poll() is None, popen.communicate()[0]
        time.sleep(0.002)
    popen.send_signal(signal.SIGKILL)
    popen.communicate()
    assert not (tmp_path / "killed" / "fold0" / "metrics.tsv").exists()
    assert main(command(tmp_path / "killed", *options)) == 0
    assert main(command(tmp_path / "whole", *options)) == 0
    for name in FILES:
        one, two = (tmp_path / run / "fold0" / name for run in ("killed", "whole"))
        assert one.read_bytes() == two.read_bytes(), name
    assert not state.exists()


def test_all_folds_and_what_they_score(command, tmp_path, tables, capsys):
    arguments = command(tmp_path / "out", "--folds", "5", "--epochs", "2")
    assert main(arguments) == 0
    said = capsys.readouterr().err
    assert "test pooled: 50 of 500 labels are 1" in said
    predictions = read_table(tmp_path / "out" / "predictions.parquet", CHOSEN_PREDICTIONS)
    assert len(predictions) == 500
    assert predictions.groupby("example_id")["fold"].nunique().max() == 1
    folds = tables["token"].set_index("example_id")["fold"]
    assert (folds[predictions["example_id"]].to_numpy() == predictions["fold"]).all()
    scores = read_table(tmp_path / "out" / "scores.tsv", SUMMARY).set_index("fold")
    assert list(scores.index) == ["0", "1", "2", "3", "4", "pooled"]
    found = classification(predictions["label"], predictions["score"])
    assert scores.loc["pooled", "ap"] == pytest.approx(found.ap, rel=1e-5)
    assert scores.loc["pooled", "ap_low"] < found.ap < scores.loc["pooled", "ap_high"]
    # the same command again finds all done; another setting trains anew
    times = [(tmp_path / "out" / "fold3" / name).stat().st_mtime_ns for name in FILES]
    assert main(arguments) == 0
    assert capsys.readouterr().err.count(" is done: ") == 5
    assert times == [(tmp_path / "out" / "fold3" / name).stat().st_mtime_ns for name in FILES]
    assert main([*arguments, "--seed", "3", "--only", "3"]) == 0
    assert " is done: " not in capsys.readouterr().err


def test_options_become_settings(command, tmp_path):
    options = [
        "--only", "1", "--epochs", "1", "--batch", "6", "--accumulation", "3", "--class-weights",
        "1,4", "--schedule", "linear", "--warmup", "2", "--score", "auc", "--dropout", "0",
        "--clip", "1", "--precision", "bfloat16", "--seed", "5", "--initial", "random",
        "--labels", "1", "--threads", "1",
    ]  # fmt: skip
    assert main(command(tmp_path / "out", *options)) == 0
    about = json.loads((tmp_path / "out/fold1/model/training.json").read_text())
    assert about["split"] == {"fold": 1, "folds": 5, "validation": [1], "test": [0]}
    assert (about["num_labels"], about["method"]["initial"]) == (1, "random")
    settings = about["settings"]
    assert settings["batch"] == {"size": 6, "accumulation": 3}
    assert settings["class_weights"] == [1, 4]
    assert settings["schedule"]["kind"] == "linear"
    assert (settings["hidden_dropout"], settings["attention_dropout"]) == (0, 0)
    assert (settings["clip"], settings["precision"], settings["seed"]) == (1, "bfloat16", 5)


@pytest.mark.parametrize(
    ("options", "words"),
    [(["--only", "7"], "fold 7; expected 0 to 4"),
     (["--folds", "2"], "left for training"),
     (["--learning-rate", "0"], "expected more than 0"),
     (["--batch", "8", "--accumulation", "3"], "3 does not divide batch.size 8"),
     (["--freeze", "9"], "the model has 2")],
)  # fmt: skip
def test_what_can_not_be_done_is_said(command, tmp_path, capsys, options, words):
    assert main(command(tmp_path / "out", *options)) == 2
    assert words in capsys.readouterr().err


def test_a_fold_of_one_class_has_no_scores(tables):
    table = tables["sequence"]
    predictions = pd.DataFrame(
        {
            "fold": np.repeat([0, 1], 5), "epoch": 1, "example_id": table["example_id"][:10],
            "offset": 0, "label": [1] * 5 + [0, 1, 0, 1, 0], "logit": 0.0, "logit_negative": 0.0,
            "score": np.linspace(0, 1, 10),
        }
    )  # fmt: skip
    scores = summarise(predictions, table, 0).set_index("fold")
    assert np.isnan(scores.loc["0", "auc"])
    assert scores.loc["1", "auc"] == pytest.approx(0.5)
    assert scores.loc["pooled", "n_positive"] == 7
