"""What can go wrong with a file from elsewhere, and the room that it needs."""

from __future__ import annotations

import errno
import math
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from splicebert.errors import SpliceBERTError

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class SourceError(SpliceBERTError):
    """A file that can't be had, or is not the expected one; the message says what to do."""


class BrokenError(SourceError):
    """A failure that may pass: worth another attempt.

    Parameters
    ----------
    message
        What happened.
    wait
        Seconds that the server asks to wait; None where it says nothing.
    """

    def __init__(self, message: str, wait: float | None = None) -> None:
        self.wait = wait
        super().__init__(message)


class WrongFileError(SourceError):
    """A whole file arrived, and it is not the expected one."""


class DiskFullError(SourceError):
    """The disk can't hold the file: no other address would help."""


def human(count: float) -> str:
    """Bytes for people: `5.8 GB`."""
    if count < 1000:
        return f"{count:.0f} bytes"
    power = min(int(math.log10(count) // 3), 4)
    return f"{count / 1000**power:.3g} {('kB', 'MB', 'GB', 'TB')[power - 1]}"


@contextmanager
def room(target: Path, advice: str = "free space and run again") -> Iterator[None]:
    """Turn what a full disk (or quota) raises into a DiskFullError."""
    try:
        yield
    except OSError as error:
        if error.errno not in _FULL:
            raise
        raise DiskFullError(f"{target}: the disk is full ({error.strerror}); {advice}") from error


def check_space(target: Path, needed: int, advice: str = "free space and run again") -> None:
    """Raise a DiskFullError if a disk holds less than what is still to come."""
    free = shutil.disk_usage(target.parent).free
    if needed > free:
        raise DiskFullError(
            f"{target}: needs {human(needed)} more, its disk has {human(free)} free; {advice}"
        )
