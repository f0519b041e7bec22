"""The attention branch on slices of hg19, in the paper's forms of files, to the end."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest

from splicebert.arrays import ArrayReader
from splicebert.attention_tables import (
    ALL_PAIR_SCORES,
    ENRICHMENT,
    EXAMPLE_ARCS,
    HEAD_ENRICHMENT,
    LAYER_PROFILES,
    PAIR_GROUPS,
    PAIR_SCORES,
    PAIRS,
)
from splicebert.pairs import GROUPS
from splicebert.tables import read_table

MODEL = "tiny.1024nt"
SHARDS = 2
DATASETS = ("paper_form", "derived")
FIGURES = ("pair_scores", "layer_profiles", "heads", "example")
INTRONS = "gencode.v41lift37.MANE.intron.for_attention.bedpe.gz"


@pytest.fixture(scope="module")
def configuration(shared):
    """The paper's own rows of the slices, and pairs derived from the GTF."""
    real = shared / "real"
    genome = {"assembly": "hg19", "fasta": str(real / "genome.fa.gz"),
              "annotation": str(real / "annotation.gtf.gz"), "infer_gene_type": True}  # fmt: skip
    model = {"adapter": "splicebert", "label": "Tiny", "colour": "#0072B2",
             "can": ["attention"], "folder": str(real / "models" / MODEL)}  # fmt: skip
    on_hg19 = {"genome": "hg19", "assembly": "hg19"}
    files = {group: str(real / f"hg19.{group}.1000_per_group.bedpe.gz") for group in GROUPS}
    return {
        "genomes": {"hg19": genome},
        "models": {MODEL: model},
        "inference": {"device": "cpu", "threads": 1},
        "attention": {
            "datasets": {
                "paper_form": on_hg19 | {"pairs": files, "introns": str(real / INTRONS)},
                "derived": on_hg19,
            },
            "models": [MODEL],
            "pairs": {"per_bin": 5},
            "introns": {"smallest": 1, "largest": 1000},
            "shards": SHARDS,
            "bootstrap": {"replicates": 50},
        },
    }


@pytest.fixture(scope="module")
def finished(configuration, project, tmp_path_factory, execute, write_config):
    """Working folder of a finished run, and its configuration."""
    folder = tmp_path_factory.mktemp("attention")
    path = write_config(folder / "attention.yaml", configuration)
    done = execute("snakemake", "attention", "--cores", "2", "--configfile", path, "--directory",
                   folder, cwd=project)  # fmt: skip
    assert done.code == 0, done.output
    print(f"attention on real data: {done.seconds:.0f} s")
    return folder, path


def inputs_of(finished, dataset):
    return finished[0] / "results/attention" / dataset


def table(finished, name, schema):
    return read_table(finished[0] / "results/attention/tables" / name, schema)


@pytest.mark.parametrize("dataset", DATASETS)
@pytest.mark.parametrize("figure", FIGURES)
def test_every_figure_is_there_with_its_table(finished, dataset, figure):
    folder, stem = finished[0] / "results/figures/attention", f"{dataset}.{MODEL}.{figure}"
    for suffix in ("pdf", "png"):
        assert (folder / f"{stem}.{suffix}").stat().st_size > 5000
    for path in folder.glob(f"{stem}*.tsv"):
        assert len(pd.read_csv(path, sep="\t")) > 1
    assert list(folder.glob(f"{stem}*.tsv"))


@pytest.mark.parametrize("group", GROUPS)
def test_scores_of_the_workflow_are_those_of_the_papers_code(finished, shared, group):
    published = np.load(shared / "real" / "published_code" / f"attention.{group}.npz")
    pairs = read_table(inputs_of(finished, "paper_form") / "inputs.pairs.parquet", PAIRS)
    pairs = pairs[pairs["group"] == group].head(24)
    names = ["chrom", "start", "end", "strand"]
    assert pairs[names].astype(str).to_numpy().tolist() == published["samples"][:, :4].tolist()
    folder = inputs_of(finished, "paper_form") / MODEL
    scores = pd.concat(
        [read_table(path, PAIR_SCORES) for path in sorted(folder.glob("pair_scores.*.parquet"))]
    )
    scores = scores[scores["layer"] == "mean"].set_index("pair_id")["score"]
    found = scores.loc[pairs["pair_id"]].to_numpy()
    np.testing.assert_allclose(found, published["pair_score"], atol=1e-4, rtol=0)
    np.testing.assert_allclose(found, published["pair_score"], rtol=1e-3)


def test_skipped_pairs_are_counted(finished):
    about = json.loads((inputs_of(finished, "paper_form") / "inputs.json").read_text())
    kept = {"intronic_pair": 66, "exonic_pair": 85, "unpair": 151, "donor_pair": 116,
            "acceptor_pair": 117, "random_pair": 73}  # fmt: skip
    assert about["pairs"] == kept
    lines = 75 + 88 + 154 + 122 + 120 + 73
    assert sum(about["skipped_pairs"].values()) == lines - sum(kept.values())
    assert about["introns"] == 238
    log = finished[0] / "logs/attention/paper_form/prepare_pairs.log"
    assert "window leaves the transcript" in log.read_text()


