"""Weight matrix, MaxEntScan, metrics by fold, differences and curves of the splice-site branch."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import average_precision_score, f1_score, roc_auc_score

from splicebert.errors import SpliceBERTError
from splicebert.maxentscan import score_motifs, site_motif
from splicebert.splicesite_baselines import each_fold, score_rows
from splicebert.splicesite_config import site_split
from splicebert.splicesite_pwm import encode, fit, fit_best
from splicebert.splicesite_scores import (
    called,
    difference_rows,
    fold_rows,
    mean_curve,
    measure,
    summary_rows,
)


def sequences_of(n, motif, length=40, seed=0):
    """Random sequences with `motif` from the first base of the dinucleotide on."""
    rng = np.random.default_rng(seed)
    at = length // 2 - 1
    drawn = ("".join(rng.choice(list("ACGT"), length)) for _ in range(n))
    return [s[:at] + motif + s[at + len(motif) :] for s in drawn]


# --- weight matrix


def test_matrix_by_hand():
    codes = encode(["AAGTAA", "AAGTCA", "AAGTAA", "CAGTCN"])
    matrix = fit(codes, np.array([1, 1, 1, 0]), flank=1, pseudocount=1)
    assert matrix.prior == pytest.approx(np.log(3))
    # Base behind GT: among real sites A 2, C 1 of 3; among others C 1 of 1; one added to each.
    np.testing.assert_allclose(
        matrix.weights[3], np.log([3 / 7, 2 / 7, 1 / 7, 1 / 7]) - np.log([1, 2, 1, 1]) + np.log(5)
    )
    logits = matrix.logits(encode(["AAGTAA", "NAGTNN"]))
    np.testing.assert_allclose(logits[0], matrix.prior + sum(
        matrix.weights[i, b] for i, b in enumerate((0, 2, 3, 0))))  # fmt: skip
    np.testing.assert_allclose(logits[1], matrix.prior + sum(
        matrix.weights[i, b] for i, b in enumerate((0, 2, 3))))  # fmt: skip


def test_matrix_finds_a_motif_and_takes_the_flank_of_the_best_validation():
    parts = []
    for seed in (1, 2):
        texts = sequences_of(150, "GTAAGT", seed=seed) + sequences_of(150, "GT", seed=seed + 10)
        parts.append((encode(texts), np.repeat([1, 0], 150)))
    best = fit_best(*parts, flanks=[1, 4, 18], pseudocount=1)
    aucs = {
        flank: roc_auc_score(parts[1][1], fit(*parts[0], flank, 1).logits(parts[1][0]))
        for flank in (1, 4, 18)
    }
    assert best.flank == max(aucs, key=aucs.get) != 1
    assert aucs[best.flank] > 0.95
    with pytest.raises(SpliceBERTError, match="one class"):
        fit(parts[0][0], np.ones(300), 4, 1)
    with pytest.raises(SpliceBERTError, match="19 nt before"):
        fit(*parts[0], 30, 1)


def test_a_matrix_knows_only_the_training_folds():
    texts = sequences_of(100, "GT")
    table = pd.DataFrame({
        "example_id": [f"e{i}" for i in range(100)], "sequence": texts,
        "labels": [np.array([i % 2], np.int8) for i in range(100)], "group": "g",
        "fold": np.arange(100) // 10,
    })  # fmt: skip
    found = list(each_fold(table, [site_split(i, 10) for i in range(10)]))
    assert [split.fold for split in found] == list(range(10))
    last = found[9]
    assert set(last.validation["fold"]) == {9}
    assert set(last.test["fold"]) == {0, 1}
    assert set(last.train["fold"]) == {2, 3, 4, 5, 6, 7, 8}


# --- MaxEntScan


SCRIPT = r"""
open(FILE, "<$ARGV[0]") || die "can't open";
-e "me2x5" || die "no model here";
while (<FILE>) { chomp; my $n = () = /G/g; print "$_\t", sprintf("%.2f", $n - 1.5), "\n"; }
"""


@pytest.fixture
def maxent(tmp_path):
    for name in ("score5.pl", "score3.pl"):
        (tmp_path / name).write_text(SCRIPT)
    (tmp_path / "me2x5").touch()
    return tmp_path


def test_motifs_that_maxentscan_reads():
    sequence = "".join(f"{'acgt'[i % 4]}" for i in range(60)).upper()
    assert site_motif(sequence, "donor", 29) == sequence[26:35]
    assert len(site_motif(sequence, "acceptor", 29)) == 23
    assert site_motif(sequence, "acceptor", 29) == sequence[11:34]
    with pytest.raises(SpliceBERTError, match="MaxEntScan needs"):
        site_motif(sequence, "acceptor", 5)


def test_scores_come_from_the_users_scripts(maxent):
    motifs = ["CAGGTAAGT", "AAAAAAAAA", "CANGTAAGT", "CAGGTAAGT"]
    np.testing.assert_allclose(score_motifs(maxent, "donor", motifs), [1.5, -1.5, np.nan, 1.5])
    (maxent / "me2x5").unlink()
    with pytest.raises(SpliceBERTError, match="no model here"):
        score_motifs(maxent, "acceptor", motifs)


# --- metrics


def scores_of(seed, n=80, folds=3, shift=1.5, name="test"):
    rng = np.random.default_rng(seed)
    label = np.tile([0, 1], n // 2)
    examples = pd.DataFrame({
        "example_id": [f"e{i}" for i in range(n)], "labels": [np.array([v]) for v in label],
    })  # fmt: skip
    parts = [
        score_rows(examples, shift * (label - 0.5) + rng.normal(size=n).round(1), name, fold)
        for fold in range(folds)
    ]
    table = pd.concat(parts, ignore_index=True)
    return table.assign(group=table["example_id"].map(lambda e: int(e[1:]) // 4))


OPTIONS = {"replicates": 200, "seed": 1}


def test_metrics_by_fold_are_those_of_scikit_learn():
    scores = scores_of(0)
    found = measure(scores, "corrected", **OPTIONS)
    for fold, values in zip(found.folds, found.values, strict=True):
        own = scores[scores["fold"] == fold]
        expected = [
            roc_auc_score(own["label"], own["logit"]),
            average_precision_score(own["label"], own["logit"]),
            f1_score(own["label"], own["score"] > 0.5),
        ]
        np.testing.assert_allclose(values, expected, atol=1e-9)
    rows = fold_rows(found, scores)
    assert (rows[["n_positive", "n_negative"]] == 40).all(axis=None)
    summary = summary_rows(found).set_index("metric")
    np.testing.assert_allclose(summary["value"], found.values.mean(axis=0))
    np.testing.assert_allclose(summary["sd"], found.values.std(axis=0, ddof=1))
    assert ((summary["low"] < summary["value"]) & (summary["value"] < summary["high"])).all()


def test_protocol_published_thresholds_logits_of_benchmarks_alone():
    logits = np.array([-0.1, 0.2, 0.4, 0.6])
    for name, protocol, expected in (
        ("test", "corrected", [0, 1, 1, 1]), ("test", "published", [0, 1, 1, 1]),
        ("Fly", "corrected", [0, 1, 1, 1]), ("Fly", "published", [0, 0, 0, 1]),
    ):  # fmt: skip
        table = pd.DataFrame({"set": name, "logit": logits})
        assert called(table, protocol).tolist() == [bool(v) for v in expected]


def test_a_difference_is_drawn_in_pairs():
    better = measure(scores_of(0, shift=3), "corrected", **OPTIONS)
    worse = measure(scores_of(1, shift=0.5), "corrected", **OPTIONS)
    rows = difference_rows({"a": better, "b": worse, "c": better}).set_index(["method", "other"])
    own = rows.loc[("a", "b")].set_index("metric").loc["auc"]
    assert 0 < own["low"] < own["difference"] < own["high"]
    assert own["difference"] == pytest.approx(better.mean()[0] - worse.mean()[0])
    same = rows.loc[("a", "c")]
    assert (same[["difference", "low", "high"]] == 0).all(axis=None)
    assert len(rows) == 3 * 3


def test_mean_curve():
    table = pd.DataFrame({
        "fold": [0] * 4 + [1] * 4, "label": [1, 0, 1, 0, 1, 1, 0, 0], "logit": [4.0, 3, 2, 1] * 2,
    })  # fmt: skip
    curve = mean_curve(table, [0, 0.5, 0.6, 1])
    np.testing.assert_allclose(curve["precision"], [1, 1, (2 / 3 + 1) / 2, (2 / 3 + 1) / 2])
    np.testing.assert_allclose(curve["lowest"], [1, 1, 2 / 3, 2 / 3])
    np.testing.assert_allclose(curve["highest"], 1)
    np.testing.assert_allclose(curve["chance"], 0.5)
