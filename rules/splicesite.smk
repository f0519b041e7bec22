"""Splice sites across species (Figure 6): models fine-tuned fold by fold, run on other species."""


include: "splicesite_common.smk"


FIGURES += SPLICESITE_FIGURES
REPRODUCED_TABLES += SPLICESITE_TABLES


wildcard_constraints:
    method="[A-Za-z0-9][A-Za-z0-9_.-]*",
    species="[A-Za-z0-9][A-Za-z0-9_-]*",
    fold=r"\d+",


rule splicesite:
    input:
        SPLICESITE_FIGURES,
        SPLICESITE_TABLES,


rule prepare_splicesite_examples:
    input:
        unpack(splicesite_files),
        library=library(
            "splicesite_inputs",
            "splicesite_kinds",
            "splicesite_negatives",
            "embedding_draw",
            "embedding_kinds",
            "embedding_scores",
            "embedding_sites",
            "conservation",
            "statistics",
            "genome",
            "sequence",
            "sites",
            "bed",
            "training/folds",
            "training/tables",
        ),
    output:
        examples="results/splicesite/{dataset}/examples.parquet",
        about="results/splicesite/{dataset}/examples.json",
    log:
        "logs/splicesite/{dataset}/prepare_examples.log",
    benchmark:
        "benchmarks/splicesite/{dataset}/prepare_examples.tsv"
    conda:
        "../envs/splicebert.yaml"
    threads: 1
    resources:
        mem_mb=memory(4000),
        runtime=60,
    params:
        site=lambda wildcards: splicesite_source(wildcards)[1],
        length=SPLICESITE["windows"]["length"],
        per_class=lambda wildcards: splicesite_source(wildcards)[0]["per_class"],
        seed=lambda wildcards: splicesite_source(wildcards)[0]["seed"],
        share=lambda wildcards: splicesite_source(wildcards)[0]["negatives"]["share"],
        skip_contigs=["chrY", "chrM"],
        folds={key: SPLICESITE["folds"][key] for key in ("number", "how", "seed")},
    script:
        "../scripts/splicesite/prepare_examples.py"


use rule prepare_splicesite_examples as prepare_splicesite_benchmark with:
    output:
        examples="results/splicesite/{dataset}/benchmark.{species}.parquet",
        about="results/splicesite/{dataset}/benchmark.{species}.json",
    log:
        "logs/splicesite/{dataset}/prepare_benchmark.{species}.log",
    benchmark:
        "benchmarks/splicesite/{dataset}/prepare_benchmark.{species}.tsv"
    params:
        site=lambda wildcards: splicesite_source(wildcards)[1],
        length=SPLICESITE["windows"]["length"],
        per_class=lambda wildcards: splicesite_source(wildcards)[0]["per_class"],
        seed=lambda wildcards: splicesite_source(wildcards)[0]["seed"],
        share=lambda wildcards: splicesite_source(wildcards)[0]["negatives"]["share"],
        skip_contigs=["chrY", "chrM"],
        folds=None,


rule train_splicesite_fold:
    input:
        examples=rules.prepare_splicesite_examples.output.examples,
        weights=method_weights("splicesite"),
        library=fold_code("splicesite"),
    output:
        metrics="results/splicesite/{dataset}/{method}/fold{fold}/metrics.tsv",
        predictions="results/splicesite/{dataset}/{method}/fold{fold}/predictions.parquet",
        weights="results/splicesite/{dataset}/{method}/fold{fold}/model/model.safetensors",
    log:
        "logs/splicesite/{dataset}/{method}/train_fold{fold}.log",
    benchmark:
        "benchmarks/splicesite/{dataset}/{method}/train_fold{fold}.tsv"
    conda:
        "../envs/splicebert.yaml"
    threads: config["inference"]["threads"]
    resources:
        mem_mb=memory(8000),
        runtime=720,
        gpu=method_gpus("splicesite"),
    params:
        model=method_entry("splicesite"),
        method=method_choice("splicesite"),
        split=lambda wildcards: SPLICESITE_SPLITS[int(wildcards.fold)],
        task="sequence",
        num_labels=1,
        settings=fold_settings("splicesite"),
    script:
        "../scripts/training/train_fold.py"


