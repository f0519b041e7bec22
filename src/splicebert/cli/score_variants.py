"""`splicebert score-variants`: how much an SNV changes what the model expects."""

from __future__ import annotations

import argparse
import logging
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import numpy as np

from ..errors import SpliceBERTError
from ..scores import (
    REACH,
    context_profile,
    context_score,
    exon_site_offsets,
    kl_per_base,
    largest_kl,
    probability_change,
    site_kl,
)
from ..sequence import BASES
from . import options

if TYPE_CHECKING:
    from ..inference import Item, Runtime
    from ..models import ModelAdapter
    from .variants import Variant
    from .writers import Column

KINDS = (".tsv", ".tsv.gz", ".parquet")
log = logging.getLogger(__name__)

DESCRIPTION = """\
Scores single-nucleotide variants by how the model's expectations change. The model is run on a
window of the reference, on the same window with the alternative base, and on the reference with
the variant's position hidden. KL is sum over A, C, G, T of P_alt ln(P_alt / P_ref) at a base,
with the softmax over the four bases. Windows are centred on the variant and read 5'->3' on the
strand of the transcript: STRAND=+ or - in INFO, else --strand. With --protocol-id they are
centred on the exon that the ID names, as in Chen et al. 2024 (bbae163), Figure 4. Records other
than SNVs are left out and counted; several alternatives become several rows."""

COLUMNS = """\
output, a row a variant, in file order:
  chrom pos id ref alt   as in the VCF: pos is 1-based, ref and alt are on the forward strand
  strand                 on which the window was read
  window_start, _end     of the window, 0-based half-open, forward strand
  offset                 0-based position of the variant in the window, 5'->3'; half the length,
                         255 of 510, where the window is centred on it
  p_ref, p_alt, delta_p  probabilities at the hidden position (softmax over all tokens), and
                         p_alt - p_ref
  context_score          sum over d = 1..100 of ln(max(k(d), 1e-6)), where k(d) is the mean KL of
                         the two bases at distance d; empty where a k(d) lies outside the window
  max_kl                 largest KL in the window, the variant's own base left out, nats
  max_kl_distance        where it is: nt from the variant, negative upstream
  exon_start, exon_end   with --protocol-id: the exon, 0-based half-open
  donor_kl, acceptor_kl  with --protocol-id: mean KL of the exon's two donor, two acceptor bases
  splice_site_score      with --protocol-id: their sum; empty where a site is not in the window
  profile                with --profile: k(1) to k(100); in TSV columns profile_1 to profile_100"""

EXAMPLES = """\
examples:
  splicebert score-variants -m config/demo_model --genome hg38.fa --strand - my.vcf.gz
  splicebert score-variants -m SpliceBERT.510nt --genome hg19.fa --protocol-id MFASS \\
      MFASS_mmsplice.hg19.vcf.gz -o mfass.parquet"""


def add_parser(commands: argparse._SubParsersAction) -> argparse.ArgumentParser:
    """Add the command."""
    parser = options.command_parser(
        commands,
        "score-variants",
        "Scores of single-nucleotide variants (VCF)",
        DESCRIPTION,
        COLUMNS,
        options.LENGTHS,
        EXAMPLES,
    )
    group = parser.add_argument_group("input")
    group.add_argument("vcf", metavar="VCF", help="plain or gzip; - is stdin")
    group.add_argument(
        "--genome", required=True, metavar="FASTA", help="the VCF's assembly, plain or bgzip"
    )
    group.add_argument(
        "--skip-mismatches",
        action="store_true",
        help="leave out and count records whose REF is not the genome's, instead of stopping",
    )
    options.add_output(parser, KINDS)
    group = parser.add_argument_group("windows and scores")
    _add_windows(group)
    options.add_model(parser)
    return parser


def _add_windows(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--length",
        type=options.positive,
        default=510,
        metavar="NT",
        help="of the windows (default: %(default)s)",
    )
    group.add_argument("--strand", choices=("+", "-"), help="for records without STRAND in INFO")
    group.add_argument(
        "--protocol-id",
        choices=("VexSeq", "MFASS"),
        help="the ID is mut_id|.|exon_start|exon_end|strand|ref_psi|delta_psi|label: windows "
        "centred on the exon. VexSeq writes exon_start 1-based, MFASS 0-based",
    )
    group.add_argument("--profile", action="store_true", help="also write k(1)..k(100)")


