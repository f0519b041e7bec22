"""Download, check, unpack and decompress public files; nothing half-done is ever seen."""

from __future__ import annotations

import gzip
import hashlib
import tarfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from os import PathLike
from pathlib import Path, PurePosixPath
from typing import BinaryIO
from urllib.parse import unquote, urlsplit

import requests
from tqdm import tqdm
from urllib3.exceptions import HTTPError

from .errors import SpliceBERTError
from .tables import atomic_path

CHUNK = 1 << 20
TIMEOUT = (30, 120)  # seconds to connect, seconds without a byte


class SourceError(SpliceBERTError):
    """A file that can't be had, or is not the expected one; the message says what to do."""


def download(
    url: str, target: str | PathLike, checksum: str | None = None, *, size: int | None = None
) -> str:
    """Download a file; it appears at `target` only when it is whole and right.

    Proxies are taken from the environment (HTTPS_PROXY, NO_PROXY). A terminal shows the progress.

    Parameters
    ----------
    url
        http or https.
    target
        Where the file is to be. One that is there already stays if the download fails.
    checksum
        `md5:...` or `sha256:...`, lower case; None checks only the length.
    size
        Expected bytes; None takes what the server announces.

    Returns
    -------
    str
        Checksum of the file, of the kind asked for; sha256 where none was.

    Raises
    ------
    SourceError
        The server refuses or breaks off, or sends a web page or another file.
    """
    target = Path(target)
    algorithm, _, expected = (checksum or "sha256:").partition(":")
    digest = hashlib.new(algorithm)
    received = 0
    with _get(url, target) as response, atomic_path(target) as temporary:
        length = response.headers.get("Content-Length", "")
        announced = int(length) if length.isdigit() else None
        total = size or announced
        bar = tqdm(total=total, unit="B", unit_scale=True, desc=target.name, disable=None)
        with temporary.open("wb") as file, bar:
            for chunk in _chunks(response, url):
                if received == 0:
                    _refuse_page(response, chunk, url, target)
                file.write(chunk)
                digest.update(chunk)
                received += len(chunk)
                bar.update(len(chunk))
        _check_length(url, received, announced, size)
        if expected and digest.hexdigest() != expected:
            raise SourceError(
                f"{url}: {algorithm} of what was received is {digest.hexdigest()}, expected "
                f"{expected}; try again, and if it stays so the file on the server has changed"
            )
    return f"{algorithm}:{digest.hexdigest()}"


@contextmanager
def _get(url: str, target: Path | None = None) -> Iterator[requests.Response]:
    """Open a URL; any failure to do so becomes a SourceError."""
    by_hand = f", or save the file by hand as {target}" if target else ""
    try:
        response = requests.get(
            url, stream=True, timeout=TIMEOUT, headers={"Accept-Encoding": "identity"}
        )
    except requests.RequestException as error:
        raise SourceError(
            f"{url}: no answer: {error}; check the network and the proxy (HTTPS_PROXY){by_hand}"
        ) from error
    with response:
        if not response.ok:
            raise SourceError(
                f"{url}: HTTP {response.status_code} {response.reason}; "
                f"{_advice(response.status_code)}{by_hand}"
            )
        yield response


def _advice(status: int) -> str:
    if status == 429 or status >= 500:
        return "the server is busy or out of order: try again later"
    if status in (401, 403, 407):
        return "access is refused, often by a proxy or a firewall: ask who runs the network"
    return "the address may have moved: correct it in the table of sources"


def _chunks(response: requests.Response, url: str) -> Iterator[bytes]:
    """Yield the bytes as they are sent: a .gz that the server calls an encoding stays a .gz."""
    try:
        yield from response.raw.stream(CHUNK, decode_content=False)
    except (requests.RequestException, HTTPError, OSError) as error:
        raise SourceError(f"{url}: the connection broke off: {error}; try again") from error


def _refuse_page(response: requests.Response, first: bytes, url: str, target: Path) -> None:
    kind = response.headers.get("Content-Type", "").lower()
    start = first[:512].lstrip().lower()
    if kind.startswith("text/html") or start.startswith((b"<!doctype html", b"<html")):
        raise SourceError(
            f"{url}: the server sent a web page (HTML), expected {target.name}; open the address "
            f"in a browser to see what it says, or save the file by hand as {target}"
        )


def _check_length(url: str, received: int, announced: int | None, size: int | None) -> None:
    for expected, who in ((announced, "the server announced"), (size, "the table of sources says")):
        if expected is not None and received != expected:
            raise SourceError(f"{url}: received {received} bytes, {who} {expected}; try again")
    if received == 0:
        raise SourceError(f"{url}: the server sent an empty file; try again later")


