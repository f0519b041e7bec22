"""The table that sets the published numbers beside the reproduced ones."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import pandas as pd

from .errors import SpliceBERTError
from .tables import Column, Schema

PUBLISHED = Schema(
    "published numbers",
    (
        Column("branch", "str", "analysis"),
        Column("dataset", "str", "quantity within the branch, as the authors grouped it"),
        Column("method", "str", "model or baseline, as the authors named it"),
        Column("metric", "str", "what was measured"),
        Column("value", "float64", "the number that the authors printed"),
        Column("source", "str", "where they printed it"),
    ),
    key=("branch", "dataset", "method", "metric"),
)
REPRODUCED = Schema(
    "reproduced numbers",
    (
        Column("branch", "str", "analysis"),
        Column("dataset", "str", "data set of the configuration"),
        Column("quantity", "str", "quantity, named as `dataset` in the published table"),
        Column("model", "str", "model of the model table, or a baseline without a model"),
        Column("metric", "str", "what was measured"),
        Column("value", "float64", "the number", True),
        Column("low", "float64", "lower bound of its 95 % interval", True),
        Column("high", "float64", "upper bound", True),
        Column("protocol", "str", "corrected or published"),
    ),
    key=("branch", "dataset", "quantity", "model", "metric"),
)
COMPARISON = PUBLISHED.extend(
    "published and reproduced",
    Column("reproduced", "float64", "this run's number; missing where not computed", True),
    Column("low", "float64", "lower bound of its 95 % interval", True),
    Column("high", "float64", "upper bound", True),
    Column("difference", "float64", "reproduced - value", True),
    Column("protocol", "str", "corrected or published", True),
    Column("model", "str", "model of the model table", True),
)


def compare(
    published: pd.DataFrame,
    reproduced: pd.DataFrame,
    methods: Mapping[tuple[str, str], str | None],
    datasets: Collection[tuple[str, str]],
) -> pd.DataFrame:
    """Set published and reproduced numbers side by side.

    A number counts as reproduced only on the paper's own data set and with the paper's model;
    what a run computes on other data stays out, however similar.

    Parameters
    ----------
    published
        Rows of PUBLISHED; all of them are kept, in order.
    reproduced
        Rows of REPRODUCED.
    methods
        (branch, model) -> name of the method in the published table; None for a model that the
        paper did not have there. A model that is not in it (a baseline) keeps its name.
    datasets
        (branch, data set) that are the paper's own.

    Returns
    -------
    DataFrame, rows of COMPARISON.

    Raises
    ------
    SpliceBERTError
        Two data sets or models give the same published number.
    """
    own = pd.Series(
        [
            pair in set(datasets)
            for pair in zip(reproduced["branch"], reproduced["dataset"], strict=True)
        ],
        index=reproduced.index,
        dtype=bool,
    )
    rows = reproduced[own]
    rows = rows.assign(
        method=[methods.get(key, key[1]) for key in zip(rows["branch"], rows["model"], strict=True)]
    )
    rows = rows[rows["method"].notna()]  # a model that the paper did not have
    rows = rows.drop(columns="dataset").rename(
        columns={"quantity": "dataset", "value": "reproduced"}
    )
    keys = ["branch", "dataset", "method", "metric"]
    twice = rows[rows.duplicated(keys)]
    if len(twice):
        raise SpliceBERTError(
            f"{len(twice)} published numbers are computed twice, first "
            f"{' / '.join(map(str, twice[keys].iloc[0]))}; mark one data set a branch as published "
            "and give each published_as to one model of a branch"
        )
    table = published.merge(rows, on=keys, how="left", validate="one_to_one")
    table["difference"] = table["reproduced"] - table["value"]
    return table[COMPARISON.names]
