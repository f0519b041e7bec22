"""Zones of candidate branchpoints in their windows, labelled, with their folds by chromosome."""

import json
from collections import Counter
from pathlib import Path

import pandas as pd

from splicebert.branchpoint_bed import read_labelled_zones
from splicebert.branchpoint_tables import BRANCHPOINT_ZONES
from splicebert.branchpoint_zones import (
    Zone,
    acceptor_zones,
    draw_zones,
    label_zones,
    on_genome,
    place_zones,
    window_labels,
)
from splicebert.dependency_regions import read_branchpoints
from splicebert.errors import SpliceBERTError
from splicebert.genome import Genome
from splicebert.jobs import job, open_genome
from splicebert.tables import INTRONS, atomic_path, read_table, write_table
from splicebert.training.folds import assign_folds
from splicebert.training.tables import EXAMPLES


def read_zones(inputs, genome: Genome, params, counts: Counter) -> pd.DataFrame:
    """Labelled zones of a BED, or of the annotation's acceptors and a table of branchpoints."""
    zone = Zone(params.zone["nearest"], params.zone["farthest"])
    how = {"missing_contigs": params.missing_contigs}
    if inputs.get("labels"):
        zones = read_labelled_zones(inputs.labels, zone, params.zone["other_widths"], counts)
        return on_genome(zones, genome.contigs, genome.path, counts, **how)
    zones = acceptor_zones(read_table(inputs.introns, INTRONS), zone, counts)
    zones = on_genome(zones, genome.contigs, genome.path, counts, **how)
    points = read_branchpoints(inputs.branchpoints, genome.contigs, genome.path)
    return label_zones(zones, points, zone, counts)


def make_examples(zones: pd.DataFrame, genome: Genome, params) -> pd.DataFrame:
    """Rows of EXAMPLES: sequence and labels of each window."""
    zone = Zone(params.zone["nearest"], params.zone["farthest"])
    rows = list(zones.itertuples())
    return pd.DataFrame(
        {
            "example_id": zones["example_id"],
            "sequence": [genome.fetch(r.chrom, r.start, r.end, r.strand).upper() for r in rows],
            "labels": [window_labels(row, zone, params.length) for row in rows],
            "group": zones["chrom"],
            "fold": zones["fold"],
        }
    )


def summarise(zones: pd.DataFrame, counts: Counter) -> dict:
    """Counts for the log and for whoever uses the examples."""
    labels = pd.concat([pd.Series(own) for own in zones["labels"]])
    by_fold = {
        str(fold): {"chromosomes": sorted(own["chrom"].unique()), "zones": len(own)}
        for fold, own in zones.groupby("fold")
    }
    return {
        "zones": len(zones),
        "branchpoints": int((labels == 1).sum()),
        "other_bases": int((labels == 0).sum()),
        "met": {reason: n for reason, n in counts.items() if n},
        "folds": by_fold,
    }


def main(snakemake):
    params, outputs = snakemake.params, snakemake.output
    counts: Counter = Counter()
    with job(snakemake) as log, open_genome(snakemake) as genome:
        zones = draw_zones(
            read_zones(snakemake.input, genome, params, counts), params.most, params.seed
        )
        if zones.empty:
            raise SpliceBERTError(f"no zone has a branchpoint ({dict(counts)}); check the inputs")
        zone = Zone(params.zone["nearest"], params.zone["farthest"])
        zones = place_zones(zones, zone, params.length)
        fold = assign_folds([], zones["chrom"], folds=params.folds, how="group", seed=params.seed)
        zones = zones.assign(fold=fold)
        write_table(make_examples(zones, genome, params), outputs.examples, EXAMPLES)
        write_table(zones[BRANCHPOINT_ZONES.names], outputs.zones, BRANCHPOINT_ZONES)
        about = summarise(zones, counts)
        with atomic_path(outputs.about) as path:
            Path(path).write_text(json.dumps(about, indent=1) + "\n")
        log.info("%s", json.dumps(about, indent=1))


if __name__ == "__main__":
    main(snakemake)  # noqa: F821
