"""A server that misbehaves: afterwards the right file is there, or none and one clear sentence."""

import gzip
import os
import threading
import time
from email.utils import formatdate

import pytest

from faulty_server import DATA, MD5, SHA256, Answer
from splicebert.sources import SourceError, WrongFileError, download, fetching, web

DATE = "Wed, 21 Oct 2015 07:28:00 GMT"
LATER = "Fri, 02 Jan 2026 00:00:00 GMT"


def ranges(server, path="/x"):
    """Range and If-Range of each request of a path."""
    asked = server.asked(path)
    return [(r.headers.get("Range"), r.headers.get("If-Range")) for r in asked]


@pytest.mark.parametrize("cut", [0, 1, 511, 512, 513, 65_536, 300_001, len(DATA) - 1])
@pytest.mark.parametrize("checksum", [MD5, None])
def test_cut_connection_goes_on_at_the_same_byte(server, tmp_path, patience, waits, cut, checksum):
    url = server.url("/x", Answer(DATA, cut=cut, etag='"one"'), Answer(DATA, etag='"one"'))

    download(url, tmp_path / "x", checksum, patience=patience)

    assert (tmp_path / "x").read_bytes() == DATA
    again = (f"bytes={cut}-", '"one"') if cut >= 512 else (None, None)
    assert ranges(server) == [(None, None), again]
    assert waits == [2]


def test_no_answer_at_all_is_tried_again(server, tmp_path, patience, waits):
    url = server.url("/x", Answer(status=0), Answer(status=0), DATA)
    assert download(url, tmp_path / "x", MD5, patience=patience) == MD5
    assert waits == [2, 4]


def test_a_download_that_gets_on_is_never_given_up(server, tmp_path, patience, waits, monkeypatch):
    monkeypatch.setattr(web, "PROGRESS", 50_000)
    url = server.url("/x", Answer(DATA, cut=60_000))

    download(url, tmp_path / "x", MD5, patience=patience)

    assert (tmp_path / "x").read_bytes() == DATA
    assert waits == [2] * 8  # more than the attempts allowed without progress


def test_what_arrived_is_kept_for_the_next_call(server, tmp_path, patience, visible):
    url = server.url("/x", Answer(DATA, cut=200_000), Answer(status=500))
    with pytest.raises(SourceError, match=r"gave up after 4 attempts.*what has arrived is kept"):
        download(url, tmp_path / "x", MD5, patience=patience)
    assert visible(tmp_path) == []

    server.url("/x", DATA)
    download(url, tmp_path / "x", MD5, patience=patience)

    assert (tmp_path / "x").read_bytes() == DATA
    assert ranges(server)[-1][0] == "bytes=200000-"
    assert sorted(os.listdir(tmp_path)) == [".x.json", "x"]


def test_whole_file_that_was_not_checked_yet_is_not_asked_for_again(
    server, tmp_path, patience, monkeypatch
):
    def stop(*arguments):
        raise KeyboardInterrupt

    url = server.url("/x", DATA)
    monkeypatch.setattr(fetching, "file_checksum", stop)
    with pytest.raises(KeyboardInterrupt):
        download(url, tmp_path / "x", MD5, patience=patience)
    assert sorted(os.listdir(tmp_path)) == [".x.part", ".x.part.json"]
    monkeypatch.undo()

    download(url, tmp_path / "x", MD5, patience=patience)

    assert (tmp_path / "x").read_bytes() == DATA
    assert len(server.requests) == 1
    assert sorted(os.listdir(tmp_path)) == [".x.json", "x"]


def test_server_without_ranges_starts_again_from_the_beginning(server, tmp_path, patience):
    url = server.url("/x", Answer(DATA, cut=300_000, ranges=False), Answer(DATA, ranges=False))
    download(url, tmp_path / "x", patience=patience)
    assert (tmp_path / "x").read_bytes() == DATA


@pytest.mark.parametrize(
    "validators, condition",
    [
        ({"etag": '"one"', "last_modified": DATE}, '"one"'),
        ({"etag": 'W/"weak"', "last_modified": DATE}, DATE),
        ({"etag": None, "last_modified": DATE}, DATE),
    ],
)
def test_a_file_that_changed_meanwhile_is_fetched_whole(
    server, tmp_path, patience, validators, condition
):
    old = Answer(b"?" * len(DATA), cut=300_000, **validators)
    url = server.url("/x", old, Answer(DATA, etag='"two"'))

    download(url, tmp_path / "x", patience=patience)

    assert (tmp_path / "x").read_bytes() == DATA
    assert ranges(server)[1] == ("bytes=300000-", condition)


