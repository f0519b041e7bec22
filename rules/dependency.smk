"""Nucleotide dependency maps, and the blocks between splice sites in them."""

from splicebert.dependency_config import check_dependency

try:
    check_dependency(config)
except ConfigError as error:
    raise WorkflowError(str(error))

DEPENDENCY = config["dependency"]
DEPENDENCY_MODELS = DEPENDENCY["models"]
DEPENDENCY_DATASETS = DEPENDENCY["datasets"] if DEPENDENCY_MODELS else {}
DEPENDENCY_RUNS = [(d, m) for d in DEPENDENCY_DATASETS for m in DEPENDENCY_MODELS]
DEPENDENCY_SHARDS = range(DEPENDENCY["shards"])
# Their number is part of the name: a file of another cut is never taken for one of this.
DEPENDENCY_SHARD = f"{{shard}}-of-{DEPENDENCY['shards']}"
DEPENDENCY_FIGURES = expand(
    "results/figures/dependency/{dataset}.{model}.{figure}.{suffix}",
    dataset=DEPENDENCY_DATASETS,
    model=DEPENDENCY_MODELS,
    figure=["blocks", *(f"region_{n + 1}" for n in range(DEPENDENCY["figures"]))],
    suffix=["pdf", "png"],
)


FIGURES += DEPENDENCY_FIGURES


def dependency_sources(wildcards):
    """Files of a data set, and tables of its genome's annotation where there is one."""
    dataset = DEPENDENCY_DATASETS[wildcards.dataset]
    reference = f"resources/reference/{dataset['genome']}"
    files = {key: dataset[key] for key in ("regions", "branchpoints") if dataset[key]}
    if config["genomes"][dataset["genome"]]["annotation"]:
        for table in ("exons", "introns", "transcripts"):
            files[table] = f"{reference}/{table}.parquet"
    return files | {"fai": f"{reference}/genome.fai"}


def dependency_maps(runs):
    """All shards of the maps of some (data set, model)."""
    return [
        f"results/dependency/{d}/{m}/maps.{DEPENDENCY_SHARD.format(shard=s)}.zarr.zip"
        for d, m in runs
        for s in DEPENDENCY_SHARDS
    ]


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
    resources:
        mem_mb=4000,
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
        mem_mb=8000,
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
    resources:
        mem_mb=4000,
        runtime=60,
    params:
        runs=DEPENDENCY_RUNS,
        shards=DEPENDENCY["shards"],
        blocks=DEPENDENCY["blocks"],
        bootstrap=DEPENDENCY["bootstrap"],
    script:
        "../scripts/dependency/summarise_blocks.py"


rule plot_dependency_map:
    input:
        maps=lambda wildcards: dependency_maps([(wildcards.dataset, wildcards.model)]),
        windows=rules.prepare_dependency_windows.output.windows,
        introns=rules.prepare_dependency_windows.output.introns,
        parts=rules.prepare_dependency_windows.output.parts,
        style=locate("config/figures.mplstyle"),
        library=library("plotting", "dependency_scores"),
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
    localrule: True
    conda:
        "../envs/splicebert.yaml"
    resources:
        mem_mb=1000,
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
        library=library("plotting"),
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
    localrule: True
    conda:
        "../envs/splicebert.yaml"
    resources:
        mem_mb=1000,
        runtime=5,
    params:
        models=model_styles(DEPENDENCY_MODELS),
    script:
        "../scripts/dependency/plot_blocks.py"
