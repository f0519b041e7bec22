"""The dependency branch's scripts: their arithmetic, their tables, their figures."""

from types import SimpleNamespace

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest

from splicebert.arrays import ArrayWriter
from splicebert.dependency import genome_positions, map_attributes, map_fields
from splicebert.dependency_scores import FEW, NO_SITE, intron_blocks
from splicebert.dependency_tables import (
    BLOCK_SUMMARY,
    BLOCKS,
    DEPENDENCY_INTRONS,
    DEPENDENCY_PARTS,
    DEPENDENCY_WINDOWS,
    MAP_CELLS,
)
from splicebert.errors import SpliceBERTError
from splicebert.tables import read_table, validate, write_table

SCRIPTS = ("infer_maps", "plot_blocks", "plot_map", "prepare_windows", "summarise_blocks")
SCRIPTS += ("summarise_map",)
SIZES = {
    "donor": {"exon": 3, "intron": 8},
    "acceptor": {"intron": 6, "exon": 3},
    "branchpoint": {"before": 3, "behind": 1},
}
NT = 150
BOOTSTRAP = {"replicates": 50, "seed": 1}


@pytest.fixture(scope="module")
def scripts(script):
    return SimpleNamespace(**{name: script("dependency", name) for name in SCRIPTS})


def test_these_tests_know_every_script(root):
    found = {path.stem for path in (root / "scripts" / "dependency").glob("*.py")}
    assert found == set(SCRIPTS)


def window_table():
    rows = [(f"w{n}", n, f"w{n}", "chr1", 1000 * n, 1000 * n + NT, strand, 1000 * n, 1000 * n + 9)
            for n, strand in ((1, "+"), (2, "-"), (3, "+"))]  # fmt: skip
    return validate(pd.DataFrame(rows, columns=DEPENDENCY_WINDOWS.names), DEPENDENCY_WINDOWS)


def intron_table():
    """One intron a window at the same offsets 5'->3'; the third leaves no room for a background."""
    rows = [
        ("w1", "a", 1, "chr1", 1040, 1100, "+", 1075),
        ("w2", "b", 1, "chr1", 2050, 2110, "-", pd.NA),
        ("w3", "b", 2, "chr1", 3005, 3145, "+", pd.NA),
    ]
    return validate(pd.DataFrame(rows, columns=DEPENDENCY_INTRONS.names), DEPENDENCY_INTRONS)


def parts_of(introns):
    parts = []
    for row in introns.itertuples():
        head = {"window_id": row.window_id, "tx_id": row.tx_id, "chrom": "chr1",
                "strand": row.strand}  # fmt: skip
        spans = [("exon", row.start - 60, row.start), ("intron", row.start, row.end),
                 ("exon", row.end, row.end + 60)]  # fmt: skip
        if not pd.isna(row.branchpoint):
            spans.append(("branchpoint", row.branchpoint, row.branchpoint + 1))
        parts += [head | {"part": p, "start": s, "end": e} for p, s, e in spans]
    return validate(pd.DataFrame(parts)[DEPENDENCY_PARTS.names], DEPENDENCY_PARTS)


@pytest.fixture(scope="module")
def shards(tmp_path_factory):
    """Maps in two shards; windows 1 and 2 have a planted donor-acceptor block."""
    folder = tmp_path_factory.mktemp("maps")
    windows, introns = window_table(), intron_table()
    paths = []
    for number, own in enumerate((windows[:1], windows[1:])):
        paths.append(str(folder / f"maps.{number}-of-2.zarr.zip"))
        with ArrayWriter(
            paths[-1], own["window_id"], map_fields(NT), chunk=1, attributes=map_attributes()
        ) as writer:
            for window in own.itertuples():
                values = np.random.default_rng(window.number).gamma(2, 0.05, (NT, NT))
                place = (window.start, window.end)
                intron = introns[introns["window_id"] == window.window_id].to_dict("records")[0]
                blocks = intron_blocks(intron, place, SIZES)
                values[slice(*blocks["acceptor"]), slice(*blocks["donor"])] += 0.4
                np.fill_diagonal(values, np.nan)
                writer.append(
                    map=values.astype(np.float32),
                    status=np.zeros(NT, np.uint8),
                    position=genome_positions(place, window.strand),
                )
    return paths


