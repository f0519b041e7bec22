"""Downloads, archives and the table of sources, against a server on this machine."""

import gzip
import hashlib
import io
import json
import os
import subprocess
import sys
import tarfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import yaml

from splicebert import configuration
from splicebert.sources import SourceError, decompress, download, record_checksum, unpack

ROOT = Path(__file__).parents[1]
DATA = bytes(range(256)) * 2000
MD5 = "md5:" + hashlib.md5(DATA).hexdigest()
SHA256 = "sha256:" + hashlib.sha256(DATA).hexdigest()


class Server:
    """Answers GET: path -> (status, headers, body); a header Content-Length may lie."""

    def __init__(self):
        answers = self.answers = {}

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                path = self.path.partition("?")[0]
                status, headers, body = answers.get(path, (404, {}, b"nothing here"))
                self.send_response(status)
                for name, value in ({"Content-Length": len(body)} | headers).items():
                    if value is not None:
                        self.send_header(name, str(value))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args):
                pass

        self.httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.httpd.serve_forever, args=(0.02,), daemon=True)

    def url(self, path, body=None, *, status=200, **headers):
        """Address of a path; with a body, what is answered there."""
        if body is not None:
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            self.answers[path] = (status, named, body)
        return f"http://127.0.0.1:{self.httpd.server_port}{path}"


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    server = Server()
    server.thread.start()
    yield server
    server.httpd.shutdown()
    server.httpd.server_close()
    server.thread.join()


