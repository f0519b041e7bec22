"""Paper mode from nothing to figures: config/paper.yaml itself on downloads in small."""

import hashlib
import json
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest
import yaml

from paper_mirror import MODELS, serve, write_mirror
from splicebert.arrays import ArrayReader
from splicebert.branchpoint_tables import BRANCHPOINT_PERFORMANCE
from splicebert.embedding_tables import EMBEDDING_SITES
from splicebert.splicesite_tables import SITE_SCORES, SITE_SUMMARY
from splicebert.tables import read_table
from splicebert.training.tables import CHOSEN_PREDICTIONS, EXAMPLES

LONGEST = 2400  # on a machine that does much else
pytestmark = [pytest.mark.xdist_group("workflow-rehearsal"), pytest.mark.timeout(LONGEST)]

# What config/paper.yaml is too large for here; everything else is config/paper.yaml.
SMALLER = {
    "inference": {"device": "cpu", "threads": 1},
    "conservation": {
        "shards": 1,
        "bootstrap": {"replicates": 50},
        "mlm": {"windows": 100},
        "probe": {"windows": 90, "max_iter": 10},
    },
    "embedding": {
        "datasets": {"ss-motif": {"layers": {"SpliceBERT.510nt": 2}}},  # of 3
        "shards": 1,
        "flanks": [10, 100],
        "clusters": {"epochs": 20},
        "bootstrap": {"replicates": 50},
    },
    "attention": {"introns": {"most": 60}, "shards": 1, "bootstrap": {"replicates": 50}},
    "variant": {
        "mpra": {"most": 80},
        "mutagenesis": {"most": 40},
        "shards": 1,
        "bootstrap": {"replicates": 50},
    },
    "branchpoint": {
        "most": 45,
        "folds": 3,
        "methods": {
            **dict.fromkeys(("SpliceBERT-human", "scratch", *(f"frozen{n}" for n in range(1, 6)))),
            "frozen6": {"freeze": 3},  # of 3
        },
        "training": {"epochs": 1},
        "bootstrap": {"replicates": 50},
    },
    "splicesite": {
        "datasets": {
            "GS_1": {
                "per_class": 40,
                "benchmarks": {
                    "Danio": None,
                    "Fly": None,
                    "Worm": {"per_class": 20},
                    "Thaliana": {"per_class": 20},
                },
            }
        },
        "folds": {"run": 1},
        "methods": {"SpliceBERT-human": None},
        "training": {"epochs": 1},
        "bootstrap": {"replicates": 50},
    },
}

ADDRESSES = ("url", "record", "checksums")
FIGURES = {
    "conservation": [f"gencode.v41lift37.{name}" for name in ("mlm_accuracy", "phastcons_probe")],
    "embedding": [
        "umap",
        *(f"{dataset}.{name}" for dataset in ("ss-motif", "SSE-K562") for name in (
            "scores", "baselines", "baselines.layers", "SpliceBERT.510nt.layers",
            "SpliceBERT-human.510nt.layers")),
    ],
    "attention": [f"gencode.v41lift37.SpliceBERT.1024nt.{name}" for name in (
        "pair_scores", "layer_profiles", "heads", "example")],
    "variant": ["context_profiles", "rank_scores", "precision_recall", "site_scores"],
    "branchpoint": ["logos", "positions", "precision_recall", "scores"],
    "splicesite": ["GS_1.precision_recall", "GS_1.scores"],
}  # fmt: skip


def local_sources(root, address):
    """The table of sources with this machine in place of each host, without sizes."""
    table = yaml.safe_load((root / "config/sources.yaml").read_text())
    for source in table.values():
        for key in ADDRESSES:
            if source.get(key):
                source[key] = source[key].replace("https://", f"{address}/")
        source |= {"mirrors": [], "checksum": None, "size": None}
    return table


def local_models(root, models):
    """The table of models, with the checksums of the small checkpoints."""
    table = yaml.safe_load((root / "config/models.yaml").read_text())
    for name, small in MODELS.items():
        table[name]["sha256"] = {
            file: hashlib.sha256((models / small / file).read_bytes()).hexdigest()
            for file in table[name]["sha256"]
        }
    return table


class Rehearsal(NamedTuple):
    """Working folder of the finished run, what the server was asked for, and the command."""

    folder: Path
    asked: list[str]
    command: list


@pytest.fixture(scope="module")
def rehearsal(shared, project, tmp_path_factory, execute, write_config):
    folder = tmp_path_factory.mktemp("paper")
    write_mirror(shared / "real", folder / "mirror")
    models = local_models(project, shared / "real/models")
    with serve(folder / "mirror") as (address, asked):
        sources = local_sources(project, address)
        tables = {
            "sources_table": str(write_config(folder / "sources.yaml", sources)),
            "models_table": str(write_config(folder / "models.yaml", models)),
        }
        command = [
            *("--cores", "2", "--directory", folder / "run"),
            *("--configfile", project / "config/paper.yaml"),
            project / "config/published_protocol.yaml",
            write_config(folder / "rehearsal.yaml", tables | SMALLER),
        ]
        done = execute("snakemake", *command, cwd=project, timeout=LONGEST)
        assert done.code == 0, done.output
        print(f"rehearsal of paper mode: {done.seconds:.0f} s")
        yield Rehearsal(folder / "run", asked, command)


