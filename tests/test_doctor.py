"""What the doctor says of a machine that has all, and of machines that lack something."""

import builtins
import json
import os
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import yaml

from splicebert import doctor
from splicebert.cli import main
from splicebert.doctor import MISSING, OK, OPTIONAL, WARN


@pytest.fixture
def server(monkeypatch):
    """Address of a server that has /file (of 5 GB, it says) and nothing else."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            there = self.path.startswith("/file") and self.headers["Range"] == "bytes=0-0"
            self.send_response(206 if there else 404)
            self.send_header("Content-Length", "1")
            self.send_header("Content-Range", "bytes 0-0/5000000000")
            self.end_headers()
            self.wfile.write(b"x")

        def log_message(self, *args):
            pass

    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=httpd.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{httpd.server_port}"
    httpd.shutdown()
    httpd.server_close()
    thread.join()


def statuses(findings):
    return {finding.check: finding.status for finding in findings}


def test_each_source_is_asked_and_none_is_needed(server, tmp_path):
    table = {
        "there": {"url": f"{server}/file?download=1", "file": "there.gz"},
        "gone": {"url": f"{server}/gone", "file": "gone.gz"},
        "unreached": {"url": "http://127.0.0.1:9/x", "file": "unreached.gz"},
        "by_hand": {"file": "by_hand.zip"},
    }
    (tmp_path / "sources.yaml").write_text(yaml.safe_dump(table))
    found = {row.check: row for row in doctor.check_network(tmp_path / "sources.yaml")}

    assert statuses(found.values()) == {
        "source there": OK,
        "source gone": OPTIONAL,
        "source unreached": OPTIONAL,
    }
    assert found["source there"].found.endswith(": 5.00 GB")
    assert "HTTP 404" in found["source gone"].found
    assert "ConnectionError" in found["source unreached"].found
    assert "resources/downloads/unreached.gz" in found["source unreached"].advice
    assert not doctor.fails(list(found.values()))


@pytest.mark.parametrize(
    "version, status",
    [((3, 10, 9), MISSING), ((3, 11, 0), OK), ((3, 12, 9), OK), ((3, 13, 0), MISSING)],
)
def test_python(version, status):
    assert doctor.check_python(version).status == status


def test_packages_are_held_to_the_lock(tmp_path, monkeypatch):
    project = '[project]\ndependencies = ["Here>=1", "other==2.0", "absent"]\n'
    project += '[project.optional-dependencies]\nworkflow = ["local>=1"]\n'
    (tmp_path / "pyproject.toml").write_text(project)
    lock = "# made by a tool\nhere==1.5\nother==2.0 ; python_full_version < '3.15'\nlocal==3.0\n"
    (tmp_path / "lock.txt").write_text(lock)
    versions = {"here": "1.5", "other": "2.1", "local": "3.0+cpu"}
    monkeypatch.setattr(doctor, "installed_version", versions.get)
    found = list(doctor.check_packages(tmp_path / "lock.txt", tmp_path / "pyproject.toml"))

    expected = {"package absent": MISSING, "package other": WARN, "packages": OK}
    assert statuses(found) == expected
    assert found[1].found == "2.1, tested with 2.0"
    assert found[2].found == "2 of 4 in the locked version"


def test_the_projects_own_packages_are_all_known(root):
    names = doctor.needed_packages(root / "pyproject.toml")
    assert {"torch", "snakemake", "scikit-learn"} <= set(names)
    assert set(names) <= set(doctor.locked_versions(root / "envs/constraints.txt"))


def without(monkeypatch, *names):
    """Let imports of some packages fail."""
    real = builtins.__import__

    def importing(name, *args, **kwargs):
        if name.partition(".")[0] in names:
            raise ImportError(f"No module named {name!r}")
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", importing)


def test_without_torch_there_is_still_a_table(monkeypatch, capsys, tmp_path):
    without(monkeypatch, "torch", "requests")
    code = main(["doctor", "--folder", str(tmp_path)])
    lines = capsys.readouterr().out.splitlines()

    assert code == 1
    row = next(line for line in lines if line.startswith("torch"))
    assert "missing" in row
    assert "pip install" in row
    assert any("no package requests" in line for line in lines)
    start = lines[0].index("status")  # one column below the other
    assert all(line[start - 1] == " " and line[start] != " " for line in lines)


def test_programs():
    found = statuses(doctor.check_programs(which=lambda name: None))
    compiler = OPTIONAL if doctor.extension_path().exists() else MISSING
    assert found == {"bedtools": MISSING, "C compiler": compiler}


def test_an_extension_must_be_newer_than_its_source(tmp_path, monkeypatch):
    (tmp_path / "_intervals.pyx").write_text("")
    monkeypatch.setattr(doctor, "__file__", str(tmp_path / "doctor.py"))
    assert doctor.check_extension().status == WARN
    doctor.extension_path().write_bytes(b"")
    os.utime(tmp_path / "_intervals.pyx", (1, 1))
    assert doctor.check_extension().status == OK
    os.utime(doctor.extension_path(), (0, 0))
    assert "older" in doctor.check_extension().found


@pytest.mark.parametrize(
    "free, status, word",
    [(5e8, MISSING, "demo needs"), (2e10, OPTIONAL, "paper's run needs"), (1e12, OK, "")],
)
def test_disk(tmp_path, free, status, word):
    found = doctor.check_disk(tmp_path, free)
    assert found.status == status
    assert word in found.advice


def test_weights_are_held_to_their_checksums(tmp_path):
    (tmp_path / "m").mkdir()
    (tmp_path / "m/config.json").write_text("{}")
    known = {"config.json": doctor.file_sha256(tmp_path / "m/config.json")}

    assert doctor.check_model("m", tmp_path / "m", known, True).status == OK
    assert doctor.check_model("m", tmp_path / "m", {"config.json": "0" * 64}, True).status == WARN
    assert (
        doctor.check_model("m", tmp_path / "m", {"config.json": "0" * 64}, False).status == MISSING
    )
    half = doctor.check_model("m", tmp_path / "m", known | {"weights": "0" * 64}, True)
    assert (half.status, "lacks weights" in half.found) == (WARN, True)
    assert doctor.check_model("m", tmp_path / "none", known, True).status == OPTIONAL
    assert doctor.check_model("m", tmp_path / "none", known, False).status == MISSING


def test_json_of_this_machine(capsys, tmp_path):
    code = main(["doctor", "--offline", "--json", "--folder", str(tmp_path)])
    rows = json.loads(capsys.readouterr().out)

    assert all(set(row) == {"check", "status", "found", "advice"} for row in rows)
    found = {row["check"]: row["status"] for row in rows}
    assert found["torch"] == found["model demo"] == OK
    assert not any(check.startswith("source") for check in found)
    assert code == int(MISSING in found.values())
