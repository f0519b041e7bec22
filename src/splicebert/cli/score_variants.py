"""`splicebert score-variants`: how much a variant changes what the model expects."""

from __future__ import annotations

import argparse
import logging
import re
from typing import TYPE_CHECKING

from ..errors import SpliceBERTError
from . import options

if TYPE_CHECKING:
    from ..genome import Genome
    from ..vcf_background import Background
    from ..vcf_plan import Tally
    from ..vcf_sites import SiteIndex
    from .model import Choice

KINDS = (".tsv", ".tsv.gz", ".parquet")
LEFT_OUT = 3
log = logging.getLogger(__name__)

DESCRIPTION = """\
Scores the variants of a VCF by how the model's expectations change. The model is run on a window
of the reference and on one of the same length with the alternative; KL is sum over A, C, G, T of
P_alt ln(P_alt / P_ref) at each base that both have, with the softmax over the four bases. An SNV
is also hidden from the model in the reference. Windows begin length // 2 bases before the first
changed base and are read 5'->3': with --annotation on every strand that has a transcript there, a
row each; else on that of STRAND=+ or - in INFO, or of --strand. With --protocol-id they are
centred on the exon that the ID names, as in Chen et al. 2024 (bbae163), Figure 4 (SNVs only).

Of insertions, deletions and MNVs the bases that both alleles share at their ends are cut off; what
is left may have as many nt as leave 100 nt of the window behind it (155 of 510). The flanks are
aligned, and distances counted from the change's ends. Several alternatives become several rows.

Alternatives that can't be scored (symbolic, other letters, too long, a contig that the genome
lacks, a REF that is not the genome's) are left out, counted, and listed in OUTPUT.skipped.tsv."""

COLUMNS = """\
output, a row an alternative and strand, in file order:
  record                 number of the VCF's record, from 1
  chrom pos id ref alt   as in the VCF: pos is 1-based, ref and alt are on the forward strand
  kind                   SNV, MNV, insertion, deletion or indel
  strand                 on which the window was read
  window_start, _end     of the window of the reference, 0-based half-open, forward strand
  offset                 0-based position of the first changed base in the window, 5'->3': half
                         the length, 255 of 510, where the window is centred on it
  p_ref, p_alt, delta_p  SNVs: probabilities at the hidden position (softmax over all tokens), and
                         p_alt - p_ref
  context_score          sum over d = 1..100 of ln(max(k(d), 1e-6)), where k(d) is the mean KL of
                         the two bases at distance d; empty where one of them lies outside the
                         window or is N
  percentile             with --background: percent of its SNVs that score no more than this
  max_kl                 largest KL in the window, the changed bases left out, nats
  max_kl_distance        where it is: nt from the change, negative upstream
  missing                what is empty, and why: delta_p:not_SNV, donor_kl:outside_window ...
  profile                with --profile: k(1) to k(100); in TSV columns profile_1 to profile_100
with --annotation:
  gene_name tx_id gene_type  of the canonical transcript over it, the longest of several
  region                 of the first changed base in it: CDS, UTR5, UTR3, exon; near_donor,
                         near_acceptor (up to 100 nt into an intron), deep_intronic_region
  n_transcripts          over it on this strand; splice sites are those of all of them
  site, site_distance    the nearest splice site, and nt to the edge of exon and intron: -1 is the
                         last base before it, 1 the first behind it, 5'->3'; 0 reaches over it
  site_kl                mean KL of its two intron bases
  top_site ...           the same of the site in the window whose KL is largest
  donor_ ... acceptor_ ...   the same of the nearest donor and the nearest acceptor
with --protocol-id:
  exon_start, exon_end   the exon, 0-based half-open
  donor_kl, acceptor_kl  mean KL of the exon's two donor, two acceptor bases
  splice_site_score      their sum; empty where a site is not in the window
exit code:
  0 every alternative was scored, but for records without one (ALT .) and variants in no
  transcript; 3 others were left out, the output is complete; 2 stopped, there is no output"""

EXAMPLES = """\
examples:
  splicebert score-variants -m SpliceBERT.510nt --genome hg38.fa --annotation gencode.gtf.gz \\
      --background background.parquet --annotated my.scored.vcf.gz -o my.parquet my.vcf.gz
  splicebert score-variants -m SpliceBERT.510nt --genome hg19.fa --protocol-id MFASS \\
      MFASS_mmsplice.hg19.vcf.gz -o mfass.parquet"""


def add_parser(commands: argparse._SubParsersAction) -> argparse.ArgumentParser:
    """Add the command."""
    parser = options.command_parser(
        commands,
        "score-variants",
        "Scores of variants (VCF)",
        DESCRIPTION,
        COLUMNS,
        options.LENGTHS,
        EXAMPLES,
    )
    group = parser.add_argument_group("input")
    group.add_argument("vcf", metavar="VCF", help="plain, gzip or bgzip; - is stdin")
    options.add_genome(group)
    group.add_argument(
        "--background",
        metavar="FILE",
        help="in-silico SNVs of the same genome, model and length: `splicebert variant-background`",
    )
    group.add_argument(
        "--shard",
        type=_shard,
        default=(1, 1),
        metavar="I/N",
        help="only part I of N: consecutive records, so that the parts' outputs follow one another",
    )
    group.add_argument(
        "--strict",
        action="store_true",
        help="stop at the first alternative that can't be scored, instead of leaving it out",
    )
    options.add_output(parser, KINDS)
    _add_outputs(parser.add_argument_group("more output"))
    _add_windows(parser.add_argument_group("windows and scores"))
    options.add_model(parser)
    return parser


