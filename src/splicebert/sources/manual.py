"""Files that a person puts in place: said what is missing, checked what is there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from .answers import HEAD, check_beginning
from .archives import check_sha256
from .checksums import file_checksum
from .problems import SourceError


def check_manual(source: Mapping[str, Any], path: Path) -> str:
    """Check a file that a person was to put in place.

    Parameters
    ----------
    source
        Its manual text, checksum, size, members and decompress.
    path
        Where it is to lie.

    Returns
    -------
    str
        Its checksum.

    Raises
    ------
    SourceError
        It is not there (with what to put where), or another file.
    """
    if not path.is_file():
        raise SourceError(f"{path} is missing: {source['manual']}, put it there and run again")
    again = f"it should be this: {source['manual']}; put that there and run again"
    size, checksum = path.stat().st_size, source["checksum"] or "sha256:"
    if source["size"] not in (None, size):
        raise SourceError(f"{path}: {size} bytes, expected {source['size']}; {again}")
    with path.open("rb") as file:
        check_beginning(file.read(HEAD), path, again)
    found = file_checksum(path, checksum)
    if source["checksum"] not in (None, found):
        raise SourceError(f"{path}: {found}, expected {source['checksum']}; {again}")
    return found


def check_placed(paths: Iterable[str], sha256: Mapping[str, str]) -> None:
    """Check files that a person unpacked into place: they hold something, and the right thing.

    Raises
    ------
    SourceError
        One is missing, empty, or has another checksum than the known one.
    """
    for name in paths:
        path = Path(name)
        if not path.is_file() or path.stat().st_size == 0:
            raise SourceError(
                f"{path}: missing or empty; put it there, or its archive in downloads/"
            )
        check_sha256(path, sha256.get(name), name)
