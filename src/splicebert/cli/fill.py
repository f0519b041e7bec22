"""`splicebert fill`: probabilities of hidden bases."""

from __future__ import annotations

import argparse
import logging
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ..errors import SpliceBERTError
from ..scores import base_probabilities
from ..sequence import BASES
from . import options

if TYPE_CHECKING:
    from ..inference import Item
    from .sources import Record

log = logging.getLogger(__name__)
KINDS = (".tsv", ".tsv.gz", ".parquet")
UNKNOWN = "N?"

DESCRIPTION = """\
Hides bases from the model and writes the probabilities that it gives to A, C, G and T there.
Hidden are, all at once, every N and ? of the sequence (one run a sequence), or the bases of
--offsets. --each hides them one at a time, and without --offsets every base of the sequence:
as many runs a sequence as bases, 510 of them for 510 nt. A ? is always hidden; an N that is
not asked for stays the letter N, which the model knows from training."""

COLUMNS = """\
output, a row a hidden base, in input order:
  id             sequence
  offset         0-based position in the sequence as given, 5'->3'
  base           the letter there
  p_A .. p_T     probability; softmax over the ten tokens of the model, so that the four sum to
                 a little less than 1, or over the four bases with --bases-only
  predicted      the likeliest of A, C, G, T"""

EXAMPLES = """\
examples:
  splicebert fill -m config/demo_model sequences.fa > filled.tsv
  splicebert fill -m SpliceBERT.510nt --bed sites.bed --genome hg38.fa --length 510 \\
      --offsets 254,255 --each -o sites.parquet"""


class Hidden(NamedTuple):
    """A sequence and the bases of it whose probabilities are wanted.

    offsets : int64 (bases,), 0-based
    """

    record: Record
    offsets: np.ndarray


def add_parser(commands: argparse._SubParsersAction) -> argparse.ArgumentParser:
    """Add the command."""
    parser = options.command_parser(
        commands,
        "fill",
        "Probabilities of A, C, G and T at hidden bases",
        DESCRIPTION,
        COLUMNS,
        options.LENGTHS,
        EXAMPLES,
    )
    options.add_sequence_input(parser)
    options.add_output(parser, KINDS)
    group = parser.add_argument_group("what is hidden")
    group.add_argument(
        "--offsets",
        type=options.whole_numbers,
        metavar="LIST",
        help="these 0-based positions of every sequence, such as 254,255 or 100-120",
    )
    group.add_argument(
        "--each", action="store_true", help="one base at a time: a run of the model for each"
    )
    group.add_argument(
        "--bases-only", action="store_true", help="softmax over the four bases alone"
    )
    options.add_model(parser)
    return parser


def run(args: argparse.Namespace) -> None:
    """Run the command."""
    from ..inference import run_logits
    from .model import find_model, open_checked, open_model
    from .streams import attach
    from .writers import Column, check_output, open_table

    check_output(args.output, KINDS)
    choice = find_model(args.model, args.models, args.any_length)
    records = open_checked(args, choice, allowed="?")
    model, runtime = open_model(args, choice, "probability")
    results = attach(
        hidden_items(records, args.offsets, args.each),
        lambda items: run_logits(model, items, runtime, label="fill", progress=not args.quiet),
    )
    probabilities = [Column(f"p_{base}", "float") for base in BASES]
    columns = [Column("id", "str"), Column("offset", "int"), Column("base", "str")]
    with open_table(args.output, [*columns, *probabilities, Column("predicted", "str")]) as table:
        for hidden, logits in results:
            table.write(rows(hidden, base_probabilities(logits, bases_only=args.bases_only)))


def hidden_items(
    records: Iterable[Record], offsets: tuple[int, ...] | None, each: bool
) -> Iterator[tuple[Hidden, Item]]:
    """What is run for each sequence; one without a base to hide is left out.

    Raises
    ------
    SpliceBERTError
        An offset that a sequence does not have.
    """
    from ..inference import Item

    without = 0
    for record in records:
        always = np.array(list(record.sequence)) == "?"
        wanted = chosen_offsets(record, offsets, each)
        sequence = record.sequence.replace("?", "N")
        if not len(wanted):
            without += 1
            continue
        for some in np.split(wanted, len(wanted)) if each else [wanted]:
            mask = always.copy()
            mask[some] = True
            yield Hidden(record, some), Item(sequence, mask, some)
    if without:
        log.warning("sequences with no base to hide (no N, no ?), left out: %d", without)


def chosen_offsets(record: Record, offsets: tuple[int, ...] | None, each: bool) -> np.ndarray:
    """Positions whose probabilities are wanted: int64 (bases,)."""
    length = len(record.sequence)
    if offsets is not None:
        wrong = [offset for offset in offsets if not 0 <= offset < length]
        if wrong:
            raise SpliceBERTError(
                f"offset {wrong[0]} (0-based) of sequence {record.id!r}; expected 0 to {length - 1}"
            )
        return np.array(offsets, np.int64)
    if each:
        return np.arange(length)
    letters = np.array(list(record.sequence.upper()))
    return np.flatnonzero(np.isin(letters, list(UNKNOWN)))


def rows(hidden: Hidden, probs: np.ndarray) -> dict:
    """Rows of the output; probs : float64 (bases, 4), order ACGT."""
    columns = {f"p_{base}": probs[:, i] for i, base in enumerate(BASES)}
    return {
        "id": [hidden.record.id] * len(probs),
        "offset": hidden.offsets,
        "base": [hidden.record.sequence[offset].upper() for offset in hidden.offsets],
        **columns,
        "predicted": [BASES[i] for i in probs.argmax(axis=1)],
    }
