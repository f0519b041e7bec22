"""The workflow on slices of hg19, in the paper's forms of files and models, to the end."""

import hashlib
import json

import numpy as np
import pandas as pd
import pytest

from splicebert.arrays import ArrayReader
from splicebert.formats import read_bed
from splicebert.intervals import FeatureIndex
from splicebert.transcripts import REGION_NAMES

MODELS = {"tiny.510nt": {"label": "Tiny", "colour": "#0072B2", "folder": "models/tiny.510nt"}}
DATASETS = ("derived", "paper_form")
REGION_COLUMNS = ["chrom", "start", "end", "name", "strand"]


def fingerprints(folder):
    """Content of every file of a folder, by name."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture(scope="module")
def real(shared):
    """The folder of real data, which no test may change."""
    folder = shared / "real"
    before = fingerprints(folder)
    yield folder
    assert fingerprints(folder) == before, "something was written among the test data"


@pytest.fixture(scope="module")
def configuration(real):
    """Two data sets that ought to be one: derived from the GTF, and in the paper's own form."""
    genome = {
        "assembly": "hg19",
        "fasta": str(real / "genome.fa.gz"),
        "annotation": str(real / "annotation.gtf.gz"),
        "phastcons": str(real / "phastcons.bw"),
        "phylop": str(real / "phylop.bw"),
    }
    models = {
        name: {"adapter": "splicebert", "can": ["logits", "hidden_states", "attention"]}
        | entry
        | {"folder": str(real / entry["folder"])}
        for name, entry in MODELS.items()
    }
    models["onehot"] = {"adapter": "onehot", "label": "One-hot", "colour": "#999999",
                        "can": ["hidden_states"], "flank": 5}  # fmt: skip
    on_hg19 = {"genome": "hg19", "assembly": "hg19"}
    return {
        "genomes": {"hg19": genome},
        "models": models,
        "inference": {"device": "cpu", "threads": 1},
        "conservation": {
            "protocol": "corrected",
            "datasets": {
                "derived": on_hg19,
                "paper_form": on_hg19
                | {
                    "transcripts": str(real / "canonical.tx.bed.gz"),
                    "regions": str(real / "regions.bed.gz"),
                },
            },
            "shards": 2,
            "bootstrap": {"replicates": 100},
            "mlm": {"models": list(MODELS), "windows": 200},
            "probe": {"models": ["tiny.510nt", "onehot"], "windows": 120, "max_iter": 100},
        },
    }


@pytest.fixture(scope="module")
def corrected(configuration, project, tmp_path_factory, execute, write_config):
    """Working folder of a finished run under the corrected protocol."""
    folder = tmp_path_factory.mktemp("real")
    path = write_config(folder / "corrected.yaml", configuration)
    finished = execute("snakemake", "--cores", "2", "--configfile", path, "--directory", folder,
                       cwd=project)  # fmt: skip
    assert finished.code == 0, finished.output
    print(f"real data, corrected: {finished.seconds:.0f} s")
    return folder


@pytest.fixture(scope="module")
def published(configuration, corrected, project, execute, jobs, write_config):
    """The same folder after a run under the published protocol, and that run's jobs."""
    changed = configuration | {
        "conservation": configuration["conservation"] | {"protocol": "published"}
    }
    before = {path.name: path.read_bytes() for path in tables(corrected).glob("*.tsv")}
    path = write_config(corrected / "published.yaml", changed)
    names = ("mlm_accuracy", "mlm_summary", "probe_metrics", "reproduced")
    targets = (f"results/conservation/tables/{name}.tsv" for name in names)
    finished = execute("snakemake", *targets, "--cores", "2", "--configfile", path, "--directory",
                       corrected, cwd=project)  # fmt: skip
    assert finished.code == 0, finished.output
    return corrected, jobs(finished.output), before


def tables(folder):
    return folder / "results/conservation/tables"