@pytest.mark.parametrize("checksum", [MD5, None])
def test_without_a_validator_only_a_checksum_allows_to_go_on(server, tmp_path, patience, checksum):
    answer = Answer(DATA, etag=None)
    url = server.url("/x", answer._replace(cut=300_000), answer)

    download(url, tmp_path / "x", checksum, patience=patience)

    assert (tmp_path / "x").read_bytes() == DATA
    assert ranges(server)[1] == ("bytes=300000-" if checksum else None, None)


@pytest.mark.parametrize(
    "lie",
    [
        {"Content-Range": "bytes 0-9/10"},
        {"Content-Range": f"bytes 300000-{len(DATA)}/{len(DATA) + 1}"},
        {"Content-Range": f"bytes 300000-{len(DATA) - 1}/{len(DATA)}", "ETag": '"two"'},
        {"Content-Range": "nonsense"},
        {},
    ],
)
def test_a_range_of_something_else_is_not_appended(server, tmp_path, patience, lie):
    odd = Answer(b"!" * 9, status=206, headers=lie, length=9, etag=None)
    url = server.url("/x", Answer(DATA, cut=300_000), odd, DATA)
    download(url, tmp_path / "x", patience=patience)
    assert (tmp_path / "x").read_bytes() == DATA


def test_a_part_of_a_newer_file_is_not_appended(server, tmp_path, patience):
    """A server that ignores If-Range: same length, no ETag, another date."""
    newer = {"Content-Range": f"bytes 300000-{len(DATA) - 1}/{len(DATA)}", "Last-Modified": LATER}
    old = Answer(b"?" * len(DATA), cut=300_000, etag=None, last_modified=DATE)
    odd = Answer(DATA[300_000:], status=206, headers=newer, etag=None)
    url = server.url("/x", old, odd, Answer(DATA, etag=None, last_modified=LATER))

    download(url, tmp_path / "x", patience=patience)

    assert (tmp_path / "x").read_bytes() == DATA


def test_another_mirror_goes_on_where_a_checksum_will_tell(server, tmp_path, patience):
    first = server.url("/x", Answer(DATA, cut=300_000), Answer(status=500))
    mirrors = [server.url("/y", DATA)]
    download(first, tmp_path / "x", MD5, mirrors=mirrors, patience=patience)
    assert (tmp_path / "x").read_bytes() == DATA
    assert ranges(server, "/y") == [("bytes=300000-", None)]


def test_leftovers_of_another_program_are_not_built_upon(server, tmp_path, patience):
    (tmp_path / ".x.part").write_bytes(b"?" * 1000)
    (tmp_path / ".x.part.json").write_text('{"not": "ours"}')
    download(server.url("/x", DATA), tmp_path / "x", patience=patience)
    assert (tmp_path / "x").read_bytes() == DATA


PAGE = b"\n <!DOCTYPE html><html>Sign in</html>"
SHORT = len(DATA) - 100
FAILURES = {  # answers, checksum, what the sentence says, requests
    "cut": ([Answer(DATA, cut=99)], None, "connection broke off.*gave up after 4 attempts", 4),
    "too long": (
        [Answer(DATA, length=len(DATA) + 9)],
        None,
        "announces 512009 bytes",
        1,
    ),
    "too short": ([Answer(DATA, length=SHORT)], None, f"announces {SHORT} bytes, the table", 1),
    "unannounced": ([Answer(DATA[:99], length=None)], None, f"received 99 bytes of {len(DATA)}", 4),
    "endless": ([Answer(DATA * 2, length=None)], None, "sends more than the 512 kB expected", 1),
    "empty": ([Answer(b"", length=None)], None, "sent an empty file", 4),
    "checksum": ([Answer(DATA[:-1] + b"!")], MD5, r"md5 of what was received is .* expected", 2),
    "page": ([PAGE], None, r"a web page \(HTML\), expected kept.bin; open http.* in a browser", 1),
    "html": (
        [Answer(DATA, headers={"Content-Type": "text/html; charset=utf-8"})],
        None,
        "web p",
        1,
    ),
    "gone": ([Answer(status=404)], None, "HTTP 404 Not Found; the address may have moved", 1),
    "denied": ([Answer(status=403)], None, "HTTP 403 Forbidden; access is refused", 1),
    "busy": ([Answer(status=503)], None, "HTTP 503 .*busy.*by hand as .*gave up after 4", 4),
    "silence": ([Answer(status=0)], None, "no answer.*HTTPS_PROXY.*gave up after 4", 4),
    "circle": ([Answer(status=302, headers={"Location": "/kept.bin"})], None, "in a circle", 31),
    "astray": ([Answer(status=302, headers={"Location": "ftp://a/b"})], None, "not an address", 1),
}


