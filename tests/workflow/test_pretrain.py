"""Pre-training as a workflow, on a tiny genome: a killed job goes on, and the outputs are right."""

import gzip
import json
import os
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import psutil
import pytest

from splicebert.configuration import read_yaml
from splicebert.genome import Genome
from splicebert.models.checkpoint import sha256
from splicebert.synthetic import GenomeSpec, make_genome

LENGTH = 6_000
TARGETS = ["pretrain", "--cores", "2", "--resources", "gpu=0"]


def write_genome(folder):
    rng = np.random.default_rng(1)
    text = ["".join(rng.choice(list("ACGTacgt"), LENGTH)) for _ in range(2)]
    (folder / "g.fa").write_text("".join(f">chr{i}\n{t}\n" for i, t in enumerate(text, 1)))
    lines = []
    for chrom in ("chr1", "chr2"):
        for strand, first in (("+", 101), ("-", 3001)):
            name = f'gene_id "{chrom}{strand}"; transcript_id "{chrom}{strand}";'
            name += ' gene_type "protein_coding";'
            exons = [(first + 900 * i, first + 900 * i + 299) for i in range(3)]
            rows = [("transcript", exons[0][0], exons[-1][1]), *(("exon", *e) for e in exons)]
            rows += [("CDS", *exons[1])]
            lines += [f"{chrom}\tx\t{k}\t{a}\t{b}\t.\t{strand}\t.\t{name}\n" for k, a, b in rows]
    (folder / "g.gtf.gz").write_bytes(gzip.compress("".join(lines).encode()))


@pytest.fixture(scope="module")
def configuration(tmp_path_factory, write_config):
    """Path of a configuration of two runs on a tiny genome."""
    folder = tmp_path_factory.mktemp("pretrain")
    write_genome(folder)
    run = {
        "corpus": "toy",
        "architecture": {
            "hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2,
            "intermediate_size": 32, "max_position_embeddings": 102,
        },
        "phases": [{"min_length": 20, "max_length": 100, "steps": 400, "batch_tokens": 512}],
        "validation": {"fragments": 16, "length": 100, "every": 100},
        "checkpoint_every": 20,
        "hardware": {"device": "cpu"},
    }  # fmt: skip
    genome = {
        "assembly": "toy",
        "fasta": str(folder / "g.fa"),
        "annotation": str(folder / "g.gtf.gz"),
    }
    corpus = {"genomes": ["toy"], "validation": {"toy": ["chr2"]}, "transcripts": "all"}
    values = {
        "genomes": {"toy": genome},
        "pretrain": {"corpora": {"toy": corpus}, "runs": {"small": run}},
    }
    return write_config(folder / "my.yaml", values)


def training_job(parent):
    """Process of the training script below Snakemake's; None before it has started."""
    for process in parent.children(recursive=True):
        if any(".train_model.py" in word for word in process.cmdline()):
            return process
    return None


@pytest.fixture(scope="module")
def finished(project, configuration, run):
    """Folder in which the training job was killed once and then went on."""
    folder = configuration.parent
    command = ["snakemake", *TARGETS, "--configfile", configuration, "--directory", folder]
    environment = os.environ | {"PATH": f"{sys.prefix}/bin:{os.environ['PATH']}"}
    with subprocess.Popen(
        [str(word) for word in command], cwd=project, env=environment | {"OMP_NUM_THREADS": "1"},
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    ) as snakemake:  # fmt: skip
        checkpoints = folder / "results/pretrain/small/state/checkpoints"
        while not list(checkpoints.glob("step-*")):
            assert snakemake.poll() is None
            time.sleep(0.01)
        training_job(psutil.Process(snakemake.pid)).kill()
    assert snakemake.returncode
    assert list(checkpoints.glob("step-*"))
    assert not list((folder / "results/pretrain/small/model").glob("*"))
    run(*command[1:], cwd=project)
    return folder


def test_a_killed_job_goes_on(finished):
    log = (finished / "logs/pretrain/small/train_model.log").read_text()
    assert "going on from" in log
    assert not (finished / "results/pretrain/small/state").exists()
    table = pd.read_csv(finished / "results/pretrain/small/metrics.tsv", sep="\t")
    assert table["step"].tolist() == list(range(50, 401, 50))
    assert table["cross_entropy"].notna().sum() == 4


def test_the_model_comes_with_its_card(finished):
    folder = finished / "results/pretrain/small/model"
    names = {path.name for path in folder.iterdir()}
    wanted = {"config.json", "vocab.txt", "model.safetensors", "training.json", "README.md"}
    assert wanted <= names
    card = (folder / "README.md").read_text()
    for words in ("400 steps", "chr2", "| protein_coding\\|CDS | all |", "| 400 | 1."):
        assert words in card
    assert "{" not in card


def test_the_figure_comes_with_its_tables(finished):
    folder = finished / "results/figures/pretrain"
    names = {path.name for path in folder.iterdir()}
    assert names == {f"small.{s}" for s in ("pdf", "png", "metrics.tsv", "regions.tsv")}


def test_it_is_up_to_date_and_no_part_of_all(finished, project, configuration, planned):
    options = ["--configfile", configuration, "--directory", finished]
    assert not planned(*TARGETS, *options, cwd=project)
    assert "pretrain_model" not in planned("all", *options, cwd=project)


def test_several_processes_go_on_from_another_run(
    finished, project, configuration, run, write_config
):
    values = read_yaml(configuration)
    small = values["pretrain"]["runs"]["small"]
    weights = "results/pretrain/small/model/model.safetensors"
    values["pretrain"]["runs"]["two"] = small | {
        "phases": [small["phases"][0] | {"steps": 6}],
        "start": {"weights": weights},
        "hardware": {"device": "cpu", "processes": 2},
    }
    path = write_config(finished / "two.yaml", values)
    run("results/pretrain/two/model/README.md", "--cores", "2", "--configfile", path,
        "--directory", finished, cwd=project)  # fmt: skip
    log = (finished / "logs/pretrain/two/train_model.log").read_text()
    assert "torch.distributed.run" in log
    assert "step=6" in log
    about = json.loads((finished / "results/pretrain/two/model/training.json").read_text())
    assert about["weights_sha256"] == sha256(finished / weights)
    assert (
        about["weights_sha256"] in (finished / "results/pretrain/two/model/README.md").read_text()
    )


def test_the_uncoupled_genome_is_drawn_without_the_dependency(project, tmp_path, run, write_config):
    """As the library makes it, and not as the demo's own genome."""
    chromosomes = {"chr1": 50_000, "chr2": 50_000}
    config = read_yaml(project / "config/pretrain_control.yaml")
    path = write_config(tmp_path / "my.yaml", config | {"demo": {"chromosomes": chromosomes}})
    fasta = "resources/genomes/{}/genome.fa"
    targets = [fasta.format(name) for name in ("demo", "demo_uncoupled")]
    run(*targets, "--cores", "2", "--configfile", path, "--directory", tmp_path, cwd=project)
    seed = read_yaml(project / "config/config.yaml")["demo"]["seed"]
    for name, coupling in (("demo", 1), ("demo_uncoupled", 0)):
        made = make_genome(GenomeSpec(chromosomes=chromosomes, coupling=coupling), seed).sequences
        with Genome(tmp_path / fasta.format(name), fai=tmp_path / f"{name}.fai") as genome:
            for chrom, length in chromosomes.items():
                assert genome.fetch(chrom, 0, length, "+") == made[chrom]
