"""Scores of the variants of a VCF, and of a background: streamed from records to files."""

from __future__ import annotations

import itertools
import json
import logging
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from splicebert.cli.streams import attach
from splicebert.cli.writers import Table, open_table
from splicebert.models.base import ModelAdapter

from .genome import Genome
from .inference import Item, Runtime, run_logits
from .runtime import release_memory
from .vcf import read_records, take
from .vcf_alleles import Locus, Reference
from .vcf_background import KEY, Background, describe, draw_loci
from .vcf_columns import SKIPPED, score_columns
from .vcf_output import open_annotated
from .vcf_plan import Planner, Rules, Tally
from .vcf_scores import items, score
from .vcf_sites import Place, SiteIndex

log = logging.getLogger(__name__)
# What oneDNN made for each shape of a product is kept twice, by itself and by PyTorch, 1024 of
# either: hundreds of MiB, filled little by little, for batches differ in size. Read once, before
# the first product of a process; with one bound alone the other cache holds on to them.
os.environ.setdefault("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "16")
os.environ.setdefault("LRU_CACHE_CAPACITY", "64")
ROWS = 256
# Values of a row group of a parquet output: some 20,000 rows.
GROUP_VALUES = 1 << 19
REPORT_SECONDS = 60.0
TRIM_ROWS = 5_000
Row = Mapping[str, Any]


def run_loci(
    loci: Iterable[tuple[Locus, Place | None]],
    model: ModelAdapter,
    runtime: Runtime,
    tally: Tally,
    *,
    background: Background | None = None,
    progress: bool = True,
) -> Iterator[Row]:
    """Run the model on alternatives and yield their rows, in order; `tally` is added to."""
    begun = reported = time.monotonic()

    def pairs() -> Iterator[tuple[tuple[Locus, Place | None], Item]]:
        for subject in loci:
            for item in items(subject[0]):
                tally.nt += len(item.sequence)
                yield subject, item

    def run(sequences: Iterable[Item]) -> Iterator[Any]:
        return run_logits(model, sequences, runtime, label="score-variants", progress=progress)

    results = attach(pairs(), run)
    for (locus, place), ref in results:
        _, alt = next(results)
        masked = next(results)[1] if locus.change.kind == "SNV" else None
        yield score(locus, ref, alt, masked, place, background)
        tally.rows += 1
        if tally.rows % TRIM_ROWS == 0:
            release_memory()
        tally.seconds = time.monotonic() - begun
        if tally.seconds - (reported - begun) >= REPORT_SECONDS:
            reported = begun + tally.seconds
            log.info("%d records read, %d rows, %s", tally.records, tally.rows, tally.speed())
    tally.seconds = time.monotonic() - begun


def write_rows(
    rows: Iterable[Row],
    table: Table,
    names: Sequence[str],
    annotate: Callable[[Sequence[Row]], None] | None,
) -> None:
    """Write rows to a table, some hundred at a time, and to a VCF, a record at a time.

    Parameters
    ----------
    rows
        Those of a record behind one another.
    table
        Takes columns.
    names
        Of its columns.
    annotate
        Takes the rows of one record; None does nothing.
    """
    held: list[Row] = []
    for _, group in itertools.groupby(rows, key=lambda row: row["record"]):
        of_record = list(group)
        if annotate is not None:
            annotate(of_record)
        held += of_record
        if len(held) >= ROWS:
            _flush(held, table, names)
    _flush(held, table, names)


def _flush(held: list[Row], table: Table, names: Sequence[str]) -> None:
    if held:
        table.write({name: [row[name] for row in held] for name in names})
    held.clear()


@dataclass(frozen=True)
class Request:
    """What is to be scored, and where to.

    vcf : the file
    name : what messages call it
    bounds : first and last number of its records
    rules : how variants become windows
    background : for percentiles, or None
    table : .parquet, .tsv, .tsv.gz, or - for stdout
    annotated : .vcf.gz, or None
    csi : whether its index is a .csi, not a .tbi
    skipped : .tsv or .tsv.gz, or None
    profile : whether the table has k(1) to k(100)
    progress : whether to show a bar, on a terminal
    """

    vcf: Path
    name: str
    bounds: tuple[int, int]
    rules: Rules
    table: str
    background: Background | None = None
    annotated: str | None = None
    csi: bool = False
    skipped: str | None = None
    profile: bool = False
    progress: bool = True


def score_vcf(request: Request, genome: Genome, model: ModelAdapter, runtime: Runtime) -> Tally:
    """Score variants and write the outputs, which appear when they are complete.

    Memory does not grow with the VCF. Errors are those of `Planner.plan` and `run_loci`.
    """
    rules, tally = request.rules, Tally()
    columns = score_columns(
        transcripts=rules.index is not None,
        exon=rules.exon_start is not None,
        background=request.background is not None,
        profile=request.profile,
    )
    names = [column.name for column in columns]
    with ExitStack() as stack:
        table = stack.enter_context(open_table(request.table, columns, group_values=GROUP_VALUES))
        skipped = annotated = None
        if request.skipped:
            skipped = stack.enter_context(open_table(request.skipped, SKIPPED))
        if request.annotated:
            annotated = stack.enter_context(
                open_annotated(
                    request.annotated, request.vcf, names, request.bounds, csi=request.csi
                )
            )
        planner = Planner(rules, Reference(genome), request.name, tally, skipped)
        rows = run_loci(
            planner.plan(take(read_records(request.vcf), request.bounds)),
            model,
            runtime,
            tally,
            background=request.background,
            progress=request.progress,
        )
        write_rows(rows, table, names, annotated.write if annotated else None)
    return tally


def score_background(
    path: str,
    index: SiteIndex,
    genome: Genome,
    folder: Path,
    model: ModelAdapter,
    runtime: Runtime,
    *,
    length: int,
    number: int,
    seed: int,
    progress: bool = True,
) -> Tally:
    """Draw SNVs in transcripts, score them, and write the background.

    Parameters
    ----------
    path
        .parquet to write.
    index, genome
        Transcripts, and the genome of their assembly.
    folder
        Of the model; its weights are named in the file.
    model, runtime
        The model, and how it runs.
    length
        Of the windows, nt; more than 200.
    number, seed
        SNVs, and the seed of their draw.
    progress
        Whether to show a bar, on a terminal.
    """
    tally = Tally(records=number, alternatives=number)
    columns = score_columns(transcripts=True)
    about = describe(folder, genome, length) | {"seed": seed, "number": number}
    metadata = {KEY: json.dumps(about).encode()}
    loci = draw_loci(index, Reference(genome), length, number, seed)
    rows = run_loci(loci, model, runtime, tally, progress=progress)
    with open_table(path, columns, metadata=metadata, group_values=GROUP_VALUES) as table:
        write_rows(rows, table, [column.name for column in columns], None)
    return tally
