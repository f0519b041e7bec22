"""The attention branch's scripts: their arithmetic, their tables, their figures."""

import warnings
from types import SimpleNamespace

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest

from splicebert.arrays import ArrayWriter
from splicebert.attention_scores import ProfileSums, link_profiles
from splicebert.attention_statistics import enrichment, median_profiles
from splicebert.attention_tables import (
    DIRECTIONS,
    ENRICHMENT,
    EXAMPLE_ARCS,
    EXAMPLE_ROWS,
    HEAD_ENRICHMENT,
    LAYER_PROFILES,
    PAIR_GROUPS,
    PAIR_SCORES,
)
from splicebert.errors import FormatError, SpliceBERTError
from splicebert.pairs import GROUPS
from splicebert.report import PUBLISHED, REPRODUCED
from splicebert.tables import read_table, validate

SCRIPTS = (
    "collect_reproduced", "infer_example", "infer_introns", "infer_pairs", "plot_example",
    "plot_heads", "plot_layer_profiles", "plot_pair_scores", "prepare_pairs", "summarise_introns",
    "summarise_example", "summarise_pairs",
)  # fmt: skip
SETTINGS = {"smallest": 100, "largest": 800, "stratum": 100}
BOOTSTRAP = {"replicates": 50, "seed": 1}
HEAD = {"dataset": "d", "model": "m"}


@pytest.fixture(scope="module")
def scripts(script):
    return SimpleNamespace(**{name: script("attention", name) for name in SCRIPTS})


def test_these_tests_know_every_script(root):
    found = {path.stem for path in (root / "scripts" / "attention").glob("*.py")}
    assert found == set(SCRIPTS)


# --- pairs