def read_arrays(path):
    """All arrays of a file, with the windows' ids."""
    with ArrayReader(path) as reader:
        names = [name for name in ("bases", "treatment", "seen", "repeat", "regions", "phastcons",
                                   "phylop", "hidden_states", "predicted", "log_prob")
                 if name in reader]  # fmt: skip
        return {name: reader.read(name) for name in names} | {"ids": reader.window_ids}


# Tests of the corrected run come first: the published one goes into the same folder.
@pytest.mark.parametrize("dataset", DATASETS)
def test_every_output_is_there(corrected, dataset):
    figures = corrected / "results/figures/conservation"
    for figure in ("mlm_accuracy", "phastcons_probe"):
        for suffix in ("pdf", "png"):
            assert (figures / f"{dataset}.{figure}.{suffix}").stat().st_size > 5000
        assert list(figures.glob(f"{dataset}.{figure}*.tsv"))
    for model in MODELS:
        folder = corrected / "results/conservation" / dataset / model
        assert (folder / "masked_bases.1-of-2.zarr.zip").exists()
    metrics = pd.read_csv(tables(corrected) / "probe_metrics.tsv", sep="\t")
    own = metrics[metrics["dataset"] == dataset]
    assert set(own["model"]) == {"tiny.510nt", "onehot"}
    assert set(own["split"]) == {"chromosome", "base"}
    assert np.isfinite(own["value"]).all()


@pytest.mark.parametrize(("analysis", "count"), [("mlm", 200), ("probe", 120)])
def test_derived_and_published_forms_give_the_same_windows(corrected, analysis, count):
    derived, paper = (
        pd.read_parquet(corrected / "results/conservation" / d / f"inputs.{analysis}.parquet")
        for d in DATASETS
    )

    assert len(derived) == count
    columns = ["window_id", "chrom", "start", "end", "strand"]
    pd.testing.assert_frame_equal(derived[columns], paper[columns])


@pytest.mark.parametrize(
    "file",
    ["mlm_windows.zarr.zip", "probe_windows.zarr.zip", "tiny.510nt/masked_bases.0-of-2.zarr.zip",
     "tiny.510nt/hidden_states.1-of-2.zarr.zip", "onehot/hidden_states.0-of-2.zarr.zip"],
)  # fmt: skip
def test_derived_and_published_forms_give_the_same_arrays(corrected, file):
    derived, paper = (read_arrays(corrected / "results/conservation" / d / file) for d in DATASETS)

    assert set(derived) == set(paper)
    assert len(derived) > 1
    for name, values in derived.items():
        np.testing.assert_array_equal(values, paper[name], err_msg=name)


def test_windows_hold_regions_and_repeats(corrected):
    arrays = read_arrays(corrected / "results/conservation/derived/mlm_windows.zarr.zip")

    bits = np.bitwise_or.reduce(arrays["regions"], axis=None)
    assert bin(int(bits)).count("1") >= 10
    assert 0.1 < arrays["repeat"].mean() < 0.7
    assert 0.13 < (arrays["treatment"] > 0).mean() < 0.16


def test_derived_regions_are_the_papers(corrected, real):
    derived = pd.read_parquet(corrected / "resources/reference/hg19/regions.parquet")
    paper = read_bed(real / "regions.bed.gz", min_columns=6)
    paper = paper[paper["start"] < paper["end"]]  # the paper's file has pieces of no length

    derived, paper = (
        t[REGION_COLUMNS].sort_values(REGION_COLUMNS).reset_index(drop=True)
        for t in (derived, paper)
    )
    pd.testing.assert_frame_equal(derived, paper, check_dtype=False)


def test_derived_regions_paint_what_the_papers_code_paints(corrected, real):
    regions = pd.read_parquet(corrected / "resources/reference/hg19/regions.parquet")
    intervals = json.loads((real / "published_code/annotation_intervals.json").read_text())
    windows = pd.DataFrame(intervals, columns=["chrom", "start", "end"])
    names = json.loads((real / "regions.names.json").read_text())
    expected = np.load(real / "published_code/annotation.npz")["matrix"]

    painted = FeatureIndex(regions, REGION_NAMES).paint(windows)

    order = [names[name] for name in REGION_NAMES]
    np.testing.assert_array_equal(painted, expected[:, :, order])


