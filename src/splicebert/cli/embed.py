"""`splicebert embed`: hidden states of sequences."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from ..errors import ModelError, SpliceBERTError
from . import options

if TYPE_CHECKING:
    from .writers import Column

KINDS = (".parquet", ".npz", ".tsv", ".tsv.gz")
RESERVED = ("names", "layers")

DESCRIPTION = """\
Runs each sequence through the encoder and writes the hidden states of every nucleotide, or
their mean over the sequence. Layer 0 is the embedding layer, 1 to 6 the encoder layers of the
published models; negative numbers count from the end. Values are float32, 512 a nucleotide in
the published models. [CLS] and [SEP] are left out; a mean is over all nucleotides, N included."""

COLUMNS = """\
output (.parquet, .tsv, .tsv.gz, stdout), sequences in input order, then layers, then offsets:
  id       sequence
  offset   0-based position in the sequence as given, 5'->3' (not with --pool mean)
  layer    0 = embedding layer
  values   list<float>, the hidden state; in TSV columns values_0, values_1, ...
output (.npz), one array a sequence under its id:
  <id>     float32 (layers, nt, hidden), with --pool mean (layers, hidden)
  names    the ids in input order;  layers  the layers, int64"""

EXAMPLES = """\
examples:
  splicebert embed -m config/demo_model sequences.fa -o embeddings.parquet
  splicebert embed -m SpliceBERT.510nt --bed sites.bed --genome hg38.fa --length 510 \\
      --layers 0,4,6 --pool mean -o sites.npz"""


def add_parser(commands: argparse._SubParsersAction) -> argparse.ArgumentParser:
    """Add the command."""
    parser = options.command_parser(
        commands,
        "embed",
        "Hidden states of each nucleotide, or of whole sequences",
        DESCRIPTION,
        COLUMNS,
        options.LENGTHS,
        EXAMPLES,
    )
    options.add_sequence_input(parser)
    options.add_output(parser, KINDS)
    group = parser.add_argument_group("what is computed")
    group.add_argument(
        "--layers",
        type=options.whole_numbers,
        default=(-1,),
        metavar="LIST",
        help="such as 0,4,6 or 0-6 (default: the last); write --layers=-2,-1",
    )
    group.add_argument(
        "--pool", choices=("none", "mean"), default="none", help="mean over the nucleotides"
    )
    options.add_model(parser)
    return parser


def run(args: argparse.Namespace) -> None:
    """Run the command."""
    from ..inference import Item, run_hidden_states
    from .model import find_model, open_checked, open_model
    from .streams import attach
    from .writers import check_output

    check_output(args.output, KINDS)
    choice = find_model(args.model, args.models, args.any_length)
    records = open_checked(args, choice)
    model, runtime = open_model(args, choice, "embedding")
    layers = resolve_layers(args.layers, model.n_layers)
    pairs = ((record.id, Item(record.sequence)) for record in records)
    results = attach(
        pairs,
        lambda items: run_hidden_states(
            model, items, runtime, layers=layers, label="embed", progress=not args.quiet
        ),
    )
    if args.pool == "mean":
        results = ((name, mean(states)) for name, states in results)
    if args.output.endswith(".npz"):
        write_npz(args.output, results, layers)
    else:
        columns = table_columns(model.hidden_size, args.pool)
        write_table(args.output, results, layers, columns)


def resolve_layers(layers: Sequence[int], n_layers: int) -> tuple[int, ...]:
    """Turn layers that count from the end into those from 0; ModelError where there is none."""
    wrong = [layer for layer in layers if not -n_layers <= layer < n_layers]
    if wrong:
        raise ModelError(
            f"no layer {wrong[0]}; the model has 0 (the embedding layer) to {n_layers - 1}"
        )
    return tuple(dict.fromkeys(layer % n_layers for layer in layers))


def mean(states: np.ndarray) -> np.ndarray:
    """Average over the nucleotides: float32 (layers, hidden) of float32 (layers, nt, hidden)."""
    return states.mean(axis=1, dtype=np.float64).astype(np.float32)


def write_npz(path: str, results: Iterable[tuple[str, np.ndarray]], layers: Sequence[int]) -> None:
    """Write an array a sequence, then names and layers."""
    from .writers import open_npz

    names = []
    with open_npz(path) as archive:
        for name, states in results:
            if name in RESERVED:
                raise SpliceBERTError(f"sequence {name!r}: .npz has an array of that name already")
            archive.write(name, states)
            names.append(name)
        archive.write("names", np.array(names, str))
        archive.write("layers", np.array(layers, np.int64))


def table_columns(hidden_size: int, pool: str) -> list[Column]:
    """Columns of the table of hidden states."""
    from .writers import Column

    offset = [] if pool == "mean" else [Column("offset", "int")]
    values = Column("values", "vector", hidden_size)
    return [Column("id", "str"), *offset, Column("layer", "int"), values]


def write_table(
    path: str,
    results: Iterable[tuple[str, np.ndarray]],
    layers: Sequence[int],
    columns: Sequence[Column],
) -> None:
    """Write a row a layer and nucleotide, or a row a layer."""
    from .writers import open_table

    with open_table(path, columns) as table:
        for name, states in results:
            nt = states.shape[1] if states.ndim == 3 else 1
            rows = nt * len(layers)
            table.write(
                {
                    "id": [name] * rows,
                    "offset": np.tile(np.arange(nt), len(layers)),
                    "layer": np.repeat(layers, nt),
                    "values": states.reshape(rows, -1),
                }
            )