def _add_outputs(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--annotated",
        metavar="FILE",
        help="the VCF with the scores in INFO (.vcf.gz: bgzip, its index beside it): SPLICEBERT, "
        "all columns of each alternative and strand; SB_CONTEXT, SB_MAX_KL ... by alternative",
    )
    group.add_argument(
        "--skipped",
        metavar="FILE",
        help="what was left out and why, TSV (default: OUTPUT.skipped.tsv; none for stdout)",
    )


def _add_windows(group: argparse._ArgumentGroup) -> None:
    options.add_length(group)
    group.add_argument("--strand", choices=("+", "-"), help="for records without STRAND in INFO")
    group.add_argument(
        "--protocol-id",
        choices=("VexSeq", "MFASS"),
        help="the ID is mut_id|.|exon_start|exon_end|strand|ref_psi|delta_psi|label: windows "
        "centred on the exon. VexSeq writes exon_start 1-based, MFASS 0-based",
    )
    group.add_argument("--profile", action="store_true", help="also write k(1)..k(100)")


def _shard(text: str) -> tuple[int, int]:
    found = re.fullmatch(r"(\d{1,9})/(\d{1,9})", text)
    if not found or not 1 <= int(found[1]) <= int(found[2]):
        raise argparse.ArgumentTypeError(f"{text!r}; expected I/N, as 1/8 to 8/8")
    return int(found[1]), int(found[2])


def run(args: argparse.Namespace) -> int:
    """Run the command; return the exit code."""
    from ..vcf import shard_bounds, survey
    from ..vcf_output import check_vcf_output, needs_csi
    from ..vcf_plan import Rules
    from ..vcf_run import Request, score_vcf
    from .model import check_length, find_model, open_model
    from .sources import STDIN, as_file, open_genome

    _check(args)
    choice = find_model(args.model, args.models, args.any_length)
    check_length(args.length, choice, "--length is")
    name = STDIN if args.vcf == "-" else args.vcf
    with open_genome(args.genome) as genome, as_file(args.vcf) as path:
        found = survey(path)
        if args.annotated:
            check_vcf_output(args.annotated, found.unsorted, name)
        bounds = shard_bounds(found.records, *args.shard)
        index = read_index(args, genome) if args.annotation else None
        rules = Rules(args.length, args.strand, args.protocol_id, index, args.strict)
        request = Request(
            vcf=path,
            name=name,
            bounds=bounds,
            rules=rules,
            background=_background(args, choice, genome),
            table=args.output,
            annotated=args.annotated,
            csi=needs_csi(genome.contigs),
            skipped=_skipped(args),
            profile=args.profile,
            progress=not args.quiet,
        )
        model, runtime = open_model(args, choice, "difference")
        log.info("records %d to %d of %d in %s", *bounds, found.records, name)
        tally = score_vcf(request, genome, model, runtime)
    return report(tally)


def _check(args: argparse.Namespace) -> None:
    """Refuse options that exclude each other, and outputs of unknown kinds."""
    from .writers import check_output

    check_output(args.output, KINDS)
    if args.skipped:
        check_output(args.skipped, KINDS[:2])
    if args.protocol_id and args.annotation:
        raise SpliceBERTError("--protocol-id takes the exon from the ID; leave out --annotation")
    if args.strand and (args.protocol_id or args.annotation):
        option = "--protocol-id" if args.protocol_id else "--annotation"
        source = "ID" if args.protocol_id else "transcripts"
        raise SpliceBERTError(f"{option} takes the strand from the {source}; leave out --strand")


def read_index(args: argparse.Namespace, genome: Genome) -> SiteIndex:
    """Read the annotation and index its transcripts."""
    from ..transcripts import read_annotation
    from ..vcf_sites import SiteIndex

    index = SiteIndex(read_annotation(args.annotation, args.infer_gene_type), genome)
    log.info("%d transcripts of %s", len(index.transcripts), args.annotation)
    return index


def _background(args: argparse.Namespace, choice: Choice, genome: Genome) -> Background | None:
    from ..vcf_background import describe, read_background

    if not args.background:
        return None
    return read_background(args.background, describe(choice.folder, genome, args.length))


def _skipped(args: argparse.Namespace) -> str | None:
    """Where the list of what is left out goes."""
    if args.skipped or args.output == "-":
        return args.skipped
    ending = next(kind for kind in KINDS[::-1] if args.output.endswith(kind))
    return f"{args.output.removesuffix(ending)}.skipped.tsv"


def report(tally: Tally) -> int:
    """Log what was scored and left out; return the exit code."""
    from ..vcf_alleles import REASONS

    for reason, count in sorted(tally.skipped.items()):
        log.warning("%d left out: %s", count, REASONS[reason])
    log.info(
        "%d variants scored, %d rows, from %d records in %.1f s: %s",
        tally.alternatives, tally.rows, tally.records, tally.seconds, tally.speed(),
    )  # fmt: skip
    return LEFT_OUT if tally.faults else 0
