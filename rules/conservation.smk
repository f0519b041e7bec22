"""Conservation (Figure 1): what the model predicts well, and what its embeddings know of phastCons."""


include: "conservation_common.smk"


CONSERVATION_DATASETS = list(CONSERVATION["datasets"])
CONSERVATION_SPLITS = CONSERVATION["probe"]["splits"] or (
    ["base", "chromosome"]
    if CONSERVATION["protocol"] == "published"
    else ["chromosome", "base"]
)
MLM_MODELS = CONSERVATION["mlm"]["models"]
PROBE_MODELS = CONSERVATION["probe"]["models"]
MLM_RUNS = [(d, m) for d in CONSERVATION_DATASETS for m in MLM_MODELS]
PROBE_RUNS = [
    (d, m, s)
    for d in CONSERVATION_DATASETS
    for m in PROBE_MODELS
    for s in CONSERVATION_SPLITS
]
# Whose repeat fractions are of whole regions, and not of a sample of bases.
CONSERVATION_MEASURED = [] if PRECOMPUTED else CONSERVATION_DATASETS
CONSERVATION_FIGURES = expand(
    "results/figures/conservation/{dataset}.{figure}.{suffix}",
    dataset=CONSERVATION_DATASETS,
    figure=["mlm_accuracy"] * bool(MLM_MODELS)
    + ["phastcons_probe"] * bool(PROBE_MODELS),
    suffix=["pdf", "png"],
)
CONSERVATION_TABLES = (
    ["results/conservation/tables/reproduced.tsv"] if CONSERVATION_DATASETS else []
)


FIGURES += CONSERVATION_FIGURES
REPRODUCED_TABLES += CONSERVATION_TABLES


rule conservation:
    input:
        CONSERVATION_FIGURES,
        CONSERVATION_TABLES,


rule prepare_conservation_windows:
    input:
        unpack(dataset_genome_files("conservation")),
        transcripts=dataset_annotation("conservation", "transcripts"),
        library=library(
            "conservation",
            "genome",
            "sequence",
            "tx_bed",
            "annotation_build",
            "annotation_io",
            "bed",
        ),
    output:
        windows="results/conservation/{dataset}/inputs.{analysis}.parquet",
    log:
        "logs/conservation/{dataset}/prepare_windows.{analysis}.log",
    benchmark:
        "benchmarks/conservation/{dataset}/prepare_windows.{analysis}.tsv"
    conda:
        "../envs/splicebert.yaml"
    threads: 1
    resources:
        mem_mb=memory(2000),
        runtime=15,
    params:
        windows=CONSERVATION["windows"],
        sample=lambda wildcards: {
            key: CONSERVATION[wildcards.analysis][key] for key in ("windows", "seed")
        },
    script:
        "../scripts/conservation/prepare_windows.py"


rule annotate_conservation_mlm:
    input:
        unpack(dataset_genome_files("conservation")),
        windows="results/conservation/{dataset}/inputs.mlm.parquet",
        regions=dataset_annotation("conservation", "regions"),
        extension=rules.compile_extension.output.extension,
        library=library(
            "conservation", "masking", "intervals", "genome", "sequence", "bed"
        ),
    output:
        annotation="results/conservation/{dataset}/mlm_windows.zarr.zip",
    log:
        "logs/conservation/{dataset}/annotate_mlm_windows.log",
    benchmark:
        "benchmarks/conservation/{dataset}/annotate_mlm_windows.tsv"
    conda:
        "../envs/splicebert.yaml"
    threads: 1
    resources:
        mem_mb=memory(4000),
        runtime=30,
    params:
        seed=CONSERVATION["mlm"]["seed"],
    script:
        "../scripts/conservation/annotate_mlm_windows.py"


rule annotate_conservation_probe:
    input:
        fai=dataset_reference("conservation", "genome.fai"),
        windows="results/conservation/{dataset}/inputs.probe.parquet",
        phastcons=dataset_track("conservation", "phastcons"),
        phylop=dataset_track("conservation", "phylop"),
        library=library("genome", "sequence"),
    output:
        annotation="results/conservation/{dataset}/probe_windows.zarr.zip",
    log:
        "logs/conservation/{dataset}/annotate_probe_windows.log",
    benchmark:
        "benchmarks/conservation/{dataset}/annotate_probe_windows.tsv"
    conda:
        "../envs/splicebert.yaml"
    threads: 1
    resources:
        mem_mb=memory(2000),
        runtime=30,
    script:
        "../scripts/conservation/annotate_probe_windows.py"


