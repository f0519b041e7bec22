"""`splicebert variant-background`: context scores of random in-silico SNVs in transcripts."""

from __future__ import annotations

import argparse
import logging

from ..errors import SpliceBERTError
from . import options
from .score_variants import read_index

KINDS = (".parquet",)
log = logging.getLogger(__name__)

DESCRIPTION = """\
Draws SNVs at random in the transcripts of an annotation and scores them as `score-variants` does,
so that it can say in which percentile of them a variant's context score lies (--background). Each
base of a strand that lies in a transcript is as likely as any other, whatever lies over it, then
each of the three alternatives. Deletions and insertions are compared with these SNVs, too."""

COLUMNS = """\
output, a row an SNV, sorted by contig and position: the columns of `score-variants --annotation`
(pos is 1-based). The file also names the model, the genome and the length that it was made with,
without which `score-variants` refuses it."""

EXAMPLES = """\
examples:
  splicebert variant-background -m SpliceBERT.510nt --genome hg38.fa --annotation gencode.gtf.gz \\
      -n 20000 -o background.parquet
  splicebert variant-background -m config/demo_model --genome genome.fa --annotation my.gtf \\
      --seed 7 -o background.parquet"""


def add_parser(commands: argparse._SubParsersAction) -> argparse.ArgumentParser:
    """Add the command."""
    parser = options.command_parser(
        commands,
        "variant-background",
        "Random in-silico SNVs to compare variants with",
        DESCRIPTION,
        COLUMNS,
        options.LENGTHS,
        EXAMPLES,
    )
    options.add_genome(parser.add_argument_group("input"), annotated=True)
    group = parser.add_argument_group("output")
    group.add_argument("-o", "--output", required=True, metavar="FILE", help=".parquet")
    group = parser.add_argument_group("draw")
    group.add_argument(
        "-n", "--number", type=options.positive, default=10000, help="SNVs (default: %(default)s)"
    )
    group.add_argument(
        "--seed", type=options.whole, default=2024, help="of the draw (default: %(default)s)"
    )
    options.add_length(group)
    options.add_model(parser)
    return parser


def run(args: argparse.Namespace) -> None:
    """Run the command."""
    from ..scores import REACH
    from ..vcf_run import score_background
    from .model import check_length, find_model, open_model
    from .sources import open_genome
    from .writers import check_output

    check_output(args.output, KINDS)
    if args.output == "-":
        raise SpliceBERTError("the background is a parquet file; give its name with -o")
    choice = find_model(args.model, args.models, args.any_length)
    check_length(args.length, choice, "--length is")
    if args.length <= 2 * REACH:
        raise SpliceBERTError(
            f"--length is {args.length}; a context score needs {REACH} nt on either side, more "
            f"than {2 * REACH}"
        )
    with open_genome(args.genome) as genome:
        index = read_index(args, genome)
        model, runtime = open_model(args, choice, "difference")
        draw = {"length": args.length, "number": args.number, "seed": args.seed}
        tally = score_background(
            args.output,
            index,
            genome,
            choice.folder,
            model,
            runtime,
            **draw,
            progress=not args.quiet,
        )
    log.info("%d in-silico SNVs in %.1f s: %s", tally.rows, tally.seconds, tally.speed())
