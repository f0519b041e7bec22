"""The pinned environment, and the scripts that make it, agree with each other."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).resolve().parents[1]
# Packages of envs/splicebert.yaml that are none of pip's, or have another name there.
CONDA_ONLY = {"python", "bedtools", "pip", "c-compiler"}
CONDA_NAMES = {"matplotlib-base": "matplotlib", "python-igraph": "igraph"}
TOOLS = ("bash", "dirname", "env", "rm", "mkdir", "touch", "cat")


@pytest.fixture(scope="module")
def pinned():
    """Version of each package in envs/constraints.txt."""
    requirements = [
        Requirement(line)
        for line in (ROOT / "envs/constraints.txt").read_text().splitlines()
        if line.strip() and not line.startswith("#")
    ]
    versions = {}
    for requirement in requirements:
        (specifier,) = requirement.specifier
        assert specifier.operator == "==", requirement
        versions[canonicalize_name(requirement.name)] = Version(specifier.version)
    return versions


@pytest.fixture(scope="module")
def declared():
    """All requirements of pyproject.toml, those of the extras too."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"].values()
    return [Requirement(r) for r in (*project["dependencies"], *(r for e in extras for r in e))]


def test_conda_environment_has_the_pinned_versions(pinned):
    entries = yaml.safe_load((ROOT / "envs/splicebert.yaml").read_text())["dependencies"]
    (by_pip,) = [entry["pip"] for entry in entries if isinstance(entry, dict)]
    by_conda = [entry.split("=") for entry in entries if isinstance(entry, str)]
    versions = {CONDA_NAMES.get(name, name): version for name, *version in by_conda}
    versions |= {name: [version] for name, version in (entry.split("==") for entry in by_pip)}

    found = {
        canonicalize_name(name): Version(*version)
        for name, version in versions.items()
        if name not in CONDA_ONLY
    }
    assert found == {name: pinned[name] for name in found}


def test_conda_environment_has_what_the_package_needs(declared):
    text = (ROOT / "envs/splicebert.yaml").read_text()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    names = {
        canonicalize_name(CONDA_NAMES.get(name, name))
        for name in re.findall(r"- ([A-Za-z][\w.-]*)", text)
    }

    needed = {canonicalize_name(Requirement(r).name) for r in project["dependencies"]}
    assert needed <= names


def test_requirements_are_pinned_and_the_pins_satisfy_them(pinned, declared):
    for requirement in declared:
        version = pinned[canonicalize_name(requirement.name)]
        assert requirement.specifier.contains(version), (requirement, version)


def test_pinned_lines_hold_here(pinned):
    """Every marker is understood; none leaves out a package that this Python needs."""
    for line in (ROOT / "envs/constraints.txt").read_text().splitlines():
        if ";" in line:
            marker = Requirement(line).marker
            assert isinstance(marker.evaluate(default_environment()), bool)
    assert pinned["torch"] == Version("2.13.0")  # also named in envs/bootstrap.sh
    assert "torch==2.13.0" in (ROOT / "envs/bootstrap.sh").read_text()


@pytest.fixture
def bare(tmp_path):
    """A copy of what setting up needs, with a PATH of the barest tools: folder, bin."""
    for name in (
        *("envs/bootstrap.sh", "envs/constraints.txt", "pyproject.toml", "Makefile"),
        "src/splicebert/_intervals.pyx",
    ):
        (tmp_path / "project" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, tmp_path / "project" / name)
    (tmp_path / "bin").mkdir()
    for tool in TOOLS:
        (tmp_path / "bin" / tool).symlink_to(shutil.which(tool))
    stub(tmp_path / "bin/id", "echo 1000")
    return tmp_path / "project", tmp_path / "bin"


def stub(path, text):
    path.write_text(f"#!/bin/bash\n{text}\n")
    path.chmod(0o755)


def bootstrap(folder, path, **environment):
    return subprocess.run(
        [str(folder / "envs/bootstrap.sh")],
        env={"PATH": str(path), "LC_ALL": "C.UTF-8", **environment},
        cwd=folder, capture_output=True, check=False, text=True, timeout=60,
    )  # fmt: skip


OLD = 'case "$1" in --version) echo "Python 3.9.2";; *) exit 1;; esac'


