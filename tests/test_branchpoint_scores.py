"""The position weight matrix, the metrics, the logo and the configuration of the branch."""

import copy

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import average_precision_score, f1_score, roc_auc_score

from splicebert.branchpoint_config import (
    branchpoint_styles,
    check_branchpoint,
    published_methods,
)
from splicebert.branchpoint_pwm import Bases, collect_bases, fit, score
from splicebert.branchpoint_scores import (
    best_bases,
    check_same_bases,
    count_distances,
    count_letters,
    difference_rows,
    measure,
)
from splicebert.branchpoint_tables import BRANCHPOINT_DIFFERENCES
from splicebert.errors import ConfigError, SpliceBERTError
from splicebert.method_styles import describe_method
from splicebert.training.settings import DEFAULTS


def planted(n, seed):
    """Windows of 60 nt with CTGAC around one base of the zone 20 to 40, acceptor at 50."""
    rng = np.random.default_rng(seed)
    sequences, labels = [], []
    for _ in range(n):
        letters = rng.choice(list("ACGT"), 60)
        at = int(rng.choice([25, 30, 31, 32]))
        letters[at - 3 : at + 2] = list("CTGAC")
        label = np.full(60, -100, np.int8)
        label[20:40] = 0
        label[at] = 1
        sequences.append("".join(letters))
        labels.append(label)
    return sequences, labels, [50] * n


def bases(n, seed):
    return collect_bases(*planted(n, seed), (3, 1))


def fitted(own):
    return fit(own, upstream=3, pseudocount=1, prior_pseudocount=5)


def test_the_matrix_finds_what_was_planted():
    model, test = fitted(bases(200, 0)), bases(100, 1)
    assert model.matrix[:, :4].argmax(axis=1).tolist() == [1, 3, 2, 0, 1]  # CTGAC
    assert average_precision_score(test.label, score(model, test)) > 0.97
    assert model.prior[20] > model.prior[15]  # distance 50 - 30, and one where none is


def test_log_odds_by_hand():
    own = Bases(
        np.zeros(4, int), np.arange(4), np.array([2, 2, 1, 1]), np.array([1, 0, 0, 0]),
        np.array([[0], [0], [1], [4]], np.uint8),
    )  # fmt: skip
    model = fit(own, upstream=0, pseudocount=1, prior_pseudocount=4)
    positive, negative = 2 / 5, 2 / 6  # A among branchpoints and among the others, each + 1
    chance = (1 + 0.25 * 4) / (2 + 4)
    assert score(model, own)[0] == pytest.approx(
        np.log(positive / negative) + np.log(chance / (1 - chance))
    )
    assert model.matrix[0, 4] == 0  # an N tells nothing


def test_one_class_is_refused():
    own = bases(3, 0)
    with pytest.raises(SpliceBERTError, match="alike"):
        fitted(Bases(*(column[own.label == 0] for column in own)))


def test_metrics_are_those_of_scikit_learn():
    rng = np.random.default_rng(3)
    block = np.repeat(np.arange(40), 10)
    label = (rng.random(400) < 0.2).astype(int)
    values = np.clip(rng.random(400) * 0.6 + 0.4 * label, 0, 1)
    found = measure(label, values, block, replicates=50, seed=0).performance()
    expected = {
        "ap": average_precision_score(label, values),
        "auc": roc_auc_score(label, values),
        "f1": f1_score(label, values > 0.5),
        "top1": np.mean([label[b][values[b].argmax()] for b in np.arange(400).reshape(40, 10)]),
    }
    for metric, value in expected.items():
        one = found[metric].estimate
        assert one.value == pytest.approx(value)
        assert one.low < value < one.high
    assert found["ap"].chance == pytest.approx(label.mean())
    assert found["top1"].chance == pytest.approx(label.mean())


def test_equal_best_scores_share_the_hit():
    found = measure(
        np.array([1, 0, 0, 1]), np.array([0.5, 0.5, 0.9, 0.1]), np.array(["a", "a", "b", "b"]),
        replicates=5, seed=0,
    )  # fmt: skip
    assert found.performance()["top1"].estimate.value == 0.25


def test_differences_are_drawn_in_pairs():
    rng = np.random.default_rng(4)
    block = np.repeat(np.arange(60), 10)
    label = (rng.random(600) < 0.2).astype(int)
    noise = rng.random((2, 600))
    scores = {"a": noise[0] + 0.9 * label, "b": noise[1] + 0.2 * label}
    scores["c"] = scores["a"]
    measured = {
        name: measure(label, score, block, replicates=100, seed=1) for name, score in scores.items()
    }
    rows = difference_rows(measured).set_index(["method", "other", "metric"])
    assert len(rows) == 3 * 4
    own = rows.loc[("a", "b", "ap")]
    values = [average_precision_score(label, scores[name]) for name in "ab"]
    assert own["difference"] == pytest.approx(values[0] - values[1])
    assert 0 < own["low"] < own["difference"] < own["high"]
    assert (rows.loc[("a", "c")] == 0).all(axis=None)


