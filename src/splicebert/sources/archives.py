"""Unpack and decompress: the names expected, within bounds, all or nothing."""

from __future__ import annotations

import difflib
import gzip
import lzma
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from os import PathLike
from pathlib import Path, PurePosixPath
from typing import BinaryIO, NamedTuple

from splicebert.tables import atomic_path

from .checksums import file_checksum
from .problems import SourceError, WrongFileError, human, room

CHUNK = 1 << 20
MAX_BYTES = 20_000_000_000
MAX_MEMBERS = 100_000
HEADER_BYTES = 1 << 20  # tarfile reads a header, as of a long name, into memory at once
_HEADERS = (
    *(tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK),
    *(tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE),
)
AGAIN = "delete it and run again to fetch it anew"


class Limits(NamedTuple):
    """Bounds of an archive: bytes when unpacked (also of what is skipped), and members."""

    bytes: int = MAX_BYTES
    members: int = MAX_MEMBERS


LIMITS = Limits()


class _Member(NamedTuple):
    """A member of an archive: its name, whether it is a regular file or a folder, its bytes."""

    name: str
    regular: bool
    folder: bool
    open: Callable[[], BinaryIO]


class _Bounded:
    """Counts what is read from a stream, and stops when it is too much."""

    def __init__(self, stream: BinaryIO, most: int, what: str | PathLike) -> None:
        self.stream, self.left, self.most, self.what = stream, most, most, what

    def read(self, size: int) -> bytes:
        data = self.stream.read(size)
        self.left -= len(data)
        if self.left < 0:
            raise SourceError(
                f"{self.what}: more than {human(self.most)} when unpacked; raise max_bytes in the "
                "table of sources if that is right"
            )
        return data


class _Info(tarfile.TarInfo):
    """A tar header that may not ask for much memory."""

    @classmethod
    def frombuf(cls, buf: bytes, encoding: str, errors: str) -> tarfile.TarInfo:
        info = super().frombuf(buf, encoding, errors)
        if info.type in _HEADERS and info.size > HEADER_BYTES:
            raise tarfile.ReadError(f"a header of {human(info.size)}")
        return info


DAMAGED = (zlib.error, lzma.LZMAError, tarfile.TarError, zipfile.BadZipFile, NotImplementedError)


@contextmanager
def _whole(path: str | PathLike) -> Iterator[None]:
    """Turn what a broken archive raises into a SourceError."""
    try:
        yield
    except EOFError as error:
        raise WrongFileError(f"{path}: truncated: the gzip data end too early; {AGAIN}") from error
    except gzip.BadGzipFile as error:
        raise WrongFileError(f"{path}: not gzip, or damaged: {error}; {AGAIN}") from error
    except DAMAGED as error:
        raise WrongFileError(f"{path}: damaged: {error}; {AGAIN}") from error


def unpack(
    archive: str | PathLike,
    members: Mapping[str, str],
    folder: str | PathLike = ".",
    *,
    sha256: Mapping[str, str] | None = None,
    known: Collection[str] = (),
    limits: Limits = LIMITS,
) -> list[str]:
    """Unpack chosen files of a .tar.gz or a .zip: all of them, or none.

    Only regular files whose names are asked for are read, and they are written under the names
    given here: no name, link, mode or owner in the archive reaches the disk.

    Parameters
    ----------
    archive
        Told apart by its first bytes; a .tar.gz is read to its end, where its checksum is.
    members
        Path in the archive (a leading `./` there does not matter) -> path below `folder`.
    folder
        Where the paths begin.
    sha256
        Path below `folder` -> known checksum, for some of the files.
    known
        Paths that are expected besides, not to be unpacked now.
    limits
        Bytes and members beyond which an archive is not read.

    Returns
    -------
    list of str
        Members that are neither asked for nor known, folders left out, in their order.

    Raises
    ------
    SourceError
        The archive is damaged or beyond its bounds, lacks members (named), or holds something else
        in their place.
    """
    placed: dict[str, Path] = {}
    others: list[str] = []
    with ExitStack() as stack, room(Path(folder) / next(iter(members.values()), "")):
        with _whole(archive):
            for member in _members(archive, limits):
                name = member.name.removeprefix("./")
                if name in members:
                    if name in placed:
                        raise SourceError(f"{archive}: holds {name} twice")
                    target = Path(folder, members[name])
                    placed[name] = stack.enter_context(atomic_path(target))
                    _write(member, placed[name], archive, limits)
                elif not member.folder:
                    others.append(member.name)
        _check_missing(archive, [name for name in members if name not in placed], others)
        for name, path in placed.items():
            check_sha256(path, (sha256 or {}).get(members[name]), f"{archive}: {name}")
    return [name for name in others if name.removeprefix("./") not in known]


