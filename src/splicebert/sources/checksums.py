"""Checksums: of files here, and those that servers publish."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path, PurePosixPath
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

import requests

from .problems import BrokenError, SourceError
from .web import PATIENCE, Patience, open_url, persist, read_body

LIST_BYTES = 10_000_000  # more is no list of checksums
_LINE = re.compile(r"(?P<digest>[0-9a-fA-F]{32}|[0-9a-fA-F]{64})\s+\*?(?P<path>\S+)")
CHECKSUM = re.compile("md5:[0-9a-f]{32}|sha256:[0-9a-f]{64}")


class FileEntry(NamedTuple):
    """What a record says of a file: `md5:...` and its bytes, None where it does not say."""

    checksum: str
    size: int | None


def file_checksum(path: Path, like: str) -> str:
    """Checksum of a file, of the kind of another one: `md5:...` or `sha256:...`."""
    algorithm = like.partition(":")[0]
    with path.open("rb") as file:
        return f"{algorithm}:{hashlib.file_digest(file, algorithm).hexdigest()}"


def file_name(url: str) -> str:
    """Last part of the path of an address: the file's name on its server."""
    return PurePosixPath(unquote(urlsplit(url).path)).name


def record_entry(record: str, url: str, patience: Patience = PATIENCE) -> FileEntry:
    """Ask a Zenodo record about one of its files.

    Parameters
    ----------
    record
        Address of the record in the API, https://zenodo.org/api/records/<number>.
    url
        Address of the file; the last part of its path is its name in the record.
    patience
        How long to try.

    Raises
    ------
    SourceError
        No answer, an answer of another form, or no such file in the record.
    """
    name = file_name(url)

    def ask() -> dict[str, FileEntry]:
        with open_url(record, patience) as response:
            try:
                return {
                    entry["key"]: FileEntry(entry["checksum"], entry.get("size"))
                    for entry in response.json()["files"]
                }
            except (KeyError, TypeError, ValueError, AttributeError) as error:
                raise SourceError(
                    f"{record}: expected JSON with files[].key and files[].checksum ({error!r}); "
                    "write the checksum into the table of sources"
                ) from error
            except requests.RequestException as error:
                raise BrokenError(f"{record}: the connection broke off: {error}") from error

    files = persist(ask, patience)
    if name not in files:
        raise SourceError(f"{record}: holds no file {name!r}; it holds: {', '.join(files)}")
    if not CHECKSUM.fullmatch(str(files[name].checksum)):
        raise SourceError(
            f"{record}: checksum of {name!r} is {files[name].checksum!r}; expected md5:... or "
            "sha256:..., lower case; write the checksum into the table of sources"
        )
    return files[name]


def listed_checksum(address: str, url: str, patience: Patience = PATIENCE) -> str:
    """Look up a file in a list as md5sum and sha256sum write it.

    Parameters
    ----------
    address
        The list: lines of a digest and a path.
    url
        Address of the file; the last part of its path is looked up.
    patience
        How long to try.

    Returns
    -------
    str
        `md5:...` or `sha256:...`, told apart by their length.

    Raises
    ------
    SourceError
        No answer, or no such file in the list.
    """
    name = file_name(url)

    def ask() -> str:
        text = b""
        with open_url(address, patience) as response:
            for chunk in read_body(response, address, patience):
                text += chunk
                if len(text) > LIST_BYTES:
                    raise SourceError(f"{address}: too long for a list of checksums")
        return text.decode(errors="replace")

    for line in persist(ask, patience).splitlines():
        match = _LINE.fullmatch(line.strip())
        if match and PurePosixPath(match["path"]).name == name:
            digest = match["digest"].lower()
            return f"{'md5' if len(digest) == 32 else 'sha256'}:{digest}"
    raise SourceError(f"{address}: lists no file {name!r}")
