"""The command line.

`splicebert embed | fill | score-variants | variant-background | dependency-map | predict |
predict-branchpoints | predict-splice-sites | train | doctor | progress`.

One module a command, each with `add_parser` and `run`; torch is imported by `run` alone, so that
`--help` answers at once.
"""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from .. import __version__
from ..errors import SpliceBERTError
from . import (
    dependency_map,
    doctor,
    embed,
    fill,
    predict,
    predict_branchpoints,
    predict_splice_sites,
    progress,
    score_variants,
    train,
    variant_background,
)
from .options import Formatter

COMMANDS = (
    embed,
    fill,
    score_variants,
    variant_background,
    dependency_map,
    predict,
    predict_branchpoints,
    predict_splice_sites,
    train,
    doctor,
    progress,
)
TWO_WORDS = {
    ("predict", "branchpoints"): "predict-branchpoints",
    ("predict", "splice-sites"): "predict-splice-sites",
}
"""Commands that can be written as two words; a FASTA of that name is ./branchpoints."""
USAGE_ERROR, INTERRUPTED, BROKEN_PIPE, TERMINATED = 2, 130, 141, 143

DESCRIPTION = """\
Run SpliceBERT, a masked language model of pre-mRNA (one token a nucleotide), on your own
sequences, intervals and variants. Coordinates are 0-based and half-open, offsets 0-based and
5'->3'; only VCF, and the column pos that repeats it, are 1-based."""

EPILOG = """\
examples:
  splicebert embed -m config/demo_model sequences.fa -o embeddings.parquet
  splicebert score-variants -m SpliceBERT.510nt --genome hg38.fa --strand + variants.vcf.gz

`splicebert COMMAND --help` explains a command, its columns and its options."""


def build_parser() -> argparse.ArgumentParser:
    """Make the parser with every command."""
    parser = argparse.ArgumentParser(
        prog="splicebert", description=DESCRIPTION, epilog=EPILOG, formatter_class=Formatter
    )
    parser.add_argument("--version", action="version", version=f"splicebert {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for module in COMMANDS:
        module.add_parser(commands).set_defaults(run=module.run)
    return parser


def join_words(argv: Sequence[str]) -> list[str]:
    """Read `predict branchpoints` as `predict-branchpoints`; see TWO_WORDS."""
    name = TWO_WORDS.get(tuple(argv[:2]))
    return [name, *argv[2:]] if name else list(argv)


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; return the exit code.

    Parameters
    ----------
    argv
        Arguments without the program's name; None takes those of the process.

    Returns
    -------
    0; 1 where `doctor` finds that something is missing; 3 where `score-variants` is done but had to
    leave variants out; 2 where the input or the options can't be used (one line on stderr says
    why); 130 after Ctrl-C, 143 after SIGTERM, 141 where the reader of stdout has gone. But for 0,
    1 and 3 no partial output is left.
    """
    args = build_parser().parse_args(join_words(sys.argv[1:] if argv is None else argv))
    try:
        with _logging(args.command, args.quiet), _terminating():
            code = args.run(args)
            sys.stdout.flush()
        return code or 0
    except BrokenPipeError:
        _silence_stdout()
        return BROKEN_PIPE
    except KeyboardInterrupt:
        return _fail(args.command, "interrupted", INTERRUPTED)
    except _Terminated:
        return _fail(args.command, "terminated", TERMINATED)
    except OSError as error:
        where = f"{error.filename}: " if error.filename is not None else ""
        return _fail(args.command, f"error: {where}{error.strerror or error}", USAGE_ERROR)
    except SpliceBERTError as error:
        return _fail(args.command, f"error: {error}", USAGE_ERROR)


def _fail(command: str, message: str, code: int) -> int:
    print(f"splicebert {command}: {' '.join(message.split())}", file=sys.stderr)
    return code


class _Terminated(BaseException):
    """SIGTERM, raised so that temporary files are removed.

    Not an Exception, of which libraries catch all while they are imported.
    """


@contextmanager
def _terminating() -> Iterator[None]:
    """Turn SIGTERM into an exception, where this is the main thread."""

    def stop(*_: object) -> None:
        raise _Terminated

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def _logging(command: str, quiet: bool) -> Iterator[None]:
    """Send the package's messages to stderr; with `quiet` only warnings."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter(f"splicebert {command}: %(message)s"))
    logger = logging.getLogger("splicebert")
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.WARNING if quiet else logging.INFO)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)


def _silence_stdout() -> None:
    """Let nothing more be written to a pipe that is closed, also not when Python exits."""
    try:
        descriptor = os.open(os.devnull, os.O_WRONLY)
        os.dup2(descriptor, sys.stdout.fileno())
        os.close(descriptor)
    except (OSError, ValueError):  # stdout is no file, or closed
        pass