def _members(archive: str | PathLike, limits: Limits) -> Iterator[_Member]:
    """Yield the members of an archive of either kind, as many as are allowed."""
    with open(archive, "rb") as file:
        beginning = file.read(4)
    found = _zip_members(archive) if beginning[:2] == b"PK" else _tar_members(archive, limits)
    for count, member in enumerate(found, 1):
        if count > limits.members:
            raise SourceError(
                f"{archive}: more than {limits.members} members; raise max_members in the table of "
                "sources if that is right"
            )
        yield member


def _tar_members(archive: str | PathLike, limits: Limits) -> Iterator[_Member]:
    with gzip.open(archive) as plain:
        bounded = _Bounded(plain, limits.bytes, archive)
        with tarfile.open(fileobj=bounded, mode="r|", tarinfo=_Info) as tar:
            for member in tar:
                regular = member.isreg() and not member.issparse()  # zeros without end cost nothing
                yield _Member(
                    member.name, regular, member.isdir(), lambda info=member: tar.extractfile(info)
                )
        while bounded.read(CHUNK):  # to the end, where gzip keeps the checksum of the whole
            pass


def _zip_members(archive: str | PathLike) -> Iterator[_Member]:
    with zipfile.ZipFile(archive) as zipped:
        for info in zipped.infolist():
            kind = stat.S_IFMT(info.external_attr >> 16)  # 0 where no Unix made it
            regular = kind in (0, stat.S_IFREG) and not info.is_dir() and not info.flag_bits & 1
            yield _Member(
                info.filename, regular, info.is_dir(), lambda info=info: zipped.open(info)
            )


def _write(member: _Member, target: Path, archive: str | PathLike, limits: Limits) -> None:
    if not member.regular:
        raise SourceError(
            f"{archive}: {member.name} is a folder, a link, a device, sparse or encrypted, "
            "expected a file"
        )
    with member.open() as source, target.open("wb") as file:
        _copy(_Bounded(source, limits.bytes, archive), file)


def _copy(source: BinaryIO | _Bounded, target: BinaryIO) -> None:
    while chunk := source.read(CHUNK):
        target.write(chunk)


def _check_missing(archive: str | PathLike, missing: list[str], others: list[str]) -> None:
    if not missing:
        return
    named = [name + _renamed(name, others) for name in missing]
    raise SourceError(
        f"{archive}: lacks {', '.join(named)}; it holds {_some(others)}; correct the members "
        "in the table of sources if it has changed"
    )


def _renamed(name: str, others: list[str]) -> str:
    """What a missing member may be called now: the same name elsewhere, or one much like it."""
    same = [other for other in others if PurePosixPath(other).name == PurePosixPath(name).name]
    close = same or difflib.get_close_matches(name, others, 1, 0.8)
    return f" (now {close[0]}?)" if close else ""


def _some(names: list[str], most: int = 10) -> str:
    shown = ", ".join(names[:most]) or "no other file"
    return shown + (f" and {len(names) - most} more" if len(names) > most else "")


def check_sha256(path: Path, expected: str | None, what: str) -> None:
    """Raise if a file has another sha256 than the known one; None lets it through."""
    if expected is None:
        return
    found = file_checksum(path, "sha256").partition(":")[2]
    if found != expected:
        raise SourceError(f"{what}: sha256 is {found}, expected {expected}: not the published file")


def check_gzip(path: Path, what: str, most: int = MAX_BYTES) -> None:
    """Read a gzip file to its end, as nothing else tells whether it is whole.

    Raises
    ------
    WrongFileError
        It is truncated or damaged.
    """
    try:
        with _whole(path), gzip.open(path) as plain:
            bounded = _Bounded(plain, most, path)
            while bounded.read(CHUNK):
                pass
    except WrongFileError as error:
        raise WrongFileError(f"{what} is truncated or damaged gzip ({error.__cause__})") from error


def decompress(
    source: str | PathLike, target: str | PathLike, *, max_bytes: int = MAX_BYTES
) -> int:
    """Decompress a .gz.

    Parameters
    ----------
    source
        gzip or bgzip.
    target
        The plain file; it appears only when it is whole.
    max_bytes
        Plain bytes beyond which it is refused.

    Returns
    -------
    int
        Bytes written.

    Raises
    ------
    SourceError
        The source is truncated, damaged, not gzip, or too much.
    """
    with room(Path(target)), atomic_path(target) as temporary:
        with _whole(source), gzip.open(source) as plain, temporary.open("wb") as file:
            _copy(_Bounded(plain, max_bytes, source), file)
        return temporary.stat().st_size
