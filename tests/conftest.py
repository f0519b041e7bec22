"""Fixtures that several tests use."""

import importlib
import os
import sys
from pathlib import Path
from types import ModuleType

import pytest

if "PYTEST_XDIST_WORKER" in os.environ:  # a core each: threads of several workers would spin
    os.environ.setdefault("OMP_NUM_THREADS", "1")
# Snakemake's plugin for SLURM asks `scontrol` whenever Snakemake starts, and waits ten seconds
# where SLURM is installed but does not run, as after the tests that bring it up. `scontrol` gives
# up at once where its configuration is empty.
os.environ.setdefault("SLURM_CONF", os.devnull)

ROOT = Path(__file__).resolve().parents[1]
# About how many seconds of a core files take, to begin with the longest: a long one at the end
# would leave the other cores idle. The first makes the demo, which those with a * wait for.
SECONDS = {
    "workflow/test_demo.py": 600,
    "truth/test_truth.py": 400,
    "workflow/test_paper_rehearsal.py": 250,
    "truth/test_truth_variant.py": 120,
    "workflow/test_truth_embedding.py": 140,  # *
    "truth/test_truth_dependency.py": 140,
    "workflow/test_slurm.py": 130,
    "workflow/test_embedding.py": 120,
    "workflow/test_documentation.py": 100,  # *
    "workflow/test_attention.py": 90,
    "workflow/test_variant.py": 80,
    "workflow/test_real.py": 75,
    "workflow/test_precomputed.py": 65,
    "workflow/test_extend.py": 55,  # *
    "workflow/test_reruns.py": 50,  # *
    "workflow/test_dnabert.py": 45,
    "truth/test_truth_attention.py": 45,
    "workflow/test_truth_conservation.py": 40,  # *
    "workflow/test_own_genome.py": 40,
    "workflow/test_configuration_errors.py": 40,
    "workflow/test_pretrain.py": 40,
    "pretraining/test_training.py": 35,
    "training/test_trainer.py": 25,
    "training/test_command.py": 25,
    "cli/test_main.py": 25,
}


def pytest_configure(config):
    """Keep pytest-xdist from putting the files with the most tests first."""
    if hasattr(config.option, "loadscopereorder"):
        config.option.loadscopereorder = False


def pytest_collection_modifyitems(items):
    """On several workers begin with the files that take longest; other workflow files follow."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        items.sort(key=lambda item: -seconds_of(item.path))


def seconds_of(path: Path) -> int:
    """About how long a file of tests takes."""
    name = Path(os.path.relpath(path, ROOT / "tests")).as_posix()
    return SECONDS.get(name, 30 if name.startswith("workflow/") else 5)


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of test data kept outside the repository: $SPLICEBERT_SHARED or ../shared."""
    default = Path(__file__).resolve().parents[2] / "shared"
    path = Path(os.environ.get("SPLICEBERT_SHARED", default))
    if not (path / "real").is_dir():
        pytest.skip(f"no test data in {path}; set SPLICEBERT_SHARED to the folder that holds real/")
    return path


@pytest.fixture(scope="session")
def root() -> Path:
    """The root of the repository."""
    return ROOT


def load_script(branch: str, name: str) -> ModuleType:
    """Import scripts/<branch>/<name>.py as Snakemake runs it: its neighbours are importable."""
    folder = ROOT / "scripts" / branch
    for module in folder.glob("*.py"):  # another branch may have a script of the same name
        loaded = sys.modules.get(module.stem)
        if loaded is not None and Path(loaded.__file__ or "").parent != folder:
            del sys.modules[module.stem]
    sys.path.insert(0, str(folder))
    try:
        return importlib.import_module(name)
    finally:
        sys.path.remove(str(folder))


@pytest.fixture(scope="session")
def script():
    """Function (branch, name) -> the module of a workflow script."""
    return load_script
