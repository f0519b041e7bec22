"""Scores of the variants of one shard: each distinct sequence is run once."""

import pandas as pd

from splicebert.arrays import ArrayWriter
from splicebert.inference import run_logits
from splicebert.jobs import job, open_genome, open_model
from splicebert.scores import REACH, exon_site_offsets
from splicebert.tables import atomic_path, read_table, write_table
from splicebert.variant_plan import Answer, Group, Query, count_runs, run_groups, shard_groups
from splicebert.variant_queries import snv_groups, strand_bases
from splicebert.variant_scores import SnvScores, no_scores, score_snv
from splicebert.variant_tables import SNV_SCORES, SNVS


def score(row, group: Group, query: Query, answer: Answer) -> SnvScores:
    """Scores of a row of SNVS from its runs."""
    sites = exon_site_offsets((row.exon_start, row.exon_end), (row.start, row.end), row.strand)
    return score_snv(answer, group.sequence, query.offset, strand_bases(row), sites)


def score_table(snvs: pd.DataFrame, scores: dict[str, SnvScores]) -> pd.DataFrame:
    """Rows of SNV_SCORES in the order of the variants."""
    rows = [scores[name]._asdict() | {"variant_id": name} for name in snvs["variant_id"]]
    return pd.DataFrame(rows).reindex(columns=SNV_SCORES.names)


def main(snakemake):
    params, outputs = snakemake.params, snakemake.output
    with job(snakemake) as log, open_genome(snakemake) as genome:
        snvs = read_table(snakemake.input.snvs, SNVS)
        snvs = shard_groups(snvs, int(snakemake.wildcards.shard), params.shards, "variant.shards")
        rows = {row.variant_id: row for row in snvs.itertuples(index=False)}
        saved = count_runs(snv_groups(snvs, genome))
        log.info("%d variants: %d runs, the published code has %d", len(snvs), *saved[:2])
        model, runtime = open_model(snakemake)
        scores = dict.fromkeys(rows, no_scores())
        results = run_groups(
            snv_groups(snvs, genome),
            lambda items: run_logits(
                model, items, runtime, total_nt=saved.nt, label=snakemake.rule
            ),
        )
        for group, query, answer in results:
            scores[query.name] = score(rows[query.name], group, query, answer)
        with (
            atomic_path(outputs.profiles) as path,
            ArrayWriter(path, snvs["variant_id"], {"kl": ((REACH,), "float32")}) as writer,
        ):
            for name in snvs["variant_id"]:
                writer.append(kl=scores[name].profile)
        table = score_table(snvs, scores)
        write_table(table, outputs.scores, SNV_SCORES)
        log.info("reasons of missing numbers:\n%s", table["reason"].value_counts().to_string())


if __name__ == "__main__":
    main(snakemake)  # noqa: F821
