"""What has arrived of a file, kept beside it until it is whole, and a receipt of what is whole.

Beside `x` lie `.x.part` (bytes from the beginning), `.x.part.json` (of what they are a part) and,
once it is whole, `.x.json` (what it is). A download killed at any moment goes on from these.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, NamedTuple, TypeVar

from splicebert.tables import atomic_path

from .checksums import file_checksum
from .web import LOG

Record = TypeVar("Record", "Notes", "Receipt")


class Notes(NamedTuple):
    """Of what the bytes in `.part` are the beginning: what the server said.

    Attributes
    ----------
    url
        Address that was asked.
    etag, last_modified
        Headers of the answer; empty where there were none.
    length
        Bytes of the whole; None where the server did not say.
    """

    url: str
    etag: str
    last_modified: str
    length: int | None

    @property
    def validator(self) -> str:
        """What If-Range takes: a strong ETag, or the date; empty for neither."""
        strong = self.etag if self.etag.startswith('"') else ""
        return strong or self.last_modified


class Receipt(NamedTuple):
    """What a finished file is, so that a later run needs no server to know."""

    url: str
    checksum: str
    size: int
    mtime_ns: int


class Partial:
    """The bytes that have arrived of `target`; made by `hold`."""

    def __init__(self, target: Path, file: BinaryIO) -> None:
        self.target, self.file = target, file
        self.path, self.notes_path = _part(target), _beside(target, ".part.json")
        self.placed = False

    @property
    def size(self) -> int:
        """Bytes that have arrived."""
        return os.fstat(self.file.fileno()).st_size

    @property
    def notes(self) -> Notes | None:
        """Of what they are a part; None where nothing is known."""
        return _read(self.notes_path, Notes)

    def offset(self, url: str, has_checksum: bool) -> int:
        """Byte from which an address may go on; 0 where what is there can't be trusted.

        The same address goes on if it can tell whether its file has changed; any address does where
        a checksum will tell in the end.
        """
        notes = self.notes
        if notes is None or notes.length is None or self.size > notes.length:
            return 0
        same = notes.url == url and notes.validator
        return self.size if same or has_checksum else 0

    def range(self, url: str, offset: int) -> dict[str, str]:
        """Headers that ask for the rest, and for the whole if the file has changed."""
        if not offset:
            return {}
        headers, notes = {"Range": f"bytes={offset}-"}, self.notes
        if notes is not None and notes.url == url and notes.validator:
            headers["If-Range"] = notes.validator
        return headers

    def begin(self, start: int, notes: Notes) -> None:
        """Keep the first bytes only, and note of what they are a part."""
        self.file.truncate(start)
        if notes != self.notes:
            with atomic_path(self.notes_path) as temporary:
                temporary.write_text(json.dumps(notes._asdict()))

    def write(self, chunk: bytes) -> None:
        """Append bytes; a disk that is filling up takes some of them."""
        view = memoryview(chunk)
        while view:
            view = view[self.file.write(view) :]

    def discard(self) -> None:
        """Forget what has arrived."""
        self.file.truncate(0)
        self.notes_path.unlink(missing_ok=True)

    def place(self, url: str, checksum: str) -> None:
        """Give the file its name. The receipt comes first: a kill in between leaves no doubt."""
        os.fsync(self.file.fileno())
        status = os.fstat(self.file.fileno())
        receipt = Receipt(url, checksum, status.st_size, status.st_mtime_ns)
        with atomic_path(_beside(self.target, ".json")) as temporary:
            temporary.write_text(json.dumps(receipt._asdict()))
        os.replace(self.path, self.target)
        self.placed = True
        self.notes_path.unlink(missing_ok=True)


def _beside(target: Path, suffix: str) -> Path:
    return target.with_name(f".{target.name}{suffix}")


def _part(target: Path) -> Path:
    return _beside(target, ".part")


def _read(path: Path, kind: type[Record]) -> Record | None:
    """Read notes or a receipt; None where there are none, or not of this form."""
    try:
        return kind(**json.loads(path.read_text()))
    except (OSError, ValueError, TypeError):
        return None


@contextmanager
def hold(target: Path) -> Iterator[Partial]:
    """Open what has arrived of a file, for this process alone; another one waits.

    The lock goes with the process, however that ends. An empty part is removed at the end.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    with _lock(target) as file:
        partial = Partial(target, file)
        try:
            yield partial
        finally:
            if not partial.placed and partial.size == 0:
                partial.path.unlink(missing_ok=True)
                partial.notes_path.unlink(missing_ok=True)


def _lock(target: Path) -> BinaryIO:
    path = _part(target)
    while True:
        file = path.open("ab", buffering=0)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            LOG.info("%s: another run is fetching it; waiting for that", target)
            fcntl.flock(file, fcntl.LOCK_EX)
        except OSError as error:
            LOG.warning("%s: no locks on this file system (%s): start one run only", path, error)
            return file
        try:
            if os.path.samestat(os.fstat(file.fileno()), path.stat()):
                return file
        except FileNotFoundError:
            pass
        file.close()  # the other run has finished it, and so taken this name away


def finished(target: Path, urls: Sequence[str], checksum: str | None) -> str | None:
    """Tell whether a file is there already and is the one asked for; asks no server.

    Parameters
    ----------
    target
        The file.
    urls
        Addresses that it may have come from.
    checksum
        Known checksum; None takes the word of the receipt.

    Returns
    -------
    str or None
        Its checksum; None where it is to be fetched.
    """
    if not target.is_file():
        return None
    status, receipt = target.stat(), _read(_beside(target, ".json"), Receipt)
    if (
        receipt is not None
        and receipt.url in urls
        and receipt.size == status.st_size
        and checksum in (None, receipt.checksum)
        and (
            receipt.mtime_ns == status.st_mtime_ns
            or file_checksum(target, receipt.checksum) == receipt.checksum
        )
    ):
        return receipt.checksum
    if checksum is not None and file_checksum(target, checksum) == checksum:
        return checksum
    return None
