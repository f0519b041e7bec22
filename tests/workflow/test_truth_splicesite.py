"""The splice-site branch of the demo recovers what was planted, in its species and in another."""

import pandas as pd
import pytest

from splicebert.splicesite_tables import SITE_DIFFERENCES, SITE_SUMMARY
from splicebert.tables import read_table
from truth.claims import demands


@pytest.fixture(scope="module")
def tables(finished_demo):
    folder = finished_demo.folder / "results/splicesite/tables"
    summary = read_table(folder / "summary.tsv", SITE_SUMMARY)
    differences = read_table(folder / "differences.tsv", SITE_DIFFERENCES)
    print(summary.drop(columns="dataset").to_string(index=False))
    return summary, differences


def value(tables, site, name, method, metric="ap"):
    keys = ["site", "set", "method", "metric"]
    return tables[0].set_index(keys).loc[(site, name, method, metric)]


def difference(tables, site, name, other, metric="ap") -> pd.Series:
    """Of the fine-tuned demo model and another method."""
    keys = ["site", "set", "method", "other", "metric"]
    return tables[1].set_index(keys).loc[(site, name, "demo", other, metric)]


@pytest.mark.parametrize("demand", demands("splicesite", "auc"))
def test_fine_tuned_is_above_chance(tables, demand):
    assert value(tables, *demand.case, "demo", "auc")["low"] > demand.least


@pytest.mark.parametrize("demand", demands("splicesite", "better"))
def test_fine_tuned_beats(tables, demand):
    found = difference(tables, *demand.case, "test", demand.control)
    print(found.to_dict())
    assert found["low"] > demand.least


@pytest.mark.parametrize("demand", demands("splicesite", "harder"))
def test_the_second_species_is_harder(tables, demand):
    (site,) = demand.case
    own, other = (value(tables, site, name, "demo")["value"] for name in ("test", "distant"))
    print(f"{own:.3f} {other:.3f}")
    assert own - other > demand.least
