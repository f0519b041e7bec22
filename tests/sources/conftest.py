"""A misbehaving server, and patience that does not wait."""

from pathlib import Path

import pytest

from faulty_server import FaultyServer
from splicebert.sources import Patience


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with FaultyServer() as server:
        yield server


@pytest.fixture
def waits():
    """Seconds that the patience of a test has waited for; it is not really waited."""
    return []


@pytest.fixture
def patience(waits):
    return Patience(attempts=4, connect=5, stall=5, sleep=waits.append)


@pytest.fixture
def visible():
    """Function (folder): files in it, hidden ones of a download left out, sorted."""

    def list_files(folder: Path) -> list[str]:
        paths = [path for path in folder.rglob("*") if path.is_file()]
        return sorted(str(path.relative_to(folder)) for path in paths if path.name[0] != ".")

    return list_files
