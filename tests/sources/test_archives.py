"""Archives of others: what is asked for comes out, whole and within bounds, and nothing else."""

import gzip
import io
import os
import stat
import tarfile
import zipfile

import pytest

from faulty_server import DATA, SHA256
from packing import tar_gz, zipped
from splicebert.sources import Limits, SourceError, archives, decompress, unpack


def link(name, target, kind=tarfile.SYMTYPE):
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


PACKERS = {"tar.gz": tar_gz, "zip": zipped}
MEMBERS = {"m/a.txt": "out/a.txt", "m/deep/b.bin": "out/b.bin"}


def test_unpack_writes_only_what_is_asked_for(tmp_path, visible):
    content = {"./m/a.txt": b"new", "m/deep/b.bin": DATA, "m/extra": b"x"}
    archive = tar_gz(tmp_path / "x.tar.gz", content)
    (tmp_path / "out").mkdir()
    (tmp_path / "out/a.txt").write_text("old")
    others = unpack(archive, MEMBERS, tmp_path, sha256={"out/b.bin": SHA256.split(":")[1]})
    assert others == ["m/extra"]
    assert visible(tmp_path) == ["out/a.txt", "out/b.bin", "x.tar.gz"]
    assert (tmp_path / "out/a.txt").read_bytes() == b"new"
    assert (tmp_path / "out/b.bin").read_bytes() == DATA


def test_unpack_names_missing_members_and_writes_none(tmp_path, visible):
    archive = tar_gz(tmp_path / "x.tar.gz", {"m/a.txt": b"a", "m/b.bin": b"b"})
    with pytest.raises(SourceError, match=r"lacks m/deep/b\.bin .*; it holds m/b\.bin"):
        unpack(archive, MEMBERS, tmp_path)
    assert visible(tmp_path) == ["x.tar.gz"]


def test_unpack_checks_known_files(tmp_path, visible):
    archive = tar_gz(tmp_path / "x.tar.gz", {"m/a.txt": b"a", "m/deep/b.bin": b"b"})
    with pytest.raises(SourceError, match=r"m/deep/b\.bin: sha256 is .* not the published file"):
        unpack(archive, MEMBERS, tmp_path, sha256={"out/b.bin": "0" * 64})
    assert visible(tmp_path) == ["x.tar.gz"]


def test_unpack_writes_nothing_outside(tmp_path, visible):
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
    assert visible(tmp_path) == ["inside/out/a.txt", "inside/out/b.bin", "x.tar.gz"]
    assert not (folder / "out").is_symlink()


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE])
def test_unpack_refuses_links_in_place_of_files(tmp_path, visible, kind):
    content = {"m/deep/b.bin": b"b", "m/a.txt": link("m/a.txt", "/etc/passwd", kind)}
    with pytest.raises(SourceError, match=r"m/a\.txt is a folder, a link.* expected a file"):
        unpack(tar_gz(tmp_path / "x.tar.gz", content), MEMBERS, tmp_path)
    assert visible(tmp_path) == ["x.tar.gz"]


@pytest.mark.parametrize("cut", [1, 4, 12, 100, -20])
def test_unpack_notices_a_truncated_archive(tmp_path, visible, cut):
    archive = tar_gz(tmp_path / "x.tar.gz", {"m/a.txt": b"a", "m/deep/b.bin": os.urandom(9999)})
    archive.write_bytes(archive.read_bytes()[:-cut])
    with pytest.raises(SourceError, match=r"x\.tar\.gz: .*delete it and run again"):
        unpack(archive, MEMBERS, tmp_path)
    assert visible(tmp_path) == ["x.tar.gz"]


@pytest.mark.parametrize(
    "content",
    [b"", b"plain text", gzip.compress(b"no tar at all" * 99, mtime=0)],
    ids=["empty", "text", "gzip"],
)
def test_unpack_refuses_what_is_no_archive(tmp_path, visible, content):
    (tmp_path / "x.tar.gz").write_bytes(content)
    with pytest.raises(SourceError, match=r"x\.tar\.gz: .*delete it and run again"):
        unpack(tmp_path / "x.tar.gz", MEMBERS, tmp_path)


def test_decompress_reads_all_gzip_blocks(tmp_path, visible):
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
def test_decompress_refuses_a_broken_file(tmp_path, visible, spoil, message):
    source, target = tmp_path / "g.gz", tmp_path / "g"
    source.write_bytes(spoil(gzip.compress(os.urandom(5000))))
    target.write_bytes(b"old")
    with pytest.raises(SourceError, match=message):
        decompress(source, target)
    assert target.read_bytes() == b"old"
    assert visible(tmp_path) == ["g", "g.gz"]


def test_unpack_says_what_a_missing_member_may_be_called_now(tmp_path):
    content = {"m/v2/a.txt": b"a", "m/deep/b2.bin": b"b", "m/c": b"c"}
    with pytest.raises(SourceError) as caught:
        unpack(tar_gz(tmp_path / "x.tar.gz", content), MEMBERS, tmp_path)
    message = str(caught.value)
    assert "lacks m/a.txt (now m/v2/a.txt?), m/deep/b.bin (now m/deep/b2.bin?); it holds" in message
    assert "table of sources" in message


def test_unpack_does_not_tell_of_members_that_are_expected_elsewhere(tmp_path):
    content = {"m/a.txt": b"a", "m/deep/b.bin": b"b", "./m/known": b"k", "m/extra": b"e"}
    archive = tar_gz(tmp_path / "x.tar.gz", content)
    assert unpack(archive, MEMBERS, tmp_path, known={"m/known"}) == ["m/extra"]


