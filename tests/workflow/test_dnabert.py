"""A model of k-mers through the branches that compare it with SpliceBERT, on slices of hg19."""

import json
import shutil
from itertools import product

import numpy as np
import pytest

from splicebert.arrays import ArrayReader
from splicebert.genome import Genome
from splicebert.masking import NOT_CHOSEN
from splicebert.scores import base_probabilities
from splicebert.sequence import VOCABULARY
from splicebert.splicesite_tables import SITE_SCORES
from splicebert.tables import read_table
from splicebert.training.tables import METRICS, PREDICTIONS
from splicebert.variant_tables import SNV_SCORES, SNVS

pytestmark = pytest.mark.xdist_group("workflow-dnabert")

WORDS = (*VOCABULARY[:5], *map("".join, product("ATCG", repeat=3)))
TARGETS = {
    "masked": "results/conservation/slices/kmers/masked_bases.0-of-1.zarr.zip",
    "snvs": "results/variant/vexseq/kmers/scores.0-of-1.parquet",
    "species": "results/splicesite/human.donor/kmers/benchmark.Thaliana.parquet",
    "branchpoints": "results/branchpoint/mercer/kmers/fold0/metrics.tsv",
}


@pytest.fixture(scope="module")
def model_folder(tmp_path_factory):
    """A small DNABERT, k = 3, of random weights, in the published form."""
    import torch
    from transformers import BertConfig, BertForMaskedLM

    folder = tmp_path_factory.mktemp("model") / "3-new-12w-0"
    folder.mkdir()
    config = BertConfig(
        hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32,
        max_position_embeddings=512, vocab_size=len(WORDS), initializer_range=0.3,
    )  # fmt: skip
    torch.manual_seed(3)
    torch.save(BertForMaskedLM(config).state_dict(), folder / "pytorch_model.bin")
    (folder / "config.json").write_text(json.dumps(config.to_dict()))
    (folder / "vocab.txt").write_text("\n".join(WORDS) + "\n")
    return folder


@pytest.fixture(scope="module")
def configuration(shared, model_folder):
    """Little of everything: 30 windows, 40 variants, a fold of either fine-tuning."""
    real = shared / "real"
    sites, on_hg19 = real / "splice_site", {"genome": "hg19", "assembly": "hg19"}
    stem = f"{sites}/Benchmarks/Thaliana/SA_sequences_donor_400_Final_3"
    return {
        "genomes": {"hg19": {"assembly": "hg19", "fasta": str(real / "genome.fa.gz"),
                             "phastcons": str(real / "phastcons.bw"),
                             "phylop": str(real / "phylop.bw")}},
        "models": {"kmers": {"adapter": "dnabert", "label": "3-mers", "colour": "#000000",
                             "can": ["logits", "hidden_states", "attention"],
                             "folder": str(model_folder)}},
        "inference": {"device": "cpu", "threads": 1},
        "conservation": {
            "datasets": {"slices": on_hg19 | {
                "transcripts": str(real / "canonical.tx.bed.gz"),
                "regions": str(real / "regions.bed.gz"),
            }},
            "mlm": {"models": ["kmers"], "windows": 30},
            "probe": {"models": []},
        },
        "variant": {
            "datasets": {
                "vexseq": on_hg19 | {
                    "kind": "VexSeq", "variants": str(real / "synthetic_snv.VexSeq.vcf.gz"),
                },
            },
            "models": ["kmers"],
            "mpra": {"most": 40},
            "shards": 1,
        },
        "splicesite": {
            "datasets": {"human": {
                "files": {"donor": {"positive": str(sites / "POS_donor_600.csv"),
                                    "negative": str(sites / "NEG_600_donor.csv")}},
                "sites": ["donor"],
                "per_class": 20,
                "benchmarks": {"Thaliana": {
                    "files": {"donor": {"positive": f"{stem}.positive.txt",
                                        "negative": f"{stem}.negative.txt"}},
                    "per_class": 20,
                }},
            }},
            "methods": {"kmers": {"model": "kmers"}},
            "folds": {"run": 1},
            "windows": {"length": 60},
            "training": {"epochs": 1, "score": "auc"},
            "pwm": {"flanks": [10]},
        },
        "branchpoint": {
            "datasets": {"mercer": on_hg19 | {"labels": str(real / "mercer_dataset.hg19.bed.gz")}},
            "methods": {"kmers": {"model": "kmers"}},
            "windows": {"length": 64, "missing_contigs": "skip"},
            "most": 60,
            "folds": 3,
            "training": {"epochs": 1},
        },
    }  # fmt: skip


