"""Windows of dependency maps: regions of a BED or introns drawn; what lies in each of them."""

import json
from collections import Counter
from pathlib import Path

import pandas as pd

from splicebert.dependency_regions import (
    annotate_windows,
    draw_introns,
    read_branchpoints,
    read_regions,
    require_regions,
)
from splicebert.dependency_tables import (
    DEPENDENCY_INTRONS,
    DEPENDENCY_PARTS,
    DEPENDENCY_WINDOWS,
)
from splicebert.genome import read_contigs, rename_contigs
from splicebert.jobs import job
from splicebert.tables import EXONS, INTRONS, TRANSCRIPTS, atomic_path, read_table, write_table

SCHEMAS = {"exons": EXONS, "introns": INTRONS, "transcripts": TRANSCRIPTS}


def read_annotation(inputs, contigs: dict[str, int]) -> dict[str, pd.DataFrame]:
    """Tables of the annotation, contigs spelled as in the FASTA, canonical transcripts alone.

    Empty tables where the job has none (a genome without annotation).
    """
    tables = {}
    for name, schema in SCHEMAS.items():
        path = inputs.get(name)
        table = read_table(path, schema) if path else schema.empty()
        tables[name] = rename_contigs(table, contigs, inputs.fai, must_exist=False)
    transcripts = tables["transcripts"]
    kept = transcripts["is_canonical"].astype(bool) & transcripts["chrom"].isin(contigs)
    tables["transcripts"] = transcripts[kept]
    for name in ("exons", "introns"):
        own = tables[name]["tx_id"].isin(tables["transcripts"]["tx_id"])
        tables[name] = tables[name][own].reset_index(drop=True)
    return tables


def main(snakemake):
    inputs, params, outputs = snakemake.input, snakemake.params, snakemake.output
    with job(snakemake) as log:
        contigs = read_contigs(inputs.fai)
        tables = read_annotation(inputs, contigs)
        skipped: Counter = Counter()
        if inputs.get("regions"):
            windows = read_regions(inputs.regions, contigs, inputs.fai, params.length)
        else:
            introns, transcripts = tables["introns"], tables["transcripts"]
            windows, skipped = draw_introns(introns, transcripts, params.introns, params.length)
        require_regions(windows, params.figures, skipped)
        points = pd.DataFrame({"chrom": [], "position": [], "strand": []})
        if inputs.get("branchpoints"):
            points = read_branchpoints(inputs.branchpoints, contigs, inputs.fai)
        introns, parts = annotate_windows(windows, tables["exons"], tables["introns"], points)
        for table, path, schema in (
            (windows, outputs.windows, DEPENDENCY_WINDOWS),
            (introns, outputs.introns, DEPENDENCY_INTRONS),
            (parts, outputs.parts, DEPENDENCY_PARTS),
        ):
            write_table(table, path, schema)
        about = {
            "windows": len(windows),
            "introns_in_windows": len(introns),
            "with_branchpoint": int(introns["branchpoint"].notna().sum()),
            "skipped_introns": dict(skipped),
        }
        with atomic_path(outputs.about) as path:
            Path(path).write_text(json.dumps(about, indent=1) + "\n")
        log.info("%s", json.dumps(about, indent=1))


if __name__ == "__main__":
    main(snakemake)  # noqa: F821
