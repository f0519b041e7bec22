"""Schemas, the shipped configurations, and what a mistake is told."""

import copy
import json

import jsonschema
import pytest

from splicebert.configuration import (
    check,
    check_local_files,
    check_models,
    check_references,
    fill_defaults,
    read_schema,
    read_yaml,
)
from splicebert.errors import ConfigError
from splicebert.models import ADAPTERS, ModelAdapter

SCHEMAS = (
    "config.schema.yaml", "conservation.schema.yaml", "demo.schema.yaml", "genome.schema.yaml",
    "inference.schema.yaml", "models.schema.yaml", "sources.schema.yaml",
)  # fmt: skip


@pytest.fixture(scope="module")
def schemas(root):
    folder = root / "config" / "schemas"
    assert SCHEMAS[0] in {path.name for path in folder.iterdir()}
    return {path.name: read_schema(path) for path in sorted(folder.iterdir())}


@pytest.fixture(scope="module")
def models(root, schemas):
    return check(read_yaml(root / "config" / "models.yaml"), schemas["models.schema.yaml"], "m")


@pytest.fixture
def config(root):
    return read_yaml(root / "config" / "config.yaml")


def put(values, key, value):
    """A copy of `values` with a dotted key set; a list's item is its number."""
    values = copy.deepcopy(values)
    *path, last = key.split("/")
    place = values
    for part in path:
        place = place.setdefault(part, {})
    place[last] = value
    return values


def mistakes(values, schema):
    with pytest.raises(ConfigError) as caught:
        check(values, schema, "my.yaml")
    first, *lines = str(caught.value).split("\n")
    assert first == "my.yaml:"
    return [line.strip() for line in lines]


# --- the schemas


def leaves(schema, path):
    """Every schema of a key, with its dotted path."""
    for key, part in schema.get("properties", {}).items():
        yield f"{path}.{key}", part
        yield from leaves(part, f"{path}.{key}")
    other = schema.get("additionalProperties")
    if isinstance(other, dict):
        if "properties" in other:
            yield f"{path}.<name>", other
        yield from leaves(other, f"{path}.<name>")


def test_every_schema_is_a_schema(schemas):
    assert set(SCHEMAS) <= schemas.keys()
    for schema in schemas.values():
        jsonschema.Draft202012Validator.check_schema(schema)


def test_every_key_has_a_description(schemas):
    found = [(p, part) for name, s in schemas.items() for p, part in leaves(s, name)]
    assert len(found) > 60
    for path, part in found:
        text = part.get("description", "")
        assert len(text) > 5, path
        assert not text.rstrip().endswith((",", ":", ";")), f"{path}: cut off at a '#'?"


def test_every_object_is_closed(schemas):
    # `models` holds entries that models.schema.yaml checks once they are in the table.
    for name, schema in schemas.items():
        for path, part in [(name, schema), *leaves(schema, name)]:
            kind = part.get("type")
            if kind == "object" and path != "config.schema.yaml.models":
                assert "additionalProperties" in part, path


def test_every_default_validates(schemas):
    checked = 0
    for name, schema in schemas.items():
        for path, part in leaves(schema, name):
            if "default" in part:
                filled = fill_defaults(copy.deepcopy(part["default"]), part)
                errors = list(jsonschema.Draft202012Validator(part).iter_errors(filled))
                assert not errors, (path, errors)
                checked += 1
    assert checked > 40


def test_a_key_is_required_or_has_a_default_or_may_be_absent(schemas):
    """A rule may ask for any key of the configuration without a look whether it is there."""
    for path, part in leaves(schemas["config.schema.yaml"], "config"):
        parent = schemas["config.schema.yaml"]
        for step in path.split(".")[1:-1]:
            parent = (
                parent["additionalProperties"] if step == "<name>" else parent["properties"][step]
            )
        key = path.split(".")[-1]
        assert key == "<name>" or "default" in part or key in parent.get("required", []), path


def test_refs_are_replaced_by_the_files_content(tmp_path):
    (tmp_path / "a.yaml").write_text("properties: {b: {$ref: b.yaml}, c: [{$ref: b.yaml}, 1]}")
    (tmp_path / "b.yaml").write_text("type: integer")
    assert read_schema(tmp_path / "a.yaml") == {
        "properties": {"b": {"type": "integer"}, "c": [{"type": "integer"}, 1]}
    }


