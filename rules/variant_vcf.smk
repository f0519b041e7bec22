"""Variants of your own: any VCF, scored on the strands of the transcripts over it."""

VCFS = config["variant"]["vcfs"]
VCF_FILES = VCFS["files"] if VCFS["models"] else {}
# Names of equal length, so that shards are listed in their order.
VCF_SHARDS = [f"{shard:03d}" for shard in range(VCFS["shards"])]
VCF_RESULTS = expand(
    "results/variant/vcfs/{vcf}/{model}/{file}",
    vcf=VCF_FILES,
    model=VCFS["models"],
    file=[
        "scores.parquet",
        "scores.tsv.gz",
        "scored.vcf.gz",
        "scored.vcf.gz.csi",
        "skipped.tsv",
        "summary.json",
    ],
)


# Output files of all shards by kind, with the wildcards vcf and model.
VCF_PARTS = {
    ending: [
        f"results/variant/vcfs/{{vcf}}/{{model}}/shards/{shard}.{ending}"
        for shard in VCF_SHARDS
    ]
    for ending in ("parquet", "vcf.gz", "skipped.tsv", "json")
}


RESULTS += VCF_RESULTS


rule variant_vcfs:
    input:
        VCF_RESULTS,


rule score_variant_background:
    input:
        unpack(lambda wildcards: genome_files(wildcards.genome)),
        transcripts="resources/reference/{genome}/transcripts.parquet",
        exons="resources/reference/{genome}/exons.parquet",
        weights=lambda wildcards: model_files(wildcards.model),
        library=model_code(
            "vcf",
            "vcf_alleles",
            "vcf_background",
            "vcf_columns",
            "vcf_output",
            "vcf_plan",
            "vcf_run",
            "vcf_scores",
            "vcf_sites",
            "variant_plan",
            "variant_scores",
            "scores",
            "sites",
            "sequence",
            "genome",
            "transcripts",
            "annotation_build",
            "annotation_io",
            "tx_bed",
            "bed",
            "cli/streams",
            "cli/writers",
        ),
    output:
        background="results/variant/backgrounds/{genome}/{model}.parquet",
    log:
        "logs/variant/backgrounds/{genome}/{model}.log",
    benchmark:
        "benchmarks/variant/backgrounds/{genome}/{model}.tsv"
    conda:
        "../envs/splicebert.yaml"
    threads: config["inference"]["threads"]
    resources:
        mem_mb=memory(8000),
        runtime=240,
        gpu=lambda wildcards: gpus(wildcards.model),
    params:
        model=lambda wildcards: model_entry(wildcards.model),
        dtype=config["inference"]["dtype"],
        purpose="difference",
        length=VCFS["length"],
        draw=VCFS["background"],
        near=lambda wildcards: config["genomes"][wildcards.genome]["near_nt"],
    script:
        "../scripts/variant_vcfs/score_background.py"


rule score_variant_shard:
    input:
        unpack(
            lambda wildcards: genome_files(VCF_FILES[wildcards.vcf]["genome"])
            | {
                table: f"resources/reference/{VCF_FILES[wildcards.vcf]['genome']}/{table}.parquet"
                for table in ("transcripts", "exons")
            }
        ),
        vcf=lambda wildcards: VCF_FILES[wildcards.vcf]["file"],
        background=lambda wildcards: rules.score_variant_background.output.background.format(
            genome=VCF_FILES[wildcards.vcf]["genome"], model=wildcards.model
        ),
        weights=lambda wildcards: model_files(wildcards.model),
        library=model_code(
            "vcf",
            "vcf_alleles",
            "vcf_background",
            "vcf_columns",
            "vcf_output",
            "vcf_plan",
            "vcf_run",
            "vcf_scores",
            "vcf_sites",
            "variant_plan",
            "variant_scores",
            "scores",
            "sites",
            "sequence",
            "genome",
            "transcripts",
            "annotation_build",
            "annotation_io",
            "tx_bed",
            "bed",
            "cli/streams",
            "cli/writers",
        ),
    output:
        table=temp("results/variant/vcfs/{vcf}/{model}/shards/{shard}.parquet"),
        vcf=temp("results/variant/vcfs/{vcf}/{model}/shards/{shard}.vcf.gz"),
        index=temp("results/variant/vcfs/{vcf}/{model}/shards/{shard}.vcf.gz.csi"),
        skipped=temp("results/variant/vcfs/{vcf}/{model}/shards/{shard}.skipped.tsv"),
        summary=temp("results/variant/vcfs/{vcf}/{model}/shards/{shard}.json"),
    log:
        "logs/variant/vcfs/{vcf}/{model}/score_shard.{shard}.log",
    benchmark:
        "benchmarks/variant/vcfs/{vcf}/{model}/score_shard.{shard}.tsv"
    wildcard_constraints:
        vcf="|".join(map(re.escape, VCF_FILES)),
        shard=r"\d+",
    conda:
        "../envs/splicebert.yaml"
    threads: config["inference"]["threads"]
    resources:
        mem_mb=memory(8000),
        runtime=1440,
        gpu=lambda wildcards: gpus(wildcards.model),
    params:
        model=lambda wildcards: model_entry(wildcards.model),
        dtype=config["inference"]["dtype"],
        purpose="difference",
        length=VCFS["length"],
        shards=VCFS["shards"],
        strict=VCFS["strict"],
        near=lambda wildcards: config["genomes"][VCF_FILES[wildcards.vcf]["genome"]][
            "near_nt"
        ],
    script:
        "../scripts/variant_vcfs/score_shard.py"


rule join_variant_shards:
    input:
        tables=VCF_PARTS["parquet"],
        vcfs=VCF_PARTS["vcf.gz"],
        skipped=VCF_PARTS["skipped.tsv"],
        summaries=VCF_PARTS["json"],
        library=library(
            "vcf_columns", "vcf_output", "scores", "sites", "sequence", "cli/writers"
        ),
    output:
        parquet="results/variant/vcfs/{vcf}/{model}/scores.parquet",
        tsv="results/variant/vcfs/{vcf}/{model}/scores.tsv.gz",
        vcf="results/variant/vcfs/{vcf}/{model}/scored.vcf.gz",
        index="results/variant/vcfs/{vcf}/{model}/scored.vcf.gz.csi",
        skipped="results/variant/vcfs/{vcf}/{model}/skipped.tsv",
        summary="results/variant/vcfs/{vcf}/{model}/summary.json",
    log:
        "logs/variant/vcfs/{vcf}/{model}/join_shards.log",
    benchmark:
        "benchmarks/variant/vcfs/{vcf}/{model}/join_shards.tsv"
    wildcard_constraints:
        vcf="|".join(map(re.escape, VCF_FILES)),
    conda:
        "../envs/splicebert.yaml"
    threads: 1
    resources:
        mem_mb=memory(4000),
        runtime=120,
    script:
        "../scripts/variant_vcfs/join_shards.py"
