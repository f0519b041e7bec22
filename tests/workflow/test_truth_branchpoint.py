"""The branchpoint branch of the demo recovers what was planted."""

import pandas as pd
import pytest

from splicebert.branchpoint_tables import BRANCHPOINT_DIFFERENCES, BRANCHPOINT_PERFORMANCE
from splicebert.tables import read_table
from truth.claims import demands


@pytest.fixture(scope="module")
def precision(finished_demo):
    """Average precision of each method, with its chance."""
    path = finished_demo.folder / "results/branchpoint/tables/performance.tsv"
    table = read_table(path, BRANCHPOINT_PERFORMANCE)
    table = table[table["metric"] == "ap"].set_index("method")
    print(table[["value", "low", "high", "chance"]].to_string())
    return table


@pytest.fixture(scope="module")
def differences(finished_demo) -> pd.DataFrame:
    """Of average precision, the fine-tuned demo model less the method of the row."""
    path = finished_demo.folder / "results/branchpoint/tables/differences.tsv"
    table = read_table(path, BRANCHPOINT_DIFFERENCES)
    table = table[(table["metric"] == "ap") & (table["method"] == "demo")].set_index("other")
    print(table[["difference", "low", "high"]].to_string())
    return table


@pytest.mark.parametrize("demand", demands("branchpoint", "chance"))
def test_branchpoints_are_found_better_than_by_chance(precision, demand):
    row = precision.loc[demand.case[0]]
    assert row["low"] - row["chance"] > demand.least


@pytest.mark.parametrize("demand", demands("branchpoint", "better"))
def test_fine_tuned_beats(differences, demand):
    assert differences.loc[demand.control, "low"] > demand.least
