"""Embedding (Figure 2): what the hidden states of a dinucleotide know of splicing."""


include: "embedding_common.smk"


FIGURES += EMBEDDING_FIGURES
REPRODUCED_TABLES += EMBEDDING_TABLES
RESULTS += EMBEDDING_H5AD


wildcard_constraints:
    source="|".join(map(re.escape, [*MODELS, BASELINES])),
    shard=r"\d+",


rule embedding:
    input:
        EMBEDDING_FIGURES,
        EMBEDDING_TABLES,
        EMBEDDING_H5AD,


rule prepare_embedding_sites:
    input:
        unpack(dataset_genome_files("embedding")),
        sites=embedding_source("sites"),
        junctions=embedding_source("junctions"),
        transcripts=embedding_annotation("transcripts"),
        introns=embedding_annotation("introns"),
        library=library(
            "embedding_draw",
            "embedding_kinds",
            "embedding_sites",
            "junctions",
            "genome",
            "sequence",
            "bed",
        ),
    output:
        sites="results/embedding/{dataset}/inputs.parquet",
    log:
        "logs/embedding/{dataset}/prepare_sites.log",
    benchmark:
        "benchmarks/embedding/{dataset}/prepare_sites.tsv"
    conda:
        "../envs/splicebert.yaml"
    threads: 1
    resources:
        mem_mb=memory(4000),
        runtime=30,
    params:
        kind=lambda wildcards: EMBEDDING_DATASETS[wildcards.dataset]["kind"],
        per_class=lambda wildcards: EMBEDDING_DATASETS[wildcards.dataset]["per_class"],
        sites=embedding_draws,
        usage=lambda wildcards: (
            EMBEDDING["usage"]
            if EMBEDDING_DATASETS[wildcards.dataset]["junctions"]
            else None
        ),
    script:
        "../scripts/embedding/prepare_sites.py"


rule infer_embedding_hidden_states:
    input:
        unpack(dataset_genome_files("embedding")),
        sites=rules.prepare_embedding_sites.output.sites,
        weights=lambda wildcards: model_files(wildcards.model),
        library=model_code("embedding_shards", "shards", "sites", "genome", "sequence"),
    output:
        hidden_states=f"results/embedding/{{dataset}}/{{model}}/hidden_states.{EMBEDDING_SHARD}.zarr.zip",
    log:
        f"logs/embedding/{{dataset}}/{{model}}/infer_hidden_states.{EMBEDDING_SHARD}.log",
    benchmark:
        f"benchmarks/embedding/{{dataset}}/{{model}}/infer_hidden_states.{EMBEDDING_SHARD}.tsv"
    conda:
        "../envs/splicebert.yaml"
    threads: config["inference"]["threads"]
    resources:
        mem_mb=memory(4000),
        runtime=120,
        gpu=lambda wildcards: gpus(wildcards.model),
    params:
        model=lambda wildcards: model_entry(wildcards.model),
        dtype=config["inference"]["dtype"],
        purpose="embedding",
        length=EMBEDDING["windows"]["length"],
        protocol=EMBEDDING["protocol"],
        shards=EMBEDDING_SHARDS,
    script:
        "../scripts/embedding/infer_hidden_states.py"


rule encode_embedding_flanks:
    input:
        unpack(dataset_genome_files("embedding")),
        sites=rules.prepare_embedding_sites.output.sites,
        library=library("embedding", "genome", "sequence"),
    output:
        features=f"results/embedding/{{dataset}}/{BASELINES}/flanks.zarr.zip",
    log:
        "logs/embedding/{dataset}/encode_flanks.log",
    benchmark:
        "benchmarks/embedding/{dataset}/encode_flanks.tsv"
    conda:
        "../envs/splicebert.yaml"
    threads: 1
    resources:
        mem_mb=memory(2000),
        runtime=30,
    params:
        flanks=EMBEDDING_FLANKS,
    script:
        "../scripts/embedding/encode_flanks.py"


rule cluster_embedding_sites:
    input:
        sites=rules.prepare_embedding_sites.output.sites,
        features=embedding_features,
        library=library("embedding", "embedding_kinds", "sequence"),
    output:
        clusters="results/embedding/{dataset}/{source}/clusters.parquet",
    log:
        "logs/embedding/{dataset}/{source}/cluster_sites.log",
    benchmark:
        "benchmarks/embedding/{dataset}/{source}/cluster_sites.tsv"
    conda:
        "../envs/splicebert.yaml"
    threads: 1  # more threads, other rounding: the numbers must not depend on --cores
    resources:
        mem_mb=memory(4000),
        runtime=240,
    params:
        settings=EMBEDDING["clusters"],
    script:
        "../scripts/embedding/cluster_sites.py"


