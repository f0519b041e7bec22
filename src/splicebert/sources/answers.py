"""What a server's answer is: which bytes of which file, and whether of the one wanted."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import requests

from .partial import Notes, Partial
from .problems import BrokenError, SourceError, human
from .web import LOG

HEAD = 512  # bytes by which a web page is told from a file
GZIP = (b"\x1f\x8b",)
BIGWIG = (b"\x26\xfc\x8f\x88", b"\x88\x8f\xfc\x26")
BEGINNINGS = {".gz": GZIP, ".tgz": GZIP, ".bw": BIGWIG, ".zip": (b"PK",)}


def take_notes(url: str, response: requests.Response, total: int | None) -> Notes:
    """Note of what file this answer is a part."""
    headers = response.headers
    return Notes(url, headers.get("ETag", ""), headers.get("Last-Modified", ""), total)


def first_byte(url: str, response: requests.Response, partial: Partial, offset: int) -> int:
    """Byte with which the answer begins: the one asked for, or 0."""
    if response.status_code not in (206, 416):
        if offset:
            LOG.info("%s: from the beginning: no ranges there, or the file has changed", url)
        return 0
    first, total = _content_range(response)
    notes = partial.notes
    if (
        notes is not None
        and (response.status_code, first, total) == (206, offset, notes.length)
        and (notes.url != url or _same_validators(notes, response))
    ):
        return offset
    partial.discard()
    raise BrokenError(f"{url}: the file on the server is not the one begun: from the beginning")


def _same_validators(notes: Notes, response: requests.Response) -> bool:
    """Whether nothing that both answers of an address say of the file differs.

    Some servers send a part of the new file where If-Range asks for the old one. An ETag decides
    where both have one.
    """
    etag, modified = (response.headers.get(name, "") for name in ("ETag", "Last-Modified"))
    if etag and notes.etag:
        return etag == notes.etag
    return not (modified and notes.last_modified) or modified == notes.last_modified


def _content_range(response: requests.Response) -> tuple[int | None, int | None]:
    """First byte and whole length of `bytes 5-9/10`; None for what is not said."""
    match = re.fullmatch(
        r"bytes (?:(\d+)-\d+|\*)/(\d+|\*)", response.headers.get("Content-Range", "").strip()
    )
    if match is None:
        return None, None
    first, total = match.groups()
    return (
        None if first is None else int(first),
        None if total == "*" else int(total),
    )


def whole_length(response: requests.Response, start: int) -> int | None:
    """Bytes of the whole file, as the server announces them."""
    if start:
        return _content_range(response)[1]
    length = response.headers.get("Content-Length", "")
    return int(length) if length.isdecimal() else None


def read_head(chunks: Iterator[bytes]) -> bytes:
    """Read enough to tell what comes, or all of it."""
    head = b""
    for chunk in chunks:
        head += chunk
        if len(head) >= HEAD:
            break
    return head


def refuse_other(response: requests.Response, head: bytes, url: str, target: Path) -> None:
    """Raise if a web page comes, or another kind of file than the name says."""
    advice = f"open {url} in a browser to see what it says, or save the file by hand as {target}"
    if response.headers.get("Content-Type", "").lower().startswith("text/html"):
        head = b"<html"
    check_beginning(head, target, advice, url)


def check_beginning(head: bytes, target: Path, advice: str, what: str = "") -> None:
    """Raise if the first bytes are not those of a file of this name.

    Parameters
    ----------
    head
        The first bytes.
    target
        Where the file lies or is to lie.
    advice
        What to do, for the message.
    what
        What is judged, for the message: an address; else the file itself.
    """
    begins = head[:HEAD].lstrip().lower()
    known = BEGINNINGS.get(target.suffix)
    if begins.startswith((b"<!doctype html", b"<html")):
        found = "a web page (HTML)"
    elif known and not head.startswith(known):
        found = f"no {target.suffix} file, it begins with {head[:16]!r}"
    else:
        return
    raise SourceError(f"{what or target}: {found}, expected {target.name}; {advice}")


def check_announced(url: str, total: int | None, size: int | None) -> None:
    """Raise if the server is about to send a file of another size than the known one."""
    if total and size and total != size:
        raise SourceError(
            f"{url}: the server announces {total} bytes, the table of sources says {size}: the "
            "file on the server is another one; correct the address or the table"
        )


def check_length(url: str, received: int, expected: int | None) -> None:
    """Raise if less has arrived than the whole, or more."""
    if received == 0:
        raise BrokenError(f"{url}: the server sent an empty file")
    if expected is None or received == expected:
        return
    problem = f"{url}: received {received} bytes of {expected}"
    if received < expected:
        raise BrokenError(f"{problem}, the connection broke off")
    raise SourceError(f"{url}: sends more than the {human(expected)} expected: another file")
