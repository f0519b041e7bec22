import copy
import json
import subprocess
import sys

import pytest
import torch

from splicebert.configuration import check, check_local_files, check_references, read_yaml
from splicebert.errors import ConfigError
from splicebert.models.checkpoint import sha256
from splicebert.pretraining.__main__ import main
from splicebert.pretraining.processes import choose_device
from splicebert.pretraining.settings import check_pretraining, decisive, read_job

GOOD = {
    "genomes": {"g": {"assembly": "g", "fasta": "resources/g.fa", "annotation": "resources/g.gtf"}},
    "pretrain": {
        "corpora": {"c": {"genomes": ["g"], "validation": {"g": ["chr1"]}}},
        "runs": {
            "r": {
                "corpus": "c",
                "phases": [
                    {"min_length": 64, "max_length": 1024, "steps": 9, "batch_tokens": 9000}
                ],
            }
        },
    },
}


def put(values, path, value):
    values = copy.deepcopy(values)
    place = values
    *parts, last = path.split("/")
    for part in parts:
        place = place[int(part)] if isinstance(place, list) else place.setdefault(part, {})
    place[int(last) if isinstance(place, list) else last] = value
    return values


@pytest.fixture
def good(schema):
    return check(copy.deepcopy(GOOD), schema, "my.yaml")


RUN = "pretrain/runs/r/"


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("pretrain/corpora/c/genomes", ["h"], r"corpora.c.genomes: unknown genome 'h'; allowed: g"),
        ("pretrain/corpora/c/validation", {"h": ["chr1"]}, r"'h' is no genome of this corpus"),
        ("pretrain/corpora/c/validation", {}, r"no chromosome to validate on"),
        ("genomes/g/annotation", None, r"genomes.g.annotation: missing; pretrain.corpora.c"),
        (RUN + "corpus", "d", r"runs.r.corpus: unknown corpus 'd'; allowed: c"),
        (RUN + "architecture/num_attention_heads", 7, r"7 does not divide hidden_size 512"),
        (RUN + "phases/0/min_length", 2000, r"phases.0.min_length: 2000 is more than"),
        (RUN + "phases/0/max_length", 1025, r"phases.0.max_length: 1025; .* at most 1024"),
        (RUN + "phases/0/batch_tokens", 1000, r"batch_tokens: 1000; .* takes 1026"),
        (RUN + "validation/length", 2000, r"validation.length: 2000; .* at most 1024"),
        (RUN + "start", {"offset_heads": True, "offsets": [1] * 97}, r"97 offsets for 96 heads"),
        (
            RUN + "start",
            {"offset_heads": True, "offsets": [1], "widths": [9, 9]},
            r"2 widths for 1",
        ),
        (RUN + "start", {"offset_heads": True, "weights": "w.bin"}, r"name the heads of"),
        (
            RUN + "start",
            {"offset_heads": True, "weights": "w.bin", "offsets": [None] * 16 + [4]},
            r"behind the 16 heads of layer 1",
        ),
        (RUN + "start", {"heads": 8}, r"start.heads: 8, but no start.weights"),
        (RUN + "start", {"mean_with": "w.bin"}, r"mean_with: given, but no start.weights"),
        (RUN + "start", {"weights": "w.bin", "heads": 16}, r"less than num_attention_heads 16"),
        (RUN + "start", {"weights": "w.bin", "heads": 7}, r"divides hidden_size 512"),
    ],
)
def test_a_mistake_is_told_with_its_key(good, schema, path, value, words):
    check_pretraining(good)
    with pytest.raises(ConfigError, match=words):
        check_pretraining(check(put(good, path, value), schema, "my.yaml"))


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        (RUN + "phases", [], r"phases: found \[\], allowed: at least 1"),
        (RUN + "phases/0/step", 3, r"phases.0.step: unknown key.*Did you mean 'steps'"),
        (RUN + "optimiser/name", "adam", r"allowed: one of adamw, muon"),
        (RUN + "optimiser/decay", "step", r"allowed: one of cosine, linear"),
        (RUN + "hardware/processes", 0, r"processes: found 0, allowed: 1 or more"),
        (RUN + "architecture/vocab_size", 4, r"vocab_size: unknown key"),
    ],
)
def test_the_schema_says_what_is_allowed(schema, path, value, words):
    with pytest.raises(ConfigError, match=words):
        check(put(GOOD, path, value), schema, "my.yaml")