def test_derived_pairs_are_sampled_by_distance(finished):
    pairs = read_table(inputs_of(finished, "derived") / "inputs.pairs.parquet", PAIRS)
    assert set(pairs["group"]) == set(GROUPS)
    bins = ((pairs["distance"] - 100) // 100).clip(upper=6)
    assert pairs.groupby(["group", bins]).size().max() == 5
    assert ((pairs["start"] >= pairs["tx_start"]) & (pairs["end"] <= pairs["tx_end"])).all()


def test_tables_hold_every_layer_group_and_head(finished):
    scores = table(finished, "pair_scores.tsv.gz", ALL_PAIR_SCORES)
    groups = table(finished, "pair_groups.tsv", PAIR_GROUPS)
    profiles = table(finished, "layer_profiles.tsv", LAYER_PROFILES)
    enriched = table(finished, "enrichment.tsv", ENRICHMENT)
    heads = table(finished, "head_enrichment.tsv", HEAD_ENRICHMENT)
    assert len(groups) == len(DATASETS) * 4 * len(GROUPS)
    assert len(profiles) == len(DATASETS) * 3 * 2 * 201
    assert len(enriched) == len(DATASETS) * 3 * 2
    assert len(heads) == len(DATASETS) * 3 * 4 * 2
    assert np.isfinite(enriched["enrichment"]).all()
    assert np.isfinite(heads["enrichment"]).all()
    own = scores[(scores["dataset"] == "paper_form") & (scores["layer"] == "mean")]
    means = groups[(groups["dataset"] == "paper_form") & (groups["layer"] == "mean")]
    expected = own.groupby("group")["score"].mean()
    found = means.set_index("group")["mean"]
    np.testing.assert_allclose(found, expected.loc[found.index], rtol=1e-4)
    reproduced = pd.read_csv(finished[0] / "results/attention/tables/reproduced.tsv", sep="\t")
    assert len(reproduced) == len(DATASETS) * (len(GROUPS) + 6)


def test_profiles_are_medians_over_all_shards(finished):
    paths = sorted((inputs_of(finished, "paper_form") / MODEL).glob("profiles.*.zarr.zip"))
    assert len(paths) == SHARDS
    values, ids = [], []
    for path in paths:
        with ArrayReader(path) as reader:
            values.append(reader.read("layer_2"))
            ids += list(reader.window_ids)
    introns = read_table(inputs_of(finished, "paper_form") / "inputs.introns.parquet", PAIRS)
    assert ids == introns["pair_id"].tolist()
    median = np.nanmedian(np.concatenate(values), axis=0)
    profiles = table(finished, "layer_profiles.tsv", LAYER_PROFILES)
    own = profiles[(profiles["dataset"] == "paper_form") & (profiles["layer"] == 2)]
    np.testing.assert_allclose(own["median"], median.ravel(), rtol=1e-4)


def test_the_example_lies_where_its_intron_does(finished):
    folder = finished[0] / "results/figures/attention"
    rows = read_table(folder / f"derived.{MODEL}.example.tsv", EXAMPLE_ARCS)
    parts = pd.read_csv(folder / f"derived.{MODEL}.example.parts.tsv", sep="\t")
    window = parts[parts["part"] == "window"].iloc[0]
    assert set(rows["position"]) == set(range(window["start"], window["end"]))
    introns = read_table(inputs_of(finished, "derived") / "inputs.introns.parquet", PAIRS)
    example = parts[parts["part"] == "example"].iloc[0]
    row = introns.set_index("pair_id").loc[example["pair_id"]]
    assert (row["p"], row["q"] + 1) == (example["start"], example["end"])


def test_a_run_killed_in_inference_goes_on_at_its_shard(
    finished, project, check_resumption, tmp_path
):
    """Last of this file: what depends on the shards is older than they are from here on."""
    folder, path = finished
    names = [f"profiles.{number:03d}.zarr.zip" for number in range(SHARDS)]
    shards = [inputs_of(finished, "paper_form") / MODEL / name for name in names]
    before = [shutil.move(file, tmp_path) for file in shards]
    arguments = ("--configfile", path, "--directory", folder)
    rule = "infer_attention_introns"
    check_resumption(shards, *arguments, rule=rule, folder=folder, cwd=project)
    for file, old in zip(shards, before, strict=True):
        with ArrayReader(file) as found, ArrayReader(old) as expected:
            assert list(found.window_ids) == list(expected.window_ids)
            np.testing.assert_array_equal(found.read("layer_1"), expected.read("layer_1"))
