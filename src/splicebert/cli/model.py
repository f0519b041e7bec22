"""The model that a command was given: where it lies, which lengths it takes, how it runs."""

from __future__ import annotations

import argparse
import itertools
import json
import logging
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from ..errors import ModelError
from ..vocabulary import BERTS, kmer_length, read_words
from .sources import Record, open_records

if TYPE_CHECKING:
    from ..inference import Runtime
    from ..models import ModelAdapter

log = logging.getLogger(__name__)
SHORTEST = 64
# The published models of 512 positions were trained on fragments of exactly 510 nt.
FIXED_LENGTH = 510


class Choice(NamedTuple):
    """A model that was found.

    name : in the model table, or the folder's own
    folder : absolute path
    entry : of the model table, or one made for a folder
    lengths : shortest and longest sequence, nt
    """

    name: str
    folder: Path
    entry: dict[str, Any]
    lengths: tuple[int, int]


def find_model(name: str, table: str, any_length: bool = False) -> Choice:
    """Find a model folder, or an entry of the model table.

    Parameters
    ----------
    name
        A folder that holds a config.json, or a name in the table.
    table
        The model table; its folders are relative to its own folder, or, where that is called
        config, to the one above it.
    any_length
        Allow every length that the position table holds.

    Raises
    ------
    ModelError
        Neither a folder nor a name, or an entry without a folder.
    """
    if (Path(name) / "config.json").is_file():
        folder = Path(name).resolve()
        entry = _entry_of(folder) | _trained_lengths(folder)
        name = folder.name
    else:
        folder, entry = _find_entry(name, Path(table))
    room = _room(folder)
    lengths = (1, room) if any_length else _lengths(entry, room)
    entry = {**entry, "folder": str(folder), "min_length": lengths[0], "max_length": lengths[1]}
    return Choice(name, folder, entry, lengths)


def _entry_of(folder: Path) -> dict[str, Any]:
    """Make an entry for a folder: its family, by its vocabulary."""
    if not (folder / "vocab.txt").is_file():  # loading says so, where one is needed
        return {"adapter": "splicebert"}
    k = kmer_length(read_words(folder))
    return {"adapter": "dnabert", "min_length": k} if k else {"adapter": "splicebert"}


def _trained_lengths(folder: Path) -> dict[str, int]:
    """Lengths of the sequences that `splicebert train` had; empty for other folders."""
    path = folder / "training.json"
    if not path.is_file():
        return {}
    lengths = read_json(path).get("lengths")
    return dict(zip(("min_length", "max_length"), lengths, strict=True)) if lengths else {}


def _find_entry(name: str, table: Path) -> tuple[Path, dict[str, Any]]:
    from ..models import read_models

    models = read_models(table) if table.is_file() else {}
    if name not in models:
        known = f"{table} has {', '.join(models)}" if models else f"there is no {table}"
        raise ModelError(
            f"no model {name!r}: it is no folder with a config.json, and no name in the model "
            f"table ({known})"
        )
    entry = models[name]
    if entry["adapter"] not in BERTS or "folder" not in entry:
        raise ModelError(
            f"model {name!r} is of adapter {entry['adapter']!r}; expected {' or '.join(BERTS)}"
        )
    here = table.resolve().parent
    folder = (here.parent if here.name == "config" else here) / entry["folder"]
    if not folder.is_dir():
        raise ModelError(
            f"model {name!r}: its folder {folder} is not there yet; get it with `snakemake "
            f"--cores 1 {entry['folder']}/{entry.get('weights', 'pytorch_model.bin')}`, or give "
            "a folder of your own"
        )
    return folder, entry


def read_values(folder: Path) -> dict[str, Any]:
    """Read config.json as it is; ModelError where it is missing or broken."""
    return read_json(folder / "config.json")


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object of a model folder; ModelError where it is missing or broken."""
    try:
        values = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise ModelError(f"{path}: can't be read as a configuration ({error})") from error
    if not isinstance(values, dict):
        raise ModelError(f"{path}: expected a JSON object")
    return values


def _room(folder: Path) -> int:
    positions = read_values(folder).get("max_position_embeddings", 512)
    if not isinstance(positions, int) or positions < 3:
        raise ModelError(f"{folder}: max_position_embeddings is {positions!r}; expected 3 or more")
    return positions - 2


def _lengths(entry: dict[str, Any], room: int) -> tuple[int, int]:
    longest = entry.get("max_length") or room
    is_published_form = room == FIXED_LENGTH and "max_length" not in entry
    shortest = entry.get("min_length") or (FIXED_LENGTH if is_published_form else SHORTEST)
    return min(shortest, longest), longest


def open_checked(args: argparse.Namespace, choice: Choice, allowed: str = "") -> Iterator[Record]:
    """Read the sequences of a command, the first one at once: its faults need no model.

    See `sources.open_records` and `check_lengths`.
    """
    records = check_lengths(open_records(args, allowed), choice)
    return itertools.chain([next(records)], records)


def check_lengths(records: Iterable[Record], choice: Choice) -> Iterator[Record]:
    """Pass on records; raise ModelError at one of a length that the model does not take."""
    for record in records:
        check_length(len(record.sequence), choice, f"sequence {record.id!r} has")
        yield record


def check_length(length: int, choice: Choice, subject: str) -> None:
    """Raise ModelError for a length that the model does not take; `subject` begins the message."""
    shortest, longest = choice.lengths
    if shortest <= length <= longest:
        return
    takes = f"exactly {longest}" if shortest == longest else f"{shortest} to {longest}"
    room = _room(choice.folder)
    remedy = "cut it into windows (--bed with --length does)"
    if length <= room:
        remedy = f"--any-length allows 1 to {room} nt, for which it was not trained"
    raise ModelError(f"{subject} {length} nt; model {choice.name} takes {takes} nt: {remedy}")


def choose_runtime(args: argparse.Namespace, purpose: str) -> Runtime:
    """Decide device, precision, batch and CPU threads; see `Runtime.choose`."""
    import torch

    from ..inference import Runtime

    if args.threads is not None:
        torch.set_num_threads(args.threads)
    try:
        runtime = Runtime.choose(args.device, args.dtype, args.batch_nt, purpose=purpose)
        torch.empty(0, device=runtime.device)  # a GPU of that number may not be there
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise ModelError(f"device {args.device!r} can't be used: {reason}") from error
    return runtime


def open_model(
    args: argparse.Namespace, choice: Choice, purpose: str
) -> tuple[ModelAdapter, Runtime]:
    """Load a model and log what runs where, in which precision.

    Parameters
    ----------
    args
        Options of `options.add_model`.
    choice
        From `find_model`.
    purpose
        "embedding", "probability" or "difference", which decides on the precisions allowed.
    """
    from ..models import load_model

    runtime = choose_runtime(args, purpose)
    model = load_model(
        choice.name,
        {choice.name: choice.entry},
        device=runtime.device,
        dtype=runtime.dtype,
        attention=args.attention,
    )
    log.info("%s; %s", model.describe(), runtime.describe())
    return model, runtime
