"""The variant branch on slices of hg19, in the paper's forms of files, to the end."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest

from splicebert.arrays import ArrayReader
from splicebert.tables import read_table
from splicebert.variant_tables import (
    ALL_SNV_SCORES,
    GROUP_COUNTS,
    PERFORMANCE,
    PROFILES,
    SITE_SCORES,
    SITES,
    SNVS,
)

MODEL = "tiny.510nt"
SHARDS = 2
SITES_DRAWN = 10


@pytest.fixture(scope="module")
def configuration(shared):
    """VexSeq's form with invented PSI, real variants of MFASS, and a few mutated sites."""
    real = shared / "real"
    tracks = {name: str(real / f"{name}.bw") for name in ("phastcons", "phylop")}
    genome = {"assembly": "hg19", "fasta": str(real / "genome.fa.gz")} | tracks
    model = {"adapter": "splicebert", "label": "Tiny", "colour": "#0072B2", "can": ["logits"],
             "folder": str(real / "models" / MODEL), "published_as": "SpliceBERT"}  # fmt: skip
    on_hg19 = {"genome": "hg19", "assembly": "hg19"}
    return {
        "genomes": {"hg19": genome},
        "models": {MODEL: model},
        "inference": {"device": "cpu", "threads": 1},
        "variant": {
            "protocol": "published",
            "datasets": {
                "vexseq": on_hg19 | {
                    "kind": "VexSeq", "variants": str(real / "synthetic_snv.VexSeq.vcf.gz"),
                    "published": True,
                },
                "mfass": on_hg19 | {
                    "kind": "MFASS", "variants": str(real / "MFASS_mmsplice.hg19.vcf.gz"),
                },
                "mutated": on_hg19 | {
                    "kind": "mutagenesis", "transcripts": str(real / "random.tx.bed.gz"),
                    "annotation": str(real / "genepred.txt.gz"),
                },
            },
            "models": [MODEL],
            "mutagenesis": {"transcripts": 20, "most": SITES_DRAWN},
            "shards": SHARDS,
            "bootstrap": {"replicates": 50},
        },
    }  # fmt: skip


@pytest.fixture(scope="module")
def finished(configuration, project, tmp_path_factory, execute, write_config):
    """Working folder of a finished run, and its configuration."""
    folder = tmp_path_factory.mktemp("variant")
    path = write_config(folder / "variant.yaml", configuration)
    done = execute("snakemake", "variant", "results/tables/published_vs_reproduced.tsv", "--cores",
                   "2", "--configfile", path, "--directory", folder, cwd=project)  # fmt: skip
    assert done.code == 0, done.output
    print(f"variants on real data: {done.seconds:.0f} s")
    return folder, path


def results_of(finished, dataset):
    return finished[0] / "results/variant" / dataset


def table(finished, name, schema):
    return read_table(finished[0] / "results/variant/tables" / name, schema)


@pytest.mark.parametrize(
    "figure", ["context_profiles", "rank_scores", "precision_recall", "site_scores"]
)
def test_every_figure_is_there_with_its_table(finished, figure):
    folder = finished[0] / "results/figures/variant"
    for suffix in ("pdf", "png"):
        assert (folder / f"{figure}.{suffix}").stat().st_size > 5000
    tables = list(folder.glob(f"{figure}*.tsv"))
    assert tables
    for path in tables:
        assert len(pd.read_csv(path, sep="\t")) > 1


def test_scores_of_the_workflow_are_those_of_the_papers_code(finished, shared):
    published = np.load(shared / "real/published_code/variant.vexseq.tiny.510nt.npz")
    scores = table(finished, "snv_scores.tsv.gz", ALL_SNV_SCORES)
    scores = scores[scores["dataset"] == "vexseq"]
    for name, array in (("delta_p", "prob_change_scores"), ("donor_kl", "donor_kl"),
                        ("acceptor_kl", "acceptor_kl"), ("delta_psi", "delta_psi"),
                        ("ref_psi", "ref_psi"), ("is_exonic", "is_exonic"),
                        ("distance", "distance"), ("phastcons", "phastcons_scores"),
                        ("phylop", "phylop_scores")):  # fmt: skip
        found = scores[name].to_numpy(float)
        np.testing.assert_allclose(found, published[array], rtol=1e-4, atol=1e-6)
    snvs = read_table(results_of(finished, "vexseq") / "inputs.snvs.parquet", SNVS)
    profiles = []
    for shard in range(SHARDS):
        path = results_of(finished, "vexseq") / MODEL / f"profiles.{shard}-of-{SHARDS}.zarr.zip"
        with ArrayReader(path) as reader:
            profiles.append(pd.DataFrame(reader.read("kl"), index=reader.window_ids))
    found = pd.concat(profiles).loc[snvs["variant_id"]].to_numpy()
    np.testing.assert_allclose(found, published["kl_distance"], rtol=1e-4, atol=5e-7)


