"""Fixtures that several tests use."""

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of test data kept outside the repository: $SPLICEBERT_SHARED or ../shared."""
    default = Path(__file__).resolve().parents[2] / "shared"
    path = Path(os.environ.get("SPLICEBERT_SHARED", default))
    if not (path / "real").is_dir():
        pytest.skip(f"no test data in {path}; set SPLICEBERT_SHARED to the folder that holds real/")
    return path
