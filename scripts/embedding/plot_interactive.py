"""The UMAPs of Figure 2 as one HTML file that opens offline: zoom, pick, read off sites."""

import html

import pandas as pd
import plotly.graph_objects as go

from splicebert.embedding_panels import COLOURS, class_labels, layer_text, method_styles
from splicebert.embedding_tables import POINTS
from splicebert.jobs import job
from splicebert.tables import atomic_path, read_table

CONFIGURATION = {"showSendToCloud": False, "displaylogo": False, "responsive": True}
"""No button of the page sends data anywhere."""
HOVER = "%{customdata[0]}<br>%{customdata[1]}<br>gene %{customdata[2]}<extra></extra>"


def traces(part: pd.DataFrame, *, visible: bool) -> list[go.Scattergl]:
    """One trace a class of a panel's points (POINTS of one data set and method)."""
    found = []
    for (site, positive), label in class_labels(part).items():
        own = part[(part["site"] == site) & (part["positive"] == positive)]
        texts = own[["site_id", "label", "gene"]].fillna("unknown").astype(str)
        found.append(
            go.Scattergl(
                x=own["x"].tolist(),
                y=own["y"].tolist(),
                mode="markers",
                name=html.escape(label),
                marker={"color": COLOURS[site, positive], "size": 4, "opacity": 0.8},
                customdata=texts.map(html.escape).to_numpy().tolist(),
                hovertemplate=HOVER,
                visible=visible,
            )
        )
    return found


def draw(points: pd.DataFrame, labels: dict[str, str]) -> go.Figure:
    """Draw all panels, one of them seen at a time, with a menu to choose.

    Parameters
    ----------
    points
        POINTS.
    labels
        Method -> name in the menu.
    """
    figure, owner, names = go.Figure(), [], []
    for (dataset, method, layer), part in points.groupby(
        ["dataset", "method", "layer"], sort=False
    ):
        found = traces(part, visible=not names)
        figure.add_traces(found)
        owner += [len(names)] * len(found)
        name = f"{dataset}: {labels.get(method, method)}{layer_text(method, layer)}"
        names.append(html.escape(name))
    buttons = [
        {
            "label": name,
            "method": "update",
            "args": [{"visible": [own == number for own in owner]}, {"title.text": name}],
        }
        for number, name in enumerate(names)
    ]
    figure.update_layout(
        title={"text": names[0] if names else ""},
        template="plotly_white",
        updatemenus=[{"buttons": buttons, "x": 1, "xanchor": "right", "y": 1.12, "yanchor": "top"}],
        xaxis={"title": {"text": "UMAP 1"}, "showticklabels": False, "zeroline": False},
        yaxis={"title": {"text": "UMAP 2"}, "showticklabels": False, "zeroline": False,
               "scaleanchor": "x"},
        legend={"itemsizing": "constant"},
    )  # fmt: skip
    return figure


def write_page(figure: go.Figure, path) -> None:
    """Write the figure as one page that holds its library; the same bytes for the same figure."""
    figure.write_html(
        path, include_plotlyjs=True, full_html=True, div_id="umap", config=CONFIGURATION
    )


def main(snakemake):
    params = snakemake.params
    looks = method_styles(params.models, params.flanks)
    with job(snakemake) as log:
        points = read_table(snakemake.input.points, POINTS)
        figure = draw(points, {method: look["label"] for method, look in looks.items()})
        with atomic_path(snakemake.output.page) as path:
            # The library is written into the file; a fixed id gives the same bytes each time.
            write_page(figure, path)
        log.info("%d points", len(points))


if __name__ == "__main__":
    main(snakemake)  # noqa: F821
