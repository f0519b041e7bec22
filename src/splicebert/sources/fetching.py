"""Download a file: go on where it stopped, try again, try mirrors, and check what came."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain
from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple

from .answers import (
    check_announced,
    check_length,
    first_byte,
    read_head,
    refuse_other,
    take_notes,
    whole_length,
)
from .archives import MAX_BYTES, check_gzip
from .checksums import file_checksum, listed_checksum, record_entry
from .partial import Partial, finished, hold
from .problems import DiskFullError, SourceError, WrongFileError, check_space, room
from .progress import Progress
from .web import LOG, PATIENCE, Patience, open_url, persist, read_body


class Wanted(NamedTuple):
    """What is known of the file beforehand; None where nothing is."""

    checksum: str | None
    size: int | None


def fetch(
    source: Mapping[str, Any],
    target: str | PathLike,
    *,
    patience: Patience = PATIENCE,
) -> str:
    """Have a file of the table of sources; nothing is asked of any server if it is there already.

    Parameters
    ----------
    source
        Its url, mirrors, checksum, record, checksums and size (sources.schema.yaml).
    target
        Where the file is to be.
    patience
        How long to try.

    Returns
    -------
    str
        Checksum of the file.

    Raises
    ------
    SourceError
        As `download`; also if the record does not answer.
    """
    url, checksum, size = source["url"], source["checksum"], source["size"]
    if found := finished(Path(target), (url, *source["mirrors"]), checksum):
        LOG.info("%s is there already, %s", target, found)
        return found
    if checksum is None and source["record"]:
        entry = record_entry(source["record"], url, patience)
        checksum, size = entry.checksum, size or entry.size
        LOG.info("%s says %s", source["record"], checksum)
    elif checksum is None and source["checksums"]:
        checksum = _listed(source["checksums"], url, patience)
    if checksum is None:
        LOG.warning("%s: no checksum is known: only length and form are checked", url)
    return download(url, target, checksum, size=size, mirrors=source["mirrors"], patience=patience)


def _listed(address: str, url: str, patience: Patience) -> str | None:
    """Look up a checksum in a list that may have moved; the file itself may still be had."""
    try:
        checksum = listed_checksum(address, url, patience._replace(attempts=3))
    except SourceError as error:
        LOG.warning("no checksum from the list: %s", error)
        return None
    LOG.info("%s says %s", address, checksum)
    return checksum


def download(
    url: str,
    target: str | PathLike,
    checksum: str | None = None,
    *,
    size: int | None = None,
    mirrors: Sequence[str] = (),
    patience: Patience = PATIENCE,
) -> str:
    """Download a file; it appears at `target` only when it is whole and right.

    What has arrived of it is kept beside it, hidden, and a later call goes on from there if the
    server can tell that its file is the same. One call at a time works on a target.

    Parameters
    ----------
    url
        http or https.
    target
        Where the file is to be. One that is there already stays if the download fails; it is not
        fetched again if it has the checksum, or came from here whole.
    checksum
        `md5:...` or `sha256:...`, lower case; None checks only length and form (of gzip all of it).
    size
        Expected bytes; None takes what the server announces.
    mirrors
        Other addresses, tried in order when one gives up.
    patience
        How long to try.

    Returns
    -------
    str
        Checksum of the file, of the kind asked for; sha256 where none was.

    Raises
    ------
    SourceError
        No address gives the file; with what each said.
    DiskFullError
        The disk can't hold it.
    """
    target, urls = Path(target), (url, *mirrors)
    with hold(target) as partial:
        found = finished(target, urls, checksum)
        if found is not None:
            LOG.info("%s is there already, %s", target, found)
            return found
        kept = f"free space and run again (what has arrived is kept in {partial.path})"
        with room(target, kept):
            return _from_any(urls, partial, Wanted(checksum, size), patience)


def _from_any(urls: Sequence[str], partial: Partial, wanted: Wanted, patience: Patience) -> str:
    problems: list[SourceError] = []
    for url in urls:
        try:
            return _from_one(url, partial, wanted, patience)
        except DiskFullError:
            raise
        except SourceError as error:
            problems.append(error)
            if len(urls) > 1:
                LOG.warning("%s; to the next address", error)
    if len(problems) == 1:
        raise problems[0]
    raise SourceError(f"no address gave {partial.target}: " + " | ".join(map(str, problems)))


def _from_one(url: str, partial: Partial, wanted: Wanted, patience: Patience) -> str:
    """Fetch from one address; a wrong file once more from the beginning."""
    try:
        return _whole_file(url, partial, wanted, patience)
    except WrongFileError as error:
        LOG.warning("%s; once more from the beginning", error)
    return _whole_file(url, partial, wanted, patience)


def _whole_file(url: str, partial: Partial, wanted: Wanted, patience: Patience) -> str:
    """Fetch what is missing, check the whole and give it its name; forget it if it is wrong."""
    persist(lambda: _receive(url, partial, wanted, patience), patience, lambda: partial.size)
    try:
        found = _check(url, partial.path, wanted.checksum)
    except WrongFileError:
        partial.discard()
        raise
    partial.place(url, found)
    return found


def _receive(url: str, partial: Partial, wanted: Wanted, patience: Patience) -> None:
    """Open one connection and keep what it brings; all of it is there at the end."""
    offset = partial.offset(url, wanted.checksum is not None)
    notes = partial.notes
    if offset and notes is not None and offset == notes.length:
        return  # stopped between the last byte and the check
    with open_url(url, patience, partial.range(url, offset), partial.target) as response:
        start = first_byte(url, response, partial, offset)
        total = whole_length(response, start)
        chunks = read_body(response, url, patience)
        head = read_head(chunks) if start == 0 else b""
        if head:
            refuse_other(response, head, url, partial.target)
        check_announced(url, total, wanted.size)
        whole = total or wanted.size
        check_space(partial.target, (whole or len(head)) - partial.size)
        partial.begin(start, take_notes(url, response, total))
        with Progress(partial.target.name, start, whole, patience) as progress:
            for chunk in chain([head], chunks):
                partial.write(chunk)
                progress.update(len(chunk))
                if whole is not None and progress.count > whole:
                    break
    check_length(url, partial.size, whole)


def _check(url: str, path: Path, checksum: str | None) -> str:
    """Checksum of what has arrived, if that is what was asked for."""
    if checksum is None:
        if path.name.removesuffix(".part").endswith((".gz", ".tgz")):
            check_gzip(path, f"{url}: what the server sent", MAX_BYTES)
        return file_checksum(path, "sha256")
    found = file_checksum(path, checksum)
    if found != checksum:
        algorithm, _, expected = checksum.partition(":")
        raise WrongFileError(
            f"{url}: {algorithm} of what was received is {found.partition(':')[2]}, expected "
            f"{expected}: the file on the server has changed, or is damaged"
        )
    return found
