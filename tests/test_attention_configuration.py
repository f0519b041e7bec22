"""What the configuration of the attention branch refuses, and what it fills in."""

import pytest

from splicebert.configuration import check, check_references, read_schema, read_yaml
from splicebert.errors import ConfigError
from splicebert.pairs import GROUPS

ON_DEMO = {"genome": "demo", "assembly": "demo"}


@pytest.fixture(scope="module")
def schema(root):
    return read_schema(root / "config/schemas/config.schema.yaml")


@pytest.fixture(scope="module")
def models(root):
    folder = root / "config"
    table = read_yaml(folder / "models.yaml")
    return check(table, read_schema(folder / "schemas/models.schema.yaml"), "models")


def configuration(schema, **attention):
    genome = {"assembly": "demo", "fasta": "resources/genome.fa"}
    return check({"genomes": {"demo": genome}, "attention": attention}, schema, "c")


def mistakes(values, models, schema):
    with pytest.raises(ConfigError) as caught:
        check_references(values, models, schema)
    return str(caught.value).splitlines()[1:]


def test_the_groups_of_the_schema_are_those_of_the_library(schema):
    branch = schema["properties"]["attention"]["properties"]
    pairs = branch["datasets"]["additionalProperties"]["properties"]["pairs"]
    assert tuple(pairs["properties"]) == tuple(pairs["required"]) == GROUPS


def test_defaults_are_the_papers(schema):
    branch = configuration(schema)["attention"]
    assert branch["windows"]["length"] == 1000
    assert branch["pairs"] == {
        "smallest": 100, "largest": 800, "bin": 100, "stratum": 20, "per_bin": 1000, "seed": 2020
    }  # fmt: skip
    assert branch["introns"]["flank"] == 100
    assert branch["introns"]["most"] is None


def test_files_of_some_groups_only_are_refused(schema):
    pairs = {group: f"resources/{group}.bedpe.gz" for group in GROUPS[:-1]}
    with pytest.raises(ConfigError, match=r"attention\.datasets\.d\.pairs\.random_pair: missing"):
        configuration(schema, datasets={"d": ON_DEMO | {"pairs": pairs}})


def test_pairs_and_introns_need_files_or_an_annotation(schema, models):
    pairs = {group: f"resources/{group}.bedpe.gz" for group in GROUPS}
    values = configuration(schema, datasets={"d": ON_DEMO | {"pairs": pairs}})
    (line,) = mistakes(values, models, schema)
    assert line.strip().startswith("attention.datasets.d.introns: missing, and genomes.demo.anno")
    values["attention"]["datasets"]["d"]["introns"] = "resources/introns.bedpe.gz"
    check_references(values, models, schema)


@pytest.mark.parametrize("part", ["pairs", "introns"])
def test_limits_of_distance_are_in_order(schema, models, part):
    values = configuration(schema, **{part: {"smallest": 900}})
    (line,) = mistakes(values, models, schema)
    assert line.strip().startswith(f"attention.{part}.smallest: found 900, allowed: {part}.largest")


def test_a_model_without_attention_is_refused(schema, models):
    values = configuration(schema, models=["onehot"])
    (line,) = mistakes(values, models, schema)
    assert "attention.models: model 'onehot' gives no attention; allowed: " in line