@pytest.fixture(scope="module")
def blocks(scripts, shards):
    table = scripts.summarise_blocks.score_windows(shards, window_table(), intron_table(), SIZES)
    return validate(table.assign(dataset="d", model="m"), BLOCKS)


@pytest.fixture(scope="module")
def summary(scripts, blocks):
    table = scripts.summarise_blocks.summarise(blocks, BOOTSTRAP)
    return validate(table.assign(dataset="d", model="m"), BLOCK_SUMMARY)


# --- scores


def test_planted_blocks_are_found_on_both_strands(blocks):
    table = blocks.set_index(["window_id", "link"])
    for window in ("w1", "w2"):
        row = table.loc[(window, "donor_acceptor")]
        assert row["rank"] == 1.0
        assert row["z"] > 5
        assert row["score"] == row["second_to_first"] > row["first_to_second"] + 0.3
    assert table.loc[("w3", "donor_acceptor"), "reason"] == FEW
    assert table.loc[("w2", "branchpoint_acceptor"), "reason"] == NO_SITE
    assert table.loc[("w1", "branchpoint_acceptor"), "n_background"] > 10
    assert pd.isna(table.loc[("w1", "donor_acceptor"), "reason"])


def test_blocks_go_to_tsv_and_come_back(blocks, summary, tmp_path):
    for table, schema in ((blocks, BLOCKS), (summary, BLOCK_SUMMARY)):
        write_table(table, tmp_path / "t.tsv", schema)
        pd.testing.assert_frame_equal(read_table(tmp_path / "t.tsv", schema), table, rtol=1e-5)


def test_means_count_each_place_once(scripts, blocks, summary):
    own = summary.set_index(["link", "quantity"])
    row = own.loc[("donor_acceptor", "difference")]
    scored = blocks[blocks["score"].notna() & (blocks["link"] == "donor_acceptor")]
    assert (row["n"], row["n_transcripts"]) == (2, 2)
    expected = (scored["score"] - scored["background_mean"]).mean()
    assert row["mean"] == pytest.approx(expected)
    assert row["low"] <= row["mean"] <= row["high"]
    single = own.loc[("branchpoint_acceptor", "score")]
    assert single["n"] == 1
    assert np.isnan(single["low"])
    twice = pd.concat([blocks, blocks.assign(window_id="other")], ignore_index=True)
    again = scripts.summarise_blocks.summarise(twice, BOOTSTRAP)
    pd.testing.assert_frame_equal(again, summary[again.columns])


def test_no_introns_give_empty_means(scripts):
    found = scripts.summarise_blocks.summarise(BLOCKS.empty(), BOOTSTRAP)
    assert (found["n"] == 0).all()
    assert found["mean"].isna().all()


# --- shards


def test_every_window_is_in_one_shard(scripts):
    windows = window_table()
    cut = [scripts.infer_maps.shard_windows(windows, shard, 2) for shard in range(2)]
    pd.testing.assert_frame_equal(pd.concat(cut, ignore_index=True), windows)
    with pytest.raises(SpliceBERTError, match=r"set dependency\.shards to 3 or less"):
        scripts.infer_maps.shard_windows(windows, 0, 4)


def test_a_map_is_found_in_its_shard(scripts, shards):
    values, positions = scripts.summarise_map.find_map(shards, "w3")
    assert values.shape == (NT, NT)
    assert positions[0] == 3000
    with pytest.raises(SpliceBERTError, match="no map of window w9"):
        scripts.summarise_map.find_map(shards, "w9")


# --- figures


def test_cells_are_those_with_a_value(scripts, shards):
    values, positions = scripts.summarise_map.find_map(shards, "w2")
    values[3] = np.nan
    table = validate(scripts.summarise_map.cell_table(values, positions), MAP_CELLS)
    assert len(table) == NT * (NT - 1) - (NT - 1)
    cells = values[table["mutated_offset"], table["observed_offset"]]
    np.testing.assert_array_equal(table["dependency"], cells)
    for name in ("mutated", "observed"):
        assert (table[name] == 2000 + NT - 1 - table[f"{name}_offset"]).all()
    again, places = scripts.plot_map.map_of(table, window_table().iloc[1])
    np.testing.assert_array_equal(again, values)
    np.testing.assert_array_equal(places, positions)