# --- the shipped configurations


@pytest.mark.parametrize("name", ["config.yaml", "paper.yaml", "precomputed.yaml"])
def test_a_shipped_configuration_is_valid(root, schemas, models, name, monkeypatch):
    monkeypatch.chdir(root)
    values = check(read_yaml(root / "config" / name), schemas["config.schema.yaml"], name)
    check_references(values, models, schemas["config.schema.yaml"])
    check_local_files(values, schemas["config.schema.yaml"])
    assert values["conservation"]["datasets"]
    assert values["conservation"]["probe"]["test_fraction"] == 0.2


def test_the_papers_configuration_has_the_papers_numbers(root, schemas):
    values = check(read_yaml(root / "config/paper.yaml"), schemas["config.schema.yaml"], "paper")
    branch = values["conservation"]
    windows = {"length": 510, "lead": 100, "skip_contigs": ["chrY", "chrM"]}
    assert branch["windows"] == windows | {"missing_contigs": "error"}
    assert (branch["mlm"]["windows"], branch["mlm"]["seed"]) == (100_000, 2020)
    assert (branch["probe"]["windows"], branch["probe"]["seed"]) == (1000, 2020)
    assert (branch["probe"]["threshold"], branch["probe"]["max_iter"]) == (0.8, 1000)
    assert branch["mlm"]["models"] == ["SpliceBERT.510nt", "SpliceBERT-human.510nt"]
    assert all(dataset["published"] for dataset in branch["datasets"].values())


def test_the_demos_data_set_is_not_the_papers_own(config, schemas):
    values = check(config, schemas["config.schema.yaml"], "config")
    assert not any(d["published"] for d in values["conservation"]["datasets"].values())


def test_other_tables_are_valid(root, schemas):
    check(read_yaml(root / "config/sources.yaml"), schemas["sources.schema.yaml"], "sources")


def test_abilities_of_the_model_table_are_what_the_adapters_implement(models):
    methods = {
        "logits": "logits_packed",
        "hidden_states": "hidden_states_packed",
        "attention": "attention_rows",
    }
    for name, entry in models.items():
        adapter = ADAPTERS[entry["adapter"]]
        able = {
            ability
            for ability, method in methods.items()
            if getattr(adapter, method) is not getattr(ModelAdapter, method)
            or method in ModelAdapter.__abstractmethods__
        }
        assert set(entry["can"]) == able, name


def test_the_schema_knows_every_adapter(schemas):
    entry = schemas["models.schema.yaml"]["additionalProperties"]
    assert set(entry["properties"]["adapter"]["enum"]) == set(ADAPTERS)


def test_a_section_needs_no_line_in_the_configurations_schema(tmp_path):
    (tmp_path / "config.schema.yaml").write_text(
        "{x-sections: true, properties: {a: {$ref: a.schema.yaml}}}"
    )
    for name, text in (("a", "type: string"), ("b", "x-section: true"), ("part", "type: integer")):
        (tmp_path / f"{name}.schema.yaml").write_text(text)
    assert read_schema(tmp_path / "config.schema.yaml")["properties"] == {
        "a": {"type": "string"}, "b": {"x-section": True}
    }  # fmt: skip


# --- defaults


def test_defaults_are_filled_in_and_do_not_overwrite(schemas):
    values = {"genomes": {"g": {"assembly": "x", "fasta": "y"}}, "inference": {"threads": 7}}
    found = check(values, schemas["config.schema.yaml"], "c")
    assert found is values
    assert values["inference"] == {
        "threads": 7, "device": "auto", "dtype": "auto", "batch_nt": None,
        "attention": "auto", "compile": False
    }  # fmt: skip
    assert values["conservation"]["mlm"]["windows"] == 100_000
    assert values["genomes"]["g"]["near_nt"] == 100
    json.dumps(values)


def test_null_leaves_an_entry_out(config, schemas):
    """What a configuration on top of another one does with what that one has."""
    values = put(put(config, "branchpoint/methods/scratch", None), "branchpoint/most", None)
    values = put(values, "embedding/datasets/demo-usage", None)
    check(values, schemas["config.schema.yaml"], "c")
    assert set(values["branchpoint"]["methods"]) == {"demo"}
    assert values["branchpoint"]["most"] is None  # no entry, but a value that may be null
    assert set(values["embedding"]["datasets"]) == {"demo-sites"}


