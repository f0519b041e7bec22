"""The archive of pre-computed results: what is taken out of it, and where it is found."""

from __future__ import annotations

import gzip
import re
import tarfile
import zlib
from collections.abc import Callable
from os import PathLike
from pathlib import Path, PurePosixPath
from typing import BinaryIO

import pandas as pd

from splicebert.errors import FormatError, SpliceBERTError
from splicebert.sources.problems import room
from splicebert.tables import Column, Schema, atomic_path

CHUNK = 1 << 20
HEADER_BYTES = 1 << 20
MOST_MEMBERS = 100_000
TAIL_BYTES = 1 << 24
ADDRESS = "https://drive.google.com/file/d/1TCwbhyMiBP1bGEQcZj1qTH-Rif7Ee93P/view"
# Names as the authors' scripts write them, in whatever folder of the archive.
WANTED = re.compile(
    r"(pred_in_region\.pkl|embed_cons\.pkl|(vexseq|mfass)\..+\.output\.pkl"
    r"|insilico_mutation_in_transcripts\.pkl|.+\.att\.v2\.pkl"
    r"|.+\.for_(umap|visualization)\..+\.h5ad)(\.gz)?"
)
CONTENTS = Schema(
    "contents of the archive",
    (
        Column("member", "str", "name in the archive"),
        Column("bytes", "int64", "its size", minimum=0),
        Column("taken", "bool", "whether it was unpacked"),
    ),
)


class _Info(tarfile.TarInfo):
    """A header of a tar that may not ask for much memory, as one of a long name could."""

    @classmethod
    def frombuf(cls, buf: bytes, encoding: str, errors: str) -> tarfile.TarInfo:
        info = super().frombuf(buf, encoding, errors)
        if not info.isreg() and info.size > HEADER_BYTES:
            raise tarfile.ReadError(f"a header of {info.size} bytes")
        return info


def unpack_results(
    archive: str | PathLike, folder: str | PathLike, *, most_bytes: int
) -> pd.DataFrame:
    """Unpack the results that this project reads, each under its base name: all, or none.

    Parameters
    ----------
    archive
        pre-computed_results.tar.gz; read to its end.
    folder
        Where the files are to be; it appears when all are there.
    most_bytes
        Largest sum of the sizes of all members.

    Returns
    -------
    DataFrame
        Rows of CONTENTS, in the order of the archive; folders left out.

    Raises
    ------
    SpliceBERTError
        There is no archive, or it is damaged, too large, holds a result twice or as a link; or the
        disk is full.
    """
    if not Path(archive).is_file():
        raise SpliceBERTError(
            f"{archive}: no such file; download pre-computed_results.tar.gz by hand from {ADDRESS} "
            "and save it there, or name its folder or archive in precomputed.source"
        )
    rows: list[tuple[str, int, bool]] = []
    total = 0
    try:
        with (
            room(Path(folder)),
            atomic_path(folder) as temporary,
            _open(archive) as stream,
        ):
            temporary.mkdir()
            with tarfile.open(fileobj=stream, mode="r|", tarinfo=_Info) as tar:
                for count, member in enumerate(tar, 1):
                    total += member.size
                    if count > MOST_MEMBERS or total > most_bytes:
                        raise SpliceBERTError(
                            f"{archive}: more than {MOST_MEMBERS} members or {most_bytes} bytes; "
                            "raise precomputed.max_gb if that is right"
                        )
                    if member.isdir():
                        continue
                    taken = _take(tar, member, temporary, archive)
                    rows.append((member.name, member.size, taken))
            _read_tail(stream)
            if not any(taken for _, _, taken in rows):
                names = ", ".join(name for name, _, _ in rows[:10]) or "no file"
                raise SpliceBERTError(
                    f"{archive}: none of the authors' results is in it; it holds {names}"
                )
    except (EOFError, gzip.BadGzipFile, zlib.error, tarfile.TarError) as error:
        raise SpliceBERTError(
            f"{archive}: truncated, damaged or no .tar.gz: {error}; download it again"
        ) from error
    return pd.DataFrame(rows, columns=CONTENTS.names)


def _open(archive: str | PathLike) -> BinaryIO:
    """Open a tar, compressed by gzip or not."""
    with open(archive, "rb") as file:
        compressed = file.read(2) == b"\x1f\x8b"
    return gzip.open(archive) if compressed else open(archive, "rb")


def _read_tail(stream: BinaryIO) -> None:
    """Read to the end, where gzip keeps the checksum of the whole; a tar ends in a few zeros."""
    left = TAIL_BYTES
    while data := stream.read(CHUNK):
        left -= len(data)
        if left < 0:
            raise tarfile.ReadError(f"more than {TAIL_BYTES} bytes after its last member")


def _take(
    tar: tarfile.TarFile, member: tarfile.TarInfo, folder: Path, archive: str | PathLike
) -> bool:
    """Unpack a member if its base name is that of a result."""
    name = PurePosixPath(member.name).name
    if not WANTED.fullmatch(name):
        return False
    if not member.isreg() or member.issparse():
        raise SpliceBERTError(f"{archive}: {member.name} is a link or sparse, expected a file")
    target = folder / name
    if target.exists():
        raise SpliceBERTError(f"{archive}: holds {name} twice, again as {member.name}")
    with target.open("xb") as file:
        source = tar.extractfile(member)
        while chunk := source.read(CHUNK):
            file.write(chunk)
    return True


def find(folder: str | PathLike, name: str, why: str) -> Path:
    """Find a result by its base name below a folder, plain or as .gz.

    Parameters
    ----------
    folder
        Of the unpacked results.
    name
        Such as embed_cons.pkl.
    why
        What to do without it, for the message.

    Raises
    ------
    SpliceBERTError
        It is not there, or twice.
    """
    found = [path for end in ("", ".gz") for path in sorted(Path(folder).rglob(name + end))]
    if len(found) == 1:
        return found[0]
    if found:
        raise SpliceBERTError(f"{folder}: {name} is there twice: {found[0]} and {found[1]}")
    others = sorted(path.name for path in Path(folder).rglob("*") if WANTED.fullmatch(path.name))
    raise SpliceBERTError(
        f"{folder}: no file {name} among the authors' results, which are "
        f"{', '.join(others) or 'none'}; {why}"
    )


def find_all(folder: str | PathLike, pattern: re.Pattern) -> dict[str, Path]:
    """Find results whose base name matches a pattern: name -> path, in order of the names."""
    paths = sorted(Path(folder).rglob("*"), key=lambda path: path.name)
    return {path.name: path for path in paths if pattern.fullmatch(path.name)}


def require(condition: bool, message: str | Callable[[], str], path: str | PathLike) -> None:
    """Raise FormatError with a message that says what was found, unless a condition holds.

    A message that costs something is a function, called only when it is needed.
    """
    if not condition:
        found = message if isinstance(message, str) else message()
        raise FormatError(
            f"{found}; it may be another version of the authors' files, see docs/precomputed.md",
            path,
        )