def files_in(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def tar_gz(path, members):
    """Write a .tar.gz of name -> bytes, or name -> TarInfo for anything but a file."""
    with tarfile.open(path, "w:gz") as tar:
        for name, content in members.items():
            if isinstance(content, tarfile.TarInfo):
                tar.addfile(content)
                continue
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return path


def link(name, target, kind=tarfile.SYMTYPE):
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


@pytest.mark.parametrize("checksum", [MD5, SHA256, None])
def test_download_gives_the_bytes_and_their_checksum(server, tmp_path, checksum):
    url = server.url("/a/data.tar.gz", DATA)
    found = download(f"{url}?download=1", tmp_path / "new" / "d.tar.gz", checksum, size=len(DATA))
    assert (tmp_path / "new" / "d.tar.gz").read_bytes() == DATA
    assert found == (checksum or SHA256)
    assert files_in(tmp_path) == ["new/d.tar.gz"]


def test_download_keeps_gzip_that_the_server_calls_an_encoding(server, tmp_path):
    packed = gzip.compress(b">chr1\nACGT\n")
    url = server.url("/g.fa.gz", packed, Content_Encoding="gzip", Content_Type="text/plain")
    download(url, tmp_path / "g.fa.gz")
    assert (tmp_path / "g.fa.gz").read_bytes() == packed


def test_download_without_an_announced_length(server, tmp_path):
    url = server.url("/x", DATA, Content_Length=None)
    assert download(url, tmp_path / "x", MD5) == MD5


PAGE = b"\n <!DOCTYPE html><html>Sign in</html>"
FAILURES = {
    "checksum": ({"body": DATA[:-1] + b"!"}, MD5, r"md5 of what was received is .* expected .*"),
    "cut": ({"body": DATA[:99], "Content_Length": len(DATA)}, None, "connection broke off.*again"),
    "short": ({"body": DATA[:99]}, None, f"received 99 bytes, the table.*says {len(DATA)}"),
    "empty": ({"body": b""}, None, r"received 0 bytes"),
    "page": ({"body": PAGE}, None, r"sent a web page \(HTML\), expected kept.bw"),
    "html": ({"body": DATA, "Content_Type": "text/html; charset=utf-8"}, None, "web page"),
    "gone": ({"body": b"", "status": 404}, None, "HTTP 404 Not Found; the address may have moved"),
    "denied": ({"body": b"", "status": 403}, None, "HTTP 403 Forbidden; access is refused"),
    "busy": ({"body": b"", "status": 503}, None, "HTTP 503 .*try again later"),
}


@pytest.mark.parametrize("case", FAILURES)
def test_failed_download_says_why_and_keeps_the_old_file(server, tmp_path, case):
    answer, checksum, message = FAILURES[case]
    url = server.url("/kept.bw", **answer)
    target = tmp_path / "kept.bw"
    target.write_bytes(b"good")
    with pytest.raises(SourceError, match=message) as caught:
        download(url, target, checksum, size=len(DATA))
    assert str(caught.value).startswith(url)
    assert target.read_bytes() == b"good"
    assert files_in(tmp_path) == ["kept.bw"]


def test_empty_file_is_refused_also_without_a_known_size(server, tmp_path):
    with pytest.raises(SourceError, match="empty file"):
        download(server.url("/e", b""), tmp_path / "e")
    assert files_in(tmp_path) == []


def test_no_server_names_network_and_proxy(server, tmp_path):
    url = server.url("/x")
    server.httpd.server_close()
    with pytest.raises(SourceError, match=r"no answer.*HTTPS_PROXY.*by hand as .*x$"):
        download(url, tmp_path / "x")


def test_record_checksum(server):
    files = [{"key": "models.tar.gz", "checksum": MD5}, {"key": "data.tar.gz", "checksum": "md5:0"}]
    record = server.url("/api/records/1", json.dumps({"files": files}).encode())
    address = "https://example.org/records/1/files/{}?download=1"
    assert record_checksum(record, address.format("models.tar.gz")) == MD5
    with pytest.raises(SourceError, match=r"no file 'other.gz'; it holds: models.tar.gz, data"):
        record_checksum(record, address.format("other.gz"))
    for body in (b"{}", b"<html>", b'{"files": [1]}'):
        with pytest.raises(SourceError, match="expected JSON"):
            record_checksum(server.url("/odd", body), address.format("models.tar.gz"))


MEMBERS = {"m/a.txt": "out/a.txt", "m/deep/b.bin": "out/b.bin"}


def test_unpack_writes_only_what_is_asked_for(tmp_path):
    content = {"./m/a.txt": b"new", "m/deep/b.bin": DATA, "m/extra": b"x"}
    archive = tar_gz(tmp_path / "x.tar.gz", content)
    (tmp_path / "out").mkdir()
    (tmp_path / "out/a.txt").write_text("old")
    others = unpack(archive, MEMBERS, tmp_path, sha256={"out/b.bin": SHA256.split(":")[1]})
    assert others == ["m/extra"]
    assert files_in(tmp_path) == ["out/a.txt", "out/b.bin", "x.tar.gz"]
    assert (tmp_path / "out/a.txt").read_bytes() == b"new"
    assert (tmp_path / "out/b.bin").read_bytes() == DATA


def test_unpack_names_missing_members_and_writes_none(tmp_path):
    archive = tar_gz(tmp_path / "x.tar.gz", {"m/a.txt": b"a", "m/b.bin": b"b"})
    with pytest.raises(SourceError, match=r"lacks m/deep/b\.bin; it holds m/b\.bin"):
        unpack(archive, MEMBERS, tmp_path)
    assert files_in(tmp_path) == ["x.tar.gz"]


def test_unpack_checks_known_files(tmp_path):
    archive = tar_gz(tmp_path / "x.tar.gz", {"m/a.txt": b"a", "m/deep/b.bin": b"b"})
    with pytest.raises(SourceError, match=r"m/deep/b\.bin: sha256 is .* not the published file"):
        unpack(archive, MEMBERS, tmp_path, sha256={"out/b.bin": "0" * 64})
    assert files_in(tmp_path) == ["x.tar.gz"]


def test_unpack_writes_nothing_outside(tmp_path):
    folder = tmp_path / "inside"
    folder.mkdir()
    odd = {
        "../escape": b"x",
        str(tmp_path / "absolute"): b"x",
        "out": link("out", str(tmp_path)),
        "out/through": b"x",
        "m/a.txt": b"a",
        "m/deep/b.bin": b"b",
    }
    others = unpack(tar_gz(tmp_path / "x.tar.gz", odd), MEMBERS, folder)
    assert len(others) == 4
    assert files_in(tmp_path) == ["inside/out/a.txt", "inside/out/b.bin", "x.tar.gz"]
    assert not (folder / "out").is_symlink()


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE])
def test_unpack_refuses_links_in_place_of_files(tmp_path, kind):
    content = {"m/deep/b.bin": b"b", "m/a.txt": link("m/a.txt", "/etc/passwd", kind)}
    with pytest.raises(SourceError, match=r"m/a\.txt is a link or a device, expected a file"):
        unpack(tar_gz(tmp_path / "x.tar.gz", content), MEMBERS, tmp_path)
    assert files_in(tmp_path) == ["x.tar.gz"]