def test_one_method_differs_from_none():
    label, block = np.array([0, 1, 0, 1]), np.array([0, 0, 1, 1])
    found = measure(label, np.array([0.1, 0.9, 0.2, 0.3]), block, replicates=5, seed=1)
    rows = difference_rows({"a": found})
    assert len(rows) == 0
    assert set(rows) == set(BRANCHPOINT_DIFFERENCES.names[1:])


@pytest.mark.parametrize(
    ("label", "score", "message"),
    [([0, 0], [0.1, 0.2], "0 of them branchpoints"), ([0, 1], [0.1, np.nan], "1 scores NaN")],
)
def test_bases_of_one_class_or_without_a_score_are_refused(label, score, message):
    with pytest.raises(SpliceBERTError, match=message):
        measure(np.array(label), np.array(score), np.array([0, 1]), replicates=5, seed=1)


def predictions(**changes):
    table = pd.DataFrame(
        {"example_id": ["a", "a", "b"], "offset": [1, 2, 1], "label": [0, 1, 1],
         "score": [0.3, 0.3, 0.1]}
    )  # fmt: skip
    return table.assign(**changes)


def test_methods_must_be_tested_on_the_same_bases():
    check_same_bases({"x": predictions(), "y": predictions().iloc[::-1]})
    with pytest.raises(SpliceBERTError, match="'y'"):
        check_same_bases({"x": predictions(), "y": predictions(offset=[1, 3, 1])})


def test_best_base_of_each_intron():
    best = best_bases(predictions())
    assert best[["example_id", "offset"]].to_numpy().tolist() == [["a", 1], ["b", 1]]


def test_distances_are_counted_over_the_whole_zone():
    table = count_distances(pd.Series([18, 18, 20]), (18, 20))
    assert table["n"].tolist() == [2, 0, 1]
    assert table["share"].sum() == pytest.approx(1)


def test_letters_of_a_logo():
    table = count_letters(["AC", "AG", "AT", "AA"], 1).set_index(["position", "base"])
    assert table.loc[(-1, "A"), "bits"] == 2
    assert table.loc[0, "bits"].tolist() == [0, 0, 0, 0]
    assert count_letters(["NA"], 0)["bits"].isna().sum() == 4


MODELS = {
    "big": {"adapter": "splicebert", "label": "Big", "colour": "#000001", "max_length": 510,
            "published_as": {"branchpoint": "SpliceBERT"}},
    "onehot": {"adapter": "onehot", "label": "One-hot", "colour": "#000002", "published_as": None},
}  # fmt: skip
METHOD = {"model": "big", "initial": "pretrained", "freeze": 0, "label": None, "colour": None}
DATASET = {"genome": "g", "labels": "x.bed", "branchpoints": None, "published": False}
CONFIG = {
    "genomes": {"g": {"annotation": None}},
    "branchpoint": {
        "datasets": {"d": DATASET},
        "windows": {"length": 510},
        "zone": {"nearest": 18, "farthest": 44},
        "methods": {"big": METHOD, "scratch": METHOD | {"initial": "random"}},
        "training": DEFAULTS,
        "pwm": {"run": True},
    },
}


def changed(**sections):
    config = copy.deepcopy(CONFIG)
    for name, values in sections.items():
        config["branchpoint"][name] |= values
    return config


def test_a_good_configuration_passes():
    check_branchpoint(CONFIG, MODELS)
    styles = branchpoint_styles(CONFIG["branchpoint"], MODELS)
    assert [s["label"] for s in styles.values()] == [
        "Big", "Big, no pre-training", "Position weight matrix",
    ]  # fmt: skip
    assert len({s["colour"] for s in styles.values()}) == 3
    assert describe_method(METHOD | {"freeze": 2}, "Big") == "Big, 2 layers frozen"
    assert published_methods(CONFIG["branchpoint"], MODELS) == [
        ["branchpoint", "big", "SpliceBERT"],
        ["branchpoint", "scratch", "SpliceBERT, no pre-training"],
    ]


@pytest.mark.parametrize(
    ("sections", "words"),
    [
        ({"zone": {"nearest": 50}}, "zone.nearest: found 50"),
        ({"windows": {"length": 20}}, "allowed: 27"),
        ({"windows": {"length": 511}}, "at most 510"),
        ({"datasets": {"d": DATASET | {"labels": None}}}, "neither of labels and branchpoints"),
        ({"datasets": {"d": DATASET | {"branchpoints": "b.tsv"}}}, "both of labels"),
        ({"datasets": {"d": DATASET | {"labels": None, "branchpoints": "b"}}}, "annotation"),
        ({"methods": {"x": METHOD | {"model": "onehot"}}}, "can't be fine-tuned"),
        ({"methods": {"x": METHOD | {"model": "none"}}}, "unknown model 'none'"),
        ({"methods": {"x": METHOD}}, "label 'Big'"),
        ({"datasets": {n: DATASET | {"published": True} for n in "de"}}, "marked published"),
    ],
)
def test_a_wrong_configuration_says_where(sections, words):
    with pytest.raises(ConfigError) as error:
        check_branchpoint(changed(**sections), MODELS)
    assert words in str(error.value)