@pytest.mark.parametrize(
    "name", ["config.yaml", "pretrain_control.yaml", "pretrain_paper.yaml", "paper.yaml"]
)
def test_the_shipped_configurations_are_right(root, schema, name):
    config = check(read_yaml(root / "config" / name), schema, name)
    check_references(config, read_yaml(root / "config/models.yaml"), schema)
    check_local_files(config, schema)
    check_pretraining(config)


@pytest.mark.parametrize(
    ("configuration", "run", "path"),
    [
        *(
            ("config.yaml", f"demo_{number}", f"config/demo_model/{number}_run.json")
            for number in ("first", "second", "third", "fourth")
        ),
        ("config.yaml", "demo", "config/demo_model/training.json"),
        *(
            ("pretrain_control.yaml", run, f"tests/truth/models/{run}/training.json")
            for run in ("coupled", "uncoupled")
        ),
    ],
)
def test_models_were_trained_with_the_configurations_settings(
    root, schema, configuration, run, path
):
    config = check(read_yaml(root / "config" / configuration), schema, configuration)
    part = schema["properties"]["pretrain"]["properties"]["runs"]["additionalProperties"]
    about = json.loads((root / path).read_text())
    wanted = config["pretrain"]["runs"][run]
    # Keys that are newer have their defaults.
    found = {"corpus": wanted["corpus"], **about["settings"]}
    assert decisive(check(found, part, path)) == decisive(wanted)


def test_the_two_models_of_the_control_differ_in_their_corpus_alone(root):
    folder = root / "tests/truth/models"
    coupled, uncoupled = (
        json.loads((folder / run / "training.json").read_text()) for run in ("coupled", "uncoupled")
    )
    assert coupled["settings"] == uncoupled["settings"]
    weights = sha256(root / "config/demo_model/model.safetensors")
    assert coupled["weights_sha256"] == uncoupled["weights_sha256"] == weights
    demo = json.loads((root / "config/demo_model/training.json").read_text())
    assert coupled["corpus"] == demo["corpus"]
    assert set(uncoupled["corpus"]) == {"demo_uncoupled"}
    assert uncoupled["corpus"]["demo_uncoupled"]["sha256"] != coupled["corpus"]["demo"]["sha256"]


def test_the_papers_size(root, schema):
    config = check(read_yaml(root / "config/pretrain_paper.yaml"), schema, "paper")
    sizes = config["pretrain"]["runs"]["SpliceBERT.1024nt"]["architecture"]
    published = {
        "hidden_size": 512, "num_hidden_layers": 6, "num_attention_heads": 16,
        "intermediate_size": 2048, "max_position_embeddings": 1026,
    }  # fmt: skip
    assert published.items() <= sizes.items()


def test_hardware_decides_no_numbers(make_run):
    run = make_run(hardware={"processes": 4})
    assert decisive(run) == decisive(make_run())


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_gpu_that_is_not_there_is_refused():
    with pytest.raises(ConfigError, match=r"no GPU of its own, torch sees 0"):
        choose_device("cuda")
    assert choose_device("auto").type == "cpu"


def test_a_job_comes_back_from_its_file(make_job, tmp_path):
    job = make_job()
    job.write(tmp_path / "job.json")
    assert read_job(tmp_path / "job.json") == job


@pytest.mark.parametrize("text", ["[]", "{", '{"run": "x"}'])
def test_a_file_that_is_no_job_is_refused(tmp_path, text, capsys):
    (tmp_path / "job.json").write_text(text)
    assert main([str(tmp_path / "job.json")]) == 1
    assert "job.json" in capsys.readouterr().err


def test_snakemake_can_check_runs_without_torch(environment):
    code = "import sys, splicebert.pretraining.settings; sys.exit('torch' in sys.modules)"
    assert (
        subprocess.run([sys.executable, "-c", code], env=environment, check=False).returncode == 0
    )
