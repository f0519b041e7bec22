"""The table of published and reproduced numbers."""

import numpy as np
import pandas as pd
import pytest

from splicebert.errors import SpliceBERTError
from splicebert.report import COMPARISON, PUBLISHED, REPRODUCED, compare
from splicebert.tables import read_table, validate

PAPER = pd.DataFrame(
    [
        ("conservation", "all", "SpliceBERT", "accuracy", 0.5, "Figure 1"),
        ("conservation", "all", "SpliceBERT-human", "accuracy", 0.4, "Figure 1"),
        ("conservation", "phastCons>=0.8", "prevalence", "fraction", 0.1, "notebook"),
        ("variant", "all", "SpliceBERT", "accuracy", 0.9, "Figure 4"),
    ],
    columns=PUBLISHED.names,
)
METHODS = {
    ("conservation", "SpliceBERT.510nt"): "SpliceBERT",
    ("conservation", "SpliceBERT-human.510nt"): "SpliceBERT-human",
    ("attention", "SpliceBERT.1024nt"): "SpliceBERT",
    ("conservation", "SpliceBERT.1024nt"): None,
}
OWN = {("conservation", "gencode")}


def reproduced(*rows):
    names = ["branch", "dataset", "quantity", "model", "metric", "value"]
    table = pd.DataFrame([r[:6] for r in rows], columns=names)
    return validate(table.assign(low=0.1, high=0.9, protocol="corrected"), REPRODUCED)


ROW = ("conservation", "gencode", "all", "SpliceBERT.510nt", "accuracy", 0.75)


def compared(*rows, methods=METHODS, datasets=OWN):
    return validate(compare(PAPER, reproduced(*rows), methods, datasets), COMPARISON)


def test_a_number_of_the_papers_own_data_set_and_model_is_filled_in():
    table = compared(ROW)
    assert table["reproduced"].notna().tolist() == [True, False, False, False]
    first = table.iloc[0]
    assert (first["value"], first["reproduced"], first["difference"]) == (0.5, 0.75, 0.25)
    assert (first["low"], first["high"]) == (0.1, 0.9)
    assert (first["protocol"], first["model"]) == ("corrected", "SpliceBERT.510nt")


def test_every_published_row_stays_in_order():
    table = compared(ROW)
    pd.testing.assert_frame_equal(table[PUBLISHED.names], PAPER, check_dtype=False)
    assert table.loc[1:, ["reproduced", "difference", "model"]].isna().all(axis=None)


@pytest.mark.parametrize(
    "changed",
    [
        {1: "demo"},  # another data set
        {0: "variant"},  # the data set's name in a branch that did not mark it
        {2: "protein_coding|CDS"},
        {3: "demo"},  # another model
        {3: "SpliceBERT.1024nt"},
        {4: "perplexity"},
    ],
)
def test_nothing_else_is_filled_in(changed):
    row = [changed.get(i, value) for i, value in enumerate(ROW)]
    assert compared(row)["reproduced"].isna().all()


def test_a_baseline_without_a_model_keeps_its_name():
    table = compared(("conservation", "gencode", "phastCons>=0.8", "prevalence", "fraction", 0.125))
    assert table["difference"].tolist()[2] == pytest.approx(0.025)
    assert table["reproduced"].notna().sum() == 1


def test_a_model_that_is_no_method_of_the_paper_stays_out_even_if_named_like_one():
    row = (*ROW[:3], "SpliceBERT", *ROW[4:])
    assert compared(row, methods={("conservation", "SpliceBERT"): None})["reproduced"].isna().all()


def test_no_reproduced_number_at_all():
    table = compare(PAPER, REPRODUCED.empty(), METHODS, set())
    assert len(validate(table, COMPARISON)) == len(PAPER)
    assert table["reproduced"].isna().all()
    assert compared(ROW, datasets=set())["reproduced"].isna().all()


def test_a_number_that_could_not_be_computed_stays_missing():
    table = compared((*ROW[:5], np.nan))
    assert np.isnan(table.loc[0, "reproduced"])
    assert np.isnan(table.loc[0, "difference"])
    assert table.loc[0, "model"] == "SpliceBERT.510nt"


def test_two_data_sets_of_one_branch_marked_as_the_papers_own():
    other = (ROW[0], "second", *ROW[2:])
    with pytest.raises(SpliceBERTError, match="computed twice, first conservation / all / Splice"):
        compared(ROW, other, datasets=OWN | {("conservation", "second")})


def test_two_models_of_one_published_method():
    other = (*ROW[:3], "copy", *ROW[4:])
    with pytest.raises(SpliceBERTError, match="computed twice"):
        compared(ROW, other, methods=METHODS | {("conservation", "copy"): "SpliceBERT"})


def test_a_model_counts_in_the_branch_that_the_paper_used_it_in():
    other = (*ROW[:3], "SpliceBERT.1024nt", *ROW[4:])
    table = compared(ROW, other)
    assert table["reproduced"].notna().sum() == 1
    assert table.loc[0, "model"] == "SpliceBERT.510nt"
    with pytest.raises(SpliceBERTError, match="computed twice"):
        compared(
            ROW, other, methods=METHODS | {("conservation", "SpliceBERT.1024nt"): "SpliceBERT"}
        )


def test_the_published_table_follows_its_schema(root):
    table = read_table(root / "config" / "published.tsv", PUBLISHED)
    assert len(table) > 100
    assert table["value"].notna().all()


def test_page_and_summary(script):
    page = script("report", "compare_published")
    table = compared(ROW)
    assert page.summarise(table).startswith("1 of 4 published numbers were computed")
    html = page.to_html(table.assign(source="a <b> & c"))
    assert html.count("<tr>") == 5
    assert "a &lt;b&gt; &amp; c" in html
    assert '<td class="number">0.25</td>' in html
    assert "0.1–0.9" in html
    assert "nan" not in html.lower()
    full = compared(ROW).head(1)
    assert page.summarise(full) == "1 of 1 published numbers were computed in this run."