rule gather_splicesite_folds:
    input:
        metrics=splicesite_folds("metrics.tsv"),
        predictions=splicesite_folds("predictions.parquet"),
        library=gather_code(),
    output:
        predictions="results/splicesite/{dataset}/{method}/predictions.parquet",
        selection="results/splicesite/{dataset}/{method}/selection.json",
    log:
        "logs/splicesite/{dataset}/{method}/gather_folds.log",
    benchmark:
        "benchmarks/splicesite/{dataset}/{method}/gather_folds.tsv"
    conda:
        "../envs/splicebert.yaml"
    threads: 1
    resources:
        mem_mb=memory(2000),
        runtime=15,
    params:
        settings=SPLICESITE["training"],
        protocol=SPLICESITE["protocol"],
        folds=SPLICESITE_FOLDS,
    script:
        "../scripts/training/gather_folds.py"


rule predict_splicesite_benchmark:
    input:
        benchmark=rules.prepare_splicesite_benchmark.output.examples,
        models=splicesite_folds("model/model.safetensors"),
        library=fold_code(
            "splicesite",
            "cli/classifier",
            "cli/model",
            "cli/sources",
            "bed",
            "genome",
            "sites",
            "splicesite_baselines",
            "splicesite_kinds",
            "splicesite_scores",
            "embedding_kinds",
        ),
    output:
        scores="results/splicesite/{dataset}/{method}/benchmark.{species}.parquet",
    log:
        "logs/splicesite/{dataset}/{method}/predict_benchmark.{species}.log",
    benchmark:
        "benchmarks/splicesite/{dataset}/{method}/predict_benchmark.{species}.tsv"
    conda:
        "../envs/splicebert.yaml"
    threads: config["inference"]["threads"]
    resources:
        mem_mb=memory(4000),
        runtime=240,
        gpu=method_gpus("splicesite"),
    params:
        folds=SPLICESITE_FOLDS,
        dtype=config["inference"]["dtype"],
    script:
        "../scripts/splicesite/predict_benchmark.py"


rule score_splicesite_pwm:
    input:
        examples=rules.prepare_splicesite_examples.output.examples,
        benchmarks=splicesite_benchmarks(
            rules.prepare_splicesite_benchmark.output.examples
        ),
        library=library(
            "splicesite_baselines",
            "splicesite_pwm",
            "splicesite_kinds",
            "splicesite_scores",
            "embedding_kinds",
            "sequence",
            "statistics",
            "training/defaults",
            "training/settings",
            "training/tables",
        ),
    output:
        scores="results/splicesite/{dataset}/pwm/scores.parquet",
        weights="results/splicesite/{dataset}/pwm/weights.tsv",
    log:
        "logs/splicesite/{dataset}/score_pwm.log",
    benchmark:
        "benchmarks/splicesite/{dataset}/score_pwm.tsv"
    conda:
        "../envs/splicebert.yaml"
    threads: 1
    resources:
        mem_mb=memory(2000),
        runtime=30,
    params:
        species=lambda wildcards: splicesite_species(wildcards.dataset),
        splits=list(SPLICESITE_SPLITS.values()),
        flanks=SPLICESITE["pwm"]["flanks"],
        pseudocount=SPLICESITE["pwm"]["pseudocount"],
    script:
        "../scripts/splicesite/score_pwm.py"


rule score_splicesite_maxentscan:
    input:
        examples=rules.prepare_splicesite_examples.output.examples,
        benchmarks=splicesite_benchmarks(
            rules.prepare_splicesite_benchmark.output.examples
        ),
        library=library(
            "maxentscan",
            "splicesite_baselines",
            "splicesite_kinds",
            "splicesite_scores",
            "embedding_kinds",
            "statistics",
            "training/defaults",
            "training/settings",
            "training/tables",
        ),
    output:
        scores="results/splicesite/{dataset}/maxentscan/scores.parquet",
    log:
        "logs/splicesite/{dataset}/score_maxentscan.log",
    benchmark:
        "benchmarks/splicesite/{dataset}/score_maxentscan.tsv"
    conda:
        "../envs/splicebert.yaml"
    threads: 1
    resources:
        mem_mb=memory(2000),
        runtime=60,
    params:
        species=lambda wildcards: splicesite_species(wildcards.dataset),
        splits=list(SPLICESITE_SPLITS.values()),
        site=lambda wildcards: splicesite_source(wildcards)[1],
        folder=SPLICESITE["maxentscan"],
    script:
        "../scripts/splicesite/score_maxentscan.py"
