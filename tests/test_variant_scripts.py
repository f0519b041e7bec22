"""The variant branch's scripts: their arithmetic, their tables, their figures."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from splicebert.arrays import ArrayWriter
from splicebert.errors import FormatError
from splicebert.report import REPRODUCED
from splicebert.tables import validate, write_table
from splicebert.variant_kinds import COMPARATORS, MODEL_SCORES, MUTAGENESIS, NO_MODEL
from splicebert.variant_scores import no_scores
from splicebert.variant_tables import (
    ALL_SNV_SCORES,
    BOXES,
    CURVES,
    GROUP_COUNTS,
    PERFORMANCE,
    PROFILES,
    SITES,
    SNV_SCORES,
    SNV_TRACKS,
    SNVS,
)

SCRIPTS = (
    "annotate_snvs", "collect_reproduced", "infer_mutagenesis", "infer_snvs",
    "plot_context_profiles", "plot_precision_recall", "plot_rank_scores", "prepare_mutagenesis",
    "prepare_snvs", "summarise_profiles", "summarise_snvs",
)  # fmt: skip
BOOTSTRAP = {"replicates": 50, "seed": 1}
STYLES = {"m": {"label": "Model", "colour": "#0072B2"}}
N = 120


@pytest.fixture(scope="module")
def scripts(script):
    return SimpleNamespace(**{name: script("variant", name) for name in SCRIPTS})


def test_these_tests_know_every_script(root):
    found = {path.stem for path in (root / "scripts" / "variant").glob("*.py")}
    assert found == set(SCRIPTS)


@pytest.fixture(scope="module")
def snvs():
    """Variants, every fifth of them disrupting."""
    rng = np.random.default_rng(0)
    start = np.repeat(np.arange(N // 4), 4) * 1000 + 500
    offset = rng.integers(150, 350, N)
    change = np.where(np.arange(N) % 5 == 0, -0.9, 0.0)
    return validate(
        pd.DataFrame(
            {
                "variant_id": [f"v{i}" for i in range(N)], "chrom": "chr1",
                "position": start + offset, "ref": "A", "alt": "C", "strand": "+",
                "exon_start": start + 200, "exon_end": start + 310, "start": start,
                "end": start + 510, "offset": offset,
                "is_exonic": (offset >= 200) & (offset < 310),
                "distance": np.minimum(abs(offset - 199), abs(offset - 310)),
                "ref_psi": np.nan, "delta_psi": change, "group": np.arange(N) // 4,
            }
        ),
        SNVS,
    )  # fmt: skip


@pytest.fixture(scope="module")
def joined(scripts, snvs):
    """Scores that are high for disrupting variants; the first has none."""
    rng = np.random.default_rng(1)
    label = (snvs["delta_psi"] < -0.5).to_numpy()
    scores = {
        name: no_scores(None)._replace(
            p_ref=0.5, p_alt=0.5 - 0.3 * hit, delta_p=-0.3 * hit + 0.1 * rng.random(),
            donor_kl=0.01 * rng.random(), acceptor_kl=0.005 * hit, context_score=rng.normal() + hit,
        )
        for name, hit in zip(snvs["variant_id"], label, strict=True)
    }  # fmt: skip
    scores["v0"] = no_scores()
    table = validate(scripts.infer_snvs.score_table(snvs, scores), SNV_SCORES)
    tracks = snvs[["variant_id"]].assign(phastcons=rng.random(N), phylop=np.nan)
    shards = [table.iloc[50:], table.iloc[:50]]
    return scripts.summarise_snvs.join_scores(snvs, validate(tracks, SNV_TRACKS), shards, "p")


def test_scores_are_joined_by_variant_not_by_row(snvs, joined):
    assert joined["variant_id"].tolist() == snvs["variant_id"].tolist()
    head = joined.assign(dataset="d", model="m")
    table = validate(head[ALL_SNV_SCORES.names], ALL_SNV_SCORES)
    assert table["reason"].notna().tolist() == [True] + [False] * (N - 1)
    assert np.isnan(table["delta_p"][0])


def test_scores_of_other_variants_are_refused(scripts, snvs, joined):
    tracks = snvs[["variant_id"]].assign(phastcons=0.0, phylop=0.0)
    shard = joined[SNV_SCORES.names].iloc[1:]
    with pytest.raises(FormatError, match="its 120 variants are not the 119"):
        scripts.summarise_snvs.join_scores(snvs, tracks, [shard], "p")


def test_a_higher_score_is_more_disrupting(scripts, joined):
    scores = scripts.summarise_snvs.turned_scores(joined)
    assert list(scores) == [*MODEL_SCORES, *COMPARATORS]
    label = joined["delta_psi"] < -0.5
    assert scores["delta_p"][label].mean() > scores["delta_p"][~label].mean()
    assert (scores["distance"] == -joined["distance"]).all()
    both = joined["donor_kl"] + joined["acceptor_kl"]
    pd.testing.assert_series_equal(scores["splice_site"], both, check_names=False)


@pytest.fixture(scope="module")
def results(scripts, joined):
    """Performance, curves and boxes of a model and of the comparators."""
    table = joined.assign(disrupting=joined["delta_psi"] < -0.5)
    rows, curves, boxes = [], [], []
    for model, names in (("m", list(MODEL_SCORES)), (NO_MODEL, list(COMPARATORS))):
        head = {"dataset": "d", "model": model}
        for what, row, curve, box in scripts.summarise_snvs.evaluate_run(table, names, BOOTSTRAP):
            rows.append(head | what | row)
            curves.append(curve.assign(**head, **what))
            boxes.append(box.assign(**head, **what))
    return (
        validate(pd.DataFrame(rows), PERFORMANCE),
        validate(pd.concat(curves), CURVES),
        validate(pd.concat(boxes), BOXES),
    )


def test_every_score_is_judged_on_the_variants_that_have_it(results, joined):
    performance = results[0].set_index(["subset", "score"])
    whole = performance.loc[("all", "delta_p")]
    assert (whole["n_disrupting"], whole["n_other"], whole["n_missing"]) == (23, 96, 1)
    assert whole["ap"] == 1  # it was made to part them
    assert performance.loc[("all", "distance"), "n_missing"] == 0
    assert performance.loc[("all", "phylop"), "n_missing"] == N
    assert np.isnan(performance.loc[("all", "phylop"), "ap"])
    inside = joined["is_exonic"] | (joined["distance"] >= 2)
    outside = performance.loc[("outside", "distance")]
    assert outside[["n_disrupting", "n_other", "n_missing"]].sum() == inside.sum()
    assert whole["p_value"] < 1e-6


def test_reproduced_numbers_are_named_as_the_published(scripts, results):
    kinds = {"d": "MFASS", "e": MUTAGENESIS}
    named = scripts.collect_reproduced.name_performance(results[0], kinds)
    keys = set(zip(named["quantity"], named["model"], named["metric"], strict=True))
    assert ("MFASS, all SNVs", "m splice-site KL", "ap") in keys
    assert ("MFASS, outside splice sites", "phastCons", "auc") in keys
    assert len(keys) == len(named) == 2 * len(results[0])
    counts = pd.DataFrame(
        [("d", "MFASS", "outside", "disrupting", 5), ("e", MUTAGENESIS, "sites", "conserved", 7)],
        columns=GROUP_COUNTS.names,
    )
    found = scripts.collect_reproduced.name_counts(counts, 0.8)
    assert found[["quantity", "model", "value"]].to_numpy().tolist() == [
        ["MFASS, outside splice sites", "SDV", 5.0],
        ["in-silico mutagenesis", "phastCons>=0.8", 7.0],
    ]
    assert {"quantity", "model", "metric", "value"} <= set(REPRODUCED.names)


def make_profiles(folder, ids, values):
    path = folder / "p.zarr.zip"
    with ArrayWriter(path, ids, {"kl": ((values.shape[1],), "float32")}) as writer:
        for row in values:
            writer.append(kl=row)
    return str(path)


def test_profiles_are_medians_of_both_groups(scripts, snvs, tmp_path):
    module, path = scripts.summarise_profiles, tmp_path / "snvs.parquet"
    write_table(snvs, path, SNVS)
    groups = module.read_groups(str(path), "MFASS", -0.5)
    label = (groups["group"] == "disrupting").to_numpy()
    assert label.sum() == N // 5
    values = np.random.default_rng(0).random((N, 5)) + label[:, None]
    turned = make_profiles(tmp_path, snvs["variant_id"][::-1], values[::-1])
    table = module.profile_table(groups, module.read_profiles([turned]), "p")
    own = table[table["group"] == "disrupting"]
    np.testing.assert_allclose(own["median"], np.median(values[label], axis=0), rtol=1e-6)
    with pytest.raises(FormatError, match="20 of its 120 rows have no profile"):
        module.profile_table(groups, module.read_profiles([turned]).iloc[20:], "p")
    counts = module.count_groups(groups, "MFASS").assign(dataset="d")
    assert validate(counts, GROUP_COUNTS)["n"].tolist()[:2] == [24, 96]


def test_sites_are_grouped_by_phastcons(scripts, snvs, tmp_path):
    names = ["chrom", "position", "strand", "start", "end", "offset", "is_exonic", "group"]
    sites = snvs[names].assign(
        site_id=snvs["variant_id"], tx_id="t", donor_distance=None, acceptor_distance=3,
        phastcons=np.where(np.arange(N) < 30, 0.8, 0.79), phylop=np.nan,
    )  # fmt: skip
    write_table(sites[SITES.names], tmp_path / "s.parquet", SITES)
    module = scripts.summarise_profiles
    groups = module.read_groups(str(tmp_path / "s.parquet"), MUTAGENESIS, 0.8)
    assert module.count_groups(groups, MUTAGENESIS)["n"].tolist() == [30, 90]


# --- figures


def texts(figure):
    return " ".join(text.get_text() for text in figure.findobj(lambda o: hasattr(o, "get_text")))


def test_curves_name_average_precision_and_counts(scripts, results):
    performance, curves, _ = results
    module = scripts.plot_precision_recall
    chosen = [module.choose(table, "all", ["delta_p", "distance", "phylop"], {"d": "MFASS"})
              for table in (curves, performance)]  # fmt: skip
    figure = module.draw(*chosen, {"d": "MFASS"}, STYLES)
    shown = texts(figure)
    assert "Model dP: 1.000" in shown
    assert "23 / 96" in shown
    assert "distance: " in shown
    assert "d (MFASS)" in shown
    assert set(chosen[1]["score"]) == {"delta_p", "distance", "phylop"}


def test_boxes_have_their_p_and_counts(scripts, results):
    performance, _, boxes = results
    figure = scripts.plot_rank_scores.draw(boxes, performance, {"d": "MFASS"}, STYLES)
    shown = texts(figure)
    assert "SDV (n = 23–24)" in shown
    assert "outside splice sites" in shown
    assert scripts.plot_rank_scores.count_text(pd.Series([24, 24])) == "24"
    assert scripts.plot_rank_scores.count_text(pd.Series([1308, 1350])) == "1,308–1,350"
    assert scripts.plot_rank_scores.p_text(3e-12) == "3e-12"
    assert scripts.plot_rank_scores.p_text(0.25) == "0.25"
    assert len(figure.axes) == 2


def test_profiles_are_drawn_with_their_counts(scripts):
    rows = [
        {"dataset": d, "model": "m", "kind": k, "group": g, "distance": i, "n": 9 - (i > 9),
         "median": 0.1 / i, "q1": 0.05 / i, "q3": 0.2 / i}
        for d, k, groups in (("d", "MFASS", ("disrupting", "other")),
                             ("e", MUTAGENESIS, ("conserved", "not conserved")))
        for g in groups for i in range(1, 20)
    ]  # fmt: skip
    profiles = validate(pd.DataFrame(rows), PROFILES)
    figure = scripts.plot_context_profiles.draw(
        profiles, {"d": "MFASS", "e": MUTAGENESIS}, STYLES, 0.8
    )
    shown = texts(figure)
    assert "SDV (n = 9)" in shown
    assert "phastCons ≥ 0.8 (n = 9)" in shown
    assert [ax.get_yscale() for ax in figure.axes] == ["log", "log"]
