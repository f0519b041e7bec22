"""Checksums that servers publish."""

import json

import pytest

from faulty_server import MD5, SHA256, Answer
from splicebert.sources import FileEntry, SourceError, listed_checksum, record_entry

ADDRESS = "https://example.org/records/1/files/{}?download=1"


def test_record(server, patience):
    files = [{"key": "models.tar.gz", "checksum": MD5, "size": 7}]
    files += [{"key": "data.tar.gz", "checksum": MD5}]
    answer = json.dumps({"files": files}).encode()
    record = server.url("/record", Answer(status=502), answer)

    assert record_entry(record, ADDRESS.format("models.tar.gz"), patience) == FileEntry(MD5, 7)
    assert record_entry(record, ADDRESS.format("data.tar.gz")).size is None
    with pytest.raises(SourceError, match=r"no file 'other.gz'; it holds: models.tar.gz, data"):
        record_entry(record, ADDRESS.format("other.gz"))


@pytest.mark.parametrize("body", [b"{}", b"<html>", b'{"files": [1]}', b"[]"])
def test_record_of_another_form(server, body):
    with pytest.raises(SourceError, match="expected JSON"):
        record_entry(server.url("/odd", body), ADDRESS.format("x"))


@pytest.mark.parametrize("checksum", ["md5:0", "0" * 32, "crc32:12345678", None])
def test_record_with_an_odd_checksum_is_refused_before_the_download(server, checksum):
    body = json.dumps({"files": [{"key": "x", "checksum": checksum}]}).encode()
    with pytest.raises(SourceError, match=r"expected md5:\.\.\. or sha256:"):
        record_entry(server.url("/odd", body), ADDRESS.format("x"))


def test_list(server):
    lines = f"# made by hand\n{MD5[4:]}  a.gz\n{SHA256[7:].upper()} *sub/b.gz\n"
    listed = server.url("/sums", lines.encode())

    assert listed_checksum(listed, ADDRESS.format("a.gz")) == MD5
    assert listed_checksum(listed, ADDRESS.format("b.gz")) == SHA256
    with pytest.raises(SourceError, match=r"lists no file 'gz'"):
        listed_checksum(listed, ADDRESS.format("gz"))
