"""Score the variants of one shard of a VCF on the strands of the transcripts over them."""

import json
from pathlib import Path

from splicebert.jobs import job, open_genome, open_model
from splicebert.tables import EXONS, TRANSCRIPTS, atomic_path, read_table
from splicebert.transcripts import Annotation
from splicebert.vcf import shard_bounds, survey
from splicebert.vcf_alleles import REASONS
from splicebert.vcf_background import describe, read_background
from splicebert.vcf_output import check_vcf_output
from splicebert.vcf_plan import Rules
from splicebert.vcf_run import Request, score_vcf
from splicebert.vcf_sites import SiteIndex


def summary(tally):
    """Counts and speed of a run, for JSON."""
    return {
        "records": tally.records,
        "variants": tally.alternatives,
        "rows": tally.rows,
        "left_out": dict(sorted(tally.skipped.items())),
        "nt": tally.nt,
        "seconds": round(tally.seconds, 3),
    }


def make_request(snakemake, genome):
    """What the job is to score, and where to."""
    inputs, params, output = snakemake.input, snakemake.params, snakemake.output
    found = survey(inputs.vcf)
    check_vcf_output(output.vcf, found.unsorted, inputs.vcf)
    tables = (read_table(inputs.transcripts, TRANSCRIPTS), read_table(inputs.exons, EXONS))
    index = SiteIndex(Annotation(*tables), genome, params.near)
    about = describe(Path(params.model["folder"]), genome, params.length)
    return Request(
        vcf=Path(inputs.vcf),
        name=inputs.vcf,
        bounds=shard_bounds(found.records, int(snakemake.wildcards.shard) + 1, params.shards),
        rules=Rules(params.length, index=index, strict=params.strict),
        background=read_background(inputs.background, about),
        table=output.table,
        annotated=output.vcf,
        csi=True,
        skipped=output.skipped,
    )


def main(snakemake):
    with job(snakemake) as log, open_genome(snakemake) as genome:
        request = make_request(snakemake, genome)
        model, runtime = open_model(snakemake)
        tally = score_vcf(request, genome, model, runtime)
        for reason, count in sorted(tally.skipped.items()):
            log.warning("%d left out: %s", count, REASONS[reason])
        log.info("%d variants, %s", tally.alternatives, tally.speed())
        with atomic_path(snakemake.output.summary) as temporary:
            temporary.write_text(json.dumps(summary(tally), indent=1) + "\n")


if __name__ == "__main__":
    main(snakemake)  # noqa: F821
