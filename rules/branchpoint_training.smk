"""Fine-tuning on branchpoints: the folds of each method, and what comes of them together.

A fold keeps its checkpoints in its folder state/ and its TensorBoard events in tensorboard/.
Neither is an output of a rule, because Snakemake removes the outputs of a job that fails: so a job
that was killed goes on from its newest checkpoint.
"""


rule train_branchpoint_fold:
    input:
        examples=rules.prepare_branchpoint_examples.output.examples,
        weights=method_weights("branchpoint"),
        library=fold_code("branchpoint"),
    output:
        metrics="results/branchpoint/{dataset}/{method}/fold{fold}/metrics.tsv",
        predictions="results/branchpoint/{dataset}/{method}/fold{fold}/predictions.parquet",
        weights="results/branchpoint/{dataset}/{method}/fold{fold}/model/model.safetensors",
        config="results/branchpoint/{dataset}/{method}/fold{fold}/model/config.json",
    log:
        "logs/branchpoint/{dataset}/{method}/fold{fold}/train_fold.log",
    benchmark:
        "benchmarks/branchpoint/{dataset}/{method}/fold{fold}/train_fold.tsv"
    wildcard_constraints:
        method=BRANCHPOINT_TRAINED,
        fold=r"\d+",
    conda:
        "../envs/splicebert.yaml"
    threads: config["inference"]["threads"]
    resources:
        mem_mb=memory(8000),
        runtime=1440,
        gpu=method_gpus("branchpoint"),
    params:
        model=method_entry("branchpoint"),
        method=method_choice("branchpoint"),
        split=lambda wildcards: branchpoint_split(wildcards.fold),
        task="token",
        num_labels=2,
        settings=fold_settings("branchpoint"),
    script:
        "../scripts/training/train_fold.py"


rule gather_branchpoint_folds:
    input:
        metrics=branchpoint_folds("metrics.tsv"),
        predictions=branchpoint_folds("predictions.parquet"),
        library=gather_code(),
    output:
        predictions="results/branchpoint/{dataset}/{method}/predictions.parquet",
        selection="results/branchpoint/{dataset}/{method}/selection.json",
    log:
        "logs/branchpoint/{dataset}/{method}/gather_folds.log",
    benchmark:
        "benchmarks/branchpoint/{dataset}/{method}/gather_folds.tsv"
    wildcard_constraints:
        method=BRANCHPOINT_TRAINED,
    localrule: True
    conda:
        "../envs/splicebert.yaml"
    threads: 1
    resources:
        mem_mb=memory(4000),
        runtime=10,
    params:
        settings={key: BRANCHPOINT["training"][key] for key in ("score", "patience")},
        protocol=BRANCHPOINT["protocol"],
        folds=list(BRANCHPOINT_FOLDS),
    script:
        "../scripts/training/gather_folds.py"