def test_the_published_protocol_is_that_of_every_branch(root, schemas):
    values = read_yaml(root / "config/published_protocol.yaml")
    schema = schemas["config.schema.yaml"]
    able = [
        n for n, part in schema["properties"].items() if "protocol" in part.get("properties", {})
    ]
    assert set(values) == set(able)
    assert all(section == {"protocol": "published"} for section in values.values())


def test_defaults_are_copies(schemas):
    schema = schemas["config.schema.yaml"]
    one, other = (
        check({"genomes": {"g": {"assembly": "x", "fasta": "y"}}}, schema, "c") for _ in range(2)
    )
    one["conservation"]["windows"]["skip_contigs"].append("chrX")
    assert other["conservation"]["windows"]["skip_contigs"] == ["chrY", "chrM"]
    assert "chrX" not in json.dumps(schema)


# --- mistakes that the schema finds


TYPOS = [
    ("infrence", {}, "infrence", "inference"),
    ("inference/devise", "cpu", "inference.devise", "device"),
    ("genomes/demo/fatsa", "x", "genomes.demo.fatsa", "fasta"),
    ("conservation/mlm/window", 5, "conservation.mlm.window", "windows"),
    ("conservation/probe/treshold", 0.5, "conservation.probe.treshold", "threshold"),
    ("conservation/datasets/demo/regoins", "x", "conservation.datasets.demo.regoins", "regions"),
    ("conservation/bootstrap/replicate", 5, "conservation.bootstrap.replicate", "replicates"),
    ("demo/sed", 5, "demo.sed", "seed"),
]


@pytest.mark.parametrize(("path", "value", "key", "meant"), TYPOS)
def test_a_typo_is_told_with_what_is_allowed_and_meant(config, schemas, path, value, key, meant):
    (line,) = mistakes(put(config, path, value), schemas["config.schema.yaml"])
    assert line.startswith(f"{key}: unknown key; allowed here: ")
    assert line.endswith(f" Did you mean {meant!r}?")
    assert meant in line.split("allowed here: ")[1].split(".")[0].split(", ")


def test_a_key_like_no_other_has_no_hint(config, schemas):
    (line,) = mistakes(put(config, "inference/zzz", 1), schemas["config.schema.yaml"])
    assert line.startswith("inference.zzz: unknown key; allowed here: device, dtype, attention")
    assert "Did you mean" not in line


def test_keys_that_are_no_text(config, schemas):
    lines = mistakes(put(config, "inference", {1: 2, "x": 3}), schemas["config.schema.yaml"])
    assert [line.split(":")[0] for line in lines] == ["inference.1", "inference.x"]


WRONG = [
    ("inference/device", "gpu", "found 'gpu', allowed: text that matches"),
    ("inference/device", 1, "found 1, allowed: string"),
    ("inference/dtype", "half", "found 'half', allowed: one of auto, float32, float16, bfloat16"),
    ("inference/batch_nt", "big", "found 'big', allowed: integer or null"),
    ("inference/threads", 0, "found 0, allowed: 1 or more"),
    ("inference/threads", True, "found True, allowed: integer"),
    ("inference", None, "found None, allowed: object"),
    ("conservation", [], "found [], allowed: object"),
    ("conservation/protocol", "paper", "allowed: one of corrected, published"),
    ("conservation/mlm/models", "demo", "found 'demo', allowed: array"),
    ("conservation/mlm/models", ["demo", "demo"], "allowed: each item once"),
    ("conservation/mlm/windows", 1.5, "found 1.5, allowed: integer"),
    ("conservation/mlm/seed", -1, "found -1, allowed: 0 or more"),
    ("conservation/probe/threshold", 0, "allowed: more than 0"),
    ("conservation/probe/threshold", 1.1, "allowed: 1 or less"),
    ("conservation/probe/test_fraction", 1, "allowed: less than 1"),
    ("conservation/probe/splits", [], "allowed: at least 1 of them"),
    ("conservation/windows/length", 0, "allowed: 1 or more"),
    ("conservation/datasets/demo/published", "yes", "found 'yes', allowed: boolean"),
    ("genomes/demo/annotation_format", "gff", "allowed: one of gtf, genepred"),
    ("genomes/demo/near_nt", 0, "allowed: 1 or more"),
    ("genomes/demo/fasta", "", "allowed: text of at least 1 letter"),
    ("genomes/demo", "hg19", "found 'hg19', allowed: object"),
    ("genomes", {}, "allowed: at least 1 of them"),
    ("demo/seed", "x", "found 'x', allowed: integer"),
    ("demo/chromosomes", {"chr1": 10}, "allowed: 50000 or more"),
]