def test_sites_lie_at_the_same_offsets_on_both_strands(scripts):
    windows, introns = window_table(), intron_table()
    parts = parts_of(introns)
    found = []
    for number in range(2):
        window = windows.iloc[number]
        own = parts[parts["window_id"] == window["window_id"]]
        sites = scripts.plot_map.sites_of(scripts.plot_map.to_window(own, window), NT)
        found.append(sites[sites["site"] != "branchpoint"].to_numpy().tolist())
    assert found[0] == found[1] == [["donor", 40], ["acceptor", 99]]


def test_sites_outside_the_window_are_not_drawn(scripts):
    inside = pd.DataFrame({"part": ["intron"], "tx_id": ["a"], "start": [-20], "end": [60]})
    assert scripts.plot_map.sites_of(inside, 100).to_numpy().tolist() == [["acceptor", 59]]


def drawn_map(scripts, shards, window_id="w1", parts=None):
    values, positions = scripts.summarise_map.find_map(shards, window_id)
    window = window_table().set_index("window_id", drop=False).loc[window_id]
    introns = intron_table()
    introns = introns[introns["window_id"] == window_id]
    place = (window["start"], window["end"])
    blocks = [intron_blocks(row, place, SIZES) for row in introns.to_dict("records")]
    parts = parts_of(introns) if parts is None else parts
    return scripts.plot_map.draw(values, positions, parts, window, label="Model", blocks=blocks)


def test_the_figure_of_a_map(scripts, shards):
    figure = drawn_map(scripts, shards)
    track, heat, bar = figure.axes
    (image,) = heat.get_images()
    assert image.get_array().shape == (NT, NT)
    assert image.get_array().mask.sum() == NT  # the diagonal
    assert bar.get_ylabel() == "Dependency (log2 odds)"
    assert track.get_xlim() == heat.get_xlim() == (0, NT)
    frames = {(p.get_x(), p.get_y(), p.get_width(), p.get_height()) for p in heat.patches}
    assert frames == {(94, 37, 9, 11), (37, 94, 11, 9)}
    assert {text.get_text() for text in track.get_legend().get_texts()} == {
        "donor", "acceptor", "branchpoint",
    }  # fmt: skip
    exons = [path.get_extents() for c in track.collections for path in c.get_paths()]
    assert [(e.x0, e.x1) for e in exons] == [(0, 40), (100, 150)]
    mpl.pyplot.close(figure)


def test_ticks_are_positions_of_the_genome(scripts, shards):
    for window_id, first in (("w1", "1,001"), ("w2", "2,150")):
        figure = drawn_map(scripts, shards, window_id)
        assert figure.axes[1].xaxis.get_major_formatter()(0, 0) == first
        mpl.pyplot.close(figure)


def test_a_map_without_genes_or_values_is_drawn(scripts, shards):
    window = window_table().iloc[0]
    values, parts = np.full((NT, NT), np.nan), DEPENDENCY_PARTS.empty()
    figure = scripts.plot_map.draw(values, np.arange(NT), parts, window, label="Model")
    figure.canvas.draw()
    mpl.pyplot.close(figure)


def test_the_figure_of_blocks_has_n_and_intervals(scripts, blocks, summary):
    figure = scripts.plot_blocks.draw(blocks, summary, label="Model")
    figure.canvas.draw()
    names = [label.get_text() for label in figure.axes[0].get_xticklabels()]
    assert [name.split("\n")[-1] for name in names] == ["n = 2", "n = 1"]
    # two means a link on the left, one on the right
    assert [len(ax.containers) for ax in figure.axes] == [4, 2]
    low = summary.set_index(["link", "quantity"]).loc[("donor_acceptor", "score"), "low"]
    segments = figure.axes[0].containers[1].lines[2][0].get_segments()[0]
    assert segments[0][1] == pytest.approx(low)
    mpl.pyplot.close(figure)


def test_the_figure_of_no_blocks_is_drawn(scripts):
    summary = scripts.summarise_blocks.summarise(BLOCKS.empty(), BOOTSTRAP)
    figure = scripts.plot_blocks.draw(BLOCKS.empty(), summary, label="Model")
    figure.canvas.draw()
    mpl.pyplot.close(figure)
