"""A rule lists the library modules that its numbers depend on, so that an edit of one reruns it."""

import ast
import re
from pathlib import Path

import pytest

from splicebert.families import adapter_classes, family_code

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src" / "splicebert"

# Modules that move numbers about without deciding them: an edit reruns nothing.
CARRIERS = {
    *("errors", "jobs", "schema", "tables", "textfile", "formats", "arrays"),
    *(path.stem for path in PACKAGE.glob("*_tables.py")),
    *("models/__init__", "models/registry", "families", "__init__"),
    *("models/compiling", "vocabulary"),
}
# model_code() lists these, and the family of the job's model alone.
ENGINE = {"inference", "runtime", "precision", "models/base"}
FAMILIES = {module for adapter in adapter_classes() for module in family_code(adapter)}


def imported(path, inside=True):
    """Modules of the package that a file imports, as paths below it without .py."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom):
            base = path.parent if node.level == 1 else path.parent.parent
            if node.level == 0 and (node.module or "").split(".")[0] == "splicebert":
                base, parts = PACKAGE, node.module.split(".")[1:]
            elif node.level and inside:
                parts = node.module.split(".") if node.module else []
            else:
                continue
            target = base.joinpath(*parts)
            candidates = [target, *(target / alias.name for alias in node.names)]
            for candidate in candidates:
                if candidate.with_suffix(".py").is_file():
                    found.add(str(candidate.relative_to(PACKAGE)))
                elif (candidate / "__init__.py").is_file():
                    found.add(str((candidate / "__init__").relative_to(PACKAGE)))
    return found


def closure(script):
    """All modules that a script uses, also through others (not through carriers)."""
    seen, waiting = set(), imported(script, inside=False)
    text = script.read_text()
    if "open_model" in text:
        waiting |= ENGINE | FAMILIES
    if "open_genome" in text:
        waiting |= {"genome"}
    while waiting:
        module = waiting.pop()
        if module in seen or module in CARRIERS:
            continue
        seen.add(module)
        waiting |= imported(PACKAGE / f"{module}.py")
    return seen - CARRIERS


def helper_lists():
    """Name of each function of rules/training_common.smk that lists modules -> its modules."""
    text = (ROOT / "rules" / "training_common.smk").read_text()
    pattern = r"def (\w+_code)\((branch, )?\*modules\):.*?library\((.*?)\)"
    return {  # the code of a branch's method: of its model's family alone
        name: set(re.findall(r'"(.+?)"', call)) | (FAMILIES if branch else set())
        for name, branch, call in re.findall(pattern, text, re.S)
    }


HELPERS = helper_lists()


def missing_modules(script, listed):
    """Modules that a script uses and a rule does not list, alone or by their package."""
    packages = {m for m in listed if (PACKAGE / m).is_dir()}
    return {
        module
        for module in closure(script) - listed
        if not any(module.startswith(f"{package}/") for package in packages)
    }


def rule_inputs():
    """(rule, script, listed modules) of every rule that runs a script with library inputs."""
    for path in sorted((ROOT / "rules").glob("*.smk")):
        for text in re.split(r"\n(?=rule )", path.read_text()):
            name = re.match(r"rule (\w+):", text)
            script = re.search(r'script:\s+"\.\./(scripts/\S+\.py)"', text)
            call = re.search(
                rf"library=(library|model_code|{'|'.join(HELPERS)})\((.*?)\)", text, re.S
            )
            if name and script and call:
                listed = set(re.findall(r'"(.+?)"', call[2])[call[1] == "fold_code" :])
                if call[1] == "model_code":
                    listed |= ENGINE | FAMILIES
                listed |= HELPERS.get(call[1], set())
                yield pytest.param(ROOT / script[1], listed, id=name[1])


@pytest.mark.parametrize(("script", "listed"), list(rule_inputs()))
def test_a_rule_lists_what_its_numbers_depend_on(script, listed):
    missing = missing_modules(script, listed)
    assert not missing, f"{script.name}: add {sorted(missing)} to the rule's library input"


@pytest.mark.parametrize(
    ("script", "helper"), [("train_fold", "fold_code"), ("gather_folds", "gather_code")]
)
def test_helpers_list_what_the_scripts_of_fine_tuning_depend_on(script, helper):
    path = ROOT / "scripts" / "training" / f"{script}.py"
    assert not missing_modules(path, HELPERS[helper])
    assert all((PACKAGE / m).is_dir() or (PACKAGE / f"{m}.py").is_file() for m in HELPERS[helper])


def test_a_fold_depends_on_the_family_of_its_own_model():
    text = (ROOT / "rules" / "training_common.smk").read_text()
    named = set(re.findall(r'"(models/.+?)"', text))
    assert named == {"models/base", "models/loading", "models/modules"}
    assert re.search(r"family = .*family_code\(adapter\)", text)
    assert re.search(r"library\([^)]*\*family,", text)


def test_listed_modules_exist_and_the_check_sees_them():
    found = {param.id: param.values for param in rule_inputs()}
    assert len(found) >= 12
    for _, listed in found.values():
        assert all((PACKAGE / f"{m}.py").is_file() or (PACKAGE / m).is_dir() for m in listed)
    script, _ = found["infer_conservation_mlm"]
    assert {"models/splicebert", "inference", "sequence", "masking"} <= closure(script)