def run(args: argparse.Namespace) -> None:
    """Run the command."""
    from ..formats import read_vcf
    from .model import check_length, find_model, open_model
    from .sources import STDIN, as_file, open_genome
    from .variants import Rules, lay_windows, split_snvs
    from .writers import check_output

    check_output(args.output, KINDS)
    if args.protocol_id and args.strand:
        raise SpliceBERTError("--protocol-id takes the strand from the ID; leave out --strand")
    choice = find_model(args.model, args.models, args.any_length)
    check_length(args.length, choice, "--length is")
    rules = Rules(args.length, args.strand, args.protocol_id, args.skip_mismatches)
    skipped: Counter[str] = Counter()
    with open_genome(args.genome) as genome, as_file(args.vcf) as path:
        table = split_snvs(read_vcf(path), skipped)
        name = STDIN if args.vcf == "-" else args.vcf
        variants = lay_windows(table, genome, rules, name, skipped)
        model, runtime = open_model(args, choice, "difference")
        total_nt = 3 * args.length * len(table)
        written = write(args, model, runtime, variants, total_nt)
    for reason, count in skipped.items():
        if count:
            log.warning("%d left out: %s", count, reason)
    log.info("%d variants scored", written)


def write(
    args: argparse.Namespace,
    model: ModelAdapter,
    runtime: Runtime,
    variants: Iterable[Variant],
    total_nt: int,
) -> int:
    """Run the model on variants, write their scores, and return how many there were."""
    from ..inference import run_logits
    from .streams import attach
    from .writers import open_table

    results = attach(
        variant_items(variants),
        lambda items: run_logits(
            model,
            items,
            runtime,
            label="score-variants",
            total_nt=total_nt,
            progress=not args.quiet,
        ),
    )
    written = 0
    with open_table(args.output, table_columns(args.protocol_id, args.profile)) as table:
        for (variant, masked), (_, ref), (_, alt) in zip(results, results, results, strict=True):
            table.write(
                {name: [value] for name, value in scores(variant, masked, ref, alt).items()}
            )
            written += 1
    return written


def variant_items(variants: Iterable[Variant]) -> Iterator[tuple[Variant, Item]]:
    """What is run for each variant: the reference masked there, the reference, the alternative."""
    from ..inference import Item

    for variant in variants:
        mask = np.zeros(len(variant.sequence), bool)
        mask[variant.offset] = True
        yield variant, Item(variant.sequence, mask, np.array([variant.offset]))
        yield variant, Item(variant.sequence)
        yield variant, Item(variant.alternative)


def scores(variant: Variant, masked: np.ndarray, ref: np.ndarray, alt: np.ndarray) -> dict:
    """Scores of a variant, column name -> value.

    Parameters
    ----------
    variant
        The SNV.
    masked : float32 (1, 10)
        Logits at its position, masked.
    ref, alt : float32 (nt, 10)
        Logits of the reference and the alternative window.
    """
    kl = kl_per_base(alt, ref)
    profile = context_profile(kl, variant.offset)
    codes = [BASES.index(base) for base in variant.bases]
    p_ref, p_alt, delta_p = probability_change(masked[0], *codes)
    max_kl, distance = largest_kl(kl, variant.offset)
    row = {name: getattr(variant, name) for name in ("chrom", "pos", "id", "ref", "alt", "strand")}
    row |= {"window_start": variant.window[0], "window_end": variant.window[1]}
    row |= {"offset": variant.offset, "p_ref": p_ref, "p_alt": p_alt, "delta_p": delta_p}
    row |= {"context_score": context_score(profile), "max_kl": max_kl, "max_kl_distance": distance}
    row["profile"] = profile
    if variant.exon is not None:
        row |= site_scores(variant, kl)
    return row


def site_scores(variant: Variant, kl: np.ndarray) -> dict:
    """Scores at the splice sites of the variant's exon."""
    sites = exon_site_offsets(variant.exon, variant.window, variant.strand)
    donor, acceptor = (site_kl(kl, site) for site in sites)
    return {
        "exon_start": variant.exon[0],
        "exon_end": variant.exon[1],
        "donor_kl": donor,
        "acceptor_kl": acceptor,
        "splice_site_score": donor + acceptor,
    }


def table_columns(protocol_id: str | None, profile: bool) -> list[Column]:
    """Columns of the output."""
    from .writers import Column

    columns = [Column("chrom", "str"), Column("pos", "int")]
    columns += [Column(name, "str") for name in ("id", "ref", "alt", "strand")]
    columns += [Column(name, "int") for name in ("window_start", "window_end", "offset")]
    columns += [Column(name, "float") for name in ("p_ref", "p_alt", "delta_p")]
    columns += [Column("context_score", "float"), Column("max_kl", "float")]
    columns += [Column("max_kl_distance", "int")]
    if protocol_id:
        columns += [Column(name, "int") for name in ("exon_start", "exon_end")]
        sites = ("donor_kl", "acceptor_kl", "splice_site_score")
        columns += [Column(name, "float") for name in sites]
    return [*columns, Column("profile", "vector", REACH, 1)] if profile else columns