@pytest.mark.parametrize(("path", "value", "message"), WRONG)
def test_a_wrong_value_is_told_with_its_key_and_what_is_allowed(
    config, schemas, path, value, message
):
    (line,) = mistakes(put(config, path, value), schemas["config.schema.yaml"])
    assert line.startswith(path.replace("/", "."))
    assert message in line


def test_a_wrong_value_is_told_with_the_keys_description(config, schemas):
    (line,) = mistakes(put(config, "inference/threads", "x"), schemas["config.schema.yaml"])
    assert line == "inference.threads: found 'x', allowed: integer. CPU threads of an inference job"


def test_a_wrong_item_of_a_list_is_told_by_its_number(config, schemas):
    values = put(config, "conservation/probe/splits", ["base", "gene"])
    (line,) = mistakes(values, schemas["config.schema.yaml"])
    assert line.startswith("conservation.probe.splits.1: found 'gene', allowed: one of chromosome,")


@pytest.mark.parametrize("name", ["a/b", "", ".hidden", "tables", "-x"])
def test_a_data_set_needs_a_name_that_can_be_a_folder(config, schemas, name):
    values = copy.deepcopy(config)
    values["conservation"]["datasets"][name] = {"genome": "demo", "assembly": "demo"}
    (line,) = mistakes(values, schemas["config.schema.yaml"])
    assert line.startswith(f"conservation.datasets: found {name!r}, allowed: ")


@pytest.mark.parametrize(
    ("path", "key"),
    [
        ("genomes", "genomes"),
        ("genomes/demo/fasta", "genomes.demo.fasta"),
        ("genomes/demo/assembly", "genomes.demo.assembly"),
        ("conservation/datasets/demo/genome", "conservation.datasets.demo.genome"),
        ("conservation/datasets/demo/assembly", "conservation.datasets.demo.assembly"),
    ],
)
def test_a_missing_key_is_told_with_its_meaning(config, schemas, path, key):
    *parents, last = path.split("/")
    place = config
    for part in parents:
        place = place[part]
    del place[last]
    (line,) = mistakes(config, schemas["config.schema.yaml"])
    assert line.startswith(f"{key}: missing; ")
    assert len(line) > len(key) + 20


def test_every_mistake_is_told_at_once(config, schemas):
    values = put(put(config, "inference/devise", 1), "conservation/mlm/seed", "x")
    del values["genomes"]["demo"]["fasta"]
    keys = [line.split(":")[0] for line in mistakes(values, schemas["config.schema.yaml"])]
    assert keys == ["conservation.mlm.seed", "genomes.demo.fasta", "inference.devise"]


MODEL = {"adapter": "onehot", "label": "x", "colour": "#000000", "can": ["hidden_states"]}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"adapter": "gpt"}, "mine.adapter: found 'gpt', allowed: one of dnabert, onehot, splice"),
        ({"colour": "red"}, "mine.colour: found 'red', allowed: text that matches"),
        ({"can": ["fly"]}, "mine.can.0: found 'fly', allowed: one of logits, hidden_states"),
        ({"sha256": {"x": "abc"}}, "mine.sha256.x: found 'abc'"),
        ({"weights": "a.pt"}, "mine.weights: found 'a.pt', allowed: one of pytorch_model.bin"),
        ({"max_lenght": 5}, "Did you mean 'max_length'?"),
    ],
)
def test_a_wrong_model_entry(schemas, change, message):
    check({"mine": dict(MODEL)}, schemas["models.schema.yaml"], "models")
    (line,) = mistakes({"mine": MODEL | change}, schemas["models.schema.yaml"])
    assert message in line


