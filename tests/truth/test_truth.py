"""The table of claims.py, checked on the demo's genomes and the demo model."""

import inspect

import numpy as np
import pandas as pd
import pytest

from truth.claims import CLAIMS
from truth.margins import MARGINS, all_scores, margin
from truth.world import make_world

IDS = [f"{claim.analysis}-{number}" for number, claim in enumerate(CLAIMS)]


@pytest.fixture(scope="module")
def distant(seed):
    return make_world("distant", seed, {"chr1": 300_000, "chr2": 200_000})


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
    # Controls of a claim that fails without them are for readers, who ask with `-s`.
    shown = request.config.getoption("capture") == "no"
    needless = claim.pending and rows[0][1].low <= claim.least and not shown
    for control in () if needless else claim.controls:
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
