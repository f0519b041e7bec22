"""The table of claims.py, checked on the demo's genomes and the demo model."""

import inspect

import pandas as pd
import pytest

from truth.analyses import class_base_over, only_the_class_base_links
from truth.claims import ANALYSES, CLAIMS, DEMANDS, demands, not_yet
from truth.margins import all_scores, margin
from truth.world import HELD_OUT, make_world

IDS = [f"{claim.analysis}-{number}" for number, claim in enumerate(CLAIMS)]


@pytest.fixture(scope="module")
def distant(seed):
    return make_world("distant", seed, {"chr1": 300_000, "chr2": 200_000})


@pytest.fixture(scope="module")
def uncoupled(seed):
    """A chromosome on which the two ends of an intron are drawn apart."""
    return make_world("demo", seed, {HELD_OUT: 300_000}, coupling=0)


def measured(claim, model, *, world, distant, options):
    if "distant" in inspect.signature(claim.measure).parameters:
        options = {"distant": distant} | options
    return claim.measure(model, world, **claim.options | options)


@pytest.mark.parametrize("claim", CLAIMS, ids=IDS)
def test_planted_truth_is_recovered(claim, models, world, uncoupled, distant, request):
    if claim.pending:
        request.applymarker(not_yet(claim.pending))
    worlds = {"world": world, "uncoupled": uncoupled}
    own = measured(claim, models["trained"], world=world, distant=distant, options={})
    rows = [("trained", own)]
    # Controls of a claim that fails without them are for readers, who ask with `-s`.
    shown = request.config.getoption("capture") == "no"
    needless = claim.pending and rows[0][1].low <= claim.least and not shown
    for control in () if needless else claim.controls:
        found = measured(
            claim, models[control.model], world=worlds[control.world], distant=distant,
            options=control.options,
        )  # fmt: skip
        rows.append((control.name, found))
    table = pd.DataFrame([(name, *found) for name, found in rows],
                         columns=["model", "value", "low", "high"])  # fmt: skip
    print(f"\n{claim.analysis}: {claim.what}\n{table.round(3).to_string(index=False)}")
    assert table["low"].iloc[0] > claim.least
    for control, high in zip(claim.controls, table["high"].iloc[1:], strict=True):
        assert high < control.most, control.name


@pytest.mark.parametrize("demand", demands("attention", "class base"))
def test_the_class_base_links_more_than_in(demand, models, world):
    own, control = *demand.case, demand.control
    for name in (own, control):
        print(f"\n+3 over +4 and +5, {name}: {only_the_class_base_links(models[name], world)}")
    found = class_base_over(models, world, own, control)
    print(f"\n+3 over +4 and +5, {own} over {control}: "
          f"{found.value:.3f} ({found.low:.3f} to {found.high:.3f})")  # fmt: skip
    assert found.low > demand.least


@pytest.mark.parametrize("demand", demands("variant", "precision"))
def test_average_precision_of_variants_exceeds_others(demand, models, world):
    variants, score = demand.case
    found = margin(all_scores(models, world, variants), score, demand.control)
    print(f"\nAP of {score} over {demand.control}, variants {variants}: "
          f"{found.value:.3f} ({found.low:.3f} to {found.high:.3f})")  # fmt: skip
    assert found.low > demand.least


@pytest.mark.parametrize("analysis", ANALYSES)
def test_each_analysis_has_a_row_that_is_reached_against_a_control(analysis, root):
    claims = [claim for claim in CLAIMS if claim.analysis == analysis and claim.controls]
    rows = claims + [row for row in DEMANDS if row.analysis == analysis and row.control != "chance"]
    assert any(not row.pending for row in rows)
    name = analysis.replace("splicesite", "splice site")
    assert f"| {name} |" in (root / "docs/truth.md").read_text()
