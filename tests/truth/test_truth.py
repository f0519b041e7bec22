"""The table of claims.py, checked on the demo's genomes and the demo model."""

import inspect

import numpy as np
import pandas as pd
import pytest
import torch

from splicebert.configuration import read_yaml
from splicebert.models import SpliceBERT
from splicebert.models.checkpoint import read_config, write_model
from splicebert.models.modules import BertForMaskedLM
from splicebert.synthetic.spec import DEFAULT_CHROMOSOMES
from truth.claims import CLAIMS
from truth.margins import MARGINS, all_scores, margin
from truth.world import make_world

IDS = [f"{claim.analysis}-{number}" for number, claim in enumerate(CLAIMS)]


@pytest.fixture(scope="module")
def world(root):
    seed = read_yaml(root / "config/config.yaml")["demo"]["seed"]
    return make_world("demo", seed, DEFAULT_CHROMOSOMES)


@pytest.fixture(scope="module")
def distant(root):
    seed = read_yaml(root / "config/config.yaml")["demo"]["seed"]
    return make_world("distant", seed, {"chr1": 300_000, "chr2": 200_000})


@pytest.fixture(scope="module")
def models(root, tmp_path_factory):
    """The demo model, an untrained one of the same size, and no model."""
    trained = SpliceBERT(root / "config/demo_model")
    torch.manual_seed(1)
    folder = tmp_path_factory.mktemp("untrained")
    write_model(BertForMaskedLM(read_config(root / "config/demo_model")), folder)
    return {"trained": trained, "untrained": SpliceBERT(folder), "none": None}


def measured(claim, model, *, world, distant, options):
    if "distant" in inspect.signature(claim.measure).parameters:
        options = {"distant": distant} | options
    return claim.measure(model, world, **claim.options | options)


@pytest.mark.parametrize("claim", CLAIMS, ids=IDS)
def test_planted_truth_is_recovered(claim, models, world, distant, request):
    if claim.pending:
        expected = {"reason": claim.pending, "strict": True, "raises": AssertionError}
        request.applymarker(pytest.mark.xfail(**expected))
    worlds = {"world": world, "distant": distant}
    rows = [("trained", measured(claim, models["trained"], **worlds, options={}))]
    for control in claim.controls:
        found = measured(claim, models[control.model], **worlds, options=control.options)
        rows.append((control.name, found))
    table = pd.DataFrame([(name, *found) for name, found in rows],
                         columns=["model", "value", "low", "high"])  # fmt: skip
    print(f"\n{claim.analysis}: {claim.what}\n{table.round(3).to_string(index=False)}")
    assert table["low"].iloc[0] > claim.least
    for control, high in zip(claim.controls, table["high"].iloc[1:], strict=True):
        assert high < control.most, control.name


@pytest.mark.parametrize("claim", MARGINS, ids=lambda claim: f"{claim.score}-{claim.against}")
def test_average_precision_of_variants_exceeds_others(claim, models, world, request):
    if claim.pending:
        expected = {"reason": claim.pending, "strict": True, "raises": AssertionError}
        request.applymarker(pytest.mark.xfail(**expected))
    table = all_scores(models, world, claim.variants)
    found = margin(table, claim.score, claim.against)
    print(f"\nAP of {claim.score} over {claim.against}, variants {claim.variants}: "
          f"{found.value:.3f} ({found.low:.3f} to {found.high:.3f})")  # fmt: skip
    assert found.low > 0


def test_shuffled_labels_have_no_margin(models, world):
    table = all_scores(models, world, "anywhere")
    table["delta_psi"] = np.random.default_rng(0).permutation(table["delta_psi"])
    assert margin(table, "sites", "chance").value < 0.1
