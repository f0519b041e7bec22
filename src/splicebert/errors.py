"""Errors that name what was found, what was expected, where, and what to do."""

from __future__ import annotations

from os import PathLike


class SpliceBERTError(ValueError):
    """Base class of every error that this package raises about its input."""


class FormatError(SpliceBERTError):
    """A file does not follow its format.

    Parameters
    ----------
    message
        What was found, what was expected and what to do.
    path
        The file; put in front of the message.
    line
        1-based line of the file, where there is one.
    """

    def __init__(
        self, message: str, path: str | PathLike | None = None, line: int | None = None
    ) -> None:
        self.path = None if path is None else str(path)
        self.line = line
        where = "" if path is None else f"{path}: "
        where += "" if line is None else f"line {line}: "
        super().__init__(where + message)


class GenomeError(SpliceBERTError):
    """A contig, position or track that the genome does not hold."""


class ModelError(SpliceBERTError):
    """A model folder, checkpoint or request that the model can't serve."""


class ConfigError(SpliceBERTError):
    """A configuration that can't be run; the message names the key and what is allowed."""
