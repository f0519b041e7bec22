"""KL around each mutated site of one shard: the largest of three alternatives, by distance."""

import numpy as np
import pandas as pd

from splicebert.arrays import ArrayWriter
from splicebert.inference import run_logits
from splicebert.jobs import job, open_genome, open_model
from splicebert.sequence import BASES, base_codes
from splicebert.tables import atomic_path, read_table, write_table
from splicebert.variant_plan import count_runs, run_groups, shard_groups
from splicebert.variant_queries import site_groups
from splicebert.variant_scores import context_reasons, known_profile, largest_change
from splicebert.variant_tables import SITE_SCORES, SITES


def main(snakemake):
    params, outputs = snakemake.params, snakemake.output
    with job(snakemake) as log, open_genome(snakemake) as genome:
        sites = read_table(snakemake.input.sites, SITES)
        sites = shard_groups(sites, int(snakemake.wildcards.shard), params.shards, "variant.shards")
        saved = count_runs(site_groups(sites, genome))
        log.info("%d sites: %d runs, the published code has %d", len(sites), *saved[:2])
        model, runtime = open_model(snakemake)
        results = run_groups(
            site_groups(sites, genome),
            lambda items: run_logits(
                model, items, runtime, total_nt=saved.nt, label=snakemake.rule
            ),
        )
        reach = params.length - params.length // 2 - 1
        found = {}
        for group, query, answer in results:
            known = base_codes(group.sequence) < len(BASES)
            kl = largest_change(answer, published=params.protocol == "published")
            profile = known_profile(kl, known, query.offset, reach)
            reasons = context_reasons(known, query.offset, reach)
            found[query.name] = profile.astype(np.float32), "; ".join(reasons) or None
        with (
            atomic_path(outputs.profiles) as path,
            ArrayWriter(path, sites["site_id"], {"kl": ((reach,), "float32")}) as writer,
        ):
            for name in sites["site_id"]:
                writer.append(kl=found[name][0])
        table = pd.DataFrame(
            {
                "site_id": sites["site_id"],
                "n_known": [int(np.isfinite(found[name][0]).sum()) for name in sites["site_id"]],
                "reason": [found[name][1] for name in sites["site_id"]],
            }
        )
        write_table(table, outputs.scores, SITE_SCORES)
        log.info("reasons of missing numbers:\n%s", table["reason"].value_counts().to_string())


if __name__ == "__main__":
    main(snakemake)  # noqa: F821