@pytest.mark.parametrize("case", FAILURES)
def test_failure_is_one_sentence_and_keeps_the_old_file(server, tmp_path, patience, visible, case):
    answers, checksum, message, requests = FAILURES[case]
    url = server.url("/kept.bin", *answers)
    target = tmp_path / "kept.bin"
    target.write_bytes(b"good")

    with pytest.raises(SourceError, match=message) as caught:
        download(url, target, checksum, size=len(DATA), patience=patience)

    assert str(caught.value).startswith(url)
    assert "\n" not in str(caught.value)
    assert target.read_bytes() == b"good"
    assert visible(tmp_path) == ["kept.bin"]
    assert len(server.asked("/kept.bin")) == requests


@pytest.mark.parametrize("honours", [True, False])
def test_announced_bytes_that_never_come(server, tmp_path, patience, visible, honours):
    url = server.url("/x", Answer(DATA, length=len(DATA) + 9, ranges=honours))
    with pytest.raises(SourceError, match=r"(broke off|is not the one begun).*gave up after 4"):
        download(url, tmp_path / "x", patience=patience)
    assert visible(tmp_path) == []


@pytest.mark.parametrize("name", ["x.tar.gz", "x.bw", "x.zip"])
def test_another_kind_of_file_is_refused_at_its_first_bytes(server, tmp_path, patience, name):
    url = server.url("/x", b'{"error": "try later"}' * 9999)
    with pytest.raises(SourceError, match=rf"no \.\w+ file, it begins with .*expected {name}"):
        download(url, tmp_path / name, patience=patience)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    "spoil", [lambda p: p[:-20], lambda p: p[:-1], lambda p: p[:99] + b"!!!!" + p[103:]]
)
def test_gzip_without_a_checksum_is_read_to_its_end(server, tmp_path, patience, spoil):
    packed = gzip.compress(os.urandom(5000))
    url = server.url("/x", spoil(packed), spoil(packed), packed)
    with pytest.raises(WrongFileError, match="is truncated or damaged gzip"):
        download(url, tmp_path / "g.fa.gz", patience=patience)
    assert os.listdir(tmp_path) == []

    server.url("/x", spoil(packed), packed)  # only the first time
    download(url, tmp_path / "g.fa.gz", patience=patience)
    assert (tmp_path / "g.fa.gz").read_bytes() == packed


@pytest.mark.parametrize(
    "says, waited",
    [
        ("7", 7),
        ("0", 0),
        ("99999", 300),
        (formatdate(0, usegmt=True), 0),
        ("soon", 2),
        (None, 2),
    ],
)
@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_is_honoured_within_bounds(
    server, tmp_path, patience, waits, says, waited, status
):
    busy = Answer(status=status, headers={"Retry-After": says})
    assert download(server.url("/x", busy, DATA), tmp_path / "x", patience=patience) == SHA256
    assert waits == [waited]


def test_retry_after_may_be_a_time(server, tmp_path, patience, waits):
    later = formatdate(time.time() + 60, usegmt=True)
    busy = Answer(status=429, headers={"Retry-After": later})
    download(server.url("/x", busy, DATA), tmp_path / "x", patience=patience)
    assert 50 < waits[0] <= 60


@pytest.mark.parametrize("status", [500, 502, 503, 504, 408])
def test_errors_that_end_are_waited_for_twice_as_long_each_time(
    server, tmp_path, patience, waits, status
):
    url = server.url("/x", *[Answer(status=status)] * 3, DATA)
    download(url, tmp_path / "x", patience=patience)
    assert waits == [2, 4, 8]


def test_slow_drip_is_given_up_and_goes_on(server, tmp_path, patience):
    patience = patience._replace(stall=0.2, slowest=10_000)
    url = server.url("/x", Answer(DATA, cut=300_000, pause=0.01), DATA)
    download(url, tmp_path / "x", patience=patience)
    assert (tmp_path / "x").read_bytes() == DATA
    assert int(ranges(server)[1][0][6:-1]) > 300_000  # what dripped is kept, too


def test_drip_that_never_ends_is_an_error(server, tmp_path, patience):
    patience = patience._replace(stall=0.1, slowest=10_000)
    url = server.url("/x", Answer(DATA, pause=0.01, ranges=False))
    with pytest.raises(SourceError, match=r"only \d+ bytes in the last .*10 kB a second expected"):
        download(url, tmp_path / "x", patience=patience)


def test_server_that_falls_silent_is_given_up(server, tmp_path, patience):
    gate = threading.Event()
    patience = patience._replace(stall=0.2)
    url = server.url("/x", Answer(DATA, cut=300_000, gate=gate), DATA)
    download(url, tmp_path / "x", patience=patience)
    gate.set()
    assert (tmp_path / "x").read_bytes() == DATA
    assert ranges(server)[1][0] == "bytes=300000-"
