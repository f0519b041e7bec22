"""A tiny model, examples with a planted motif, and jobs that train on them in a second."""

import numpy as np
import pandas as pd
import pytest
import torch
from transformers import BertConfig

from splicebert.models.checkpoint import write_model
from splicebert.models.modules import BertForMaskedLM
from splicebert.tables import validate
from splicebert.training.defaults import METHOD
from splicebert.training.run import evaluation_runtime, outputs_in, train_fold
from splicebert.training.settings import Job, Split, complete
from splicebert.training.tables import EXAMPLES

NT, MOTIF = 40, "TACTAAC"
SIZES = {
    "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 48,
    "max_position_embeddings": 66, "vocab_size": 10, "initializer_range": 0.1,
    "hidden_dropout_prob": 0.1, "attention_probs_dropout_prob": 0.1,
}  # fmt: skip


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    """A masked language model that has learnt nothing."""
    path = tmp_path_factory.mktemp("models") / "tiny"
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(7)
        write_model(BertForMaskedLM(BertConfig(**SIZES)), path)
    return path


def random_sequences(count, seed):
    letters = np.random.default_rng(seed).choice(list("ACGT"), (count, NT))
    return ["".join(row) for row in letters]


def plant(sequence, position):
    return sequence[:position] + MOTIF + sequence[position + len(MOTIF) :]


def sequence_table(count=50, seed=1):
    """Every other sequence has the motif at 16; five groups, a fold each."""
    labels = np.arange(count) // 5 % 2
    sequences = [
        plant(s, 16) if label else s
        for s, label in zip(random_sequences(count, seed), labels, strict=True)
    ]
    return as_table(sequences, [np.array([label], np.int8) for label in labels])


def token_table(count=50, seed=2):
    """Labels of the ten bases 15 to 24; the fifth base of the motif, which varies, is the 1."""
    starts = np.random.default_rng(seed).integers(12, 18, count)
    labels = np.full((count, NT), -100, np.int8)
    labels[:, 15:25] = 0
    labels[np.arange(count), starts + 4] = 1
    sequences = [plant(s, k) for s, k in zip(random_sequences(count, seed), starts, strict=True)]
    return as_table(sequences, list(labels))


def as_table(sequences, labels):
    count = len(sequences)
    table = pd.DataFrame(
        {
            "example_id": [f"e{i}" for i in range(count)],
            "sequence": sequences,
            "labels": labels,
            "group": [f"chr{i % 5 + 1}" for i in range(count)],
            "fold": np.arange(count) % 5,
        }
    )
    return validate(table, EXAMPLES)


@pytest.fixture(scope="session")
def tables():
    """Task -> examples."""
    return {"sequence": sequence_table(), "token": token_table()}


@pytest.fixture(scope="session")
def make_sequences():
    """Function (count, seed): examples of the sequence task."""
    return sequence_table


@pytest.fixture
def make_job(folder):
    """Function (task, fold=0, method={}, **settings): a job of five folds."""

    def make(task="sequence", fold=0, method=(), entry=(), **settings):
        chosen = {"epochs": 3, "optimiser": {"learning_rate": 3e-3}} | settings
        return Job(
            Split.make(fold, 5, [1], [0]), task, {"sequence": 1, "token": 2}[task], "tiny",
            {"adapter": "splicebert", "folder": str(folder)} | dict(entry), METHOD | dict(method),
            complete(chosen),
        )  # fmt: skip

    return make


@pytest.fixture(scope="session")
def runtime():
    return evaluation_runtime("cpu", complete({}))


@pytest.fixture
def train(tables, runtime, tmp_path):
    """Function (job, name="run", table=None): train in a folder of its own; its outputs."""

    def run(job, name="run", table=None, **options):
        outputs = outputs_in(tmp_path / name)
        train_fold(job, tables[job.task] if table is None else table, outputs, runtime, **options)
        return outputs

    return run
