"""Set the published numbers beside those of this run, as TSV and as a page of the report."""

from html import escape

import pandas as pd

from splicebert.jobs import job
from splicebert.report import COMPARISON, PUBLISHED, REPRODUCED, compare
from splicebert.tables import atomic_path, read_table, stack, write_table

PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Published and reproduced</title><style>
body {{ font: 14px sans-serif; margin: 1.5em; }}
table {{ border-collapse: collapse; }}
th, td {{ padding: 2px 10px; border-bottom: 1px solid #ddd; text-align: left; }}
td.number {{ text-align: right; font-variant-numeric: tabular-nums; }}
</style></head><body><h1>Published and reproduced</h1><p>{summary}</p>
<table><thead><tr>{head}</tr></thead><tbody>
{rows}
</tbody></table></body></html>
"""
HEADINGS = {
    "branch": "Analysis",
    "dataset": "Data",
    "method": "Method",
    "metric": "Metric",
    "value": "Published",
    "reproduced": "Reproduced",
    "interval": "95 % interval",
    "difference": "Difference",
    "protocol": "Protocol",
    "source": "Published in",
}
NUMBERS = {"value", "reproduced", "interval", "difference"}


def summarise(table: pd.DataFrame) -> str:
    """Return one sentence: how many of the published numbers this run computed."""
    n = int(table["reproduced"].notna().sum())
    sentence = f"{n} of {len(table)} published numbers were computed in this run."
    if n < len(table):
        sentence += (
            " A row without a reproduced number was not computed: its analysis, data set or model "
            "is not part of this run. Numbers on other data, such as the demo's, do not count."
        )
    return sentence


def to_html(table: pd.DataFrame) -> str:
    """Page with the table; an empty cell where there is no number."""
    shown = table.assign(
        interval=[
            f"{low:.4g}–{high:.4g}" if pd.notna(low) else ""
            for low, high in zip(table["low"], table["high"], strict=True)
        ]
    )
    rows = []
    for record in shown.to_dict("records"):
        cells = []
        for name in HEADINGS:
            value = record[name]
            text = "" if pd.isna(value) else f"{value:.4g}" if isinstance(value, float) else value
            kind = ' class="number"' if name in NUMBERS else ""
            cells.append(f"<td{kind}>{escape(str(text))}</td>")
        rows.append("<tr>" + "".join(cells) + "</tr>")
    head = "".join(f"<th>{escape(title)}</th>" for title in HEADINGS.values())
    return PAGE.format(summary=escape(summarise(table)), head=head, rows="\n".join(rows))


def main(snakemake):
    params = snakemake.params
    with job(snakemake) as log:
        published = read_table(snakemake.input.published, PUBLISHED)
        tables = [read_table(path, REPRODUCED) for path in snakemake.input.reproduced]
        reproduced = stack(tables, REPRODUCED)
        datasets = {tuple(pair) for pair in params.datasets}
        methods = {(branch, model): name for branch, model, name in params.methods}
        table = compare(published, reproduced, methods, datasets)
        write_table(table, snakemake.output.table, COMPARISON)
        with atomic_path(snakemake.output.page) as path:
            path.write_text(to_html(table), encoding="utf-8")
        log.info(summarise(table))


if __name__ == "__main__":
    main(snakemake)  # noqa: F821
