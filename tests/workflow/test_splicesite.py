"""The splice-site branch on real files in Spliceator's form, to the end."""

import json

import pandas as pd
import pytest

from splicebert.splicesite_tables import FOLD_METRICS, SITE_SCORES, SITE_SUMMARY
from splicebert.tables import read_table
from splicebert.training.tables import CHOSEN_PREDICTIONS, EXAMPLES

pytestmark = pytest.mark.xdist_group("workflow-splicesite")

MODEL = "tiny.510nt"
FOLDS, PER_CLASS = 2, 20


def pair(positive, negative):
    return {"positive": str(positive), "negative": str(negative)}


@pytest.fixture(scope="module")
def configuration(shared):
    """Human donors to train on, Arabidopsis donors, protocol published, a random small model."""
    folder = shared / "real/splice_site"
    stem = folder / "Benchmarks/Thaliana/SA_sequences_donor_400_Final_3"
    model = {"adapter": "splicebert", "label": "Tiny", "colour": "#0072B2", "can": ["logits"],
             "folder": str(shared / "real/models" / MODEL)}  # fmt: skip
    return {
        "genomes": {"none": {"assembly": "none", "fasta": "resources/none.fa"}},
        "models": {MODEL: model},
        "inference": {"device": "cpu", "threads": 1},
        "splicesite": {
            "protocol": "published",
            "datasets": {
                "human": {
                    "files": {"donor": pair(folder / "POS_donor_600.csv",
                                            folder / "NEG_600_donor.csv")},
                    "sites": ["donor"],
                    "per_class": PER_CLASS,
                    "benchmarks": {
                        "Thaliana": {
                            "files": {"donor": pair(f"{stem}.positive.txt",
                                                    f"{stem}.negative.txt")},
                            "per_class": 30,
                        }
                    },
                }
            },
            "methods": {"tiny": {"model": MODEL}},
            "folds": {"run": FOLDS},
            "windows": {"length": 100},
            "training": {"epochs": 2, "score": "auc", "batch": {"size": 16}},
            "pwm": {"flanks": [10, 40]},
            "bootstrap": {"replicates": 20},
        },
    }  # fmt: skip


@pytest.fixture(scope="module")
def finished(configuration, project, tmp_path_factory, execute, write_config):
    """Working folder of a finished run."""
    folder = tmp_path_factory.mktemp("splicesite")
    path = write_config(folder / "splicesite.yaml", configuration)
    done = execute("snakemake", "splicesite", "--cores", "2", "--configfile", path, "--directory",
                   folder, cwd=project)  # fmt: skip
    assert done.code == 0, done.output
    print(f"splice sites of real files: {done.seconds:.0f} s")
    return folder


def test_examples_are_the_middle_of_the_files(finished):
    table = read_table(finished / "results/splicesite/human.donor/examples.parquet", EXAMPLES)
    assert set(table["sequence"].str.len()) == {100}
    assert set(table["sequence"].str[49:51]) == {"GT"}
    assert table["fold"].value_counts().eq(2 * PER_CLASS / 10).all()
    about = json.loads((finished / "results/splicesite/human.donor/examples.json").read_text())
    assert (about["positive"], about["negative"]) == (PER_CLASS, PER_CLASS)


def test_each_method_scores_the_same_sequences(finished):
    folder = finished / "results/splicesite/human.donor"
    chosen = read_table(folder / "tiny/predictions.parquet", CHOSEN_PREDICTIONS)
    matrix = read_table(folder / "pwm/scores.parquet", SITE_SCORES)
    own = matrix[matrix["set"] == "test"]
    keys = ["fold", "example_id"]
    assert set(map(tuple, chosen[keys].to_numpy())) == set(map(tuple, own[keys].to_numpy()))
    other = read_table(folder / "tiny/benchmark.Thaliana.parquet", SITE_SCORES)
    assert len(other) == FOLDS * 60 == (matrix["set"] == "Thaliana").sum()
    epochs = json.loads((folder / "tiny/selection.json").read_text())["epochs"]
    assert len(set(epochs.values())) == 1  # protocol published: one for all folds


def test_the_scores_of_a_benchmark_are_those_of_the_folds_model(finished):
    from transformers import AutoModelForSequenceClassification

    from splicebert.sequence import token_batch

    torch = pytest.importorskip("torch")
    folder = finished / "results/splicesite/human.donor"
    table = read_table(folder / "benchmark.Thaliana.parquet", EXAMPLES)[:8]
    found = read_table(folder / "tiny/benchmark.Thaliana.parquet", SITE_SCORES)
    found = found[found["fold"] == 1].set_index("example_id").loc[table["example_id"], "logit"]
    model = AutoModelForSequenceClassification.from_pretrained(folder / "tiny/fold1/model").eval()
    ids, _ = token_batch(table["sequence"].tolist())
    with torch.inference_mode():
        expected = model(torch.from_numpy(ids)).logits[:, 0].numpy()
    assert found.to_numpy() == pytest.approx(expected, abs=1e-4)


def test_tables_and_figures_are_there(finished):
    tables = finished / "results/splicesite/tables"
    folds = read_table(tables / "metrics.tsv", FOLD_METRICS)
    assert len(folds) == FOLDS * 2 * 2  # folds, sets, methods
    own = folds[folds["set"] == "test"]
    assert (own[["n_positive", "n_negative"]] == 2 * PER_CLASS / 10).all(axis=None)
    summary = read_table(tables / "summary.tsv", SITE_SUMMARY)
    assert len(summary) == 2 * 2 * 3
    named = pd.read_csv(tables / "reproduced.tsv", sep="\t")
    assert set(named["quantity"]) == {"test, donor", "Thaliana, donor"}
    assert set(named["protocol"]) == {"published"}
    for figure in ("scores", "precision_recall"):
        for suffix in ("pdf", "png"):
            path = finished / f"results/figures/splicesite/human.{figure}.{suffix}"
            assert path.stat().st_size > 5000
