"""Share of soft-masked bases in each region class, with bedtools."""

from pathlib import Path

import pandas as pd
import pybedtools

from splicebert.conservation import read_regions
from splicebert.conservation_tables import REPEAT_FRACTIONS
from splicebert.formats import read_bed
from splicebert.genome import read_contigs, rename_contigs
from splicebert.jobs import job
from splicebert.tables import REGION_NAMES, write_table


def to_bedtool(frame: pd.DataFrame) -> pybedtools.BedTool:
    """Intervals of a table (chrom, start, end; 0-based half-open) as a sorted, merged BedTool."""
    return pybedtools.BedTool.from_dataframe(frame[["chrom", "start", "end"]]).sort().merge()


def repeat_fractions(regions: pd.DataFrame, repeats: pd.DataFrame) -> pd.DataFrame:
    """Repeat fraction of each region class: a row a class, in the order of REGION_NAMES."""
    masked = to_bedtool(repeats) if len(repeats) else None
    rows = []
    for name in REGION_NAMES:
        part = regions[regions["name"] == name]
        bases = repeat_bases = 0
        if len(part):
            merged = to_bedtool(part)
            bases = merged.total_coverage()
            repeat_bases = merged.intersect(masked, sorted=True).total_coverage() if masked else 0
        rows.append((name, bases, repeat_bases, repeat_bases / bases if bases else None))
    return pd.DataFrame(rows, columns=REPEAT_FRACTIONS.names)


def main(snakemake):
    with job(snakemake) as log:
        pybedtools.set_tempdir(snakemake.resources.tmpdir)
        contigs = read_contigs(snakemake.input.fai)
        regions = rename_contigs(
            read_regions(snakemake.input.regions), contigs, snakemake.input.fai, must_exist=False
        )
        # An unmasked genome has no repeats, and so an empty file.
        has_repeats = Path(snakemake.input.repeats).stat().st_size > 0
        repeats = read_bed(snakemake.input.repeats) if has_repeats else pd.DataFrame()
        table = repeat_fractions(regions, repeats)
        write_table(table, snakemake.output.table, REPEAT_FRACTIONS)
        log.info("repeat fractions:\n%s", table.to_string(index=False))
        pybedtools.cleanup()


if __name__ == "__main__":
    main(snakemake)  # noqa: F821
