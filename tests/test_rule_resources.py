"""What rules ask of a scheduler: threads, memory, run time, and a GPU where a model runs."""

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
# Where one infers, trains or scores variants; baselines are fitted without a model.
WITH_A_MODEL = re.compile(r"infer_|train_|predict_|pretrain_model$|score_variant_")
RULE = re.compile(r"^ *rule(?: (\w+))?:\n(.*?)(?=^\S|^ *rule\b|\Z)", re.MULTILINE | re.DOTALL)


def rules():
    """Name and text of each rule that runs a script."""
    for path in sorted((ROOT / "rules").glob("*.smk")):
        for name, body in RULE.findall(path.read_text()):
            if "script:" in body:
                yield pytest.param(body, id=name or "unpack")


@pytest.mark.parametrize("body", list(rules()))
def test_a_rule_says_what_it_takes(body):
    assert re.search(r"^ +threads: \S", body, re.MULTILINE)
    assert re.search(r"\bmem_mb=memory\(\d+\),", body)
    assert re.search(r"\bruntime=\d+,", body)


@pytest.mark.parametrize("body", list(rules()))
def test_a_rule_asks_for_a_gpu_where_it_runs_a_model(body, request):
    name = request.node.callspec.id
    assert ("gpu=" in body) == bool(WITH_A_MODEL.match(name))


def test_the_rules_are_seen():
    names = [param.id for param in rules()]
    assert len(names) > 60
    assert len(set(names)) == len(names)
    assert {"unpack", "pretrain_model", "plot_embedding_umap", "compile_extension"} <= set(names)


def test_the_profile_of_slurm_names_all_gpu_rules():
    text = (ROOT / "profiles/slurm/config.yaml").read_text()
    shown = text.split("# set-resources:\n")[1].replace("#   ", "")
    listed = yaml.safe_load(shown)
    assert set(listed) == {param.id for param in rules() if WITH_A_MODEL.match(param.id)}
    assert all(entry["gpu_model"] for entry in listed.values())
