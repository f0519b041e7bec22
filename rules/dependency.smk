"""Nucleotide dependency maps, and the blocks between splice sites in them."""


include: "dependency_common.smk"


FIGURES += DEPENDENCY_FIGURES


rule dependency:
    input:
        DEPENDENCY_FIGURES,


rule prepare_dependency_windows:
    input:
        unpack(dependency_sources),
        library=library("dependency_regions", "sites", "genome", "sequence", "bed"),
    output:
        windows="results/dependency/{dataset}/inputs.parquet",
        introns="results/dependency/{dataset}/inputs.introns.parquet",
        parts="results/dependency/{dataset}/inputs.parts.parquet",
        about="results/dependency/{dataset}/inputs.json",
    log:
        "logs/dependency/{dataset}/prepare_windows.log",
    benchmark:
        "benchmarks/dependency/{dataset}/prepare_windows.tsv"
    conda:
        "../envs/splicebert.yaml"
    threads: 1
    resources:
        mem_mb=memory(4000),
        runtime=30,
    params:
        length=DEPENDENCY["windows"]["length"],
        introns=DEPENDENCY["introns"],
        figures=DEPENDENCY["figures"],
    script:
        "../scripts/dependency/prepare_windows.py"


rule infer_dependency_maps:
    input:
        unpack(dataset_genome_files("dependency")),
        windows=rules.prepare_dependency_windows.output.windows,
        weights=lambda wildcards: model_files(wildcards.model),
        library=model_code("dependency", "sequence", "genome"),
    output:
        maps=f"results/dependency/{{dataset}}/{{model}}/maps.{DEPENDENCY_SHARD}.zarr.zip",
    log:
        f"logs/dependency/{{dataset}}/{{model}}/infer_maps.{DEPENDENCY_SHARD}.log",
    benchmark:
        f"benchmarks/dependency/{{dataset}}/{{model}}/infer_maps.{DEPENDENCY_SHARD}.tsv"
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
        purpose="difference",
        shards=DEPENDENCY["shards"],
        length=DEPENDENCY["windows"]["length"],
    script:
        "../scripts/dependency/infer_maps.py"


rule summarise_dependency_blocks:
    input:
        maps=dependency_maps(DEPENDENCY_RUNS),
        windows=[f"results/dependency/{d}/inputs.parquet" for d, m in DEPENDENCY_RUNS],
        introns=[
            f"results/dependency/{d}/inputs.introns.parquet"
            for d, m in DEPENDENCY_RUNS
        ],
        library=library("dependency_scores", "attention_statistics", "statistics"),
    output:
        blocks="results/dependency/tables/blocks.tsv",
        summary="results/dependency/tables/block_summary.tsv",
    log:
        "logs/dependency/summarise_blocks.log",
    benchmark:
        "benchmarks/dependency/summarise_blocks.tsv"
    conda:
        "../envs/splicebert.yaml"
    threads: 1
    resources:
        mem_mb=memory(4000),
        runtime=60,
    params:
        runs=DEPENDENCY_RUNS,
        shards=DEPENDENCY["shards"],
        blocks=DEPENDENCY["blocks"],
        bootstrap=DEPENDENCY["bootstrap"],
    script:
        "../scripts/dependency/summarise_blocks.py"


rule summarise_dependency_map:
    input:
        maps=lambda wildcards: dependency_maps([(wildcards.dataset, wildcards.model)]),
        windows=rules.prepare_dependency_windows.output.windows,
        introns=rules.prepare_dependency_windows.output.introns,
        parts=rules.prepare_dependency_windows.output.parts,
    output:
        cells="results/dependency/tables/{dataset}.{model}.region_{number}.tsv.gz",
        window="results/dependency/tables/{dataset}.{model}.region_{number}.window.tsv",
        introns="results/dependency/tables/{dataset}.{model}.region_{number}.introns.tsv",
        parts="results/dependency/tables/{dataset}.{model}.region_{number}.parts.tsv",
    log:
        "logs/dependency/{dataset}/{model}/summarise_map.{number}.log",
    benchmark:
        "benchmarks/dependency/{dataset}/{model}/summarise_map.{number}.tsv"
    wildcard_constraints:
        number=r"\d+",
    localrule: True
    conda:
        "../envs/splicebert.yaml"
    threads: 1
    resources:
        mem_mb=memory(1000),
        runtime=5,
    script:
        "../scripts/dependency/summarise_map.py"


rule plot_dependency_map:
    input:
        cells=rules.summarise_dependency_map.output.cells,
        window=rules.summarise_dependency_map.output.window,
        introns=rules.summarise_dependency_map.output.introns,
        parts=rules.summarise_dependency_map.output.parts,
        style=locate("config/figures.mplstyle"),
        library=library("plotting", "palette", "dependency_scores"),
    output:
        pdf="results/figures/dependency/{dataset}.{model}.region_{number}.pdf",
        png=report(
            "results/figures/dependency/{dataset}.{model}.region_{number}.png",
            caption="../report/dependency_map.rst",
            category="Dependency maps",
            subcategory="{dataset}",
            labels={
                "figure": "Dependency map of region {number}, {model}",
                "data": "{dataset}",
            },
        ),
        cells="results/figures/dependency/{dataset}.{model}.region_{number}.tsv.gz",
        parts="results/figures/dependency/{dataset}.{model}.region_{number}.parts.tsv",
    log:
        "logs/dependency/{dataset}/{model}/plot_map.{number}.log",
    benchmark:
        "benchmarks/dependency/{dataset}/{model}/plot_map.{number}.tsv"
    wildcard_constraints:
        number=r"\d+",
    conda:
        "../envs/splicebert.yaml"
    threads: 1
    resources:
        mem_mb=memory(1000),
        runtime=5,
    params:
        models=model_styles(DEPENDENCY_MODELS),
        blocks=DEPENDENCY["blocks"],
    script:
        "../scripts/dependency/plot_map.py"


rule plot_dependency_blocks:
    input:
        blocks=rules.summarise_dependency_blocks.output.blocks,
        summary=rules.summarise_dependency_blocks.output.summary,
        style=locate("config/figures.mplstyle"),
        library=library("plotting", "palette"),
    output:
        pdf="results/figures/dependency/{dataset}.{model}.blocks.pdf",
        png=report(
            "results/figures/dependency/{dataset}.{model}.blocks.png",
            caption="../report/dependency_blocks.rst",
            category="Dependency maps",
            subcategory="{dataset}",
            labels={"figure": "Blocks between sites, {model}", "data": "{dataset}"},
        ),
        blocks="results/figures/dependency/{dataset}.{model}.blocks.tsv",
        summary="results/figures/dependency/{dataset}.{model}.blocks.summary.tsv",
    log:
        "logs/dependency/{dataset}/{model}/plot_blocks.log",
    benchmark:
        "benchmarks/dependency/{dataset}/{model}/plot_blocks.tsv"
    conda:
        "../envs/splicebert.yaml"
    threads: 1
    resources:
        mem_mb=memory(1000),
        runtime=5,
    params:
        models=model_styles(DEPENDENCY_MODELS),
    script:
        "../scripts/dependency/plot_blocks.py"
