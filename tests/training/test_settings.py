import jsonschema
import numpy as np
import pytest

from splicebert.configuration import check, read_schema
from splicebert.errors import ConfigError
from splicebert.training.defaults import DEFAULTS
from splicebert.training.settings import Split, check_method, complete


@pytest.fixture(scope="module")
def schema(root):
    return read_schema(root / "config/schemas/training.schema.yaml")


def test_defaults_are_those_of_the_schema(schema):
    assert check({}, schema, "training") == DEFAULTS == complete({})
    jsonschema.Draft202012Validator.check_schema(schema)


def test_settings_keep_what_is_given(schema):
    given = {"batch": {"size": 16}, "class_weights": [1, 2], "patience": None}
    wanted = check(dict(given), schema, "training")
    assert complete(given) == wanted
    assert wanted["batch"] == {"size": 16, "accumulation": 1}
    assert DEFAULTS["batch"]["size"] == 8


@pytest.mark.parametrize("weights", [[1], [1, 0], "equal", [1, 2, 3]])
def test_class_weights_are_two_positive_numbers_or_balanced(schema, weights):
    with pytest.raises(ConfigError, match="class_weights"):
        check({"class_weights": weights}, schema, "training")


@pytest.mark.parametrize(
    ("settings", "words"),
    [({"schedule": {"floor": 0.1}}, "schedule.floor: 0.1 is more than"),
     ({"batch": {"size": 8, "accumulation": 3}}, "3 does not divide batch.size 8"),
     ({"optimiser": {"rate": 1}}, "unknown key optimiser.rate; allowed here: learning_rate")],
)  # fmt: skip
def test_settings_that_make_no_sense(settings, words):
    with pytest.raises(ConfigError, match=words):
        complete(settings)


def test_a_method_needs_a_model_that_can_be_trained():
    models = {"a": {"adapter": "splicebert"}, "onehot": {"adapter": "onehot"}}
    assert not list(check_method({"model": "a"}, "m", models))
    assert "unknown model 'b'; allowed: a" in next(check_method({"model": "b"}, "m", models))
    assert "can't be fine-tuned" in next(check_method({"model": "onehot"}, "m", models))
    method = {"model": "a", "initial": "random", "freeze": 2}
    assert "freeze" in next(check_method(method, "m", models))


@pytest.mark.parametrize(
    ("fold", "folds", "validation", "test", "expected"),
    # branchpoints: test is the fold itself, validation the next, round the end
    [(4, 5, [1], [0], {"training": [1, 2, 3], "validation": [0], "test": [4]}),
     # splice sites: validation is the fold itself, test the next two
     (9, 10, [0], [1, 2], {"training": [2, 3, 4, 5, 6, 7, 8], "validation": [9], "test": [0, 1]})],
)  # fmt: skip
def test_parts_of_a_split(fold, folds, validation, test, expected):
    members = Split.make(fold, folds, validation, test).members(np.arange(folds))
    assert {name: rows.tolist() for name, rows in members.items()} == expected


def test_examples_of_no_fold_are_in_no_part():
    members = Split.make(0, 3, [1], [0]).members(np.array([2, -1, 0, 1, 2]))
    assert {k: v.tolist() for k, v in members.items()} == {
        "training": [0, 4], "validation": [3], "test": [2],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("values", "words"),
    [((5, 5, [1], [0]), "fold 5; expected 0 to 4"),
     ((0, 5, [1], [1]), "none for both"),
     ((0, 5, [6], [1]), "none for both"),
     ((0, 5, [], [1]), "one fold or more for each"),
     ((0, 2, [1], [0]), "left for training")],
)  # fmt: skip
def test_a_split_without_its_parts_is_refused(values, words):
    with pytest.raises(ConfigError, match=words):
        Split.make(*values)