def test_unpack_refuses_a_member_that_comes_twice(tmp_path, visible):
    with tarfile.open(tmp_path / "x.tar.gz", "w:gz") as tar:
        for content in (b"one", b"two"):
            info = tarfile.TarInfo("m/a.txt")
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    with pytest.raises(SourceError, match=r"holds m/a\.txt twice"):
        unpack(tmp_path / "x.tar.gz", MEMBERS, tmp_path)
    assert visible(tmp_path) == ["x.tar.gz"]


BOMB = bytes(5_000_000)  # 5 kB when packed


@pytest.mark.parametrize("asked_for", [True, False])
@pytest.mark.parametrize("form", ["tar.gz", "zip"])
def test_unpack_stops_a_bomb_while_it_unpacks(tmp_path, visible, asked_for, form):
    bomb = "m/deep/b.bin" if asked_for else "m/other"
    content = {"m/a.txt": b"a", "m/deep/b.bin": b"b"} | {bomb: BOMB}
    archive = PACKERS[form](tmp_path / f"x.{form}", content)
    if form == "zip" and not asked_for:  # a member that is not asked for is not unpacked at all
        assert unpack(archive, MEMBERS, tmp_path, limits=Limits(1_000_000, 9)) == [bomb]
        return
    with pytest.raises(SourceError, match=r"more than 1 MB when unpacked; raise max_bytes"):
        unpack(archive, MEMBERS, tmp_path, limits=Limits(1_000_000, 9))
    assert visible(tmp_path) == [archive.name]


@pytest.mark.parametrize("form", ["tar.gz", "zip"])
def test_unpack_counts_members(tmp_path, visible, form):
    content = {"m/a.txt": b"a", "m/deep/b.bin": b"b"} | {f"m/{i}": b"" for i in range(20)}
    archive = PACKERS[form](tmp_path / f"x.{form}", content)
    with pytest.raises(SourceError, match="more than 21 members; raise max_members"):
        unpack(archive, MEMBERS, tmp_path, limits=Limits(members=21))
    assert visible(tmp_path) == [archive.name]


def test_unpack_refuses_a_file_of_holes(tmp_path, visible):
    """A sparse member of a terabyte costs its archive nothing."""
    info = tarfile.TarInfo("m/a.txt")
    info.pax_headers = {
        "GNU.sparse.major": "0",
        "GNU.sparse.minor": "1",
        "GNU.sparse.size": str(10**12),
        "GNU.sparse.map": f"{10**12},0",
    }
    with tarfile.open(tmp_path / "x.tar.gz", "w:gz", format=tarfile.PAX_FORMAT) as tar:
        tar.addfile(info)
    with pytest.raises(SourceError, match="sparse"):
        unpack(tmp_path / "x.tar.gz", MEMBERS, tmp_path)
    assert visible(tmp_path) == ["x.tar.gz"]


def test_unpack_refuses_a_header_that_asks_for_much_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "HEADER_BYTES", 1000)
    archive = tar_gz(tmp_path / "x.tar.gz", {"n" * 2000: b""})
    with pytest.raises(SourceError, match=r"damaged: .*header"):
        unpack(archive, MEMBERS, tmp_path)


def test_unpack_reads_a_zip(tmp_path, visible):
    content = {"m/": b"", "m/a.txt": b"new", "m/deep/b.bin": DATA, "../escape": b"x", "/abs": b"x"}
    archive = zipped(tmp_path / "x.zip", content)
    sha256 = {"out/b.bin": SHA256.split(":")[1]}
    assert unpack(archive, MEMBERS, tmp_path, sha256=sha256) == ["../escape", "/abs"]
    assert visible(tmp_path) == ["out/a.txt", "out/b.bin", "x.zip"]
    assert (tmp_path / "out/b.bin").read_bytes() == DATA


def test_unpack_refuses_a_link_in_a_zip(tmp_path, visible):
    info = zipfile.ZipInfo("m/a.txt")
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.writestr(info, "/etc/passwd")
        archive.writestr("m/deep/b.bin", b"b")
    with pytest.raises(SourceError, match=r"m/a\.txt is a folder, a link"):
        unpack(tmp_path / "x.zip", MEMBERS, tmp_path)
    assert visible(tmp_path) == ["x.zip"]


@pytest.mark.parametrize("spoil", [lambda z: z[:-30], lambda z: z.replace(b"plain", b"pla1n")])
def test_unpack_notices_a_damaged_zip(tmp_path, visible, spoil):
    archive = zipped(tmp_path / "x.zip", {"m/a.txt": b"plain", "m/deep/b.bin": b"b"}, 0)
    archive.write_bytes(spoil(archive.read_bytes()))
    with pytest.raises(SourceError, match=r"x\.zip: damaged: .*delete it and run again"):
        unpack(archive, MEMBERS, tmp_path)
    assert visible(tmp_path) == ["x.zip"]


def test_decompress_stops_at_its_bound(tmp_path, visible):
    (tmp_path / "g.gz").write_bytes(gzip.compress(BOMB))
    with pytest.raises(SourceError, match="more than 1 MB when unpacked"):
        decompress(tmp_path / "g.gz", tmp_path / "g", max_bytes=1_000_000)
    assert visible(tmp_path) == ["g.gz"]