def test_both_data_sets_have_the_same_numbers(corrected):
    for name in ("mlm_accuracy", "mlm_summary", "probe_metrics", "phastcons_density"):
        table = pd.read_csv(tables(corrected) / f"{name}.tsv", sep="\t")
        derived, paper = (
            table[table["dataset"] == d].drop(columns="dataset").reset_index(drop=True)
            for d in DATASETS
        )
        pd.testing.assert_frame_equal(derived, paper)


def test_corrected_protocol_draws_the_chromosome_split_and_perplexity(corrected):
    reproduced = pd.read_csv(tables(corrected) / "reproduced.tsv", sep="\t")
    summary = pd.read_csv(tables(corrected) / "mlm_summary.tsv", sep="\t")
    metrics = pd.read_csv(tables(corrected) / "probe_metrics.tsv", sep="\t")

    check_reproduced(reproduced, metrics, "corrected")
    assert "two_to_the_cross_entropy" not in set(summary["metric"])
    values = summary.set_index(["dataset", "model", "metric"])["value"].unstack()
    np.testing.assert_allclose(values["perplexity"], np.exp(values["cross_entropy"]), rtol=1e-4)
    assert list(metrics["split"].unique()) == ["chromosome", "base"]


def check_reproduced(reproduced, metrics, protocol):
    """Beside the probe's published numbers stands its split by base, whatever the protocol."""
    key = ["dataset", "model"]
    probe = reproduced["metric"].isin(["auc", "ap"])
    own = reproduced[reproduced["metric"] == "auc"].set_index(key)["value"]
    expected = metrics[(metrics["metric"] == "auc") & (metrics["split"] == "base")]
    pd.testing.assert_series_equal(own, expected.set_index(key)["value"])
    assert set(reproduced.loc[probe, "protocol"]) == {"published"}
    accuracy = reproduced["metric"] == "balanced_accuracy"
    assert set(reproduced.loc[accuracy, "protocol"]) == {protocol}


def test_published_protocol_adds_its_quirks_without_inference(published):
    folder, done, before = published
    reproduced = pd.read_csv(tables(folder) / "reproduced.tsv", sep="\t")
    summary = pd.read_csv(tables(folder) / "mlm_summary.tsv", sep="\t")
    metrics = pd.read_csv(tables(folder) / "probe_metrics.tsv", sep="\t")

    assert not {"infer_conservation_mlm", "infer_conservation_hidden_states",
                "fit_conservation_probe"} & set(done)  # fmt: skip
    values = summary.set_index(["dataset", "model", "metric"])["value"].unstack()
    np.testing.assert_allclose(
        values["two_to_the_cross_entropy"], 2 ** values["cross_entropy"], rtol=1e-4
    )
    check_reproduced(reproduced, metrics, "published")
    assert "two_to_the_cross_entropy" in set(reproduced["metric"])
    assert list(metrics["split"].unique()) == ["base", "chromosome"]
    assert (tables(folder) / "mlm_accuracy.tsv").read_bytes() == before["mlm_accuracy.tsv"]


def test_gtf_genepred_and_refgene_give_the_same_regions(real, project, tmp_path, run, write_config):
    genome = {"assembly": "hg19", "fasta": str(real / "genome.fa.gz")}
    files = {"gtf": "annotation.gtf.gz", "genepred": "genepred.txt.gz", "refgene": "refGene.txt.gz"}
    genomes = {
        name: genome
        | {
            "annotation": str(real / file),
            "annotation_format": "gtf" if name == "gtf" else "genepred",
        }
        for name, file in files.items()
    }
    path = write_config(tmp_path / "forms.yaml", {"genomes": genomes})
    targets = [f"resources/reference/{name}/regions.parquet" for name in files]

    run(*targets, "--cores", "2", "--configfile", path, "--directory", tmp_path, cwd=project)

    gtf, *others = (pd.read_parquet(tmp_path / target) for target in targets)
    assert set(gtf["name"]) == set(REGION_NAMES)
    for other in others:
        pd.testing.assert_frame_equal(gtf, other)
