"""The demo's world and models, once for all tests here: none of them changes any."""

from pathlib import Path

import pytest
import torch

from splicebert.configuration import read_yaml
from splicebert.models import SpliceBERT
from splicebert.models.checkpoint import read_config, write_model
from splicebert.models.modules import BertForMaskedLM
from splicebert.synthetic.spec import DEFAULT_CHROMOSOMES
from truth.world import make_world


@pytest.fixture(scope="session")
def seed(root):
    """The demo's seed."""
    return read_yaml(root / "config/config.yaml")["demo"]["seed"]


@pytest.fixture(scope="session")
def world(seed):
    """The demo's genome."""
    return make_world("demo", seed, DEFAULT_CHROMOSOMES)


@pytest.fixture(scope="session")
def models(root, tmp_path_factory):
    """The demo model, an untrained one of the same size, and the two of pretrain_control.yaml.

    coupled : the demo model after continued pre-training on its own genome
    uncoupled : the same on a genome where donors and acceptors were drawn apart
    """
    folder = tmp_path_factory.mktemp("untrained")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        write_model(BertForMaskedLM(read_config(root / "config/demo_model")), folder)
    folders = {"trained": root / "config/demo_model", "untrained": folder}
    folders |= {name: Path(__file__).parent / "models" / name for name in ("coupled", "uncoupled")}
    return {name: SpliceBERT(path) for name, path in folders.items()}