rule measure_conservation_repeats:
    input:
        regions=dataset_annotation("conservation", "regions"),
        repeats=dataset_reference("conservation", "repeats.bed.gz"),
        fai=dataset_reference("conservation", "genome.fai"),
        library=library("conservation", "genome", "sequence", "bed"),
    output:
        table="results/conservation/tables/{dataset}.repeat_fractions.tsv",
    log:
        "logs/conservation/{dataset}/measure_repeats.log",
    benchmark:
        "benchmarks/conservation/{dataset}/measure_repeats.tsv"
    conda:
        "../envs/splicebert.yaml"
    threads: 1
    resources:
        mem_mb=memory(8000),
        runtime=60,
    script:
        "../scripts/conservation/measure_repeats.py"


rule infer_conservation_mlm:
    input:
        annotation=rules.annotate_conservation_mlm.output.annotation,
        weights=lambda wildcards: model_files(wildcards.model),
        library=model_code("sequence", "masking", "shards"),
    output:
        predictions=f"results/conservation/{{dataset}}/{{model}}/masked_bases.{CONSERVATION_SHARD}.zarr.zip",
    log:
        "logs/conservation/{dataset}/{model}/infer_masked_bases.{shard}.log",
    benchmark:
        "benchmarks/conservation/{dataset}/{model}/infer_masked_bases.{shard}.tsv"
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
        shards=CONSERVATION["shards"],
    script:
        "../scripts/conservation/infer_masked_bases.py"


rule infer_conservation_hidden_states:
    input:
        unpack(dataset_genome_files("conservation")),
        windows="results/conservation/{dataset}/inputs.probe.parquet",
        weights=lambda wildcards: model_files(wildcards.model),
        library=model_code("sequence", "genome", "shards"),
    output:
        hidden_states=f"results/conservation/{{dataset}}/{{model}}/hidden_states.{CONSERVATION_SHARD}.zarr.zip",
    log:
        "logs/conservation/{dataset}/{model}/infer_hidden_states.{shard}.log",
    benchmark:
        "benchmarks/conservation/{dataset}/{model}/infer_hidden_states.{shard}.tsv"
    wildcard_constraints:
        shard=r"\d+",
    conda:
        "../envs/splicebert.yaml"
    threads: config["inference"]["threads"]
    resources:
        mem_mb=memory(8000),
        runtime=60,
        gpu=lambda wildcards: gpus(wildcards.model),
    params:
        model=lambda wildcards: model_entry(wildcards.model),
        dtype=config["inference"]["dtype"],
        purpose="embedding",
        shards=CONSERVATION["shards"],
    script:
        "../scripts/conservation/infer_hidden_states.py"


rule fit_conservation_probe:
    input:
        windows="results/conservation/{dataset}/inputs.probe.parquet",
        annotation=rules.annotate_conservation_probe.output.annotation,
        hidden_states=conservation_shards(
            "results/conservation/{dataset}/{model}/hidden_states"
        ),
        library=library("conservation"),
    output:
        scores="results/conservation/{dataset}/{model}/probe.{split}.parquet",
        about="results/conservation/{dataset}/{model}/probe.{split}.json",
    log:
        "logs/conservation/{dataset}/{model}/fit_probe.{split}.log",
    benchmark:
        "benchmarks/conservation/{dataset}/{model}/fit_probe.{split}.tsv"
    conda:
        "../envs/splicebert.yaml"
    threads: 1  # more threads, other rounding: the numbers must not depend on --cores
    resources:
        mem_mb=memory(24000),
        runtime=240,
    params:
        probe={
            key: CONSERVATION["probe"][key]
            for key in ("threshold", "test_fraction", "max_iter", "seed")
        },
    script:
        "../scripts/conservation/fit_probe.py"


rule summarise_conservation_mlm:
    input:
        annotations=[
            f"results/conservation/{d}/mlm_windows.zarr.zip" for d, m in MLM_RUNS
        ],
        predictions=[
            file
            for d, m in MLM_RUNS
            for file in conservation_shards(
                f"results/conservation/{d}/{m}/masked_bases"
            )
        ],
        library=library("statistics", "masking"),
    output:
        accuracy="results/conservation/tables/mlm_accuracy.tsv",
        summary="results/conservation/tables/mlm_summary.tsv",
    log:
        "logs/conservation/summarise_mlm.log",
    benchmark:
        "benchmarks/conservation/summarise_mlm.tsv"
    conda:
        "../envs/splicebert.yaml"
    threads: 1
    resources:
        mem_mb=memory(8000),
        runtime=60,
    params:
        runs=MLM_RUNS,
        shards=CONSERVATION["shards"],
        bootstrap=CONSERVATION["bootstrap"],
        published=CONSERVATION["protocol"] == "published",
    script:
        "../scripts/conservation/summarise_mlm.py"