@pytest.mark.parametrize("key", ["adapter", "label", "colour", "can"])
def test_a_model_entry_without_a_key(schemas, key):
    entry = {k: v for k, v in MODEL.items() if k != key}
    (line,) = mistakes({"mine": entry}, schemas["models.schema.yaml"])
    assert line.startswith(f"mine.{key}: missing; ")


# --- mistakes that no schema finds


def reference_mistakes(config, models, schemas):
    values = check(config, schemas["config.schema.yaml"], "c")
    with pytest.raises(ConfigError) as caught:
        check_references(values, models, schemas["config.schema.yaml"])
    return [line.strip() for line in str(caught.value).split("\n")[1:]]


@pytest.mark.parametrize("section", ["mlm", "probe"])
def test_unknown_model(config, models, schemas, section):
    key = f"conservation/{section}/models"
    (line,) = reference_mistakes(put(config, key, ["SpliceBERT.510"]), models, schemas)
    assert line.startswith(f"{key.replace('/', '.')}: unknown model 'SpliceBERT.510'; allowed: ")
    assert "SpliceBERT.510nt" in line
    assert ("onehot" in line) == (section == "probe")


def test_model_without_the_ability(config, models, schemas):
    values = put(config, "conservation/mlm/models", ["demo", "onehot"])
    (line,) = reference_mistakes(values, models, schemas)
    assert line.startswith("conservation.mlm.models: model 'onehot' gives no logits; allowed: ")
    assert "onehot" not in line.split("allowed: ")[1]


def test_unknown_genome(config, models, schemas):
    values = put(config, "conservation/datasets/demo/genome", "hg18")
    (line,) = reference_mistakes(values, models, schemas)
    assert line == (
        "conservation.datasets.demo.genome: unknown genome 'hg18'; allowed: demo, demo_distant"
    )


def test_other_assembly(config, models, schemas):
    values = put(config, "conservation/datasets/demo/assembly", "hg38")
    (line,) = reference_mistakes(values, models, schemas)
    assert line.startswith("conservation.datasets.demo.assembly: the data set is on 'hg38'")
    assert "allowed: demo. Lift the coordinates over" in line


def test_data_set_whose_genome_has_no_annotation(config, models, schemas):
    lines = reference_mistakes(put(config, "genomes/demo/annotation", None), models, schemas)
    assert [line.split(":")[0] for line in lines] == [
        "conservation.datasets.demo.transcripts",
        "conservation.datasets.demo.regions",
        "attention.datasets.demo.pairs",
        "attention.datasets.demo.introns",
    ]
    assert all("genomes.demo.annotation" in line for line in lines)


def test_probe_whose_genome_has_no_phastcons(config, models, schemas):
    values = put(config, "genomes/demo/phastcons", None)
    (line,) = reference_mistakes(values, models, schemas)
    assert line.startswith("genomes.demo.phastcons: missing; the probe of data set 'demo' needs it")
    check_references(
        check(put(values, "conservation/probe/models", []), schemas["config.schema.yaml"], "c"),
        models,
        schemas["config.schema.yaml"],
    )


def test_every_wrong_reference_is_told_at_once(config, models, schemas):
    values = put(config, "conservation/datasets/demo/genome", "x")
    values = put(values, "conservation/mlm/models", ["y", "onehot"])
    assert len(reference_mistakes(values, models, schemas)) == 3


def test_missing_files_outside_resources(config, schemas, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    values = check(config, schemas["config.schema.yaml"], "c")
    check_local_files(values, schemas["config.schema.yaml"])  # the demo makes its own
    values["genomes"]["demo"]["fasta"] = "mine/genome.fa"
    values["conservation"]["datasets"]["demo"]["regions"] = str(tmp_path / "regions.bed")
    with pytest.raises(ConfigError) as caught:
        check_local_files(values, schemas["config.schema.yaml"])
    lines = [line.strip() for line in str(caught.value).split("\n")[1:]]
    assert lines[0] == "genomes.demo.fasta: no file 'mine/genome.fa'; give a path that exists"
    assert lines[1].startswith("conservation.datasets.demo.regions: no file ")
    assert len(lines) == 2
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "genome.fa").touch()
    (tmp_path / "regions.bed").touch()
    check_local_files(values, schemas["config.schema.yaml"])


