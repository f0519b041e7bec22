"""Pairs of the six groups, introns, and the example intron: read or derived, put into windows."""

import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from splicebert.attention_tables import PAIRS, PARTS
from splicebert.derived_pairs import derive_introns, derive_pairs, intron_ends
from splicebert.errors import SpliceBERTError
from splicebert.genome import check_within, read_contigs
from splicebert.jobs import job
from splicebert.pairs import (
    GROUPS,
    INTRON_GROUP,
    choose_example,
    choose_introns,
    on_genome,
    place_windows,
    read_group,
    window_parts,
)
from splicebert.tables import INTRONS, TRANSCRIPTS, atomic_path, read_table, write_table


class Source:
    """Where pairs and introns come from: files of the paper's form, or the annotation.

    Parameters
    ----------
    inputs
        The job's input: a file a group and `introns` where the data set names them, else
        `annotated_introns` and `annotated_transcripts`.
    contigs
        Contig -> length of the genome.
    missing
        What to do with a row on a contig that the genome lacks: error or skip.
    """

    def __init__(self, inputs, contigs: Mapping[str, int], missing: str) -> None:
        self.inputs, self.contigs, self.missing = inputs, contigs, missing
        self.lacking = 0
        self._ends: pd.DataFrame | None = None

    def _settle(self, table: pd.DataFrame) -> pd.DataFrame:
        kept, lacking = on_genome(table, self.contigs, self.inputs.fai, missing=self.missing)
        self.lacking += lacking
        return kept

    @property
    def ends(self) -> pd.DataFrame:
        """Ends of the canonical introns, on the genome."""
        if self._ends is None:
            introns = read_table(self.inputs.annotated_introns, INTRONS)
            transcripts = read_table(self.inputs.annotated_transcripts, TRANSCRIPTS)
            self._ends = self._settle(intron_ends(introns, transcripts))
        return self._ends

    def pairs(self, settings: Mapping, length: int) -> tuple[pd.DataFrame, Counter]:
        """Pairs with their windows, and how many were skipped for which reason."""
        files = {group: self.inputs.get(group) for group in GROUPS}
        if not any(files.values()):
            return derive_pairs(self.ends, settings, length)
        tables = [read_group(path, group) for group, path in files.items() if path]
        return place_windows(self._settle(pd.concat(tables, ignore_index=True)), length)

    def introns(self) -> pd.DataFrame:
        """Introns of all lengths, without windows."""
        path = self.inputs.get("introns")
        return self._settle(read_group(path, INTRON_GROUP)) if path else derive_introns(self.ends)


def require_rows(table: pd.DataFrame, what: str, skipped: Mapping[str, int]) -> pd.DataFrame:
    """Return the table; SpliceBERTError where it has no rows, with what was skipped."""
    if table.empty:
        reasons = ", ".join(f"{n} {why}" for why, n in skipped.items())
        raise SpliceBERTError(
            f"no {what} is left ({reasons or 'none was found'}); the windows lie within "
            "transcripts: shorten attention.windows.length or bring longer transcripts"
        )
    return table


def main(snakemake):
    params, outputs = snakemake.params, snakemake.output
    length = params.windows["length"]
    with job(snakemake) as log:
        contigs = read_contigs(snakemake.input.fai)
        source = Source(snakemake.input, contigs, params.windows["missing_contigs"])
        pairs, skipped = source.pairs(params.pairs, length)
        known = source.introns()
        introns, skipped_introns = choose_introns(known, params.introns, length)
        require_rows(pairs, "pair", skipped)
        example = choose_example(
            require_rows(introns, "intron", skipped_introns), params.introns["example"]
        )
        for table, path in ((pairs, outputs.pairs), (introns, outputs.introns)):
            check_within(table, contigs, snakemake.input.fai)
            write_table(table[PAIRS.names], path, PAIRS)
        write_table(window_parts(example, known), outputs.example, PARTS)
        about = {
            "pairs": {group: int((pairs["group"] == group).sum()) for group in GROUPS},
            "introns": len(introns),
            "skipped_pairs": dict(skipped),
            "skipped_introns": dict(skipped_introns),
            "on_contigs_that_the_genome_lacks": source.lacking,
        }
        with atomic_path(outputs.about) as path:
            Path(path).write_text(json.dumps(about, indent=1) + "\n")
        log.info("%s", json.dumps(about, indent=1))


if __name__ == "__main__":
    main(snakemake)  # noqa: F821