def test_real_variants_of_mfass_are_scored_to_the_end(finished):
    scores = table(finished, "snv_scores.tsv.gz", ALL_SNV_SCORES)
    scores = scores[scores["dataset"] == "mfass"]
    assert len(scores) == 60
    numbers = scores[["delta_p", "donor_kl", "acceptor_kl", "context_score"]]
    np.testing.assert_array_equal(numbers.isna().any(axis=1), scores["reason"].notna())
    counts = table(finished, "counts.tsv", GROUP_COUNTS).set_index(["dataset", "subset", "group"])
    whole = counts.sort_index().loc[("mfass", "all")]["n"]
    assert whole.get("disrupting", 0) == (scores["delta_psi"] < -0.5).sum()
    assert whole.sum() == 60


def test_performance_is_there_for_every_score(finished):
    found = table(finished, "performance.tsv", PERFORMANCE)
    assert len(found) == 2 * 2 * 6
    own = found[(found["dataset"] == "vexseq") & (found["subset"] == "all")]
    assert own["ap"].between(own["ap_low"], own["ap_high"]).all()
    assert (own[["n_disrupting", "n_other", "n_missing"]].sum(axis=1) == 150).all()


def test_sites_are_mutated_and_counted(finished):
    folder = results_of(finished, "mutated")
    sites = read_table(folder / "inputs.sites.parquet", SITES)
    assert len(sites) == SITES_DRAWN
    assert json.loads((folder / "inputs.sites.json").read_text())["transcripts"] == 20
    parts = [
        read_table(folder / MODEL / f"mutagenesis.scores.{s}-of-{SHARDS}.parquet", SITE_SCORES)
        for s in range(SHARDS)
    ]
    scores = pd.concat(parts)
    assert set(scores["site_id"]) == set(sites["site_id"])
    assert (scores["n_known"] == 254).all()
    profiles = table(finished, "context_profiles.tsv", PROFILES)
    own = profiles[profiles["dataset"] == "mutated"]
    assert own["distance"].max() == 254
    assert own.groupby("distance")["n"].sum().eq(SITES_DRAWN).all()


def test_each_distinct_sequence_runs_once(finished):
    logs = sorted((finished[0] / "logs/variant/vexseq" / MODEL).glob("infer_snvs.*.log"))
    text = "".join(path.read_text() for path in logs)
    runs = [int(line.split(" variants: ")[1].split(" runs")[0])
            for line in text.splitlines() if " variants: " in line]  # fmt: skip
    assert len(runs) == SHARDS
    assert sum(runs) == 75 + 150 + 150  # references, alternatives, masked; not 450


def test_numbers_stand_beside_the_published_ones(finished):
    path = finished[0] / "results/tables/published_vs_reproduced.tsv"
    found = pd.read_csv(path, sep="\t")
    found = found[(found["branch"] == "variant") & found["reproduced"].notna()]
    methods = set(found["method"])
    assert {"SpliceBERT dP", "SpliceBERT context", "SpliceBERT splice-site KL", "phastCons",
            "phyloP", "distance", "SDV", "other"} == methods  # fmt: skip
    assert set(found["dataset"]) == {"VexSeq, all SNVs", "VexSeq, outside splice sites"}
    assert set(found["model"]) >= {f"{MODEL} dP", "distance"}


def test_a_run_resumes_at_the_shard_where_it_stopped(finished, project, planned):
    """As after a kill: one shard and what depends on it are missing."""
    folder, path = finished
    shard = results_of(finished, "vexseq") / MODEL / f"scores.1-of-{SHARDS}.parquet"
    kept = shard.read_bytes()
    tables = folder / "results/variant/tables"
    shutil.copytree(tables, folder / "kept")
    shard.unlink()
    shutil.rmtree(tables)
    arguments = ("variant", "--configfile", path, "--directory", folder)
    jobs = planned(*arguments, cwd=project)
    shard.write_bytes(kept)
    shutil.move(folder / "kept", tables)

    assert jobs["infer_variant_snvs"] == 1
    assert not {"infer_variant_mutagenesis", "prepare_variant_snvs"} & set(jobs)