rule summarise_conservation_probe:
    input:
        scores=[
            f"results/conservation/{d}/{m}/probe.{s}.parquet" for d, m, s in PROBE_RUNS
        ],
        about=[f"results/conservation/{d}/{m}/probe.{s}.json" for d, m, s in PROBE_RUNS],
        annotations=expand(
            "results/conservation/{dataset}/probe_windows.zarr.zip",
            dataset=CONSERVATION_DATASETS,
        ),
        library=library("statistics", "conservation"),
    output:
        metrics="results/conservation/tables/probe_metrics.tsv",
        curves="results/conservation/tables/probe_pr_curves.tsv",
        density="results/conservation/tables/phastcons_density.tsv",
    log:
        "logs/conservation/summarise_probe.log",
    benchmark:
        "benchmarks/conservation/summarise_probe.tsv"
    conda:
        "../envs/splicebert.yaml"
    threads: 1
    resources:
        mem_mb=memory(4000),
        runtime=60,
    params:
        runs=PROBE_RUNS,
        datasets=CONSERVATION_DATASETS,
        bootstrap=CONSERVATION["bootstrap"],
    script:
        "../scripts/conservation/summarise_probe.py"


rule collect_conservation_reproduced:
    input:
        accuracy=rules.summarise_conservation_mlm.output.accuracy if MLM_MODELS else [],
        summary=rules.summarise_conservation_mlm.output.summary if MLM_MODELS else [],
        metrics=(
            rules.summarise_conservation_probe.output.metrics if PROBE_MODELS else []
        ),
        repeats=expand(
            rules.measure_conservation_repeats.output.table,
            dataset=CONSERVATION_MEASURED,
        ),
        library=library("report"),
    output:
        table="results/conservation/tables/reproduced.tsv",
    log:
        "logs/conservation/collect_reproduced.log",
    benchmark:
        "benchmarks/conservation/collect_reproduced.tsv"
    localrule: True
    conda:
        "../envs/splicebert.yaml"
    threads: 1
    resources:
        mem_mb=memory(1000),
        runtime=5,
    params:
        datasets=CONSERVATION_MEASURED,
        threshold=CONSERVATION["probe"]["threshold"],
        protocol=protocol_of(CONSERVATION),
    script:
        "../scripts/conservation/collect_reproduced.py"


rule plot_conservation_mlm_accuracy:
    input:
        accuracy=rules.summarise_conservation_mlm.output.accuracy,
        repeats=rules.measure_conservation_repeats.output.table,
        style=locate("config/figures.mplstyle"),
        library=library("plotting", "palette"),
    output:
        pdf="results/figures/conservation/{dataset}.mlm_accuracy.pdf",
        png=report(
            "results/figures/conservation/{dataset}.mlm_accuracy.png",
            caption="../report/conservation_mlm_accuracy.rst",
            category="1 Conservation (Figure 1)",
            subcategory="{dataset}",
            labels={"figure": "Masked-base accuracy by region", "data": "{dataset}"},
        ),
        accuracy="results/figures/conservation/{dataset}.mlm_accuracy.tsv",
        repeats="results/figures/conservation/{dataset}.mlm_accuracy.repeats.tsv",
    log:
        "logs/conservation/{dataset}/plot_mlm_accuracy.log",
    benchmark:
        "benchmarks/conservation/{dataset}/plot_mlm_accuracy.tsv"
    conda:
        "../envs/splicebert.yaml"
    threads: 1
    resources:
        mem_mb=memory(1000),
        runtime=5,
    params:
        models=model_styles(MLM_MODELS),
    script:
        "../scripts/conservation/plot_mlm_accuracy.py"


rule plot_conservation_probe:
    input:
        metrics=rules.summarise_conservation_probe.output.metrics,
        curves=rules.summarise_conservation_probe.output.curves,
        density=rules.summarise_conservation_probe.output.density,
        style=locate("config/figures.mplstyle"),
        library=library("plotting", "palette"),
    output:
        pdf="results/figures/conservation/{dataset}.phastcons_probe.pdf",
        png=report(
            "results/figures/conservation/{dataset}.phastcons_probe.png",
            caption="../report/conservation_phastcons_probe.rst",
            category="1 Conservation (Figure 1)",
            subcategory="{dataset}",
            labels={"figure": "phastCons from embeddings", "data": "{dataset}"},
        ),
        density="results/figures/conservation/{dataset}.phastcons_probe.density.tsv",
        curves="results/figures/conservation/{dataset}.phastcons_probe.curves.tsv",
        metrics="results/figures/conservation/{dataset}.phastcons_probe.metrics.tsv",
    log:
        "logs/conservation/{dataset}/plot_probe.log",
    benchmark:
        "benchmarks/conservation/{dataset}/plot_probe.tsv"
    conda:
        "../envs/splicebert.yaml"
    threads: 1
    resources:
        mem_mb=memory(1000),
        runtime=5,
    params:
        models=model_styles(PROBE_MODELS),
        splits=CONSERVATION_SPLITS,
        threshold=CONSERVATION["probe"]["threshold"],
    script:
        "../scripts/conservation/plot_probe.py"
