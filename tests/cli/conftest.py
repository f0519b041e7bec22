"""A small model, sequences and a genome for the commands."""

import io
import sys
from types import SimpleNamespace
from typing import NamedTuple

import numpy as np
import pytest
import torch
from transformers import (
    BertConfig,
    BertForMaskedLM,
    BertForSequenceClassification,
    BertForTokenClassification,
)

from splicebert.cli import main
from splicebert.sequence import VOCABULARY, reverse_complement

# 64 to 256 nt.
CONFIG = {
    "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 48,
    "max_position_embeddings": 258, "vocab_size": 10, "initializer_range": 0.2,
}  # fmt: skip


def save(kind, folder, **options):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(5)
        kind(BertConfig(**CONFIG | options)).save_pretrained(folder)
    (folder / "vocab.txt").write_text("\n".join(VOCABULARY) + "\n")
    return folder


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    """A masked language model for 64 to 256 nt."""
    return save(BertForMaskedLM, tmp_path_factory.mktemp("mlm"))


@pytest.fixture(scope="session")
def folder_510(tmp_path_factory):
    """One in the form of the published 510-nt models."""
    return save(BertForMaskedLM, tmp_path_factory.mktemp("mlm510"), max_position_embeddings=512)


@pytest.fixture(scope="session")
def token_folder(tmp_path_factory):
    return save(BertForTokenClassification, tmp_path_factory.mktemp("token"), num_labels=3)


@pytest.fixture(scope="session")
def sequence_folder(tmp_path_factory):
    return save(BertForSequenceClassification, tmp_path_factory.mktemp("sequence"), num_labels=1)


def random_sequence(length, seed=0):
    return "".join(np.random.default_rng(seed).choice(list("ACGT"), length))


@pytest.fixture(scope="session")
def sequences():
    """Sequences of several lengths, id -> sequence."""
    return {f"s{i}": random_sequence(n, i) for i, n in enumerate((100, 64, 256, 101, 100))}


@pytest.fixture(scope="session")
def fasta(tmp_path_factory, sequences):
    path = tmp_path_factory.mktemp("fasta") / "sequences.fa"
    records = (f">{name} with a text\n{s[:60]}\n{s[60:]}\n" for name, s in sequences.items())
    path.write_text("".join(records))
    return path


@pytest.fixture(scope="session")
def genome(tmp_path_factory):
    """chr1, 1,000 nt, and chrR, its reverse complement."""
    path = tmp_path_factory.mktemp("genome") / "genome.fa"
    sequence = random_sequence(1000, 99)
    path.write_text(f">chr1\n{sequence}\n>chrR\n{reverse_complement(sequence)}\n")
    return SimpleNamespace(path=path, chr1=sequence)


class Outcome(NamedTuple):
    code: int
    out: str
    err: str

    @property
    def rows(self):
        """The TSV on stdout as a list of rows, a dict each."""
        header, *lines = (line.split("\t") for line in self.out.splitlines())
        return [dict(zip(header, line, strict=True)) for line in lines]


@pytest.fixture
def cli(capsys, monkeypatch):
    """Function (*arguments, stdin=bytes) -> Outcome of `main`."""

    def run(*arguments, stdin=None):
        if stdin is not None:
            monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(stdin)))
        capsys.readouterr()
        code = main([str(argument) for argument in arguments])
        return Outcome(code, *capsys.readouterr())

    return run