@pytest.mark.parametrize("cut", [1, 4, 12, 100, -20])
def test_unpack_notices_a_truncated_archive(tmp_path, cut):
    archive = tar_gz(tmp_path / "x.tar.gz", {"m/a.txt": b"a", "m/deep/b.bin": os.urandom(9999)})
    archive.write_bytes(archive.read_bytes()[:-cut])
    with pytest.raises(SourceError, match=r"x\.tar\.gz: .*delete it and run again"):
        unpack(archive, MEMBERS, tmp_path)
    assert files_in(tmp_path) == ["x.tar.gz"]


@pytest.mark.parametrize(
    "content",
    [b"", b"plain text", gzip.compress(b"no tar at all" * 99, mtime=0)],
    ids=["empty", "text", "gzip"],
)
def test_unpack_refuses_what_is_no_archive(tmp_path, content):
    (tmp_path / "x.tar.gz").write_bytes(content)
    with pytest.raises(SourceError, match=r"x\.tar\.gz: .*delete it and run again"):
        unpack(tmp_path / "x.tar.gz", MEMBERS, tmp_path)


def test_decompress_reads_all_gzip_blocks(tmp_path):
    (tmp_path / "g.gz").write_bytes(gzip.compress(DATA) + gzip.compress(b"more"))
    assert decompress(tmp_path / "g.gz", tmp_path / "new/g") == len(DATA) + 4
    assert (tmp_path / "new/g").read_bytes() == DATA + b"more"


def damaged(packed):
    return packed[:40] + bytes([packed[40] ^ 255]) + packed[41:]


@pytest.mark.parametrize(
    "spoil, message",
    [
        (lambda packed: packed[:-100], "truncated"),
        (lambda packed: packed[:-1], "truncated"),
        (damaged, "damaged"),
        (lambda packed: b">chr1\nACGT\n", "not gzip"),
    ],
)
def test_decompress_refuses_a_broken_file(tmp_path, spoil, message):
    source, target = tmp_path / "g.gz", tmp_path / "g"
    source.write_bytes(spoil(gzip.compress(os.urandom(5000))))
    target.write_bytes(b"old")
    with pytest.raises(SourceError, match=message):
        decompress(source, target)
    assert target.read_bytes() == b"old"
    assert files_in(tmp_path) == ["g", "g.gz"]


@pytest.fixture(scope="module")
def sources():
    schema = configuration.read_schema(ROOT / "config/schemas/sources.schema.yaml")
    table = configuration.read_yaml(ROOT / "config/sources.yaml")
    return configuration.check(table, schema, "config/sources.yaml")


def targets(sources):
    """Every file that the rules of setup.smk can make from the table."""
    made = [f"resources/downloads/{source['file']}" for source in sources.values()]
    made += [source["decompress"] for source in sources.values() if source["decompress"]]
    for source in sources.values():
        made += [path for group in source["members"].values() for path in group.values()]
    return made


def strings(node):
    if isinstance(node, dict):
        node = list(node.values())
    if isinstance(node, list):
        return [text for part in node for text in strings(part)]
    return [node] if isinstance(node, str) else []


def test_each_target_of_the_table_has_one_source(sources):
    made = targets(sources)
    assert len(made) == len(set(made))


def test_the_table_makes_all_files_of_the_paper(sources):
    paper = configuration.read_yaml(ROOT / "config/paper.yaml")
    wanted = {text for text in strings(paper) if text.startswith("resources/")}
    assert len(wanted) >= 5
    for entry in configuration.read_yaml(ROOT / "config/models.yaml").values():
        folder = entry.get("folder", "")
        if folder.startswith("resources/"):
            names = {"config.json", "vocab.txt", entry.get("weights", "pytorch_model.bin")}
            wanted |= {f"{folder}/{name}" for name in names | set(entry["sha256"])}
    assert wanted - set(targets(sources)) == set()


