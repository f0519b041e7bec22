"""Fixtures that run Snakemake for real, always in a private copy of the project."""

import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import psutil
import pytest
import yaml
from filelock import FileLock

ROOT = Path(__file__).resolve().parents[2]
EXTENSION = "src/splicebert/_intervals" + sysconfig.get_config_var("EXT_SUFFIX")
TIMEOUT = 1500
JOB_LINE = re.compile(r"^(\S+) +(\d+)$")


def pytest_collection_modifyitems(items):
    """Mark all tests here."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.workflow)


class Finished(NamedTuple):
    """A command that has ended."""

    code: int
    output: str
    seconds: float


class Demo(NamedTuple):
    """A copy of the project in which `make demo` has run."""

    folder: Path
    output: str
    seconds: float


def copy_project(target: Path) -> Path:
    """Copy what git tracks or would track, times kept, and link this Python's environment.

    The links lie in a folder of their own, so that `.venv/.ready` is newer than all that it
    depends on and the Makefile installs nothing.
    """
    listed = subprocess.run(
        ["git", "ls-files", "-z", "-co", "--exclude-standard"],
        cwd=ROOT, capture_output=True, check=False, text=True,
    )  # fmt: skip
    if listed.returncode:
        pytest.skip(f"the project is copied by `git ls-files`: {listed.stderr.strip()}")
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file():  # git lists a deleted file until that is committed
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target / name)
    (target / ".venv").mkdir()
    for entry in Path(sys.prefix).iterdir():
        if entry.name != ".ready":
            (target / ".venv" / entry.name).symlink_to(entry)
    (target / ".venv" / ".ready").touch()
    return target


@pytest.fixture(scope="session")
def execute(tmp_path_factory) -> Callable[..., Finished]:
    """Function (*command, cwd, timeout) -> Finished, in an environment without the caller's."""
    home = tmp_path_factory.mktemp("home")
    path = os.pathsep.join([f"{sys.prefix}/bin", os.environ.get("PATH", os.defpath)])
    environment = {"PATH": path, "HOME": str(home), "LC_ALL": "C.UTF-8", "MPLBACKEND": "Agg"}
    environment["OMP_WAIT_POLICY"] = "PASSIVE"  # tests beside this one need the cores, too

    def execute_command(*command: str | Path, cwd: Path, timeout: float = TIMEOUT) -> Finished:
        begin = time.monotonic()
        now = {k: v for k, v in os.environ.items() if k == "SLURM_CONF"}  # a fixture changes it
        result = subprocess.run(
            [str(part) for part in command], cwd=cwd, env=environment | now, check=False, text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            timeout=timeout,
        )  # fmt: skip
        return Finished(result.returncode, result.stdout, time.monotonic() - begin)

    return execute_command


@pytest.fixture(scope="session")
def run(execute) -> Callable[..., str]:
    """Function (*arguments, cwd, check=True): run snakemake, return its stdout and stderr."""

    def run_snakemake(*arguments: str | Path, cwd: Path, check: bool = True) -> str:
        finished = execute("snakemake", *arguments, cwd=cwd)
        assert not (check and finished.code), finished.output
        return finished.output

    return run_snakemake


@pytest.fixture(scope="session")
def refuse(execute) -> Callable[..., str]:
    """Function (*arguments, cwd): run snakemake, which must fail; return its stdout and stderr."""

    def run_snakemake(*arguments: str | Path, cwd: Path) -> str:
        finished = execute("snakemake", *arguments, cwd=cwd)
        assert finished.code, finished.output
        return finished.output

    return run_snakemake


def count_jobs(output: str) -> Counter:
    """Jobs by rule, of the first `Job stats` in Snakemake's output; target rules left out."""
    if "Job stats:" not in output:
        assert "Nothing to be done" in output, output
        return Counter()
    jobs: Counter = Counter()
    for line in output.split("Job stats:", 1)[1].splitlines():
        match = JOB_LINE.match(line)
        if match and match[1] == "total":
            break
        targets = ("all", "figures", "attention", "conservation", "dependency", "embedding")
        targets += ("variant", "variant_vcfs", "branchpoint", "splicesite")
        if match and match[1] not in targets:
            jobs[match[1]] = int(match[2])
    return jobs


@pytest.fixture(scope="session")
def planned(run) -> Callable[..., Counter]:
    """Function (*arguments, cwd): the jobs of a dry run, by rule."""

    def plan(*arguments: str | Path, cwd: Path) -> Counter:
        return count_jobs(run(*arguments, "-n", cwd=cwd))

    return plan


