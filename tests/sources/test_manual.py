"""Files that a person puts in place."""

import hashlib

import pytest

from packing import zipped
from splicebert.sources import SourceError, check_manual, check_placed

SOURCE = {"manual": "download it from example.org", "checksum": None, "size": None}


def test_missing_file_is_told_with_its_place(tmp_path):
    path = tmp_path / "x.zip"
    with pytest.raises(SourceError) as caught:
        check_manual(SOURCE, path)
    expected = f"{path} is missing: download it from example.org, put it there and run again"
    assert str(caught.value) == expected


@pytest.mark.parametrize(
    "content, change, message",
    [
        (b"<!DOCTYPE html><html>Sign in</html>", {}, r"a web page \(HTML\), expected x\.zip"),
        (b"Rar!", {}, r"no \.zip file, it begins with b'Rar!'"),
        (b"PK\3\4", {"size": 5}, "4 bytes, expected 5"),
        (b"PK\3\4", {"checksum": "md5:" + "0" * 32}, "expected md5:000"),
    ],
)
def test_another_file_is_refused(tmp_path, content, change, message):
    (tmp_path / "x.zip").write_bytes(content)
    with pytest.raises(SourceError, match=f"{message}.*download it from example.org"):
        check_manual(SOURCE | change, tmp_path / "x.zip")


def test_right_file_gives_its_checksum(tmp_path):
    path = zipped(tmp_path / "x.zip", {"a": b"a"})
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    assert check_manual(SOURCE, path) == f"sha256:{digest}"


def test_files_put_in_place_are_checked(tmp_path):
    (tmp_path / "a").write_bytes(b"a")
    (tmp_path / "empty").write_bytes(b"")
    a, empty = str(tmp_path / "a"), str(tmp_path / "empty")
    check_placed([a], {a: hashlib.sha256(b"a").hexdigest()})
    with pytest.raises(SourceError, match="a: sha256 is"):
        check_placed([a], {a: "0" * 64})
    for path in (empty, str(tmp_path / "none")):
        with pytest.raises(SourceError, match="missing or empty"):
            check_placed([path], {})
