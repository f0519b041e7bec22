"""What the configuration of the splice-site branch refuses, and what it fills in."""

import copy

import pytest

from splicebert.configuration import check, check_references, read_schema, read_yaml
from splicebert.errors import ConfigError
from splicebert.splicesite_config import (
    check_splicesite,
    chosen_folds,
    site_split,
    splicesite_styles,
)

FILES = {"positive": "resources/p.csv", "negative": "resources/n.csv"}
MODELS = {
    "a": {"adapter": "splicebert", "label": "A", "colour": "#000001", "max_length": 1024,
          "can": ["logits"]},
    "onehot": {"adapter": "onehot", "label": "O", "colour": "#000002", "can": ["hidden_states"]},
}  # fmt: skip
GENOME = {"assembly": "g1", "fasta": "resources/g.fa", "annotation": "resources/a.gtf"}
DERIVED = {"genome": "g", "assembly": "g1"}


@pytest.fixture(scope="module")
def schema(root):
    return read_schema(root / "config/schemas/config.schema.yaml")


def configuration(schema, dataset=DERIVED, genome=GENOME, **section):
    values = {"genomes": {"g": genome}, "splicesite": {"datasets": {"d": dataset}} | section}
    return check(copy.deepcopy(values), schema, "c")


def mistakes(schema, *arguments, **options):
    config = configuration(schema, *arguments, **options)
    found = []
    for look in (lambda: check_references(config, MODELS, schema),
                 lambda: check_splicesite(config, MODELS)):  # fmt: skip
        try:
            look()
        except ConfigError as error:
            found.append(str(error))
    return "\n".join(found)


def test_defaults_and_split_are_the_papers(schema):
    section = configuration(schema)["splicesite"]
    check_splicesite(configuration(schema, methods={"a": {"model": "a"}}), MODELS)
    assert section["windows"]["length"] == 400
    assert section["folds"] == {"number": 10, "how": "stratified", "seed": 2020, "run": None}
    assert section["methods"] == {}
    assert chosen_folds(section) == list(range(10))
    for run, folds in ((2, [0, 1]), ([4, 1], [1, 4])):
        chosen = configuration(schema, folds={"run": run})["splicesite"]
        assert chosen_folds(chosen) == folds
    assert site_split(9, 10) == {"fold": 9, "folds": 10, "validation": [0], "test": [1, 2]}


def test_the_papers_configuration_has_its_sets(root, schema):
    config = read_yaml(root / "config/paper.yaml")
    section = config["splicesite"]
    training = section["training"]
    assert training["score"] == "auc"
    assert training["batch"]["size"] == 16
    assert training["optimiser"] == {"learning_rate": 1e-5, "weight_decay": 1e-6}
    (dataset,) = section["datasets"].values()
    assert set(dataset["benchmarks"]) == {"Danio", "Fly", "Worm", "Thaliana"}
    sources = read_yaml(root / "config/sources.yaml")["data"]["members"]["splicesite"].values()
    named = [
        path
        for source in (dataset, *dataset["benchmarks"].values())
        for pair in source["files"].values()
        for path in pair.values()
    ]
    assert sorted(named) == sorted(sources)


@pytest.mark.parametrize(
    ("dataset", "section", "message"),
    [
        ({}, {}, "splicesite.datasets.d.files: neither of files and genome are given"),
        (DERIVED | {"files": {"donor": FILES}}, {}, "datasets.d.files: both of files and genome"),
        ({"files": {"donor": FILES}}, {}, "splicesite.datasets.d.files.acceptor: missing"),
        ({"files": {"donor": FILES, "acceptor": FILES}, "negatives": {"bed": "n.bed"}}, {},
         "splicesite.datasets.d.negatives: given beside files"),
        (DERIVED | {"assembly": "g2"}, {}, "datasets.d.assembly"),
        ({"genome": "h", "assembly": "g1"}, {}, "unknown genome 'h'"),
        (DERIVED | {"benchmarks": {"s": {"genome": "h"}}}, {}, "d.benchmarks.s.genome: unknown"),
        (DERIVED, {"folds": {"run": 11}}, "splicesite.folds.run: found 11"),
        (DERIVED, {"folds": {"run": [0, 10]}}, "splicesite.folds.run: found fold 10, allowed: 0"),
        (DERIVED, {"methods": {"m": {"model": "b"}}}, "splicesite.methods.m.model: unknown model"),
        (DERIVED, {"methods": {"m": {"model": "onehot"}}}, "'onehot' gives no logits"),
        (DERIVED, {"methods": {"m": {"model": "a", "initial": "random", "freeze": 2}}},
         "splicesite.methods.m.freeze"),
        (DERIVED, {"methods": {"m": {"model": "a"}}, "windows": {"length": 2000}},
         "splicesite.windows.length: 2000; model 'a'"),
        (DERIVED, {"methods": {"m": {"model": "a"}, "n": {"model": "a"}}},
         "splicesite.methods: two methods have the label 'A'"),
        (DERIVED, {"pwm": {"flanks": [10, 300]}}, "splicesite.pwm.flanks: found 300"),
        (DERIVED, {"pwm": {"run": False}}, "splicesite.methods: empty"),
    ],
)  # fmt: skip
def test_contradictions_are_refused(schema, dataset, section, message):
    assert message in mistakes(schema, dataset, **section)


def test_a_genome_needs_its_annotation(schema):
    bare = {"assembly": "g1", "fasta": "resources/g.fa"}
    assert "genomes.g.annotation: missing" in mistakes(schema, genome=bare)


def test_maxentscan_is_looked_at_before_the_run(schema, tmp_path):
    (tmp_path / "score5.pl").touch()
    text = mistakes(schema, maxentscan=str(tmp_path))
    assert "lacks score3.pl, me2x5, splicemodels" in text


def test_two_published_sets_are_refused(schema):
    config = configuration(schema)
    marked = config["splicesite"]["datasets"]["d"] | {"published": True}
    config["splicesite"]["datasets"] = {"d": marked, "e": marked}
    with pytest.raises(ConfigError, match="d and e are marked published"):
        check_splicesite(config, MODELS)


def test_methods_of_one_model_can_be_told_apart():
    plain = {"model": "a", "initial": "pretrained", "freeze": 0, "label": None, "colour": None}
    methods = {
        "p": plain, "r": plain | {"initial": "random"}, "f": plain | {"freeze": 2},
        "own": plain | {"label": "Mine", "colour": "#123456"},
    }  # fmt: skip
    section = {"methods": methods, "pwm": {"run": True}, "maxentscan": None}
    styles = splicesite_styles(section, MODELS)
    assert [s["label"] for s in styles.values()] == [
        "A", "A, no pre-training", "A, 2 layers frozen", "Mine", "Position weight matrix",
    ]  # fmt: skip
    assert len({s["colour"] for s in styles.values()}) == len(styles)
    assert styles["own"]["colour"] == "#123456"
