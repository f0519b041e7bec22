"""The branchpoint branch on the paper's own rows, protocol published, to the end."""

import json

import numpy as np
import pandas as pd
import pytest

from splicebert.branchpoint_tables import BRANCHPOINT_PERFORMANCE
from splicebert.tables import read_table
from splicebert.training.tables import CHOSEN_PREDICTIONS, EXAMPLES

MODEL = "tiny.510nt"
FOLDS, MOST = 3, 48


@pytest.fixture(scope="module")
def configuration(shared):
    real = shared / "real"
    model = {"adapter": "splicebert", "label": "Tiny", "colour": "#0072B2", "can": ["logits"],
             "folder": str(real / "models" / MODEL), "published_as": "SpliceBERT"}  # fmt: skip
    return {
        "genomes": {"hg19": {"assembly": "hg19", "fasta": str(real / "genome.fa.gz")}},
        "models": {MODEL: model},
        "inference": {"device": "cpu", "threads": 1},
        "branchpoint": {
            "protocol": "published",
            "datasets": {
                "Mercer": {
                    "genome": "hg19",
                    "assembly": "hg19",
                    "labels": str(real / "mercer_dataset.hg19.bed.gz"),
                    "published": True,
                }
            },
            "windows": {"length": 70, "missing_contigs": "skip"},
            "most": MOST,
            "folds": FOLDS,
            "methods": {"tiny": {"model": MODEL}},
            "training": {"epochs": 2, "batch": {"size": 16}},
            "bootstrap": {"replicates": 20},
        },
    }


@pytest.fixture(scope="module")
def finished(configuration, project, tmp_path_factory, execute, write_config):
    """Working folder of a finished run."""
    folder = tmp_path_factory.mktemp("branchpoint")
    path = write_config(folder / "branchpoint.yaml", configuration)
    done = execute("snakemake", "branchpoint", "results/tables/published_vs_reproduced.tsv",
                   "--cores", "2", "--configfile", path, "--directory", folder,
                   cwd=project)  # fmt: skip
    assert done.code == 0, done.output
    print(f"branchpoints of the paper's rows: {done.seconds:.0f} s")
    return folder


def test_examples_are_the_papers_windows(finished, shared):
    """The middle of the published arrays: same bases and labels, whichever rows were drawn."""
    examples = read_table(finished / "results/branchpoint/Mercer/examples.parquet", EXAMPLES)
    assert len(examples) == MOST
    with np.load(shared / "real/published_code/branchpoint.npz") as arrays:
        ids, labels = arrays["input_ids"][:, 1:-1], arrays["labels"]
    letters = np.array(list("?????NACGT"))
    middle = slice(255 - 35, 255 + 35)
    published = {
        ("".join(letters[row[middle]]), tuple(label[middle].tolist()))
        for row, label in zip(ids, labels, strict=True)
    }
    found = {(e.sequence, tuple(e.labels)) for e in examples.itertuples()}
    assert found <= published


def test_folds_are_whole_chromosomes_and_share_an_epoch(finished):
    folder = finished / "results/branchpoint/Mercer"
    examples = read_table(folder / "examples.parquet", EXAMPLES)
    assert examples.groupby("group")["fold"].nunique().eq(1).all()
    assert set(examples["fold"]) == set(range(FOLDS))
    epochs = json.loads((folder / "tiny/selection.json").read_text())["epochs"]
    assert len(set(epochs.values())) == 1


def test_the_published_score_is_the_sigmoid_of_one_logit(finished):
    path = finished / "results/branchpoint/Mercer/tiny/predictions.parquet"
    table = read_table(path, CHOSEN_PREDICTIONS)
    expected = 1 / (1 + np.exp(-table["logit"].astype(float)))
    assert table["score"].to_numpy() == pytest.approx(expected.to_numpy(), abs=1e-6)
    assert (table["logit_negative"] != 0).any()
    assert table["label"].isin([0, 1]).all()
    assert table["example_id"].nunique() == MOST


def test_tables_and_figures_are_there(finished):
    tables = finished / "results/branchpoint/tables"
    performance = read_table(tables / "performance.tsv", BRANCHPOINT_PERFORMANCE)
    assert set(performance["method"]) == {"tiny", "pwm"}
    assert (performance["n_introns"] == MOST).all()
    for figure in ("precision_recall", "scores", "positions", "logos"):
        for suffix in ("pdf", "png"):
            path = finished / f"results/figures/branchpoint/{figure}.{suffix}"
            assert path.stat().st_size > 5000
    reproduced = pd.read_csv(tables / "reproduced.tsv", sep="\t")
    assert set(reproduced["protocol"]) == {"published"}