def table(folder, path):
    return pd.read_csv(folder / "results" / path, sep="\t")


def test_each_source_is_downloaded_and_then_never_again(rehearsal, project, planned):
    hosts = yaml.safe_load((project / "config/sources.yaml").read_text()).values()
    wanted = {
        source[key].removeprefix("https://").partition("?")[0]
        for source in hosts
        for key in ADDRESSES
        if source.get(key) and not source.get("optional")
    }
    assert set(rehearsal.asked) == wanted
    before = len(rehearsal.asked)
    assert planned(*rehearsal.command, cwd=project) == {}
    assert len(rehearsal.asked) == before


def test_every_figure_is_there(rehearsal):
    figures = rehearsal.folder / "results/figures"
    for suffix in (".pdf", ".png"):
        found = [path for path in figures.rglob("*") if path.suffix == suffix]
        names = {str(path.relative_to(figures)).removesuffix(suffix) for path in found}
        assert names == {f"{branch}/{name}" for branch in FIGURES for name in FIGURES[branch]}
        assert min(path.stat().st_size for path in found) > 5000


def test_all_published_numbers_of_the_six_branches_stand_beside_this_runs(rehearsal):
    """All but those of models that are not run, and of the layers that the small models lack."""
    compared = table(rehearsal.folder, "tables/published_vs_reproduced.tsv")
    missing = compared[compared["model"].isna()]
    lacking = missing["dataset"].str.contains("layer [456]$") & (missing["method"] == "SpliceBERT")
    other = missing["branch"].isin(["spliceai-gtex", "deepstarr"])
    not_run = missing["method"].str.startswith("DNABERT")
    assert missing[~(lacking | other | not_run)].empty
    assert (len(missing), lacking.sum(), other.sum(), not_run.sum()) == (54, 12, 20, 22)
    found = compared[compared["model"].notna()]
    assert set(found["branch"]) == {"conservation", "embedding", "attention", "variant"}
    empty = found[found["reproduced"].isna()]  # regions without a base in so small a sample
    assert len(empty) <= 0.1 * len(found)
    assert empty["metric"].str.startswith("balanced_accuracy").all()
    assert set(found["protocol"]) == {"published"}


def test_sites_whose_file_names_no_gene_have_that_of_the_annotation(rehearsal, shared):
    path = rehearsal.folder / "results/embedding/ss-motif/inputs.parquet"
    sites = read_table(path, EMBEDDING_SITES)
    columns = {1: "chrom", 2: "strand", 3: "start", 4: "end", 11: "gene"}
    genes = pd.read_csv(shared / "real/genepred.txt.gz", sep="\t", header=None)
    genes = genes[list(columns)].rename(columns=columns)
    named = sites["gene"].notna()
    assert named[sites["positive"]].mean() > 0.5
    for row in sites[named].itertuples():
        held = genes[(genes["chrom"] == row.chrom) & (genes["strand"] == row.strand)
                     & (genes["start"] <= row.start) & (genes["end"] >= row.end)]  # fmt: skip
        assert row.gene in set(held["gene"])


@pytest.mark.parametrize("model", ["SpliceBERT.510nt", "SpliceBERT-human.510nt"])
def test_hidden_states_are_those_of_the_papers_code(rehearsal, shared, model):
    path = rehearsal.folder / f"results/embedding/ss-motif/{model}/hidden_states.0-of-1.zarr.zip"
    published = np.load(shared / f"real/published_code/embedding.{MODELS[model]}.npz")
    with ArrayReader(path) as reader:
        for layer in range(4):
            found = reader.read(f"layer{layer}")
            expected = published["hidden_states"][:, layer].reshape(found.shape)
            np.testing.assert_allclose(found, expected, atol=2e-3, rtol=1e-3)  # kept as float16


@pytest.mark.parametrize("model", ["SpliceBERT.510nt", "SpliceBERT-human.510nt"])
@pytest.mark.parametrize("dataset", ["VexSeq", "MFASS"])
def test_variant_scores_are_those_of_the_papers_code(rehearsal, shared, dataset, model):
    scores = table(rehearsal.folder, "variant/tables/snv_scores.tsv.gz")
    scores = scores[(scores["dataset"] == dataset) & (scores["model"] == model)]
    row = scores["variant_id"].str.partition(":")[0].astype(int) - 3  # behind two lines of head
    scores, row = scores[row < 150], row[row < 150].to_numpy()  # the real ones lie behind
    name = f"variant.{dataset.lower()}.{MODELS[model]}.npz"
    published = np.load(shared / "real/published_code" / name)
    assert len(scores) > 40
    for column, array, within in (
        ("delta_p", "prob_change_scores", 2e-6),
        ("donor_kl", "donor_kl", 1e-6),
        ("acceptor_kl", "acceptor_kl", 1e-6),
        ("phastcons", "phastcons_scores", 1e-6),
        ("phylop", "phylop_scores", 1e-5),
    ):
        np.testing.assert_allclose(scores[column], published[array][row], atol=within, rtol=1e-5)


