"""Attention (Figure 3): which layer and which head link the donor and the acceptor of an intron."""

ATTENTION = config["attention"]
ATTENTION_MODELS = ATTENTION["models"]
ATTENTION_DATASETS = list(ATTENTION["datasets"]) if ATTENTION_MODELS else []
ATTENTION_RUNS = [(d, m) for d in ATTENTION_DATASETS for m in ATTENTION_MODELS]
# Names of equal length, so that shards are listed in their order.
ATTENTION_SHARDS = [f"{shard:03d}" for shard in range(ATTENTION["shards"])]
# Inputs of the pairs: a data set's own files, else the introns of its genome's annotation.
ATTENTION_SOURCES = {
    name: {"fai": f"resources/reference/{d['genome']}/genome.fai"}
    | (d["pairs"] or {})
    | ({"introns": d["introns"]} if d["introns"] else {})
    | (
        {}
        if d["pairs"] and d["introns"]
        else {
            f"annotated_{table}": f"resources/reference/{d['genome']}/{table}.parquet"
            for table in ("introns", "transcripts")
        }
    )
    for name, d in ATTENTION["datasets"].items()
}
ATTENTION_FIGURES = expand(
    "results/figures/attention/{dataset}.{model}.{figure}.{suffix}",
    dataset=ATTENTION_DATASETS,
    model=ATTENTION_MODELS,
    figure=["pair_scores", "layer_profiles"] + ["heads", "example"] * (not PRECOMPUTED),
    suffix=["pdf", "png"],
)
ATTENTION_TABLES = (
    ["results/attention/tables/reproduced.tsv"] if ATTENTION_DATASETS else []
)


FIGURES += ATTENTION_FIGURES
REPRODUCED_TABLES += ATTENTION_TABLES


rule attention:
    input:
        ATTENTION_FIGURES,
        ATTENTION_TABLES,


rule prepare_attention_pairs:
    input:
        unpack(lambda wildcards: ATTENTION_SOURCES[wildcards.dataset]),
        library=library("pairs", "derived_pairs", "sites", "genome", "sequence", "bed"),
    output:
        pairs="results/attention/{dataset}/inputs.pairs.parquet",
        introns="results/attention/{dataset}/inputs.introns.parquet",
        example="results/attention/{dataset}/inputs.example.parquet",
        about="results/attention/{dataset}/inputs.json",
    log:
        "logs/attention/{dataset}/prepare_pairs.log",
    benchmark:
        "benchmarks/attention/{dataset}/prepare_pairs.tsv"
    conda:
        "../envs/splicebert.yaml"
    threads: 1
    resources:
        mem_mb=memory(4000),
        runtime=30,
    params:
        windows=ATTENTION["windows"],
        pairs=ATTENTION["pairs"],
        introns={
            key: ATTENTION["introns"][key]
            for key in ("smallest", "largest", "most", "seed", "example")
        },
    script:
        "../scripts/attention/prepare_pairs.py"


rule infer_attention_pairs:
    input:
        unpack(dataset_genome_files("attention")),
        pairs=rules.prepare_attention_pairs.output.pairs,
        weights=lambda wildcards: model_files(wildcards.model),
        library=model_code("attention_scores", "sequence", "genome"),
    output:
        scores="results/attention/{dataset}/{model}/pair_scores.{shard}.parquet",
    log:
        "logs/attention/{dataset}/{model}/infer_pairs.{shard}.log",
    benchmark:
        "benchmarks/attention/{dataset}/{model}/infer_pairs.{shard}.tsv"
    wildcard_constraints:
        shard=r"\d+",
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
        purpose="probability",
        shards=ATTENTION["shards"],
    script:
        "../scripts/attention/infer_pairs.py"


rule infer_attention_introns:
    input:
        unpack(dataset_genome_files("attention")),
        introns=rules.prepare_attention_pairs.output.introns,
        weights=lambda wildcards: model_files(wildcards.model),
        library=model_code("attention_scores", "sequence", "genome"),
    output:
        profiles="results/attention/{dataset}/{model}/profiles.{shard}.zarr.zip",
        heads="results/attention/{dataset}/{model}/heads.{shard}.zarr.zip",
    log:
        "logs/attention/{dataset}/{model}/infer_introns.{shard}.log",
    benchmark:
        "benchmarks/attention/{dataset}/{model}/infer_introns.{shard}.tsv"
    wildcard_constraints:
        shard=r"\d+",
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
        purpose="probability",
        shards=ATTENTION["shards"],
        flank=ATTENTION["introns"]["flank"],
    script:
        "../scripts/attention/infer_introns.py"


