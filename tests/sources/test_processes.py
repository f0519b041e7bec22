"""Several processes, killed processes, and disks that are full."""

import gzip
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress

import pytest

from faulty_server import DATA, MD5, Answer
from packing import tar_gz
from splicebert.sources import DiskFullError, decompress, download, fetching, unpack

RUN = "import sys; from splicebert.sources import download; print(download(*sys.argv[1:4]))"


def start(url, target):
    """Download in a process of its own."""
    command = [sys.executable, "-c", RUN, url, str(target), MD5]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def wait_for(condition, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "nothing happened"
        time.sleep(0.01)


def size(path):
    with suppress(FileNotFoundError):
        return path.stat().st_size
    return 0


def test_killed_download_goes_on(server, tmp_path):
    gate, part = threading.Event(), tmp_path / ".x.part"
    url = server.url("/x", Answer(DATA, cut=300_000, gate=gate), DATA)
    (tmp_path / "x").write_bytes(b"old")
    process = start(url, tmp_path / "x")
    wait_for(lambda: size(part) == 300_000)
    process.send_signal(signal.SIGKILL)
    assert process.wait(60) == -signal.SIGKILL
    gate.set()
    assert (tmp_path / "x").read_bytes() == b"old"

    assert download(url, tmp_path / "x", MD5) == MD5

    assert (tmp_path / "x").read_bytes() == DATA
    assert server.asked("/x")[1].headers["Range"] == "bytes=300000-"
    assert sorted(os.listdir(tmp_path)) == [".x.json", "x"]


def test_two_runs_at_once_fetch_it_once(server, tmp_path):
    gate = threading.Event()
    url = server.url("/x", Answer(DATA, cut=300_000, gate=gate))
    runs = [start(url, tmp_path / "x") for _ in range(2)]
    wait_for(lambda: size(tmp_path / ".x.part") == 300_000)
    time.sleep(0.3)  # for the other one to come to the lock
    gate.set()

    outputs = [run.communicate(timeout=60) for run in runs]

    assert [run.returncode for run in runs] == [0, 0], outputs
    assert [output.strip() for output, _ in outputs] == [MD5, MD5]
    assert len(server.requests) == 1
    assert (tmp_path / "x").read_bytes() == DATA
    assert sorted(os.listdir(tmp_path)) == [".x.json", "x"]


@pytest.fixture
def small(tmp_path):
    """A disk of 300 kB."""
    folder = tmp_path / "small"
    folder.mkdir()
    if shutil.which("mount") is None:
        pytest.skip("no mount command")
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=300k", "tmpfs", str(folder)],
        capture_output=True, check=False, text=True,
    )  # fmt: skip
    if mounted.returncode:
        pytest.skip(f"a small disk needs mount: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_space_is_checked_before_anything_is_written(server, small, patience):
    (small / "x").write_bytes(b"good")
    with pytest.raises(DiskFullError, match=r"x: needs 512 kB more, its disk has 3\d\d kB free"):
        download(server.url("/x", DATA), small / "x", patience=patience)
    assert os.listdir(small) == ["x"]
    assert (small / "x").read_bytes() == b"good"


def test_disk_that_fills_up_meanwhile(server, small, patience, monkeypatch):
    """Another program takes the space; what has arrived is of use when it is free again."""
    monkeypatch.setattr(fetching, "check_space", lambda *arguments: None)
    (small / "x").write_bytes(b"good")
    mirrors = [server.url("/mirror", DATA)]
    url = server.url("/x", DATA)

    with pytest.raises(DiskFullError, match=r"x: the disk is full .*free space.*kept in .*x\.part"):
        download(url, small / "x", MD5, mirrors=mirrors, patience=patience)

    assert (small / "x").read_bytes() == b"good"
    assert server.asked("/mirror") == []  # another address would not help
    subprocess.run(["mount", "-o", "remount,size=2m", str(small)], check=True)
    assert download(url, small / "x", MD5, patience=patience) == MD5
    assert (small / "x").read_bytes() == DATA
    assert int(server.asked("/x")[1].headers["Range"][6:-1]) > 200_000


def test_disk_full_while_unpacking(small, tmp_path):
    (small / "a").write_bytes(b"good")
    archive = tar_gz(tmp_path / "x.tar.gz", {"a": os.urandom(100_000), "b": os.urandom(400_000)})
    with pytest.raises(DiskFullError, match=r"the disk is full .*free space and run again"):
        unpack(archive, {"a": "a", "b": "b"}, small)
    assert os.listdir(small) == ["a"]
    assert (small / "a").read_bytes() == b"good"

    (tmp_path / "g.gz").write_bytes(gzip.compress(os.urandom(400_000)))
    with pytest.raises(DiskFullError, match="the disk is full"):
        decompress(tmp_path / "g.gz", small / "a")
    assert (small / "a").read_bytes() == b"good"