@pytest.mark.parametrize(
    "change, message",
    [
        ({"members": {"g": {"a": "resources/../../etc/a"}}}, "members.g.a"),
        ({"members": {"g": {"a": "/etc/a"}}}, "members.g.a"),
        ({"file": "../x"}, "file"),
        ({"checksum": "md5:xyz"}, "checksum"),
        ({"url": "file:///etc/passwd"}, "url"),
        ({"adress": "x"}, "unknown key"),
    ],
)
def test_table_schema_names_the_mistake(change, message):
    schema = configuration.read_schema(ROOT / "config/schemas/sources.schema.yaml")
    source = {"url": "https://example.org/x", "file": "x", "checksum": None} | change
    with pytest.raises(configuration.ConfigError, match=message):
        configuration.check({"x": source}, schema, "table")


def snakemake(folder, *arguments):
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile")]
    return subprocess.run(
        [*command, "--directory", str(folder), *map(str, arguments)],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.workflow
def test_paper_mode_is_planned_from_nothing(tmp_path):
    result = snakemake(tmp_path, "-n", "--configfile", ROOT / "config/paper.yaml")
    assert result.returncode == 0, result.stderr
    for rule in ("download_source", "decompress_genome", "unpack_data_conservation"):
        assert rule in result.stdout + result.stderr


MODEL_FILES = (
    *("config.json", "pytorch_model.bin", "special_tokens_map.json"),
    *("tokenizer.json", "tokenizer_config.json", "vocab.txt"),
)


def paper_from_server(folder, server, wrong_sha256):
    """Write a configuration and tables with one tiny model and genome."""
    members = {f"models/tiny/{name}": name.encode() for name in MODEL_FILES}
    packed = tar_gz(folder / "packed", {**members, "models/tiny/README": b"x"}).read_bytes()
    md5 = f"md5:{hashlib.md5(packed).hexdigest()}"
    record = json.dumps({"files": [{"key": "m.tar.gz", "checksum": md5}]}).encode()
    table = {
        "zoo": {
            "url": server.url("/files/m.tar.gz", packed) + "?download=1",
            "file": "models.tar.gz",
            "checksum": None,
            "record": server.url("/api/1", record),
            "members": {"tiny.1nt": {name: f"resources/{name}" for name in members}},
        },
        "genome": {
            "url": server.url("/g.fa.gz", gzip.compress(b">chr1\nACGT\n")),
            "file": "g.fa.gz",
            "checksum": None,
            "decompress": "resources/genomes/tiny/genome.fa",
        },
    }
    known = {} if not wrong_sha256 else {"vocab.txt": "0" * 64}
    known["config.json"] = hashlib.sha256(b"config.json").hexdigest()
    model = {
        **{"adapter": "splicebert", "label": "Tiny", "colour": "#000000", "can": ["logits"]},
        **{"folder": "resources/models/tiny", "sha256": known},
    }
    genome = {"assembly": "tiny", "fasta": "resources/genomes/tiny/genome.fa"}
    (folder / "sources.yaml").write_text(yaml.safe_dump(table))
    (folder / "models.yaml").write_text(yaml.safe_dump({"tiny": model}))
    config = {"sources_table": "sources.yaml", "models_table": "models.yaml"}
    (folder / "config.yaml").write_text(yaml.safe_dump(config | {"genomes": {"tiny": genome}}))


@pytest.mark.workflow
@pytest.mark.parametrize("wrong_sha256", [False, True])
def test_workflow_fetches_a_model_and_a_genome(server, tmp_path, wrong_sha256):
    paper_from_server(tmp_path, server, wrong_sha256)
    wanted = ["resources/models/tiny/vocab.txt", "resources/genomes/tiny/genome.fa"]
    run = ("--cores", 2, "--configfile", tmp_path / "config.yaml")
    result = snakemake(tmp_path, *wanted, "--keep-going", *run)
    assert (tmp_path / wanted[1]).read_text() == ">chr1\nACGT\n"
    folder = tmp_path / "resources/models/tiny"
    if wrong_sha256:
        assert result.returncode != 0
        assert "models/tiny/vocab.txt: sha256 is" in result.stderr
        assert files_in(folder) == []
        return
    assert result.returncode == 0, result.stderr
    assert files_in(folder) == sorted(MODEL_FILES)
    log = (tmp_path / "logs/setup/unpack_zoo_tiny.1nt.log").read_text()
    assert "models/tiny/README" in log
    assert "config.json, sha256 right" in log
    again = snakemake(tmp_path, *wanted, *run)
    assert "Nothing to be done" in again.stdout + again.stderr
