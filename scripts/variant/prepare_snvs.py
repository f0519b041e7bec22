"""The variants of a published set in the windows of their exons."""

import json
from collections import Counter
from pathlib import Path

from splicebert.jobs import job, open_genome
from splicebert.tables import atomic_path, write_table
from splicebert.variant_inputs import draw_snvs, number_groups, on_genome, place_snvs, read_snvs
from splicebert.variant_tables import SNVS


def main(snakemake):
    params, path = snakemake.params, snakemake.input.variants
    skipped = Counter()
    with job(snakemake) as log, open_genome(snakemake) as genome:
        table = read_snvs(path, params.kind, skipped)
        table = on_genome(table, genome, path, skipped, mismatches=params.mismatches)
        table = draw_snvs(table, params.most, params.seed)
        table = number_groups(place_snvs(table, params.length), genome)[SNVS.names]
        write_table(table, snakemake.output.snvs, SNVS)
        about = {
            "variants": len(table),
            "reference_windows": int(table["group"].nunique()),
            "left_out": {reason: n for reason, n in skipped.items() if n},
        }
        with atomic_path(snakemake.output.about) as target:
            Path(target).write_text(json.dumps(about, indent=1) + "\n")
        log.info("%s", json.dumps(about, indent=1))


if __name__ == "__main__":
    main(snakemake)  # noqa: F821
