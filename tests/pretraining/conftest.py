"""A small genome with a repeating text, its corpus, and jobs that train on it in a second."""

import copy
import functools
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from splicebert.configuration import check, read_schema
from splicebert.genome import Genome
from splicebert.pretraining.corpus import Corpus, choose_transcripts, corpus_index, write_corpus
from splicebert.pretraining.settings import Job, decisive
from splicebert.pretraining.tables import VALIDATION_BASES, VALIDATION_FRAGMENTS
from splicebert.pretraining.validation import Annotation, draw_fragments, masked_bases
from splicebert.tables import REGION_NAMES, TRANSCRIPTS, validate, write_table

ROOT = Path(__file__).parents[2]
SIZES = {
    "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64,
    "max_position_embeddings": 130, "hidden_dropout_prob": 0, "attention_probs_dropout_prob": 0,
}  # fmt: skip
RUN = {
    "corpus": "toy",
    "seed": 5,
    "architecture": SIZES,
    "phases": [
        {"min_length": 30, "max_length": 30, "steps": 8, "batch_tokens": 256},
        {"min_length": 16, "max_length": 100, "steps": 8, "batch_tokens": 512},
    ],
    "optimiser": {"adamw_rate": 0.003},
    "validation": {"fragments": 12, "length": 60, "every": 6},
    "log_every": 3,
    "checkpoint_every": 4,
    "hardware": {"device": "cpu"},
}


def transcripts(rows):
    """TRANSCRIPTS of (tx_id, gene, chrom, start, end, strand, canonical)."""
    names = ["tx_id", "gene_name", "chrom", "start", "end", "strand", "is_canonical"]
    table = pd.DataFrame(rows, columns=names)
    table = table.assign(
        gene_id=table["gene_name"], gene_type="protein_coding", n_exons=1,
        cds_start=pd.array([None] * len(table), "Int64"),
        cds_end=pd.array([None] * len(table), "Int64"),
    )  # fmt: skip
    return validate(table[TRANSCRIPTS.names], TRANSCRIPTS, "toy")


TABLE = transcripts(
    [
        ("t1", "g1", "chr1", 100, 900, "+", True),
        ("t2", "g1", "chr1", 50, 1000, "+", False),
        ("t3", "g2", "chr1", 700, 1500, "-", True),
        ("t4", "g3", "chr2", 0, 1200, "-", True),
        ("t5", "g4", "chr3", 10, 700, "-", True),
        ("t6", "g5", "chr3", 20, 60, "+", True),
        ("t7", "g6", "chr3", 300, 1100, "+", True),
    ]
)


@pytest.fixture(scope="session")
def table():
    """TRANSCRIPTS of the toy genome."""
    return TABLE


@pytest.fixture(scope="session")
def make_transcripts():
    return transcripts


@pytest.fixture(scope="session")
def genome(tmp_path_factory):
    """Three contigs of ACGT over and over, with a base here and there changed, case and N mixed."""
    path = tmp_path_factory.mktemp("genome") / "g.fa"
    rng, lines = np.random.default_rng(3), []
    for name in ("chr1", "chr2", "chr3"):
        letters = np.array(list("ACGT" * 400))
        where = rng.random(1600)
        letters[where < 0.02] = rng.choice(list("ACGTN"), (where < 0.02).sum())
        text = "".join(letters)
        lines += [f">{name}", text[:400] + text[400:800].lower() + text[800:]]
    path.write_text("\n".join(lines) + "\n")
    with Genome(path) as opened:
        yield opened


@pytest.fixture(scope="session")
def index(genome):
    return corpus_index(choose_transcripts(TABLE, "all"), genome, ["chr3"])


@pytest.fixture(scope="session")
def folder(genome, index, tmp_path_factory):
    """Folder of the toy's corpus."""
    path = tmp_path_factory.mktemp("corpus")
    write_corpus(index, genome, path)
    return path


@pytest.fixture(scope="session")
def corpus(folder):
    return Corpus({"toy": folder})


@pytest.fixture(scope="session")
def regions():
    """Regions of chr3 that overlap, touch and leave bases uncovered."""
    rows = [
        ("chr3", 0, 200, REGION_NAMES[0], "-"), ("chr3", 150, 500, REGION_NAMES[2], "-"),
        ("chr3", 500, 650, REGION_NAMES[7], "+"),
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=["chrom", "start", "end", "name", "strand"])


@pytest.fixture(scope="session")
def held_out(genome, corpus, regions, tmp_path_factory):
    """Validation fragments and bases: tables and their files."""
    path = tmp_path_factory.mktemp("validation")
    settings = {"fragments": 12, "length": 60, "seed": 0}
    fragments = draw_fragments(corpus, settings)
    bases = masked_bases(fragments, {"toy": Annotation(genome, regions)}, 0)
    write_table(fragments, path / "fragments.parquet", VALIDATION_FRAGMENTS)
    write_table(bases, path / "bases.parquet", VALIDATION_BASES)
    return fragments, bases, path


@pytest.fixture(scope="session")
def schema():
    return read_schema(ROOT / "config/schemas/config.schema.yaml")


@pytest.fixture(scope="session")
def make_run(schema):
    """Function (**changes): RUN with defaults filled in and sections changed."""

    def make(**changes):
        run = copy.deepcopy(RUN)
        for key, value in changes.items():
            run[key] = run.get(key, {}) | value if isinstance(value, dict) else value
        part = schema["properties"]["pretrain"]["properties"]["runs"]["additionalProperties"]
        return check(run, part, "run")

    return make


@pytest.fixture(scope="session")
def make_job_in(make_run, folder, held_out):
    """Function (place, name, **changes): a job in the folder `place`/`name`."""

    def make(place, name="run", **changes):
        run, place = make_run(**changes), place / name
        return Job(
            name, decisive(run), run["hardware"], run["checkpoint_every"], {"toy": str(folder)},
            str(held_out[2] / "fragments.parquet"), str(held_out[2] / "bases.parquet"), str(place),
            str(place / "model"), str(place / "metrics.tsv"), str(place / "regions.tsv"),
        )  # fmt: skip

    return make


@pytest.fixture
def make_job(make_job_in, tmp_path):
    """Function (name, **changes): a job in a folder of its own."""
    return functools.partial(make_job_in, tmp_path)


@pytest.fixture(scope="session")
def environment():
    return os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT / "src")}


@pytest.fixture(scope="session")
def start(environment):
    """Function (job, processes=1): start it as a command; returns the Popen."""

    def launch(job, processes=1):
        path = Path(job.folder) / "job.json"
        job.write(path)
        command = [sys.executable]
        if processes > 1:
            command += ["-m", "torch.distributed.run", "--standalone"]
            command += [f"--nproc-per-node={processes}"]
        return subprocess.Popen(
            [*command, "-m", "splicebert.pretraining", str(path)], env=environment, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip

    return launch
