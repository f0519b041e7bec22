"""Branchpoints by fine-tuning (Figure 5): examples, baseline without a model, numbers."""


include: "branchpoint_common.smk"


FIGURES += BRANCHPOINT_FIGURES
REPRODUCED_TABLES += BRANCHPOINT_TABLES


rule branchpoint:
    input:
        BRANCHPOINT_FIGURES,
        BRANCHPOINT_TABLES,


rule prepare_branchpoint_examples:
    input:
        unpack(dataset_genome_files("branchpoint")),
        unpack(branchpoint_sources),
        library=library(
            "branchpoint_bed",
            "branchpoint_zones",
            "dependency_regions",
            "sites",
            "training/folds",
            "training/tables",
            "genome",
            "sequence",
            "bed",
        ),
    output:
        examples="results/branchpoint/{dataset}/examples.parquet",
        zones="results/branchpoint/{dataset}/inputs.parquet",
        about="results/branchpoint/{dataset}/inputs.json",
    log:
        "logs/branchpoint/{dataset}/prepare_examples.log",
    benchmark:
        "benchmarks/branchpoint/{dataset}/prepare_examples.tsv"
    conda:
        "../envs/splicebert.yaml"
    threads: 1
    resources:
        mem_mb=memory(4000),
        runtime=30,
    params:
        zone=BRANCHPOINT["zone"],
        length=BRANCHPOINT["windows"]["length"],
        missing_contigs=BRANCHPOINT["windows"]["missing_contigs"],
        most=BRANCHPOINT["most"],
        seed=BRANCHPOINT["seed"],
        folds=BRANCHPOINT["folds"],
    script:
        "../scripts/branchpoint/prepare_examples.py"


rule fit_branchpoint_pwm:
    input:
        examples=rules.prepare_branchpoint_examples.output.examples,
        zones=rules.prepare_branchpoint_examples.output.zones,
        library=library(
            "branchpoint_pwm",
            "training/metrics",
            "training/defaults",
            "training/settings",
            "training/tables",
            "statistics",
            "sequence",
        ),
    output:
        predictions=f"results/branchpoint/{{dataset}}/{PWM}/predictions.parquet",
        matrices=f"results/branchpoint/{{dataset}}/{PWM}/matrices.tsv",
    log:
        f"logs/branchpoint/{{dataset}}/{PWM}/fit_pwm.log",
    benchmark:
        f"benchmarks/branchpoint/{{dataset}}/{PWM}/fit_pwm.tsv"
    conda:
        "../envs/splicebert.yaml"
    threads: 1
    resources:
        mem_mb=memory(4000),
        runtime=30,
    params:
        pwm=BRANCHPOINT["pwm"],
        splits=[branchpoint_split(fold) for fold in BRANCHPOINT_FOLDS],
    script:
        "../scripts/branchpoint/fit_pwm.py"


rule summarise_branchpoint_predictions:
    input:
        zones=[f"results/branchpoint/{d}/inputs.parquet" for d in BRANCHPOINT_DATASETS],
        examples=[
            f"results/branchpoint/{d}/examples.parquet" for d in BRANCHPOINT_DATASETS
        ],
        predictions=[
            f"results/branchpoint/{d}/{m}/predictions.parquet"
            for d, m in BRANCHPOINT_RUNS
        ],
        library=library(
            "branchpoint_scores",
            "variant_statistics",
            "attention_statistics",
            "training/metrics",
            "training/tables",
            "statistics",
            "sequence",
        ),
    output:
        performance="results/branchpoint/tables/performance.tsv",
        differences="results/branchpoint/tables/differences.tsv",
        curves="results/branchpoint/tables/precision_recall.tsv.gz",
        best="results/branchpoint/tables/best_predictions.tsv.gz",
        positions="results/branchpoint/tables/positions.tsv",
        logo="results/branchpoint/tables/logo.tsv",
    log:
        "logs/branchpoint/summarise_predictions.log",
    benchmark:
        "benchmarks/branchpoint/summarise_predictions.tsv"
    conda:
        "../envs/splicebert.yaml"
    threads: 1
    resources:
        mem_mb=memory(8000),
        runtime=120,
    params:
        runs=BRANCHPOINT_RUNS,
        datasets=list(BRANCHPOINT_DATASETS),
        zone=BRANCHPOINT["zone"],
        logo=BRANCHPOINT["logo"],
        bootstrap=BRANCHPOINT["bootstrap"],
    script:
        "../scripts/branchpoint/summarise_predictions.py"


rule collect_branchpoint_reproduced:
    input:
        performance=rules.summarise_branchpoint_predictions.output.performance,
        library=library("report"),
    output:
        table="results/branchpoint/tables/reproduced.tsv",
    log:
        "logs/branchpoint/collect_reproduced.log",
    benchmark:
        "benchmarks/branchpoint/collect_reproduced.tsv"
    localrule: True
    conda:
        "../envs/splicebert.yaml"
    threads: 1
    resources:
        mem_mb=memory(1000),
        runtime=5,
    params:
        protocol=BRANCHPOINT["protocol"],
    script:
        "../scripts/branchpoint/collect_reproduced.py"
