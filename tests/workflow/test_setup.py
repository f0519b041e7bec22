"""Downloads, archives and files put in place by hand, through Snakemake."""

import gzip
import hashlib
import json
import os
import signal
import subprocess
import sys
import threading
import time

import pytest
import yaml

from faulty_server import Answer, FaultyServer
from packing import tar_gz, zipped

MODEL_FILES = (
    *("config.json", "pytorch_model.bin", "special_tokens_map.json"),
    *("tokenizer.json", "tokenizer_config.json", "vocab.txt"),
)
FASTA = gzip.compress(b">chr1\n" + os.urandom(20_000).hex().encode() + b"\n")
CUT = 9000
SMALL = {"adapter": "splicebert", "label": "Tiny", "colour": "#000000", "can": ["logits"]}


@pytest.fixture
def server():
    with FaultyServer() as server:
        yield server


def write(folder, sources, models):
    """Write a table of sources, a table of models and a configuration; return its path."""
    (folder / "sources.yaml").write_text(yaml.safe_dump(sources))
    (folder / "models.yaml").write_text(yaml.safe_dump(models))
    genome = {"assembly": "tiny", "fasta": "resources/genomes/tiny/genome.fa"}
    config = {"sources_table": "sources.yaml", "models_table": "models.yaml"}
    config |= {"genomes": {"tiny": genome}}
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    return folder / "config.yaml"


def downloads(folder, server, genome):
    """Two tiny models in one archive of a record, one of them not as known, and a genome."""
    names = {model: [f"models/{model}/{name}" for name in MODEL_FILES] for model in ("good", "odd")}
    members = {name: name.encode() for group in names.values() for name in group}
    packed = tar_gz(folder / "packed", {**members, "models/README": b"x"}).read_bytes()
    entry = {"key": "m.tar.gz", "checksum": f"md5:{hashlib.md5(packed).hexdigest()}"}
    sources = {
        "zoo": {
            "url": server.url("/files/m.tar.gz", packed) + "?download=1",
            "file": "models.tar.gz",
            "record": server.url("/api/1", json.dumps({"files": [entry]}).encode()),
            "members": {
                model: {name: f"resources/{name}" for name in group}
                for model, group in names.items()
            },
        },
        "genome": {
            "url": server.url("/g.fa.gz", *genome),
            "file": "g.fa.gz",
            "decompress": "resources/genomes/tiny/genome.fa",
        },
    }
    right = hashlib.sha256(b"models/good/config.json").hexdigest()
    models = {
        "good": SMALL | {"folder": "resources/models/good", "sha256": {"config.json": right}},
        "odd": SMALL | {"folder": "resources/models/odd", "sha256": {"vocab.txt": "0" * 64}},
    }
    return write(folder, sources, models)


def kill_when(command, folder, condition):
    """Start a command, and kill it with all its children once a condition holds."""
    environment = os.environ | {"PATH": f"{sys.prefix}/bin:{os.environ['PATH']}"}
    process = subprocess.Popen(
        [str(part) for part in command], cwd=folder, start_new_session=True, env=environment,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    end = time.monotonic() + 120
    while not condition():
        assert process.poll() is None, "it ended too early"
        assert time.monotonic() < end, "nothing happened"
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait(60)


def test_paper_mode_is_planned_from_nothing(planned, project, tmp_path):
    paper = project / "config/paper.yaml"
    command = ("-s", project / "Snakefile", "--directory", tmp_path, "--configfile", paper)
    jobs = planned(*command, cwd=tmp_path)
    assert {"download_source", "decompress_genome", "unpack_data_conservation"} <= set(jobs)
    assert not {"manual_source", "unpack_data_genomic_function_region"} & set(jobs)


def test_killed_workflow_goes_on_and_then_needs_no_server(run, refuse, project, tmp_path, server):
    gate, part = threading.Event(), tmp_path / "resources/downloads/.g.fa.gz.part"
    config = downloads(tmp_path, server, [Answer(FASTA, cut=CUT, gate=gate), Answer(FASTA)])
    base = ("-s", project / "Snakefile", "--directory", tmp_path, "--configfile", config)
    base += ("--cores", 2, "--nolock")  # a killed run leaves its lock behind
    good, genome = "resources/models/good/vocab.txt", "resources/genomes/tiny/genome.fa"

    kill_when(
        ("snakemake", genome, *base), tmp_path,
        lambda: part.exists() and part.stat().st_size == CUT,
    )  # fmt: skip
    gate.set()
    odd = "resources/models/odd/vocab.txt"
    output = refuse(good, odd, genome, *base, "--keep-going", cwd=tmp_path)

    assert "models/odd/vocab.txt: sha256 is" in output
    assert list((tmp_path / "resources/models/odd").glob("*")) == []
    assert (tmp_path / genome).read_bytes() == gzip.decompress(FASTA)
    assert server.asked("/g.fa.gz")[1].headers["Range"] == f"bytes={CUT}-"
    assert sorted(os.listdir(tmp_path / "resources/models/good")) == sorted(MODEL_FILES)
    log = (tmp_path / "logs/setup/unpack_zoo_good.log").read_text()
    assert "WARNING models/README: not in the table of sources" in log
    assert "config.json, sha256 right" in log
    asked = len(server.requests)
    assert "Nothing to be done" in run(good, genome, *base, cwd=tmp_path)
    assert len(server.requests) == asked


def test_source_put_in_place_by_hand(run, refuse, project, tmp_path):
    name, folder = "6-new-12w-0.zip", "resources/models/dnabert/6-new-12w-0"
    files = {"config.json": b"{}", "pytorch_model.bin": b"weights", "vocab.txt": b"A"}
    source = {
        "manual": "download 6-new-12w-0.zip from example.org",
        "file": name,
        "members": {"model": {f"6-new-12w-0/{file}": f"{folder}/{file}" for file in files}},
    }
    config = write(tmp_path, {"DNABERT6": source}, {"tiny": SMALL | {"folder": folder}})
    base = ("-s", project / "Snakefile", "--directory", tmp_path, "--configfile", config)
    wanted = (f"{folder}/vocab.txt", *base, "--cores", 1)

    output = refuse(*wanted, cwd=tmp_path)
    place = f"resources/downloads/{name}"
    assert f"{place} is missing: download 6-new-12w-0.zip from example.org, put it" in output

    members = {f"6-new-12w-0/{file}": content for file, content in files.items()}
    (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
    zipped(tmp_path / place, members)
    run(*wanted, "--forceall", cwd=tmp_path)
    for file, content in files.items():
        assert (tmp_path / folder / file).read_bytes() == content

    (tmp_path / place).unlink()  # to save room
    run(*wanted, cwd=tmp_path)
    assert sorted(os.listdir(tmp_path / folder)) == sorted(files)