def test_pair_scores_are_those_of_the_papers_code(rehearsal, shared):
    scores = table(rehearsal.folder, "attention/tables/pair_scores.tsv.gz")
    scores = scores[scores["layer"] == "mean"]
    compared = 0
    for group, own in scores.groupby("group"):
        published = np.load(shared / f"real/published_code/attention.{group}.npz")
        expected = published["pair_score"][: len(own)]
        np.testing.assert_allclose(own["score"][: len(expected)], expected, atol=2e-7, rtol=1e-4)
        compared += len(expected)
    assert compared > 100


def test_branchpoint_examples_are_the_papers_windows(rehearsal, shared):
    """Same bases and labels as in the published arrays, whichever rows were drawn."""
    path = rehearsal.folder / "results/branchpoint/Mercer/examples.parquet"
    examples = read_table(path, EXAMPLES)
    with np.load(shared / "real/published_code/branchpoint.npz") as arrays:
        ids, labels = arrays["input_ids"][:, 1:-1], arrays["labels"]
    letters = np.array(list("?????NACGT"))
    published = {
        ("".join(letters[row]), tuple(label.tolist()))
        for row, label in zip(ids, labels, strict=True)
    }
    found = {(e.sequence, tuple(e.labels)) for e in examples.itertuples()}
    assert len(found) == 45
    assert found <= published
    assert examples.groupby("group")["fold"].nunique().eq(1).all()  # whole chromosomes
    assert set(examples["fold"]) == {0, 1, 2}


def test_branchpoints_under_the_published_rules(rehearsal):
    """One epoch for all folds, and the score is the sigmoid of one logit."""
    folder = rehearsal.folder / "results/branchpoint"
    about = json.loads((folder / "Mercer/SpliceBERT/selection.json").read_text())
    assert (about["protocol"], len(about["epochs"])) == ("published", 3)
    assert len(set(about["epochs"].values())) == 1
    found = read_table(folder / "Mercer/SpliceBERT/predictions.parquet", CHOSEN_PREDICTIONS)
    expected = 1 / (1 + np.exp(-found["logit"].astype(float)))
    assert found["score"].to_numpy() == pytest.approx(expected.to_numpy(), abs=1e-6)
    assert (found["logit_negative"] != 0).any()
    assert found["example_id"].nunique() == 45
    performance = read_table(folder / "tables/performance.tsv", BRANCHPOINT_PERFORMANCE)
    assert set(performance["method"]) == {"SpliceBERT", "frozen6", "pwm"}


def test_splice_sites_are_the_middle_of_the_files(rehearsal):
    folder = rehearsal.folder / "results/splicesite/GS_1.donor"
    examples = read_table(folder / "examples.parquet", EXAMPLES)
    assert set(examples["sequence"].str.len()) == {400}
    assert set(examples["sequence"].str[199:201]) == {"GT"}
    assert examples["fold"].value_counts().eq(2 * 40 / 10).all()
    about = json.loads((folder / "examples.json").read_text())
    assert (about["positive"], about["negative"]) == (40, 40)


def test_each_splice_site_method_scores_the_same_sequences(rehearsal):
    folder = rehearsal.folder / "results/splicesite"
    chosen = read_table(folder / "GS_1.donor/SpliceBERT/predictions.parquet", CHOSEN_PREDICTIONS)
    matrix = read_table(folder / "GS_1.donor/pwm/scores.parquet", SITE_SCORES)
    own = matrix[matrix["set"] == "test"]
    assert set(chosen["example_id"]) == set(own["example_id"])
    for species in ("Worm", "Thaliana"):
        path = folder / f"GS_1.donor/SpliceBERT/benchmark.{species}.parquet"
        assert len(read_table(path, SITE_SCORES)) == 40 == (matrix["set"] == species).sum()
    summary = read_table(folder / "tables/summary.tsv", SITE_SUMMARY)
    assert len(summary) == 2 * 3 * 3 * 3  # sites, sets, methods, metrics


def test_the_scores_of_a_benchmark_are_those_of_the_folds_model(rehearsal):
    from transformers import AutoModelForSequenceClassification

    from splicebert.sequence import token_batch

    torch = pytest.importorskip("torch")
    folder = rehearsal.folder / "results/splicesite/GS_1.donor"
    examples = read_table(folder / "benchmark.Thaliana.parquet", EXAMPLES)[:8]
    found = read_table(folder / "SpliceBERT/benchmark.Thaliana.parquet", SITE_SCORES)
    found = found.set_index("example_id").loc[examples["example_id"], "logit"]
    own = AutoModelForSequenceClassification.from_pretrained(folder / "SpliceBERT/fold0/model")
    ids, _ = token_batch(examples["sequence"].tolist())
    with torch.inference_mode():
        expected = own.eval()(torch.from_numpy(ids)).logits[:, 0].numpy()
    assert found.to_numpy() == pytest.approx(expected, abs=1e-4)
