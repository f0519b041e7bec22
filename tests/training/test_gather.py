"""The scripts of the workflow: a fold, and all folds put together."""

import json
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from splicebert.tables import read_table, write_table
from splicebert.training.gather import gather
from splicebert.training.tables import CHOSEN_PREDICTIONS, EXAMPLES, METRICS, PREDICTIONS


def write_fold(folder, fold, scores):
    """Metrics and predictions of a fold: logit = 10 * fold + epoch, logit_negative = 1."""
    epochs = range(1, len(scores) + 1)
    metrics = [(e, "validation", "ap", v) for e, v in zip(epochs, scores, strict=True)]
    metrics += [(e, "test", "ap", 1 - v) for e, v in zip(epochs, scores, strict=True)]
    metrics += [(e, "validation", "auc", 0.5) for e in epochs]
    write_table(pd.DataFrame(metrics, columns=METRICS.names), folder / f"{fold}.tsv", METRICS)
    rows = [
        (epoch, f"e{fold}", offset, offset, 10 * fold + epoch, 1.0)
        for epoch in epochs
        for offset in (0, 1)
    ]
    table = pd.DataFrame(rows, columns=PREDICTIONS.names)
    write_table(table, folder / f"{fold}.parquet", PREDICTIONS)
    return folder / f"{fold}.tsv", folder / f"{fold}.parquet"


@pytest.fixture
def gathered(tmp_path):
    """Function (protocol, score): predictions and selection of two folds."""
    files = [write_fold(tmp_path, 0, [0.4, 0.9, 0.2]), write_fold(tmp_path, 1, [0.8, 0.2, 0.7])]
    metrics, predictions = zip(*files, strict=True)

    def run(protocol, score="ap", folds=None):
        out = tmp_path / "predictions.parquet", tmp_path / "selection.json"
        options = {"score": score, "patience": 10, "protocol": protocol, "folds": folds}
        gather(metrics, predictions, *out, **options)
        return read_table(out[0], CHOSEN_PREDICTIONS), json.loads(out[1].read_text())

    return run


def test_each_fold_at_its_own_best(gathered):
    table, about = gathered("corrected")
    assert about["epochs"] == {"0": 2, "1": 1}
    assert about["scores"] == {"0": 0.9, "1": 0.8}
    assert about["mean"] == pytest.approx(0.85)
    assert table["fold"].tolist() == [0, 0, 1, 1]
    assert table["epoch"].tolist() == [2, 2, 1, 1]
    assert table["logit"].tolist() == [2, 2, 11, 11]
    np.testing.assert_allclose(table["score"], 1 / (1 + np.exp(-(table["logit"] - 1))), rtol=1e-6)


def test_one_epoch_for_all(gathered):
    # means 0.6, 0.55, 0.45
    table, about = gathered("published")
    assert about["epochs"] == {"0": 1, "1": 1}
    assert table["logit"].tolist() == [1, 1, 11, 11]
    np.testing.assert_allclose(table["score"], 1 / (1 + np.exp(-table["logit"])), rtol=1e-6)


def test_the_score_decides(gathered):
    assert gathered("corrected", "auc")[1]["epochs"] == {"0": 1, "1": 1}


def test_some_folds_keep_their_numbers(gathered):
    table, about = gathered("corrected", folds=[3, 1])
    assert about["epochs"] == {"1": 1, "3": 2}
    assert table["fold"].tolist() == [3, 3, 1, 1]


@pytest.fixture
def snakemake(tmp_path, tables, folder):
    """Function (fold): what Snakemake hands to train_fold.py."""
    write_table(tables["token"], tmp_path / "examples.parquet", EXAMPLES)

    def make(fold):
        place = tmp_path / f"fold{fold}"
        place.mkdir()
        split = {"fold": fold, "folds": 5, "validation": [1], "test": [0]}
        settings = {"epochs": 2, "optimiser": {"learning_rate": 0.003}}
        return SimpleNamespace(
            input=SimpleNamespace(examples=tmp_path / "examples.parquet"),
            output=SimpleNamespace(
                metrics=str(place / "metrics.tsv"),
                predictions=str(place / "predictions.parquet"),
                weights=str(place / "model" / "model.safetensors"),
            ),
            params=SimpleNamespace(
                split=split, task="token", num_labels=2, settings=settings,
                model={"adapter": "splicebert", "folder": str(folder)},
                method={"model": "tiny", "freeze": 1},
            ),
            config={"inference": {"device": "auto", "batch_nt": None, "attention": "auto"}},
            resources={}, threads=1, rule="train_fold", log=[str(place / "log")],
        )  # fmt: skip

    return make


def test_the_scripts(script, snakemake, tmp_path):
    import torch

    threads = torch.get_num_threads()
    try:
        for fold in (0, 2):
            script("training", "train_fold").main(snakemake(fold))
    finally:
        torch.set_num_threads(threads)
    about = json.loads((tmp_path / "fold2" / "model" / "training.json").read_text())
    assert about["method"] == {"initial": "pretrained", "freeze": 1}
    assert about["split"] == {"fold": 2, "folds": 5, "validation": [1], "test": [0]}
    assert "epoch 2: training loss" in (tmp_path / "fold2" / "log").read_text()
    folds = [tmp_path / f"fold{fold}" for fold in (0, 2)]
    job = SimpleNamespace(
        input=SimpleNamespace(
            metrics=[fold / "metrics.tsv" for fold in folds],
            predictions=[fold / "predictions.parquet" for fold in folds],
        ),
        output=SimpleNamespace(
            predictions=tmp_path / "predictions.parquet", selection=tmp_path / "selection.json"
        ),
        params=SimpleNamespace(
            settings={"score": "ap", "patience": 10}, protocol="corrected", folds=[0, 2]
        ),
        rule="gather", log=[str(tmp_path / "log")],
    )  # fmt: skip
    script("training", "gather_folds").main(job)
    table = read_table(tmp_path / "predictions.parquet", CHOSEN_PREDICTIONS)
    assert table.groupby("fold").size().tolist() == [100, 100]
    assert set(table["example_id"].str[1:].astype(int) % 5) == {0, 2}
    chosen = json.loads((tmp_path / "selection.json").read_text())
    assert chosen["epochs"]["2"] == about["best_epoch"]
