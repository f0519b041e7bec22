"""Downloads that go well, from a real server on this machine."""

import gzip
import json
import logging
import os

import pytest

from faulty_server import DATA, MD5, SHA256, Answer
from splicebert.sources import Patience, SourceError, download, fetch

SOURCE = {"mirrors": [], "checksum": None, "record": None, "checksums": None, "size": None}


@pytest.mark.parametrize("checksum", [MD5, SHA256, None])
def test_download_gives_the_bytes_and_their_checksum(server, tmp_path, visible, checksum):
    url = server.url("/a/data.bin", DATA) + "?download=1"

    found = download(url, tmp_path / "new" / "d.bin", checksum, size=len(DATA))

    assert (tmp_path / "new" / "d.bin").read_bytes() == DATA
    assert found == (checksum or SHA256)
    assert visible(tmp_path) == ["new/d.bin"]
    assert os.listdir(tmp_path / "new") in ([".d.bin.json", "d.bin"], ["d.bin", ".d.bin.json"])


def test_download_keeps_gzip_that_the_server_calls_an_encoding(server, tmp_path):
    packed = gzip.compress(b">chr1\nACGT\n")
    headers = {"Content-Encoding": "gzip", "Content-Type": "text/plain"}

    download(server.url("/g.fa.gz", Answer(packed, headers=headers)), tmp_path / "g.fa.gz")

    assert (tmp_path / "g.fa.gz").read_bytes() == packed


def test_download_without_an_announced_length(server, tmp_path):
    url = server.url("/x", Answer(DATA, length=None))
    assert download(url, tmp_path / "x", MD5) == MD5


def test_what_is_there_and_right_is_not_asked_for(server, tmp_path):
    source = SOURCE | {"url": server.url("/x", DATA), "record": server.url("/record")}
    entry = {"key": "x", "checksum": MD5, "size": len(DATA)}
    server.url("/record", json.dumps({"files": [entry]}).encode())
    assert fetch(source, tmp_path / "x") == MD5
    before = len(server.requests)

    assert fetch(source, tmp_path / "x") == MD5  # by the receipt
    os.utime(tmp_path / "x", (1, 1))
    assert fetch(source, tmp_path / "x") == MD5  # its time has changed, its bytes have not
    (tmp_path / ".x.json").unlink()
    assert fetch(source | {"checksum": SHA256}, tmp_path / "x") == SHA256  # put there by hand

    assert len(server.requests) == before
    (tmp_path / "x").write_bytes(DATA[:-1] + b"!")
    assert fetch(source, tmp_path / "x") == MD5
    assert (tmp_path / "x").read_bytes() == DATA
    assert len(server.requests) == before + 2


def test_another_address_in_the_table_fetches_anew(server, tmp_path):
    download(server.url("/old", b"old"), tmp_path / "x")
    download(server.url("/new", b"new"), tmp_path / "x")
    assert (tmp_path / "x").read_bytes() == b"new"


def test_mirrors_are_tried_in_order(server, tmp_path, patience, caplog):
    wrong, good = server.url("/wrong", b"x" + DATA[1:]), server.url("/good", DATA)
    mirrors = (server.url("/gone"), wrong, good, server.url("/never", DATA))

    first = server.url("/busy", Answer(status=503))
    download(first, tmp_path / "x", MD5, mirrors=mirrors, patience=patience)

    assert (tmp_path / "x").read_bytes() == DATA
    asked = [request.path for request in server.requests]
    assert asked == ["/busy"] * 4 + ["/gone"] + ["/wrong"] * 2 + ["/good"]
    assert "HTTP 404" in caplog.text


def test_all_mirrors_failing_is_one_sentence_with_each(server, tmp_path, patience):
    with pytest.raises(SourceError) as caught:
        download(server.url("/a"), tmp_path / "x", mirrors=[server.url("/b")], patience=patience)
    message = str(caught.value)
    assert message.startswith(f"no address gave {tmp_path / 'x'}: {server.url('/a')}: HTTP 404")
    assert f"| {server.url('/b')}: HTTP 404" in message
    assert "\n" not in message


def test_redirects_are_followed(server, tmp_path):
    moved = Answer(status=302, headers={"Location": "/b"})
    server.url("/b", DATA)
    assert download(server.url("/a", moved), tmp_path / "x", MD5) == MD5


def test_proxy_of_the_environment_is_used(server, tmp_path, monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY"):
        monkeypatch.setenv(name, server.root)
    server.url("/file", DATA)

    assert download("http://nowhere.invalid/file", tmp_path / "x", MD5) == MD5

    assert server.requests[0].path == "http://nowhere.invalid/file"


def test_log_says_how_far_it_is_and_how_long_it_takes(server, tmp_path, caplog):
    caplog.set_level(logging.INFO)
    ticks = iter(range(0, 10**6, 40))
    patience = Patience(report=60, clock=lambda: next(ticks), slowest=0)

    download(server.url("/x", DATA), tmp_path / "x", patience=patience)

    lines = [record.message for record in caplog.records if " min left" in record.message]
    assert lines
    assert all(line.startswith("x: ") and "% of 512 kB" in line for line in lines)


def test_checksum_comes_from_a_list_that_may_be_gone(server, tmp_path, caplog, patience):
    listed = server.url("/md5sum.txt", f"{MD5[4:]}  ./x.bin\n{'0' * 32}  y\n".encode())
    source = SOURCE | {"url": server.url("/x.bin", DATA), "checksums": listed}
    assert fetch(source, tmp_path / "x.bin", patience=patience) == MD5

    source = source | {"checksums": server.url("/gone")}
    assert fetch(source, tmp_path / "again.bin", patience=patience) == SHA256

    assert "no checksum from the list" in caplog.text
    assert "no checksum is known" in caplog.text