@pytest.fixture(scope="session")
def jobs() -> Callable[[str], Counter]:
    """Function (output of snakemake): its jobs by rule."""
    return count_jobs


@pytest.fixture(scope="session")
def project(tmp_path_factory) -> Path:
    """A copy of the project, for runs with `--directory`; tests leave it as it is."""
    folder = copy_project(tmp_path_factory.mktemp("project") / "splicebert")
    if (ROOT / EXTENSION).exists():  # spares the compilation, which test_demo.py tests
        shutil.copy2(ROOT / EXTENSION, folder / EXTENSION)
    return folder


@pytest.fixture(scope="session")
def with_untrained() -> Callable[[Path], dict[str, Any]]:
    """Function (project): write an untrained model of the demo's size; the demo's configuration.

    The model is `untrained` in the configuration's model table; nothing uses it yet.
    """

    def add_model(project: Path) -> dict[str, Any]:
        import torch

        from splicebert.models.checkpoint import read_config, write_model
        from splicebert.models.modules import BertForMaskedLM

        torch.manual_seed(1)
        folder = project / "untrained"
        write_model(BertForMaskedLM(read_config(project / "config/demo_model")), folder)
        config = yaml.safe_load((project / "config/config.yaml").read_text())
        entry = {"adapter": "splicebert", "label": "Untrained", "colour": "#000000"}
        entry |= {"can": ["logits", "hidden_states", "attention"], "max_length": 1024}
        entry |= {"folder": str(folder), "weights": "model.safetensors"}
        config["models"] = {"untrained": entry}
        return config

    return add_model


@pytest.fixture(scope="session")
def finished_demo(tmp_path_factory, execute) -> Demo:
    """A copy of the project in which `make demo` has run: one for all workers, none changes it."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base) / "finished_demo"
    about = folder / "finished.json"
    folder.mkdir(exist_ok=True)
    with FileLock(folder / "lock"):
        if not about.exists():
            shutil.rmtree(folder / "splicebert", ignore_errors=True)
            project = copy_project(folder / "splicebert")
            finished = execute("make", "demo", "CORES=2", cwd=project)
            assert finished.code == 0, finished.output
            about.write_text(json.dumps(finished._asdict()))
    finished = Finished(**json.loads(about.read_text()))
    return Demo(folder / "splicebert", finished.output, finished.seconds)


@pytest.fixture(scope="module")
def demo(finished_demo, tmp_path_factory) -> Demo:
    """The finished demo for the tests of one file, which may change it."""
    folder = tmp_path_factory.mktemp("demo") / "splicebert"
    shutil.copytree(finished_demo.folder, folder, symlinks=True)
    return finished_demo._replace(folder=folder)


@pytest.fixture(scope="session")
def check_resumption(run, jobs) -> Callable[..., None]:
    """Function (shards, *arguments, rule, folder, cwd): kill a run as it writes one, and resume it.

    `shards` are files of `folder` that are gone; snakemake and all its jobs are killed, as a crash
    would, when one of them is there again and another is being written.
    """

    def check(shards: list[Path], *arguments: Any, rule: str, folder: Path, cwd: Path) -> None:
        def half_way() -> bool:
            begun = (path.parent.glob(f".tmp-*-{path.name}") for path in shards)
            return any(path.exists() for path in shards) and any(map(any, begun))

        command = [str(path.relative_to(folder)) for path in shards]
        command += ["--cores", "1", *map(str, arguments)]
        environment = os.environ | {"PATH": f"{sys.prefix}/bin:{os.environ['PATH']}"}
        with subprocess.Popen(
            ["snakemake", *command], cwd=cwd, env=environment,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        ) as snakemake:  # fmt: skip
            while not half_way():
                assert snakemake.poll() is None
                time.sleep(0.01)
            parent = psutil.Process(snakemake.pid)
            children = parent.children(recursive=True)
            for process in (parent, *children):
                with suppress(psutil.NoSuchProcess):
                    process.kill()
        assert children
        done = {path: path.stat().st_mtime_ns for path in shards if path.exists()}
        run("--unlock", *arguments, cwd=cwd)
        output = run(*command, cwd=cwd)
        assert 0 < len(done) < len(shards)
        assert jobs(output) == {rule: len(shards) - len(done)}
        assert all(path.stat().st_mtime_ns == time for path, time in done.items())

    return check


@pytest.fixture(scope="session")
def write_config() -> Callable[[Path, dict[str, Any]], Path]:
    """Function (file, configuration): write it as YAML."""

    def write(path: Path, configuration: dict[str, Any]) -> Path:
        path.write_text(yaml.safe_dump(configuration, sort_keys=False))
        return path

    return write