@pytest.fixture(scope="module")
def finished(configuration, project, tmp_path_factory, execute, write_config):
    """Working folder of a finished run."""
    folder = tmp_path_factory.mktemp("dnabert")
    path = write_config(folder / "dnabert.yaml", configuration)
    done = execute("snakemake", *TARGETS.values(), "--cores", "2", "--configfile", path,
                   "--directory", folder, cwd=project)  # fmt: skip
    assert done.code == 0, done.output
    print(f"k-mers through the branches: {done.seconds:.0f} s")
    return folder


@pytest.fixture(scope="module")
def model(model_folder):
    """The adapter of the same folder."""
    from splicebert.models import DNABERT

    return DNABERT(model_folder)


def test_masked_bases_are_predicted_as_bases(finished, model):
    windows = finished / "results/conservation/slices/mlm_windows.zarr.zip"
    with ArrayReader(finished / TARGETS["masked"]) as found, ArrayReader(windows) as given:
        predicted, log_prob = found.read("predicted"), found.read("log_prob")
        bases, seen, treatment = (given.read(name) for name in ("bases", "seen", "treatment"))
    chosen = treatment != NOT_CHOSEN
    assert predicted.shape == bases.shape == (30, 510)
    assert set(np.unique(predicted[chosen])) <= {0, 1, 2, 3, 4}
    text = "".join("ACGTN"[code] for code in seen[0])
    probs = base_probabilities(model.logits([text], treatment[:1] == 1)[0].numpy())
    at = np.flatnonzero(chosen[0])
    expected = np.log(probs[at, bases[0, at]])
    np.testing.assert_allclose(log_prob[0, at], expected, rtol=1e-4, atol=1e-5)
    assert np.isnan(log_prob[~chosen]).all()


def test_variants_are_scored(finished, shared, model):
    scores = read_table(finished / TARGETS["snvs"], SNV_SCORES).set_index("variant_id")
    snvs = read_table(finished / "results/variant/vexseq/inputs.snvs.parquet", SNVS)
    assert len(scores) == 40
    complete = scores[scores["reason"].isna()]
    assert len(complete) > 10
    assert np.isfinite(complete[["delta_p", "donor_kl", "acceptor_kl", "context_score"]]).all(None)
    row = next(r for r in snvs.itertuples() if r.strand == "+" and r.variant_id in complete.index)
    with Genome(shared / "real/genome.fa.gz") as genome:
        text = genome.fetch(row.chrom, row.start, row.end, "+").upper()
    mask = np.arange(len(text)) == row.offset
    probs = base_probabilities(model.logits([text], mask[None])[0, row.offset].numpy())
    expected = probs["ACGT".index(row.alt)] - probs["ACGT".index(row.ref)]
    np.testing.assert_allclose(complete.loc[row.variant_id, "delta_p"], expected, atol=1e-5)


def test_folds_are_trained_and_their_models_keep_the_kmers(finished):
    folder = finished / "results/splicesite/human.donor/kmers/fold0/model"
    assert (folder / "vocab.txt").read_text().split() == list(WORDS)
    scores = read_table(finished / TARGETS["species"], SITE_SCORES)
    assert len(scores) == 40
    assert scores["score"].nunique() > 10
    metrics = read_table(finished / TARGETS["branchpoints"], METRICS)
    assert metrics["value"].notna().any()
    predictions = finished / "results/branchpoint/mercer/kmers/fold0/predictions.parquet"
    found = read_table(predictions, PREDICTIONS)
    assert found.groupby("example_id")["offset"].nunique().max() == 27


def test_the_papers_comparison_plans_every_model(project, planned, tmp_path):
    """With weights that were put there by hand, the paper's configuration and the one on top."""
    shutil.copytree(project / "config", tmp_path / "config")
    for k in range(3, 7):
        folder = tmp_path / f"resources/models/dnabert/{k}-new-12w-0"
        folder.mkdir(parents=True)
        for name in ("config.json", "vocab.txt", "pytorch_model.bin"):
            (folder / name).touch()
    both = ("config/paper.yaml", "config/paper_dnabert.yaml")
    jobs = planned("--directory", tmp_path, "--configfile", *both, cwd=project)
    assert jobs["infer_conservation_mlm"] == (2 + 4) * 8
    assert jobs["infer_embedding_hidden_states"] == (2 + 4) * 2 * 8
    assert jobs["infer_variant_snvs"] == (2 + 4) * 2 * 16
    assert jobs["infer_variant_mutagenesis"] == (2 + 4) * 16
    assert jobs["train_branchpoint_fold"] == (9 + 4) * 5
    assert jobs["train_splicesite_fold"] == (3 + 4) * 2 * 10
