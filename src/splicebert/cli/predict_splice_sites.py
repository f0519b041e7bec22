"""`splicebert predict-splice-sites`: donors and acceptors of sequences or of a genome."""

from __future__ import annotations

import argparse
import functools
import itertools
import logging
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..errors import ModelError, SpliceBERTError
from . import options

if TYPE_CHECKING:
    from ..genome import Genome
    from ..splicesite_scan import Candidates, Stretch
    from .classifier import Classifier
    from .model import Choice

log = logging.getLogger(__name__)
LENGTH = 400
MOTIFS = ("canonical", "gc", "all")

DESCRIPTION = """\
Scans sequences, or regions of a genome, with models that were fine-tuned to tell splice sites
from other GT and AG: folders such as results/splicesite/DATASET.donor/METHOD/fold0/model. Several
models of a site (--donor given several times, as for the folds) are an ensemble: the mean of
their probabilities. Each candidate dinucleotide is run in the middle of a window of --length nt,
as in training; a window that reaches past the sequence is filled with N."""

COLUMNS = """\
output, with PREFIX of -o:
  PREFIX.donor.plus.bw      probability of a donor at the first base of its intron, + strand
  PREFIX.donor.minus.bw     the same on the - strand
  PREFIX.acceptor.plus.bw   probability of an acceptor at the last base of its intron; .minus.bw
  PREFIX.sites.bed          BED6 of the dinucleotides (0-based, half-open, forward strand) whose
                            probability is at least --least; score is 1000 x probability

  A base without a candidate has no value in a track."""

LENGTHS = """\
lengths:
  A folder that this project trained tells the length of its windows (training.json); for others
  --length must be that of their training, and there is no --any-length here. One run of the
  model a candidate, about 1 base in 16 of either kind and strand: a gene takes seconds on a CPU,
  a chromosome wants a GPU."""

EXAMPLES = """\
examples:
  splicebert predict-splice-sites --donor models/donor --acceptor models/acceptor genes.fa -o sites
  splicebert predict-splice-sites --donor d/fold0/model --donor d/fold1/model hg38.fa \\
      --bed genes.bed --least 0.9 -o donors"""


def add_parser(commands: argparse._SubParsersAction) -> argparse.ArgumentParser:
    """Add the command."""
    parser = options.command_parser(
        commands,
        "predict-splice-sites",
        "Donor and acceptor tracks of sequences or genomic regions",
        *(DESCRIPTION, COLUMNS, LENGTHS, EXAMPLES),
    )
    group = parser.add_argument_group("input")
    group.add_argument("fasta", metavar="FASTA", help="plain or bgzip; - is stdin")
    group.add_argument(
        "--bed", metavar="FILE", help="regions to scan (0-based, half-open); default: all"
    )
    group.add_argument(
        "--strand",
        choices=("both", "+", "-"),
        default="both",
        help="which strand, where no BED tells (default: %(default)s)",
    )
    group = parser.add_argument_group("output")
    group.add_argument("-o", "--output", required=True, metavar="PREFIX", help="of the files")
    group.add_argument(
        "--least",
        type=probability,
        default=0.5,
        metavar="P",
        help="smallest probability in the BED (default: %(default)s)",
    )
    group = parser.add_argument_group("models")
    for site in ("donor", "acceptor"):
        group.add_argument(
            f"--{site}", action="append", default=[], metavar="FOLDER",
            help=f"fine-tuned model of {site}s; may be given several times",
        )  # fmt: skip
    group.add_argument(
        "--length",
        type=options.positive,
        metavar="NT",
        help=f"of the windows, as in training (default: what the model tells, else {LENGTH})",
    )
    group.add_argument(
        "--motifs",
        choices=MOTIFS,
        default="canonical",
        help="candidates: GT and AG (canonical, what models are trained on), GC donors, too (gc), "
        "or every position (all) (default: %(default)s)",
    )
    options.add_runtime(parser.add_argument_group("how it runs"))
    return parser