def test_python_too_old(bare):
    folder, path = bare
    stub(path / "python3", OLD)

    result = bootstrap(folder, path)

    assert result.returncode == 1
    (message,) = result.stderr.splitlines()
    for word in ("3.11 or 3.12", "3.9.2", "apt-get install python3.11", "PYTHON="):
        assert word in message
    assert not (folder / ".venv").exists()


def test_no_python_at_all(bare):
    folder, path = bare

    result = bootstrap(folder, path)

    assert result.returncode == 1
    assert "no Python 3.11 or 3.12 found" in result.stderr
    assert not (folder / ".venv").exists()


def test_python_that_was_asked_for_does_not_suit(bare):
    folder, path = bare
    stub(path / "python3", OLD)

    result = bootstrap(folder, path, PYTHON=str(path / "python3"))

    assert result.returncode == 1
    assert "3.11 or 3.12" in result.stderr


def test_no_bedtools_without_root(bare):
    folder, path = bare
    (path / "python3").symlink_to(sys.executable)
    stub(path / "apt-get", "echo called > apt-get.called")

    result = bootstrap(folder, path)

    assert result.returncode == 1
    (message,) = result.stderr.splitlines()
    assert "bedtools" in message
    assert "apt-get install bedtools" in message
    assert not (folder / "apt-get.called").exists()  # only root may
    assert not (folder / ".venv").exists()


def test_no_bedtools_and_no_apt(bare):
    folder, path = bare
    (path / "python3").symlink_to(sys.executable)
    stub(path / "id", "echo 0")

    result = bootstrap(folder, path)

    assert result.returncode == 1
    assert "conda install -c bioconda bedtools" in result.stderr


def test_apt_that_does_not_install_bedtools(bare):
    folder, path = bare
    (path / "python3").symlink_to(sys.executable)
    stub(path / "id", "echo 0")
    stub(path / "apt-get", 'echo "$@" >> apt-get.called; [ "$1" = update ]')

    result = bootstrap(folder, path)

    assert result.returncode == 1
    assert "install -y -qq bedtools" in (folder / "apt-get.called").read_text()
    assert "bedtools is not on PATH" in result.stderr


def test_no_compiler(bare):
    folder, path = bare
    (path / "python3").symlink_to(sys.executable)
    stub(path / "bedtools", "")

    result = bootstrap(folder, path)

    assert result.returncode == 1
    assert "build-essential" in result.stderr


def test_make_stops_where_setting_up_fails(bare):
    folder, path = bare
    for tool in ("make", "nproc"):
        (path / tool).symlink_to(shutil.which(tool))

    result = subprocess.run(
        ["make", "demo"], cwd=folder, env={"PATH": str(path)}, capture_output=True, check=False,
        text=True, timeout=60,
    )  # fmt: skip

    assert result.returncode
    assert "no Python 3.11 or 3.12 found" in result.stderr
    assert not (folder / ".venv").exists()


@pytest.mark.parametrize(
    ("target", "command"), [("demo", "snakemake --cores"), ("test", "python -m pytest")]
)
def test_make_knows_its_targets(target, command):
    result = subprocess.run(
        ["make", "-n", target], cwd=ROOT, capture_output=True, check=True, text=True, timeout=60
    )

    assert command in result.stdout


def tracked():
    listed = subprocess.run(
        ["git", "ls-files", "-z", "-co", "--exclude-standard"],
        cwd=ROOT, capture_output=True, check=False, text=True,
    )  # fmt: skip
    if listed.returncode:
        pytest.skip("not a git checkout")
    names = [name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]
    return [ROOT / name for name in names if (ROOT / name).resolve() != Path(__file__)]


def test_no_file_names_a_machine():
    """Neither folders of one machine nor the host of one mirror."""
    paths = re.compile(r"(?<![\w.$}/-])/(?:work|root|home)/[\w.]")
    hosts = re.compile(r"(?:index-url|extra-index|trusted-host|find-links|pypi\.org|pythonhosted)")
    for path in tracked():
        try:
            text = path.read_text()
        except UnicodeDecodeError:
            continue  # weights
        for pattern in (paths, hosts):
            found = pattern.search(text)
            assert not found, f"{path.relative_to(ROOT)}: {found[0]}"


def test_scripts_can_be_executed():
    for name in ("envs/bootstrap.sh", "envs/lock.sh"):
        assert os.access(ROOT / name, os.X_OK), name
