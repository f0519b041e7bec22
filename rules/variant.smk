"""Variant effects (Figure 4): splice-disrupting variants of VexSeq and MFASS, and mutagenesis."""


include: "variant_common.smk"


FIGURES += VARIANT_FIGURES
REPRODUCED_TABLES += VARIANT_TABLES


rule variant:
    input:
        VARIANT_FIGURES,
        VARIANT_TABLES,


rule prepare_variant_snvs:
    input:
        unpack(dataset_genome_files("variant")),
        variants=variant_file("variants"),
        library=library(
            "variant_inputs",
            "variant_kinds",
            "sites",
            "genome",
            "sequence",
        ),
    output:
        snvs="results/variant/{dataset}/inputs.snvs.parquet",
        about="results/variant/{dataset}/inputs.snvs.json",
    log:
        "logs/variant/{dataset}/prepare_snvs.log",
    benchmark:
        "benchmarks/variant/{dataset}/prepare_snvs.tsv"
    conda:
        "../envs/splicebert.yaml"
    threads: 1
    resources:
        mem_mb=memory(2000),
        runtime=30,
    params:
        kind=lambda wildcards: VARIANT_DATASETS[wildcards.dataset]["kind"],
        length=VARIANT["windows"]["length"],
        mismatches=VARIANT["mpra"]["mismatches"],
        most=VARIANT["mpra"]["most"],
        seed=VARIANT["mpra"]["seed"],
    script:
        "../scripts/variant/prepare_snvs.py"


rule annotate_variant_snvs:
    input:
        snvs=rules.prepare_variant_snvs.output.snvs,
        phastcons=dataset_track("variant", "phastcons"),
        phylop=dataset_track("variant", "phylop"),
        library=library(
            "variant_inputs",
            "variant_kinds",
            "sites",
            "genome",
            "sequence",
        ),
    output:
        tracks="results/variant/{dataset}/conservation.parquet",
    log:
        "logs/variant/{dataset}/annotate_snvs.log",
    benchmark:
        "benchmarks/variant/{dataset}/annotate_snvs.tsv"
    conda:
        "../envs/splicebert.yaml"
    threads: 1
    resources:
        mem_mb=memory(2000),
        runtime=30,
    params:
        protocol=VARIANT["protocol"],
    script:
        "../scripts/variant/annotate_snvs.py"


rule prepare_variant_mutagenesis:
    input:
        unpack(dataset_genome_files("variant")),
        unpack(variant_transcripts),
        phastcons=dataset_track("variant", "phastcons"),
        phylop=dataset_track("variant", "phylop"),
        library=library(
            "variant_inputs",
            "variant_kinds",
            "variant_sites",
            "sites",
            "genome",
            "sequence",
            "transcripts",
            "annotation_io",
            "annotation_build",
            "tx_bed",
            "bed",
        ),
    output:
        sites="results/variant/{dataset}/inputs.sites.parquet",
        about="results/variant/{dataset}/inputs.sites.json",
    log:
        "logs/variant/{dataset}/prepare_mutagenesis.log",
    benchmark:
        "benchmarks/variant/{dataset}/prepare_mutagenesis.tsv"
    conda:
        "../envs/splicebert.yaml"
    threads: 1
    resources:
        mem_mb=memory(4000),
        runtime=60,
    params:
        length=VARIANT["windows"]["length"],
        mutagenesis={
            key: VARIANT["mutagenesis"][key]
            for key in ("transcripts", "fraction", "most", "missing_contigs", "seed")
        },
    script:
        "../scripts/variant/prepare_mutagenesis.py"


rule infer_variant_snvs:
    input:
        unpack(dataset_genome_files("variant")),
        snvs=rules.prepare_variant_snvs.output.snvs,
        weights=lambda wildcards: model_files(wildcards.model),
        library=model_code(
            "variant_plan",
            "variant_queries",
            "variant_scores",
            "variant_kinds",
            "scores",
            "sites",
            "genome",
            "sequence",
        ),
    output:
        scores=f"results/variant/{{dataset}}/{{model}}/scores.{VARIANT_SHARD}.parquet",
        profiles=f"results/variant/{{dataset}}/{{model}}/profiles.{VARIANT_SHARD}.zarr.zip",
    log:
        f"logs/variant/{{dataset}}/{{model}}/infer_snvs.{VARIANT_SHARD}.log",
    benchmark:
        f"benchmarks/variant/{{dataset}}/{{model}}/infer_snvs.{VARIANT_SHARD}.tsv"
    conda:
        "../envs/splicebert.yaml"
    threads: config["inference"]["threads"]
    resources:
        mem_mb=memory(4000),
        runtime=240,
        gpu=lambda wildcards: gpus(wildcards.model),
    params:
        model=lambda wildcards: model_entry(wildcards.model),
        dtype=config["inference"]["dtype"],
        purpose="difference",
        shards=VARIANT_SHARDS,
    script:
        "../scripts/variant/infer_snvs.py"


