"""`splicebert progress`: which branch of a run of the workflow is how far, and the time left."""

from __future__ import annotations

import argparse
import time
from datetime import datetime
from pathlib import Path

from ..run_progress import describe, newest_log, read_run, summarise
from . import options

DESCRIPTION = """\
Tells how far the latest run of the workflow in a folder is, by branch: jobs done, running and
failed, and about how much time is left, from the jobs of the same rules that are done. It reads
the log in .snakemake/log, so it works beside a run on this machine and on a cluster."""

EXAMPLES = """\
examples:
  splicebert progress
  splicebert progress runs/mine --follow 30"""


def add_parser(commands: argparse._SubParsersAction) -> argparse.ArgumentParser:
    """Add the command."""
    parser = options.command_parser(
        commands, "progress", "How far a run of the workflow is", DESCRIPTION, EXAMPLES
    )
    parser.add_argument(
        "folder", nargs="?", type=Path, default=Path(), metavar="FOLDER",
        help="in which the run works, that of --directory (default: this one)",
    )  # fmt: skip
    parser.add_argument(
        "--follow", type=options.positive, metavar="SECONDS", help="print it again and again"
    )
    parser.set_defaults(quiet=False)
    return parser


def run(args: argparse.Namespace) -> None:
    """Print it once, or until the run has ended."""
    while True:
        found = read_run(newest_log(args.folder).read_text(errors="replace"))
        print(describe(found, summarise(found, datetime.now())), flush=True)
        if found.ended or not args.follow:
            return
        time.sleep(args.follow)
        print()