rule fit_embedding_probe:
    input:
        sites=rules.prepare_embedding_sites.output.sites,
        features=embedding_features,
        library=library("embedding", "embedding_kinds", "sequence"),
    output:
        scores="results/embedding/{dataset}/{source}/probe.parquet",
    log:
        "logs/embedding/{dataset}/{source}/fit_probe.log",
    benchmark:
        "benchmarks/embedding/{dataset}/{source}/fit_probe.tsv"
    conda:
        "../envs/splicebert.yaml"
    threads: 1  # more threads, other rounding: the numbers must not depend on --cores
    resources:
        mem_mb=memory(4000),
        runtime=240,
    params:
        settings=EMBEDDING["probe"],
    script:
        "../scripts/embedding/fit_probe.py"


rule write_embedding_h5ad:
    input:
        sites=rules.prepare_embedding_sites.output.sites,
        features=lambda wildcards: expand(
            rules.infer_embedding_hidden_states.output.hidden_states,
            dataset=wildcards.dataset,
            model=wildcards.model,
            shard=range(EMBEDDING_SHARDS),
        ),
        clusters="results/embedding/{dataset}/{model}/clusters.parquet",
        library=library(
            "embedding",
            "sequence",
            "embedding_scores",
            "sites",
            "conservation",
            "statistics",
        ),
    output:
        h5ad="results/embedding/{dataset}/{model}/sites.h5ad",
    log:
        "logs/embedding/{dataset}/{model}/write_h5ad.log",
    benchmark:
        "benchmarks/embedding/{dataset}/{model}/write_h5ad.tsv"
    conda:
        "../envs/splicebert.yaml"
    threads: 1
    resources:
        mem_mb=memory(2000),
        runtime=15,
    params:
        layers=lambda wildcards: EMBEDDING_LAYERS[wildcards.dataset],
    script:
        "../scripts/embedding/write_h5ad.py"


rule summarise_embedding_clusters:
    input:
        sites=embedding_tables("inputs.parquet", EMBEDDING_RUNS),
        clusters=embedding_tables("clusters.parquet", EMBEDDING_RUNS),
        library=library("embedding_scores", "sites", "conservation", "statistics"),
    output:
        clustering="results/embedding/tables/clustering.tsv",
    log:
        "logs/embedding/summarise_clusters.log",
    benchmark:
        "benchmarks/embedding/summarise_clusters.tsv"
    conda:
        "../envs/splicebert.yaml"
    threads: 1
    resources:
        mem_mb=memory(2000),
        runtime=60,
    params:
        runs=EMBEDDING_RUNS,
        length=EMBEDDING["windows"]["length"],
        bootstrap=EMBEDDING["bootstrap"],
    script:
        "../scripts/embedding/summarise_clusters.py"


rule summarise_embedding_points:
    input:
        sites=rules.prepare_embedding_sites.output.sites,
        clusters=rules.cluster_embedding_sites.output.clusters,
    output:
        points="results/embedding/tables/{dataset}.{source}.points.tsv.gz",
    log:
        "logs/embedding/{dataset}/{source}/summarise_points.log",
    benchmark:
        "benchmarks/embedding/{dataset}/{source}/summarise_points.tsv"
    localrule: True
    conda:
        "../envs/splicebert.yaml"
    threads: 1
    resources:
        mem_mb=memory(2000),
        runtime=10,
    script:
        "../scripts/embedding/summarise_points.py"


rule summarise_embedding_probe:
    input:
        sites=embedding_tables("inputs.parquet", EMBEDDING_RUNS),
        scores=embedding_tables("probe.parquet", EMBEDDING_RUNS),
        library=library("embedding_scores", "sites", "conservation", "statistics"),
    output:
        probe="results/embedding/tables/probe.tsv",
    log:
        "logs/embedding/summarise_probe.log",
    benchmark:
        "benchmarks/embedding/summarise_probe.tsv"
    conda:
        "../envs/splicebert.yaml"
    threads: 1
    resources:
        mem_mb=memory(2000),
        runtime=60,
    params:
        runs=EMBEDDING_RUNS,
        length=EMBEDDING["windows"]["length"],
        bootstrap=EMBEDDING["bootstrap"],
    script:
        "../scripts/embedding/summarise_probe.py"


rule collect_embedding_reproduced:
    input:
        clustering=rules.summarise_embedding_clusters.output.clustering,
        library=library(
            "report",
            "embedding_kinds",
            "embedding_scores",
            "sites",
            "conservation",
            "statistics",
        ),
    output:
        table="results/embedding/tables/reproduced.tsv",
    log:
        "logs/embedding/collect_reproduced.log",
    benchmark:
        "benchmarks/embedding/collect_reproduced.tsv"
    localrule: True
    conda:
        "../envs/splicebert.yaml"
    threads: 1
    resources:
        mem_mb=memory(1000),
        runtime=5,
    params:
        datasets={
            name: {key: dataset[key] for key in ("kind", "layers", "published")}
            for name, dataset in EMBEDDING_DATASETS.items()
        },
        protocol=protocol_of(EMBEDDING),
    script:
        "../scripts/embedding/collect_reproduced.py"