rule infer_attention_example:
    input:
        unpack(dataset_genome_files("attention")),
        introns=rules.prepare_attention_pairs.output.introns,
        example=rules.prepare_attention_pairs.output.example,
        weights=lambda wildcards: model_files(wildcards.model),
        library=model_code("attention_scores", "sequence", "genome"),
    output:
        rows="results/attention/{dataset}/{model}/example.parquet",
    log:
        "logs/attention/{dataset}/{model}/infer_example.log",
    benchmark:
        "benchmarks/attention/{dataset}/{model}/infer_example.tsv"
    conda:
        "../envs/splicebert.yaml"
    threads: config["inference"]["threads"]
    resources:
        mem_mb=memory(4000),
        runtime=30,
        gpu=lambda wildcards: gpus(wildcards.model),
    params:
        model=lambda wildcards: model_entry(wildcards.model),
        dtype=config["inference"]["dtype"],
        purpose="probability",
    script:
        "../scripts/attention/infer_example.py"


rule summarise_attention_pairs:
    input:
        pairs=[f"results/attention/{d}/inputs.pairs.parquet" for d, m in ATTENTION_RUNS],
        scores=[
            f"results/attention/{d}/{m}/pair_scores.{s}.parquet"
            for d, m in ATTENTION_RUNS
            for s in ATTENTION_SHARDS
        ],
        library=library(
            "attention_statistics",
            "statistics",
            "pairs",
            "derived_pairs",
            "sites",
            "genome",
            "sequence",
            "bed",
        ),
    output:
        scores="results/attention/tables/pair_scores.tsv.gz",
        groups="results/attention/tables/pair_groups.tsv",
    log:
        "logs/attention/summarise_pairs.log",
    benchmark:
        "benchmarks/attention/summarise_pairs.tsv"
    conda:
        "../envs/splicebert.yaml"
    threads: 1
    resources:
        mem_mb=memory(4000),
        runtime=60,
    params:
        runs=ATTENTION_RUNS,
        shards=ATTENTION["shards"],
        pairs={
            key: ATTENTION["pairs"][key] for key in ("smallest", "largest", "stratum")
        },
        bootstrap=ATTENTION["bootstrap"],
    script:
        "../scripts/attention/summarise_pairs.py"


rule summarise_attention_introns:
    input:
        introns=[
            f"results/attention/{d}/inputs.introns.parquet"
            for d, m in ATTENTION_RUNS
            if not PRECOMPUTED  # whose profiles come without a list of introns
        ],
        profiles=[
            f"results/attention/{d}/{m}/profiles.{s}.zarr.zip"
            for d, m in ATTENTION_RUNS
            for s in ATTENTION_SHARDS
        ],
        heads=[
            f"results/attention/{d}/{m}/heads.{s}.zarr.zip"
            for d, m in ATTENTION_RUNS
            for s in ATTENTION_SHARDS
        ],
        library=library("attention_statistics", "statistics"),
    output:
        profiles="results/attention/tables/layer_profiles.tsv",
        enrichment="results/attention/tables/enrichment.tsv",
        heads="results/attention/tables/head_enrichment.tsv",
    log:
        "logs/attention/summarise_introns.log",
    benchmark:
        "benchmarks/attention/summarise_introns.tsv"
    conda:
        "../envs/splicebert.yaml"
    threads: 1
    resources:
        mem_mb=memory(4000),
        runtime=60,
    params:
        runs=ATTENTION_RUNS,
        shards=ATTENTION["shards"],
    script:
        "../scripts/attention/summarise_introns.py"


rule summarise_attention_example:
    input:
        rows=rules.infer_attention_example.output.rows,
        parts=rules.prepare_attention_pairs.output.example,
        groups=rules.summarise_attention_pairs.output.groups,
    output:
        rows="results/attention/tables/{dataset}.{model}.example.tsv",
        parts="results/attention/tables/{dataset}.{model}.example.parts.tsv",
    log:
        "logs/attention/{dataset}/{model}/summarise_example.log",
    benchmark:
        "benchmarks/attention/{dataset}/{model}/summarise_example.tsv"
    localrule: True
    conda:
        "../envs/splicebert.yaml"
    threads: 1
    resources:
        mem_mb=memory(1000),
        runtime=5,
    script:
        "../scripts/attention/summarise_example.py"


rule collect_attention_reproduced:
    input:
        groups=rules.summarise_attention_pairs.output.groups,
        enrichment=rules.summarise_attention_introns.output.enrichment,
        library=library("report"),
    output:
        table="results/attention/tables/reproduced.tsv",
    log:
        "logs/attention/collect_reproduced.log",
    benchmark:
        "benchmarks/attention/collect_reproduced.tsv"
    localrule: True
    conda:
        "../envs/splicebert.yaml"
    threads: 1
    resources:
        mem_mb=memory(1000),
        runtime=5,
    params:
        published=[name for name, d in ATTENTION["datasets"].items() if d["published"]],
        # The paper's code has no quirk here: there is one way to compute these numbers, its own.
        protocol=protocol_of({"protocol": "published"}),
    script:
        "../scripts/attention/collect_reproduced.py"