def probability(text: str) -> float:
    """Read a number from 0 to 1."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"{text!r}; expected a number from 0 to 1")
    return value


def run(args: argparse.Namespace) -> None:
    """Run the command."""
    from ..bed import write_bed
    from ..splicesite_scan import (
        MOTIFS,
        add_values,
        find_candidates,
        open_tracks,
        peak_bed,
        peaks_of,
        track_position,
    )
    from .sources import as_file, open_genome

    models, length = open_models(args)
    with as_file(args.fasta) as path, open_genome(str(path)) as genome:
        stretches = read_stretches(args, genome)
        peaks, total = [], 0
        with open_tracks(args.output, models, genome.contigs) as tracks:
            for site, ensemble in models.items():
                scan = (genome, stretches, MOTIFS[args.motifs][site], length)
                candidates = functools.partial(find_candidates, *scan)
                for part, values in scores(candidates, ensemble, progress=not args.quiet):
                    strand = part.stretch.strand
                    at = track_position(part.positions, site, strand)
                    add_values(tracks[site, strand], part.stretch.chrom, at, values)
                    peaks += peaks_of(part, site, values, args.least)
                    total += len(values)
            write_bed(peak_bed(peaks, genome.contigs), f"{args.output}.sites.bed")
    log.info("%d candidates, %d with a probability of %g or more", total, len(peaks), args.least)


def open_models(args: argparse.Namespace) -> tuple[dict[str, list[Classifier]], int]:
    """Load the models of each site that has any; also the length of their windows, nt."""
    from .classifier import Classifier
    from .model import choose_runtime

    choices = find_models(args)
    length = window_length(args.length, [c for found in choices.values() for c in found])
    runtime = choose_runtime(args, "probability")
    models: dict[str, list[Classifier]] = {}
    for site, found in choices.items():
        models[site] = [Classifier(choice, runtime, args.attention) for choice in found]
        for choice, model in zip(found, models[site], strict=True):
            if model.head != "sequence" or model.num_labels > 2:
                raise ModelError(
                    f"{choice.folder}: a {model.head} head of {model.num_labels} labels; expected "
                    "a sequence classification of real against other sites"
                )
    return models, length


def find_models(args: argparse.Namespace) -> dict[str, list[Choice]]:
    """Find the models of each site that has any."""
    from .model import find_model

    folders = {site: getattr(args, site) for site in ("donor", "acceptor")}
    if not any(folders.values()):
        raise SpliceBERTError("no model: give --donor FOLDER, --acceptor FOLDER, or both")
    return {
        site: [
            # Without training.json nothing tells the lengths of the training.
            find_model(name, "", any_length=not (Path(name) / "training.json").is_file())
            for name in names
        ]
        for site, names in folders.items()
        if names
    }


def window_length(given: int | None, choices: Sequence[Choice]) -> int:
    """Length of the windows, nt: as given, as all models tell, or `LENGTH`.

    Raises
    ------
    SpliceBERTError
        An odd length, or one that a model does not take.
    """
    from .model import check_length

    told = {choice.lengths[0] for choice in choices if choice.lengths[0] == choice.lengths[1]}
    length = given or (told.pop() if len(told) == 1 else LENGTH)
    if length % 2:
        raise SpliceBERTError(f"--length {length}; expected an even number of nt")
    for choice in choices:
        check_length(length, choice, "windows have" if given is None else "--length is")
    return length


def read_stretches(args: argparse.Namespace, genome: Genome) -> list[Stretch]:
    """What to scan: the regions of a BED, or all of the sequences."""
    from ..bed import read_bed
    from ..splicesite_scan import merge_regions, whole
    from .sources import as_file

    if args.bed is None:
        return whole(genome, "+-" if args.strand == "both" else args.strand)
    if args.strand != "both":
        raise SpliceBERTError("--strand: the BED tells the strand; leave one of them out")
    with as_file(args.bed) as path:
        return merge_regions(read_bed(path), genome)


def scores(
    candidates: Callable[[], Iterator[Candidates]], models: Sequence[Classifier], *, progress: bool
) -> Iterator[tuple[Candidates, np.ndarray]]:
    """Yield candidates with their probabilities, float64 (n,), the mean over the models.

    `candidates` gives them anew for each model; the models run side by side.
    """
    streams = [model_scores(candidates(), model, progress=progress) for model in models]
    for found in zip(*streams, strict=True):
        yield found[0][0], np.mean([values for _, values in found], axis=0)


def model_scores(
    candidates: Iterator[Candidates], model: Classifier, *, progress: bool
) -> Iterator[tuple[Candidates, np.ndarray]]:
    """Yield candidates with the probabilities of one model, float64 (n,)."""
    from ..inference import Item
    from .streams import attach

    pairs = ((part, Item(window)) for part in candidates for window in part.windows)
    results = attach(pairs, lambda items: model.run(items, progress=progress))
    for _, rows in itertools.groupby(results, key=lambda pair: id(pair[0])):
        parts, logits = zip(*rows, strict=True)
        yield parts[0], real_probability(np.stack(logits))


def real_probability(logits: np.ndarray) -> np.ndarray:
    """Turn logits, float32 (n, 1 or 2), into the probability of a real site: float64 (n,)."""
    from .predict import probabilities

    if logits.shape[1] == 1:
        return probabilities(logits, "sigmoid")[:, 0]
    return probabilities(logits, "softmax")[:, 1]
