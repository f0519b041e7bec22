"""`splicebert doctor`: what this machine has of all that a run needs."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from . import options

DESCRIPTION = """\
Looks at Python, packages (against the locked versions), torch and GPU, flash attention, bedtools
and C compiler, the compiled extension, cores, memory and disk, the files of the models (sha256
against the model table), and whether every source of downloads answers."""

COLUMNS = """\
output: check, status, what was found, what to do. ok; missing: the demo can't run without it;
warn: look at this; optional: absent, and not needed by the demo (GPU, flash attention, network,
weights that a run would download, disk for the paper's sizes).

Exit code 0 if the demo can run, 1 if something is missing."""

EXAMPLES = """\
examples:
  splicebert doctor
  splicebert doctor --offline --json"""


def add_parser(commands: argparse._SubParsersAction) -> argparse.ArgumentParser:
    """Add the command."""
    parser = options.command_parser(
        commands, "doctor", "What works on this machine", DESCRIPTION, COLUMNS, EXAMPLES
    )
    parser.add_argument("--offline", action="store_true", help="ask no server")
    parser.add_argument("--json", action="store_true", help="a JSON list instead of a table")
    parser.add_argument(
        "--folder", default=".", help="working folder of the run (default: the current one)"
    )
    for name in ("sources", "models"):
        parser.add_argument(
            f"--{name}",
            metavar="TABLE",
            help=f"table of {name} (default: config/{name}.yaml of this checkout)",
        )
    parser.set_defaults(quiet=True)
    return parser


def run(args: argparse.Namespace) -> int:
    """Run the command."""
    from ..doctor import ROOT, examine, fails, write_table

    sources, models = (
        Path(given or ROOT / "config" / f"{name}.yaml")
        for name, given in (("sources", args.sources), ("models", args.models))
    )
    findings = list(examine(sources, models, Path(args.folder), network=not args.offline))
    if args.json:
        json.dump([finding._asdict() for finding in findings], sys.stdout, indent=1)
        print()
    else:
        print(write_table(findings))
    return int(fails(findings))