rule plot_attention_pair_scores:
    input:
        groups=rules.summarise_attention_pairs.output.groups,
        style=locate("config/figures.mplstyle"),
        library=library("plotting", "palette"),
    output:
        pdf="results/figures/attention/{dataset}.{model}.pair_scores.pdf",
        png=report(
            "results/figures/attention/{dataset}.{model}.pair_scores.png",
            caption="../report/attention_pair_scores.rst",
            category="3 Attention (Figure 3)",
            subcategory="{dataset}",
            labels={
                "figure": "Attention of pairs by group, {model}",
                "data": "{dataset}",
            },
        ),
        groups="results/figures/attention/{dataset}.{model}.pair_scores.tsv",
    log:
        "logs/attention/{dataset}/{model}/plot_pair_scores.log",
    benchmark:
        "benchmarks/attention/{dataset}/{model}/plot_pair_scores.tsv"
    conda:
        "../envs/splicebert.yaml"
    threads: 1
    resources:
        mem_mb=memory(1000),
        runtime=5,
    params:
        models=model_styles(ATTENTION_MODELS),
    script:
        "../scripts/attention/plot_pair_scores.py"


rule plot_attention_layer_profiles:
    input:
        profiles=rules.summarise_attention_introns.output.profiles,
        enrichment=rules.summarise_attention_introns.output.enrichment,
        style=locate("config/figures.mplstyle"),
        library=library("plotting", "palette"),
    output:
        pdf="results/figures/attention/{dataset}.{model}.layer_profiles.pdf",
        png=report(
            "results/figures/attention/{dataset}.{model}.layer_profiles.png",
            caption="../report/attention_layer_profiles.rst",
            category="3 Attention (Figure 3)",
            subcategory="{dataset}",
            labels={
                "figure": "Layer profiles of introns, {model}",
                "data": "{dataset}",
            },
        ),
        profiles="results/figures/attention/{dataset}.{model}.layer_profiles.tsv",
        enrichment="results/figures/attention/{dataset}.{model}.layer_profiles.enrichment.tsv",
    log:
        "logs/attention/{dataset}/{model}/plot_layer_profiles.log",
    benchmark:
        "benchmarks/attention/{dataset}/{model}/plot_layer_profiles.tsv"
    conda:
        "../envs/splicebert.yaml"
    threads: 1
    resources:
        mem_mb=memory(1000),
        runtime=5,
    params:
        models=model_styles(ATTENTION_MODELS),
    script:
        "../scripts/attention/plot_layer_profiles.py"


rule plot_attention_heads:
    input:
        heads=rules.summarise_attention_introns.output.heads,
        style=locate("config/figures.mplstyle"),
        library=library("plotting", "palette"),
    output:
        pdf="results/figures/attention/{dataset}.{model}.heads.pdf",
        png=report(
            "results/figures/attention/{dataset}.{model}.heads.png",
            caption="../report/attention_heads.rst",
            category="3 Attention (Figure 3)",
            subcategory="{dataset}",
            labels={"figure": "Enrichment by head, {model}", "data": "{dataset}"},
        ),
        heads="results/figures/attention/{dataset}.{model}.heads.tsv",
    log:
        "logs/attention/{dataset}/{model}/plot_heads.log",
    benchmark:
        "benchmarks/attention/{dataset}/{model}/plot_heads.tsv"
    conda:
        "../envs/splicebert.yaml"
    threads: 1
    resources:
        mem_mb=memory(1000),
        runtime=5,
    params:
        models=model_styles(ATTENTION_MODELS),
    script:
        "../scripts/attention/plot_heads.py"


rule plot_attention_example:
    input:
        rows=rules.summarise_attention_example.output.rows,
        parts=rules.summarise_attention_example.output.parts,
        style=locate("config/figures.mplstyle"),
        library=library("plotting", "palette"),
    output:
        pdf="results/figures/attention/{dataset}.{model}.example.pdf",
        png=report(
            "results/figures/attention/{dataset}.{model}.example.png",
            caption="../report/attention_example.rst",
            category="3 Attention (Figure 3)",
            subcategory="{dataset}",
            labels={"figure": "One intron, {model}", "data": "{dataset}"},
        ),
        rows="results/figures/attention/{dataset}.{model}.example.tsv",
        parts="results/figures/attention/{dataset}.{model}.example.parts.tsv",
    log:
        "logs/attention/{dataset}/{model}/plot_example.log",
    benchmark:
        "benchmarks/attention/{dataset}/{model}/plot_example.tsv"
    conda:
        "../envs/splicebert.yaml"
    threads: 1
    resources:
        mem_mb=memory(1000),
        runtime=5,
    params:
        models=model_styles(ATTENTION_MODELS),
    script:
        "../scripts/attention/plot_example.py"
