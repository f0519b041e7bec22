"""`splicebert predict branchpoints`: ranked branchpoints of introns."""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from . import options

if TYPE_CHECKING:
    import pandas as pd

    from ..genome import Genome
    from ..inference import Item, Runtime

log = logging.getLogger(__name__)
KINDS = (".bed", ".bed.gz")

DESCRIPTION = """\
Runs a model that was fine-tuned on branchpoints (a folder of BertForTokenClassification with two
labels or one, such as results/branchpoint/<dataset>/<method>/fold0/model) on a window around the
bases upstream of each acceptor. Several folders give the mean of their probabilities. An acceptor
that several introns share is run once; an intron without a base in the zone is left out, counted
on stderr."""

COLUMNS = """\
output, one base a row, sorted by contig (as in the genome), start and strand:
  chrom start end    the branchpoint, 0-based, half-open
  name               TRANSCRIPT.intronNUMBER, or the name in the BED, of the acceptor's first intron
  score              1000 x probability, rounded
  strand             of the intron
  probability        of the base being a branchpoint (softmax over the two labels)
  rank               among the candidates of the acceptor, from 1
  distance           nt upstream of the acceptor; 1 is the last base of the intron"""

EXAMPLES = """\
examples:
  splicebert predict-branchpoints -m results/branchpoint/demo/demo/fold*/model \\
      --genome genome.fa --annotation annotation.gtf.gz -o branchpoints.bed.gz
  splicebert predict-branchpoints -m models/bp --genome hg38.fa --bed introns.bed --top 1"""


def add_parser(commands: argparse._SubParsersAction) -> argparse.ArgumentParser:
    """Add the command."""
    parser = options.command_parser(
        commands,
        "predict-branchpoints",
        "Ranked branchpoints of introns (also: predict branchpoints)",
        DESCRIPTION,
        COLUMNS,
        options.LENGTHS,
        EXAMPLES,
    )
    group = parser.add_argument_group("input")
    group.add_argument("--genome", required=True, metavar="FASTA", help="genome, plain or bgzip")
    source = group.add_mutually_exclusive_group(required=True)
    source.add_argument(
        "--annotation", metavar="FILE", help="introns of a GTF (.gtf in its name) or genePred"
    )
    source.add_argument("--bed", metavar="FILE", help="introns of a BED6 (0-based, half-open)")
    group.add_argument(
        "--canonical", action="store_true", help="with --annotation: canonical transcripts alone"
    )
    options.add_length(group)
    group.add_argument(
        "--zone", type=zone_of, default=(18, 44), metavar="NEAREST-FARTHEST",
        help="nt upstream of the acceptor that are candidates (default: 18-44)",
    )  # fmt: skip
    options.add_output(parser, KINDS, table="BED")
    group = parser.add_argument_group("what is written")
    group.add_argument(
        "--top", type=options.positive, default=3, metavar="N",
        help="candidates of each acceptor (default: %(default)s)",
    )  # fmt: skip
    group.add_argument(
        "--least", type=float, default=0.0, metavar="P", help="only of this probability or more"
    )
    options.add_model(parser, many=True)
    return parser


def zone_of(text: str) -> tuple[int, int]:
    """Read NEAREST-FARTHEST."""
    nearest, _, farthest = text.partition("-")
    if nearest.isdigit() and farthest.isdigit() and 1 <= int(nearest) <= int(farthest):
        return int(nearest), int(farthest)
    raise argparse.ArgumentTypeError(f"{text!r}; expected two distances such as 18-44")


def run(args: argparse.Namespace) -> None:
    """Run the command."""
    from ..branchpoint_ranking import mean_probabilities, rank_candidates
    from ..genome import Genome
    from .model import check_length, choose_runtime, find_model
    from .writers import check_output

    check_output(args.output, KINDS)
    choices = [find_model(name, args.models, args.any_length) for name in args.model]
    for choice in choices:
        check_length(args.length, choice, "a window has (--length)")
    runtime = choose_runtime(args, "probability")
    with Genome(args.genome) as genome:
        table = read_windows(args, genome)
        models = (runner(choice, runtime, args) for choice in choices)
        found = mean_probabilities(table, genome, models)
        ranked = rank_candidates(table, found, top=args.top, least=args.least)
        write(sort(ranked, list(genome.contigs)), args.output)


def read_windows(args: argparse.Namespace, genome: Genome) -> pd.DataFrame:
    """Window and candidates of each acceptor that was asked for; see `place_introns`."""
    from collections import Counter

    from ..branchpoint_ranking import place_introns, read_annotated_introns, read_intron_bed
    from ..branchpoint_zones import Zone
    from ..errors import SpliceBERTError

    zone, counts = Zone(*args.zone), Counter()
    if zone.width > args.length:
        raise SpliceBERTError(f"--length {args.length}; expected {zone.width} or more, the zone")
    if args.bed:
        introns = read_intron_bed(args.bed)
    else:
        introns = read_annotated_introns(args.annotation, canonical=args.canonical)
    table = place_introns(
        introns, genome.contigs, genome.path, zone=zone, length=args.length, counts=counts
    )
    left_out = "; ".join(f"{n} {reason}" for reason, n in counts.items() if n) or "none"
    log.info("%d introns, %d acceptors; left out: %s", len(introns), len(table), left_out)
    return table


def runner(
    choice, runtime: Runtime, args: argparse.Namespace
) -> Callable[[Iterable[Item]], Iterator[np.ndarray]]:
    """Load a model: function of items that yields the probability of each of their offsets.

    Raises
    ------
    ModelError
        The model classifies whole sequences, or has more than two labels.
    """
    from ..errors import ModelError
    from .classifier import Classifier
    from .predict import activation, probabilities

    model = Classifier(choice, runtime, args.attention)
    if model.head != "token" or model.num_labels > 2:
        raise ModelError(
            f"{choice.folder}: {model.num_labels} labels of each {model.head}; branchpoints need a "
            "model of two labels, or one, of each nucleotide"
        )
    _, how = activation(None, model.num_labels, raw=False)

    def run_model(items: Iterable[Item]) -> Iterator[np.ndarray]:
        for logits in model.run(items, progress=not args.quiet):
            yield probabilities(logits, how)[:, -1]

    return run_model


def sort(table: pd.DataFrame, contigs: list[str]) -> pd.DataFrame:
    """Sort by contig, start and strand."""
    order = {name: number for number, name in enumerate(contigs)}
    keys = table.assign(contig=table["chrom"].map(order))
    return table.loc[keys.sort_values(["contig", "start", "strand", "rank"], kind="stable").index]


def write(table: pd.DataFrame, path: str) -> None:
    """Write a BED with a header comment; .gz is bgzip, which tabix can index."""
    from pysam import BGZFile

    from ..tables import FLOAT_FORMAT, atomic_path
    from .writers import STDOUT

    body = table.to_csv(
        sep="\t", index=False, header=False, float_format=FLOAT_FORMAT, lineterminator="\n"
    )
    text = "#" + "\t".join(table.columns) + "\n" + body
    if path == STDOUT:
        sys.stdout.write(text)
        return
    with atomic_path(path) as temporary:
        if path.endswith(".gz"):
            with BGZFile(str(temporary), "wb") as handle:
                handle.write(text.encode())
        else:
            Path(temporary).write_text(text)