# --- YAML


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [1", "not YAML"),
        ("- a\n- b", "holds a list; expected a YAML mapping"),
        ("", "holds a NoneType; expected a YAML mapping"),
        ("text", "holds a str"),
    ],
)
def test_what_is_no_yaml_mapping(tmp_path, text, message):
    path = tmp_path / "my.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=message) as caught:
        read_yaml(path)
    assert str(path) in str(caught.value)


def test_missing_yaml(tmp_path):
    with pytest.raises(ConfigError, match=r"none\.yaml: no such file"):
        read_yaml(tmp_path / "none.yaml")


def test_yaml_cannot_make_objects(tmp_path):
    path = tmp_path / "my.yaml"
    path.write_text("a: !!python/object/apply:os.getcwd []")
    with pytest.raises(ConfigError, match="not YAML"):
        read_yaml(path)


def test_models_that_are_not_there(config, models, schemas, tmp_path):
    values = check(config, schemas["config.schema.yaml"], "c")
    folder = tmp_path / "mine"
    models = models | {"demo": models["demo"] | {"folder": str(folder)}}
    with pytest.raises(ConfigError) as caught:
        check_models(values, models, schemas["config.schema.yaml"])
    lines = [line.strip() for line in str(caught.value).split("\n")[1:]]
    assert lines == [
        f"models.demo.folder: no file '{folder}/{name}'; a model folder needs it"
        for name in ("config.json", "vocab.txt", "model.safetensors")
    ]
    models["demo"]["folder"] = "resources/models/demo"  # made by a rule
    check_models(values, models, schemas["config.schema.yaml"])


@pytest.mark.parametrize("branch", ["conservation", "embedding"])
def test_windows_longer_than_a_model(config, models, schemas, root, monkeypatch, branch):
    """The branches that use a model are all checked, not the last one alone."""
    monkeypatch.chdir(root)
    values = check(
        put(config, f"{branch}/windows/length", 1025), schemas["config.schema.yaml"], "c"
    )
    message = rf"{branch}\.windows\.length: 1025; model 'demo' of .* at most 1024 nt"
    with pytest.raises(ConfigError, match=message):
        check_models(values, models, schemas["config.schema.yaml"])


@pytest.mark.parametrize("published", [True, False])
def test_two_models_of_one_name_in_the_paper(config, models, schemas, root, monkeypatch, published):
    """Refused where a branch runs on the paper's data, before anything is computed."""
    monkeypatch.chdir(root)
    values = check(config, schemas["config.schema.yaml"], "c")
    values["embedding"]["models"] = ["SpliceBERT.510nt", "SpliceBERT.1024nt"]
    for dataset in values["embedding"]["datasets"].values():
        dataset["published"] = published
    check_models(values, models, schemas["config.schema.yaml"])  # by branch they differ
    wide = models["SpliceBERT.1024nt"] | {"published_as": "SpliceBERT"}
    models = models | {"SpliceBERT.1024nt": wide}
    if not published:
        check_models(values, models, schemas["config.schema.yaml"])
        return
    message = "embedding: 'SpliceBERT.510nt' and 'SpliceBERT.1024nt' are both 'SpliceBERT'"
    with pytest.raises(ConfigError, match=message):
        check_models(values, models, schemas["config.schema.yaml"])


VCFS = {
    "files": {"my": {"genome": "demo", "assembly": "demo", "file": "my.vcf"}},
    "models": ["demo"],
}


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("variant/vcfs/files/my/genome", "x", "variant.vcfs.files.my.genome: unknown genome 'x'"),
        ("variant/vcfs/files/my/assembly", "hg19", "variant.vcfs.files.my.assembly"),
        ("genomes/demo/annotation", None, "genomes.demo.annotation: missing; variant.vcfs"),
        ("variant/vcfs/models", ["onehot"], "variant.vcfs.models: model 'onehot' gives no logits"),
        ("variant/vcfs/length", 4000, "variant.vcfs.length: 4000; model 'demo'"),
    ],
)
def test_vcfs_are_checked(config, models, schemas, key, value, message):
    config["variant"] = {"vcfs": copy.deepcopy(VCFS)}
    schema = schemas["config.schema.yaml"]
    check_references(check(config, schema, "c"), models, schema)
    with pytest.raises(ConfigError, match=message):
        check_references(check(put(config, key, value), schema, "c"), models, schema)