def make_pairs(per_group=40):
    """Pairs of all groups; the attention of intronic ones will be higher."""
    rng = np.random.default_rng(0)
    rows = []
    for group in GROUPS:
        for number in range(per_group):
            distance = int(rng.integers(100, 801))
            rows.append((f"{group}:{number}", group, number // 2, distance))
    table = pd.DataFrame(rows, columns=["pair_id", "group", "tx_start", "distance"])
    return table.assign(
        chrom="chr1", p=500, q=500 + table["distance"], strand="+", tx_end=9000, type1="D",
        type2="A", start=100, end=1100,
    )  # fmt: skip


def make_scores(scripts, pairs):
    rng = np.random.default_rng(1)
    scores = rng.uniform(0.001, 0.002, (len(pairs), 3)).astype(np.float32)
    scores[(pairs["group"] == "intronic_pair").to_numpy(), 0] += 0.0008
    scores[3, :] = np.nan
    return scripts.infer_pairs.score_table(pairs["pair_id"], scores)


@pytest.fixture(scope="module")
def groups(scripts):
    pairs = make_pairs()
    scores = scripts.summarise_pairs.join_scores(pairs, [make_scores(scripts, pairs)], "p")
    table = scripts.summarise_pairs.group_table(scores, settings=SETTINGS, bootstrap=BOOTSTRAP)
    return validate(table.assign(**HEAD), PAIR_GROUPS)


def test_scores_of_a_pair_are_named_by_layer(scripts):
    pairs = make_pairs(2)
    table = validate(make_scores(scripts, pairs), PAIR_SCORES)
    assert table["layer"].tolist()[:4] == ["mean", "1", "2", "mean"]
    assert table["pair_id"].tolist()[2:4] == ["intronic_pair:0", "intronic_pair:1"]


def test_scores_of_other_pairs_are_refused(scripts):
    pairs = make_pairs(3)
    scores = make_scores(scripts, pairs)
    join = scripts.summarise_pairs.join_scores
    parts = [scores[:9].reset_index(drop=True), scores[9:].reset_index(drop=True)]
    assert len(join(pairs, parts, "pairs.parquet")) == 3 * len(pairs)
    for wrong in (parts[:1], parts[::-1]):
        with pytest.raises(FormatError, match=r"pairs\.parquet: its 18 pairs are not the"):
            join(pairs, wrong, "pairs.parquet")


def test_groups_are_compared_with_random_pairs_layer_by_layer(groups):
    assert list(groups["layer"].unique()) == ["mean", "1", "2"]
    assert list(groups["group"].unique()) == list(GROUPS)
    table = groups.set_index(["layer", "group"])
    assert table.loc[("mean", "intronic_pair"), "n"] == 39  # one lies at the window's edge
    higher = table.loc[("mean", "intronic_pair")]
    assert higher["matched_low"] > 0.8
    assert higher["p_value"] < 1e-6
    assert higher["matched_p_value"] < 1e-6
    assert 0 < higher["matched_u"] < higher["u"]
    assert higher["n_matched"] == 39
    assert higher["auc"] == pytest.approx(higher["u"] / (39 * 40))
    for other in (("1", "intronic_pair"), ("mean", "unpair")):
        assert table.loc[other, "matched_low"] < 0.5 < table.loc[other, "matched_high"]
    random = groups[groups["group"] == "random_pair"]
    assert random[["auc", "matched_auc", "u", "p_value", "matched_p_value"]].isna().all(axis=None)
    assert (groups["mean_low"] < groups["mean"]).all()


def test_narrow_strata_keep_distance_from_passing_for_attention(scripts):
    """Scores that fall with distance alone, and a group that lies nearer within each 100 nt."""
    near, far = np.arange(100, 160), np.arange(140, 200)
    parts = [
        pd.DataFrame({"score": -distance.astype(float), "distance": distance}).assign(
            transcript=[f"t{i}" for i in range(60)]
        )
        for distance in (near, far)
    ]
    wide, narrow = (
        scripts.summarise_pairs.compare(
            *parts, settings=SETTINGS | {"stratum": width}, bootstrap=BOOTSTRAP
        )
        for width in (100, 5)
    )
    assert wide["matched_auc"] > 0.9
    assert wide["n_matched"] == 60
    assert narrow["matched_auc"] == pytest.approx(0.5)
    assert narrow["n_matched"] == 20  # those of 140 to 159 nt


def test_groups_without_random_pairs_have_no_effect(scripts):
    pairs = make_pairs(4)
    pairs = pairs[pairs["group"] == "unpair"].reset_index(drop=True)
    scores = scripts.infer_pairs.score_table(pairs["pair_id"], np.ones((4, 2), np.float32))
    joined = scripts.summarise_pairs.join_scores(pairs, [scores], "p")
    table = scripts.summarise_pairs.group_table(joined, settings=SETTINGS, bootstrap=BOOTSTRAP)
    table = validate(table.assign(**HEAD), PAIR_GROUPS)
    assert table["n"].tolist() == [4, 4]
    assert table["auc"].isna().all()


# --- introns


def make_rows(n=9, layers=2, heads=3, nt=120):
    """Rows of introns in which head 2 of layer 1 looks at the other site, and their offsets."""
    rng = np.random.default_rng(2)
    rows, offsets = [], []
    for _ in range(n):
        donor, acceptor = int(rng.integers(0, 40)), int(rng.integers(60, nt))
        values = rng.uniform(0.001, 0.002, (layers, heads, 2, nt)).astype(np.float32)
        values[0, 1, 0, acceptor] = values[0, 1, 1, donor] = 0.2
        rows.append(values)
        offsets.append((donor, acceptor))
    return rows, np.array(offsets)


INTRONS = [f"intron:{number}" for number in range(9)]


def write_shards(folder, scripts, rows, offsets, *, flank=10, shards=2):
    """Write profiles and sums of some introns in shards, as the inference script does."""
    infer, paths = scripts.infer_introns, {"profiles": [], "heads": []}
    for number in range(shards):
        own = range(len(rows) * number // shards, len(rows) * (number + 1) // shards)
        sums, width = ProfileSums(), 2 * flank + 1
        fields = {f"layer_{k}": ((2, width), "float32") for k in (1, 2)}
        path = folder / f"profiles.{number}.zarr.zip"
        found = infer.stream_profiles([rows[i] for i in own], offsets[list(own)], flank, sums)
        with ArrayWriter(path, [f"intron:{i}" for i in own], fields) as writer:
            for profiles in found:
                writer.append(**dict(zip(fields, profiles, strict=True)))
        paths["profiles"].append(str(path))
        paths["heads"].append(str(folder / f"heads.{number}.zarr.zip"))
        infer.write_sums(paths["heads"][-1], sums)
    return paths


@pytest.fixture(scope="module")
def summary(scripts, tmp_path_factory):
    rows, offsets = make_rows()
    paths = write_shards(tmp_path_factory.mktemp("shards"), scripts, rows, offsets)
    profiles, enriched = scripts.summarise_introns.summarise(paths["profiles"], INTRONS)
    heads = scripts.summarise_introns.read_heads(paths["heads"])
    expected = np.stack([link_profiles(r, *o, 10) for r, o in zip(rows, offsets, strict=True)])
    return profiles.assign(**HEAD), enriched.assign(**HEAD), heads.assign(**HEAD), expected


def test_profiles_are_medians_of_the_maximum_over_heads(summary):
    profiles, enriched, _, expected = summary
    validate(profiles, LAYER_PROFILES)
    validate(enriched, ENRICHMENT)
    median = np.nanmedian(expected.max(axis=2), axis=0)  # (layers, 2, columns)
    np.testing.assert_allclose(profiles["median"], median.ravel(), rtol=1e-6)
    np.testing.assert_array_equal(
        profiles["n"].to_numpy().reshape(2, 2, 21)[0], np.isfinite(expected[:, 0, 0]).sum(axis=0)
    )
    np.testing.assert_allclose(enriched["enrichment"], enrichment(median).ravel(), rtol=1e-6)
    np.testing.assert_allclose(enriched["scale"], np.nanmax(median, axis=2).ravel(), rtol=1e-6)
    assert set(enriched["n"]) == {9}
    assert enriched["enrichment"].tolist()[0] > 3 > enriched["enrichment"].tolist()[2]


def test_heads_are_told_apart(summary):
    _, _, heads, expected = summary
    validate(heads, HEAD_ENRICHMENT)
    mean = np.nanmean(expected.astype(float), axis=0)  # (layers, heads, 2, columns)
    np.testing.assert_allclose(heads["enrichment"], enrichment(mean).ravel(), rtol=1e-6)
    for _, part in heads.groupby("direction"):
        best = part.loc[part["enrichment"].idxmax()]
        assert (best["layer"], best["head"]) == (1, 2)
        assert best["n"] == 9


def test_the_number_of_shards_changes_nothing(scripts, summary, tmp_path):
    rows, offsets = make_rows()
    paths = write_shards(tmp_path, scripts, rows, offsets, shards=3)
    profiles, _ = scripts.summarise_introns.summarise(paths["profiles"], INTRONS)
    heads = scripts.summarise_introns.read_heads(paths["heads"])
    pd.testing.assert_frame_equal(profiles, summary[0][profiles.columns])
    pd.testing.assert_frame_equal(heads, summary[2][heads.columns])


def test_shards_of_other_introns_are_refused(scripts, tmp_path):
    rows, offsets = make_rows()
    paths = write_shards(tmp_path, scripts, rows, offsets, shards=3)["profiles"]
    for wrong in (paths[:2], paths[::-1]):
        with pytest.raises(FormatError, match=r"are not the 9 of inputs\.introns\.parquet"):
            scripts.summarise_introns.summarise(wrong, INTRONS)


def test_a_shard_without_introns_says_what_to_do(scripts, monkeypatch):
    monkeypatch.setattr(scripts.infer_introns, "read_table", lambda path, schema: pd.DataFrame())
    with pytest.raises(SpliceBERTError, match=r"shard 3 of 4 .*lower attention\.shards"):
        scripts.infer_introns.read_shard("introns.parquet", 3, 4)


def test_columns_that_no_window_holds_are_missing_without_a_warning(scripts):
    values = np.full((4, 2, 5), np.nan, np.float32)
    values[:, :, 2] = 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        median, n = median_profiles(values)
    assert np.isnan(median[:, [0, 1, 3, 4]]).all()
    assert n.tolist() == [[0, 0, 4, 0, 0]] * 2


def test_nothing_left_says_why(scripts):
    require = scripts.prepare_pairs.require_rows
    with pytest.raises(SpliceBERTError, match=r"no pair is left \(7 too short\)"):
        require(pd.DataFrame(), "pair", {"too short": 7})


# --- names of the published table


def test_collected_numbers_have_the_names_of_the_published_table(scripts, root, groups):
    collect = scripts.collect_reproduced
    enriched = pd.DataFrame(
        [{"layer": layer, "direction": d, "enrichment": 2.0, "scale": 0.1, "n": 5} | HEAD
         for layer in range(1, 7) for d in DIRECTIONS]
    )  # fmt: skip
    parts = [collect.name_groups(groups), collect.name_enrichment(enriched, ["d"])]
    columns = [name for name in REPRODUCED.names if name not in ("branch", "protocol")]
    table = pd.concat([part.reindex(columns=columns) for part in parts], ignore_index=True)
    table = validate(table.assign(branch="attention", protocol="published"), REPRODUCED)
    published = read_table(root / "config" / "published.tsv", PUBLISHED)
    wanted = published[published["branch"] == "attention"]
    named = set(zip(table["quantity"], table["metric"], strict=True))
    assert set(zip(wanted["dataset"], wanted["metric"], strict=True)) == named
    other = collect.name_enrichment(enriched, ["another"])
    assert not other["quantity"].str.contains("MANE").any()


# --- figures


def test_boxes_show_the_table(scripts, groups):
    figure = scripts.plot_pair_scores.draw(groups, "Model")
    boxes, effects = figure.axes
    assert boxes.get_yscale() == "log"
    assert len(boxes.patches) == 6
    labels = [text.get_text() for text in boxes.get_xticklabels()]
    assert labels == [label for label, _ in scripts.plot_pair_scores.GROUPS.values()]
    legend = [text.get_text() for text in effects.get_legend().get_texts()]
    assert len(legend) == 5  # random pairs are what the others are compared with
    assert "random" not in legend
    mpl.pyplot.close(figure)


def test_profiles_show_the_tables(scripts, summary):
    figure = scripts.plot_layer_profiles.draw(summary[0], summary[1], "Model")
    assert len(figure.axes) == 4
    expected = summary[0].groupby(["layer", "direction"], sort=False)["median"]
    for ax, (_, median) in zip(figure.axes, expected, strict=True):
        np.testing.assert_array_equal(ax.lines[0].get_ydata(), median)
        assert "×" in ax.texts[0].get_text()
    mpl.pyplot.close(figure)


def test_the_heat_map_shows_the_table(scripts, summary):
    figure = scripts.plot_heads.draw(summary[2], "Model")
    for ax, direction in zip(figure.axes, scripts.plot_heads.TITLES, strict=False):
        part = summary[2][summary[2]["direction"] == direction]
        shown = np.asarray(ax.images[0].get_array())
        np.testing.assert_allclose(2 ** shown.ravel(), part["enrichment"], rtol=1e-6)
        assert ax.texts[0].get_text() == f"{part['enrichment'].max():.2g}"
    mpl.pyplot.close(figure)


PARTS_TABLE = pd.DataFrame(
    [("window", 1000, 1100), ("exon", 1000, 1020), ("example", 1020, 1080), ("exon", 1080, 1100)],
    columns=["part", "start", "end"],
).assign(pair_id="intron:0", chrom="chr1", strand="+")


@pytest.mark.parametrize(("strand", "first"), [("+", 1000), ("-", 1099)])
def test_the_example_shows_donor_and_acceptor(scripts, strand, first):
    plot, parts = scripts.plot_example, PARTS_TABLE.assign(strand=strand)
    rng = np.random.default_rng(3)
    rows = scripts.infer_example.row_table(rng.random((2, 2, 100)).astype(np.float32))
    validate(rows, EXAMPLE_ROWS)
    rows = scripts.summarise_example.on_genome(
        rows[rows["layer"] == 2].reset_index(drop=True), parts
    )
    validate(rows, EXAMPLE_ARCS)
    assert rows["position"].iloc[0] == first
    assert plot.site_offsets(plot.to_window(parts)) == {"donor": 20, "acceptor": 79}
    figure = plot.draw(rows, parts, "Model")
    assert len(figure.axes) == 3
    for ax, site in zip(figure.axes, (20, 79), strict=False):
        lines = ax.collections[0].get_segments()
        near = min(site + plot.LOCAL, 99) - max(site - plot.LOCAL, 0) + 1
        assert len(lines) == 100 - near
        assert all(line[0][0] == pytest.approx(site) or line[-1][0] == pytest.approx(site)
                   for line in lines)  # fmt: skip
    mpl.pyplot.close(figure)


def test_the_layer_of_the_example_tells_introns_from_random_pairs(scripts):
    table = pd.DataFrame(
        [("mean", "intronic_pair", 0.9), ("1", "intronic_pair", 0.6), ("2", "intronic_pair", 0.7),
         ("10", "intronic_pair", np.nan), ("1", "donor_pair", 0.8)],
        columns=["layer", "group", "matched_auc"],
    )  # fmt: skip
    assert scripts.summarise_example.choose_layer(table) == 2
    assert scripts.summarise_example.choose_layer(table.assign(matched_auc=np.nan)) == 1
