"""Options that several commands share, and how their help is laid out."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

LENGTHS = """\
lengths:
  A model takes sequences of the lengths that it was trained on: SpliceBERT.1024nt 64 to 1024
  nt, the two 510-nt models exactly 510. Others are refused; --any-length runs whatever the
  position table holds. U is read as T, case is ignored, any other letter is read as N."""


class Formatter(argparse.RawDescriptionHelpFormatter):
    """Descriptions as they are written; option names in a column of their own."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=28, width=96)


def command_parser(
    commands: argparse._SubParsersAction, name: str, summary: str, *parts: str
) -> argparse.ArgumentParser:
    """Add a command: a line for the list of commands, then the parts of its own help.

    The first of `parts` stands before the options, the others behind them.
    """
    parser = commands.add_parser(
        name,
        help=summary,
        description=f"{summary}.\n\n{parts[0]}",
        epilog="\n\n".join(parts[1:]),
        formatter_class=Formatter,
    )
    parser.set_defaults(command=name)
    return parser


def add_sequence_input(parser: argparse.ArgumentParser) -> None:
    """Add FASTA, or BED and a genome."""
    group = parser.add_argument_group("input")
    group.add_argument(
        "fasta",
        nargs="?",
        metavar="FASTA",
        help="sequences 5'->3', plain or gzip; - is stdin. The id is the first word of the header",
    )
    group.add_argument(
        "--bed",
        metavar="FILE",
        help="instead of a FASTA: BED6 (0-based, half-open) or -, with --genome. Minus strand is "
        "reverse-complemented; N outside the contig. The id is NAME::CHROM:START-END(STRAND)",
    )
    group.add_argument(
        "--genome", metavar="FASTA", help="genome, plain or bgzip; its .fai is made if missing"
    )
    group.add_argument(
        "--length",
        type=positive,
        metavar="NT",
        help="with --bed: windows of this length, centred on the intervals (default: the "
        "intervals themselves)",
    )


def add_genome(group: argparse._ArgumentGroup, *, annotated: bool = False) -> None:
    """Add the genome of variants and its annotation, which `annotated` demands."""
    group.add_argument(
        "--genome", required=True, metavar="FASTA", help="the variants' assembly, plain or bgzip"
    )
    group.add_argument(
        "--annotation",
        required=annotated,
        metavar="FILE",
        help="transcripts: GTF (.gtf in its name) or genePred, plain or gzip",
    )
    group.add_argument(
        "--infer-gene-type",
        action="store_true",
        help="where the GTF has no gene type: protein_coding with a CDS, else lncRNA",
    )


def add_length(group: argparse._ArgumentGroup) -> None:
    """Add the length of the windows of variants."""
    group.add_argument(
        "--length",
        type=positive,
        default=510,
        metavar="NT",
        help="of the windows (default: %(default)s)",
    )


def add_output(parser: argparse.ArgumentParser, kinds: Sequence[str], table: str = "TSV") -> None:
    """Add -o; `kinds` are the file name endings that the command can write, `table` to stdout."""
    parser.add_argument_group("output").add_argument(
        "-o",
        "--output",
        default="-",
        metavar="FILE",
        help=f"{', '.join(kinds)}; - is {table} to stdout (default). A file appears when it is "
        "complete; after a failure an older one is still there",
    )
    parser.set_defaults(kinds=tuple(kinds))


def add_model(
    parser: argparse.ArgumentParser, *, any_length: bool = True, many: bool = False
) -> None:
    """Add the model, or `many` of them, and how it is run."""
    group = parser.add_argument_group("model")
    group.add_argument(
        "-m",
        "--model",
        required=True,
        nargs="+" if many else None,
        metavar="FOLDER|NAME",
        help="a model folder (config.json, vocab.txt, weights), or a name of the model table"
        + ("; one or more" if many else ""),
    )
    group.add_argument(
        "--models",
        metavar="FILE",
        default="config/models.yaml",
        help="the model table (default: %(default)s). Its folders are relative to its own folder, "
        "or to the one above if that is called config",
    )
    if any_length:
        group.add_argument(
            "--any-length", action="store_true", help="allow lengths the model was not made for"
        )
    add_runtime(parser.add_argument_group("how it runs"))


def add_runtime(group: argparse._ArgumentGroup) -> None:
    """Add device, precision, batch and threads."""
    group.add_argument(
        "--device", default="auto", help="auto (a GPU if there is one), cpu, cuda or cuda:N"
    )
    group.add_argument(
        "--dtype",
        default="auto",
        help="precision: auto, float32, float16, bfloat16, int8 (CPU); "
        "too coarse ones are refused where runs are compared",
    )
    group.add_argument("--attention", default="auto", help="auto, eager, sdpa or flash")
    group.add_argument(
        "--batch-nt", type=positive, metavar="NT", help="nucleotides a batch (default: by device)"
    )
    group.add_argument("--threads", type=positive, metavar="N", help="CPU threads")
    group.add_argument(
        "-q", "--quiet", action="store_true", help="only warnings and errors on stderr"
    )


def positive(text: str) -> int:
    """Read a whole number of 1 or more."""
    value = int(text) if text.isascii() and text.isdigit() else 0
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text!r}; expected a whole number of 1 or more")
    return value


def whole(text: str) -> int:
    """Read a whole number of 0 or more."""
    if not (text.isascii() and text.isdigit()):
        raise argparse.ArgumentTypeError(f"{text!r}; expected a whole number of 0 or more")
    return int(text)


def whole_numbers(text: str) -> tuple[int, ...]:
    """Read a list such as 0,4,10-12; negative numbers count from the end and have no ranges."""
    out: list[int] = []
    for part in text.split(","):
        first, dash, last = part.strip().rpartition("-")
        try:
            if first and dash:
                out += range(int(first), int(last) + 1)
            else:
                out.append(int(part))
        except ValueError:
            raise argparse.ArgumentTypeError(
                f"{part!r} in {text!r}; expected whole numbers and ranges such as 0,4,10-12"
            ) from None
    if not out:
        raise argparse.ArgumentTypeError(f"{text!r} is empty; expected numbers such as 0,4,10-12")
    return tuple(dict.fromkeys(out))
