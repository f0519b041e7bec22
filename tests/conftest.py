"""Fixtures that several tests use."""

import importlib
import os
import sys
from pathlib import Path
from types import ModuleType

import pytest

if "PYTEST_XDIST_WORKER" in os.environ:  # a core each: threads of several workers would spin
    os.environ.setdefault("OMP_NUM_THREADS", "1")

ROOT = Path(__file__).resolve().parents[1]


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
