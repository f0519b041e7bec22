"""`splicebert dependency-map`: what a mutation at one position changes at every other one."""

from __future__ import annotations

import argparse
import logging
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

import numpy as np

from ..errors import SpliceBERTError
from . import options

if TYPE_CHECKING:
    import pandas as pd

    from ..arrays import ArrayWriter
    from ..genome import Genome
    from .writers import Column

KINDS = (".tsv", ".tsv.gz", ".parquet")
ZARR = ".zarr.zip"
log = logging.getLogger(__name__)

DESCRIPTION = """\
Nucleotide dependency maps (da Silva et al. 2025) of regions of a genome. A cell is the largest
absolute change of the log2 odds of a base at one position (observed) by a mutation of another
(mutated), over the three alternatives and the four bases. Nothing is masked, and probabilities
are those of the four bases among themselves. The window of a region is read 5'->3' on its strand
and costs 3 x length + 1 runs of the model. Positions that are not A, C, G or T, or outside the
contig, have no value, nor has a position with itself."""

COLUMNS = """\
output, a row a pair of positions whose dependency is at least --least:
  id                                 NAME::CHROM:START-END(STRAND) of the region
  chrom strand                       of the window
  mutated observed                   0-based positions on the genome, forward strand
  mutated_offset observed_offset     0-based positions in the window, 5'->3'
  dependency                         log2 odds, 0 or more

with --zarr, all cells: arrays map (regions, nt, nt: mutated, observed), status (regions, nt; the
codes are among the attributes), position (regions, nt: 0-based on the genome), window_id. Read
them with splicebert.arrays.ArrayReader, or with zarr."""

EXAMPLES = """\
examples:
  splicebert dependency-map -m config/demo_model --genome genome.fa introns.bed --length 200 \\
      --zarr maps.zarr.zip -o strong.tsv
  splicebert dependency-map -m SpliceBERT.510nt --genome hg38.fa sites.bed --length 510 > s.tsv"""


def add_parser(commands: argparse._SubParsersAction) -> argparse.ArgumentParser:
    """Add the command."""
    parser = options.command_parser(
        commands,
        "dependency-map",
        "Nucleotide dependency maps of genomic regions",
        DESCRIPTION,
        COLUMNS,
        options.LENGTHS,
        EXAMPLES,
    )
    group = parser.add_argument_group("input")
    group.add_argument("bed", metavar="BED", help="BED6 (0-based, half-open); - is stdin")
    group.add_argument("--genome", required=True, metavar="FASTA", help="plain or bgzip")
    group.add_argument(
        "--length",
        type=options.positive,
        metavar="NT",
        help="windows of this length, centred on the regions (default: the regions themselves, "
        "which then are all of one length)",
    )
    options.add_output(parser, KINDS)
    group = parser.add_argument_group("maps")
    group.add_argument("--zarr", metavar="FILE", help=f"also write whole maps; ends in {ZARR}")
    group.add_argument(
        "--least",
        type=log2_odds,
        default=1.0,
        metavar="X",
        help="smallest dependency in the table, log2 odds; 0 is all (default: %(default)s)",
    )
    options.add_model(parser)
    return parser


def log2_odds(text: str) -> float:
    """Read a number of 0 or more."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r}; expected a number of 0 or more")
    return value


def run(args: argparse.Namespace) -> None:
    """Run the command."""
    from ..dependency import count_nt, dependency_maps
    from .model import check_length, find_model, open_model
    from .sources import as_file, open_genome
    from .writers import check_output, open_table

    check_output(args.output, KINDS)
    if args.zarr and not args.zarr.endswith(ZARR):
        raise SpliceBERTError(f"--zarr {args.zarr}: expected a name that ends in {ZARR}")
    choice = find_model(args.model, args.models, args.any_length)
    with open_genome(args.genome) as genome:
        with as_file(args.bed) as path:
            windows, length = read_windows(path, genome, args.length)
        check_length(length, choice, "windows have" if args.length is None else "--length is")
        model, runtime = open_model(args, choice, "difference")
        sequences = [genome.fetch(w.chrom, w.start, w.end, w.strand) for w in windows.itertuples()]
        maps = dependency_maps(
            model,
            sequences,
            runtime,
            label="dependency-map",
            total_nt=count_nt(sequences),
            progress=not args.quiet,
        )
        with ExitStack() as outputs:
            arrays = outputs.enter_context(open_arrays(args.zarr, windows, length))
            table = outputs.enter_context(open_table(args.output, table_columns()))
            for window, sequence, values in zip(windows.itertuples(), sequences, maps, strict=True):
                table.write(rows(window, values, args.least))
                if arrays is not None:
                    arrays.append(**array_row(window, sequence, values, genome))
    log.info("%d maps of %d nt", len(windows), length)


def read_windows(path, genome: Genome, length: int | None) -> tuple[pd.DataFrame, int]:
    """Windows of the regions of a BED (DEPENDENCY_WINDOWS), and their length in nt."""
    from ..bed import read_bed
    from ..dependency_regions import read_regions

    if length is None:
        table = read_bed(path, 6)
        lengths = sorted(set(table["end"] - table["start"]))
        if len(lengths) > 1:
            raise SpliceBERTError(
                f"the regions have {len(lengths)} lengths, {lengths[0]} to {lengths[-1]} nt; give "
                "--length NT, for windows of one length centred on them"
            )
        length = int(lengths[0])
    return read_regions(path, genome.contigs, genome.path, length), length


@contextmanager
def open_arrays(
    path: str | None, windows: pd.DataFrame, length: int
) -> Iterator[ArrayWriter | None]:
    """Open the file of whole maps, if one was asked for."""
    if path is None:
        yield None
        return
    from ..arrays import ArrayWriter
    from ..dependency import map_attributes, map_fields
    from ..tables import atomic_path

    fields, about = map_fields(length), map_attributes()
    with (
        atomic_path(path) as part,
        ArrayWriter(part, windows["window_id"], fields, chunk=1, attributes=about) as writer,
    ):
        yield writer


def array_row(window, sequence: str, values: np.ndarray, genome: Genome) -> dict:
    """What is kept of a window: its map, why positions have none, and where they lie."""
    from ..dependency import genome_positions, position_status

    place = (window.start, window.end)
    status = position_status(sequence, place, genome.contigs[window.chrom], window.strand)
    return {"map": values, "status": status, "position": genome_positions(place, window.strand)}


def rows(window, values: np.ndarray, least: float) -> dict:
    """Rows of the table: the cells of a map of `least` or more."""
    from ..dependency import genome_positions

    positions = genome_positions((window.start, window.end), window.strand)
    with np.errstate(invalid="ignore"):
        mutated, observed = np.nonzero(values >= least)
    return {
        "id": [window.window_id] * len(mutated),
        "chrom": [window.chrom] * len(mutated),
        "strand": [window.strand] * len(mutated),
        "mutated": positions[mutated],
        "observed": positions[observed],
        "mutated_offset": mutated,
        "observed_offset": observed,
        "dependency": values[mutated, observed].astype(np.float64),
    }


def table_columns() -> list[Column]:
    """Columns of the table."""
    from .writers import Column

    whole = ("mutated", "observed", "mutated_offset", "observed_offset")
    return [
        *(Column(name, "str") for name in ("id", "chrom", "strand")),
        *(Column(name, "int") for name in whole),
        Column("dependency", "float"),
    ]