def record_checksum(record: str, url: str) -> str:
    """Ask a Zenodo record for the checksum of one of its files.

    Parameters
    ----------
    record
        Address of the record in the API, https://zenodo.org/api/records/<number>.
    url
        Address of the file; the last part of its path is its name in the record.

    Returns
    -------
    str
        `md5:...`

    Raises
    ------
    SourceError
        No answer, an answer of another form, or no such file in the record.
    """
    name = PurePosixPath(unquote(urlsplit(url).path)).name
    with _get(record) as response:
        try:
            files = {entry["key"]: entry["checksum"] for entry in response.json()["files"]}
        except (requests.RequestException, KeyError, TypeError, ValueError) as error:
            raise SourceError(
                f"{record}: expected JSON with files[].key and files[].checksum ({error!r}); "
                "write the checksum into the table of sources"
            ) from error
    if name not in files:
        raise SourceError(f"{record}: holds no file {name!r}; it holds: {', '.join(files)}")
    return files[name]


@contextmanager
def _whole(path: str | PathLike) -> Iterator[None]:
    """Turn what a broken archive raises into a SourceError."""
    again = "delete it and run again to download it anew"
    try:
        yield
    except EOFError as error:
        raise SourceError(f"{path}: truncated: the gzip data end too early; {again}") from error
    except gzip.BadGzipFile as error:
        raise SourceError(f"{path}: not gzip, or damaged: {error}; {again}") from error
    except (zlib.error, tarfile.TarError) as error:
        raise SourceError(f"{path}: damaged: {error}; {again}") from error


def unpack(
    archive: str | PathLike,
    members: Mapping[str, str],
    folder: str | PathLike = ".",
    *,
    sha256: Mapping[str, str] | None = None,
) -> list[str]:
    """Unpack chosen files of a .tar.gz: all of them, or none.

    Only regular files whose names are asked for are read, and they are written under the names
    given here: no name, link, mode or owner in the archive reaches the disk.

    Parameters
    ----------
    archive
        .tar.gz, read to its end, so that a damaged one is noticed.
    members
        Path in the archive (a leading `./` there does not matter) -> path below `folder`.
    folder
        Where the paths begin.
    sha256
        Path below `folder` -> known checksum, for some of the files.

    Returns
    -------
    list of str
        Other members of the archive, folders left out, in their order.

    Raises
    ------
    SourceError
        The archive is damaged, lacks members, or holds something else in their place.
    """
    sources: dict[str, Path] = {}
    others: list[str] = []
    with ExitStack() as stack:

        def place(name: str) -> Path:
            """Temporary file of a member; all get their names when the stack closes."""
            if name not in sources:
                sources[name] = stack.enter_context(atomic_path(Path(folder, members[name])))
            return sources[name]

        with _whole(archive), gzip.open(archive) as plain:
            with tarfile.open(fileobj=plain, mode="r|") as tar:
                for member in tar:
                    name = member.name.removeprefix("./")
                    if name in members:
                        _copy_member(tar, member, place(name), archive)
                    elif not member.isdir():
                        others.append(member.name)
            while plain.read(CHUNK):  # to the end, where gzip keeps the checksum of the whole
                pass
        missing = [name for name in members if name not in sources]
        if missing:
            raise SourceError(f"{archive}: lacks {', '.join(missing)}; it holds {_some(others)}")
        for name, path in sources.items():
            _check_sha256(path, (sha256 or {}).get(members[name]), f"{archive}: {name}")
    return others


def _copy_member(
    tar: tarfile.TarFile, member: tarfile.TarInfo, target: Path, archive: str | PathLike
) -> None:
    if not member.isreg():
        raise SourceError(f"{archive}: {member.name} is a link or a device, expected a file")
    with target.open("wb") as file:
        _copy(tar.extractfile(member), file)


def _copy(source: BinaryIO, target: BinaryIO) -> None:
    while chunk := source.read(CHUNK):
        target.write(chunk)


def _some(names: list[str], most: int = 10) -> str:
    shown = ", ".join(names[:most]) or "no other file"
    return shown + (f" and {len(names) - most} more" if len(names) > most else "")


def _check_sha256(path: Path, expected: str | None, what: str) -> None:
    if expected is None:
        return
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != expected:
        raise SourceError(f"{what}: sha256 is {found}, expected {expected}: not the published file")


def decompress(source: str | PathLike, target: str | PathLike) -> int:
    """Decompress a .gz.

    Parameters
    ----------
    source
        gzip or bgzip.
    target
        The plain file; it appears only when it is whole.

    Returns
    -------
    int
        Bytes written.

    Raises
    ------
    SourceError
        The source is truncated, damaged or not gzip.
    """
    with _whole(source), gzip.open(source) as plain, atomic_path(target) as temporary:
        with temporary.open("wb") as file:
            _copy(plain, file)
        return temporary.stat().st_size