rule infer_variant_mutagenesis:
    input:
        unpack(dataset_genome_files("variant")),
        sites=rules.prepare_variant_mutagenesis.output.sites,
        weights=lambda wildcards: model_files(wildcards.model),
        library=model_code(
            "variant_plan",
            "variant_queries",
            "variant_scores",
            "variant_kinds",
            "scores",
            "sites",
            "genome",
            "sequence",
        ),
    output:
        scores=f"results/variant/{{dataset}}/{{model}}/mutagenesis.scores.{VARIANT_SHARD}.parquet",
        profiles=f"results/variant/{{dataset}}/{{model}}/mutagenesis.profiles.{VARIANT_SHARD}.zarr.zip",
    log:
        f"logs/variant/{{dataset}}/{{model}}/infer_mutagenesis.{VARIANT_SHARD}.log",
    benchmark:
        f"benchmarks/variant/{{dataset}}/{{model}}/infer_mutagenesis.{VARIANT_SHARD}.tsv"
    conda:
        "../envs/splicebert.yaml"
    threads: config["inference"]["threads"]
    resources:
        mem_mb=memory(4000),
        runtime=240,
        gpu=lambda wildcards: gpus(wildcards.model),
    params:
        model=lambda wildcards: model_entry(wildcards.model),
        dtype=config["inference"]["dtype"],
        purpose="difference",
        length=VARIANT["windows"]["length"],
        protocol=VARIANT["protocol"],
        shards=VARIANT_SHARDS,
    script:
        "../scripts/variant/infer_mutagenesis.py"


rule summarise_variant_snvs:
    input:
        snvs=[variant_inputs(d) for d, m in VARIANT_SNV_RUNS],
        tracks=[
            f"results/variant/{d}/conservation.parquet" for d, m in VARIANT_SNV_RUNS
        ],
        scores=[
            path
            for d, m in VARIANT_SNV_RUNS
            for path in variant_shards(d, m, "scores.SHARD.parquet")
        ],
        library=library(
            "variant_statistics",
            "attention_statistics",
            "statistics",
            "variant_inputs",
            "variant_kinds",
            "sites",
            "genome",
            "sequence",
        ),
    output:
        scores="results/variant/tables/snv_scores.tsv.gz",
        performance="results/variant/tables/performance.tsv",
        curves="results/variant/tables/precision_recall.tsv.gz",
        boxes="results/variant/tables/rank_scores.tsv",
    log:
        "logs/variant/summarise_snvs.log",
    benchmark:
        "benchmarks/variant/summarise_snvs.tsv"
    conda:
        "../envs/splicebert.yaml"
    threads: 1
    resources:
        mem_mb=memory(4000),
        runtime=120,
    params:
        runs=[(d, m, variant_threshold(d)) for d, m in VARIANT_SNV_RUNS],
        shards=VARIANT_SHARDS,
        bootstrap=VARIANT["bootstrap"],
    script:
        "../scripts/variant/summarise_snvs.py"


rule summarise_variant_profiles:
    input:
        inputs=[variant_inputs(d) for d, m in VARIANT_RUNS],
        profiles=[
            path
            for d, m in VARIANT_RUNS
            for path in variant_shards(d, m, "profiles.SHARD.zarr.zip")
        ],
        library=library(
            "variant_statistics",
            "attention_statistics",
            "statistics",
            "variant_inputs",
            "variant_kinds",
            "sites",
            "genome",
            "sequence",
        ),
    output:
        profiles="results/variant/tables/context_profiles.tsv",
        counts="results/variant/tables/counts.tsv",
    log:
        "logs/variant/summarise_profiles.log",
    benchmark:
        "benchmarks/variant/summarise_profiles.tsv"
    conda:
        "../envs/splicebert.yaml"
    threads: 1
    resources:
        mem_mb=memory(4000),
        runtime=60,
    params:
        runs=[
            (d, m, VARIANT_DATASETS[d]["kind"], variant_threshold(d))
            for d, m in VARIANT_RUNS
        ],
        shards=VARIANT_SHARDS,
    script:
        "../scripts/variant/summarise_profiles.py"


rule collect_variant_reproduced:
    input:
        performance=rules.summarise_variant_snvs.output.performance,
        counts=rules.summarise_variant_profiles.output.counts,
        library=library("report", "variant_kinds"),
    output:
        table="results/variant/tables/reproduced.tsv",
    log:
        "logs/variant/collect_reproduced.log",
    benchmark:
        "benchmarks/variant/collect_reproduced.tsv"
    localrule: True
    conda:
        "../envs/splicebert.yaml"
    threads: 1
    resources:
        mem_mb=memory(1000),
        runtime=5,
    params:
        kinds={name: dataset["kind"] for name, dataset in VARIANT_DATASETS.items()},
        threshold=VARIANT["mutagenesis"]["threshold"],
        protocol=protocol_of(VARIANT),
    script:
        "../scripts/variant/collect_reproduced.py"
