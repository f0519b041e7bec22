"""Pre-training by masked-language modelling: `snakemake --cores 2 pretrain`. Not part of `all`.

A run keeps its checkpoints in results/pretrain/{run}/state/ and its TensorBoard events in
results/pretrain/{run}/tensorboard/. Neither is an output of a rule, because Snakemake removes the
outputs of a job that fails: so a job that was killed goes on from its newest checkpoint.
"""


include: "pretrain_common.smk"


rule pretrain:
    input:
        expand("results/pretrain/{run}/model/README.md", run=PRETRAINING),
        expand("results/figures/pretrain/{run}.pdf", run=PRETRAINING),


rule write_pretraining_corpus:
    input:
        unpack(lambda wildcards: genome_files(wildcards.genome)),
        transcripts="resources/reference/{genome}/transcripts.parquet",
        library=library(
            "pretraining/corpus",
            "pretraining/tables",
            "conservation",
            "genome",
            "sequence",
            "bed",
        ),
    output:
        codes="results/pretrain/corpora/{corpus}/{genome}/codes.npy",
        transcripts="results/pretrain/corpora/{corpus}/{genome}/transcripts.parquet",
        about="results/pretrain/corpora/{corpus}/{genome}/about.json",
    log:
        "logs/pretrain/corpora/{corpus}/{genome}/write_corpus.log",
    benchmark:
        "benchmarks/pretrain/corpora/{corpus}/{genome}/write_corpus.tsv"
    wildcard_constraints:
        corpus=r"[A-Za-z0-9][A-Za-z0-9_.-]*",
    conda:
        "../envs/splicebert.yaml"
    threads: 1
    resources:
        mem_mb=memory(4000),
        runtime=120,
    params:
        choice=lambda wildcards: CORPORA[wildcards.corpus]["transcripts"],
        missing_contigs=lambda wildcards: CORPORA[wildcards.corpus]["missing_contigs"],
        validation=lambda wildcards: CORPORA[wildcards.corpus]["validation"].get(
            wildcards.genome, []
        ),
    script:
        "../scripts/pretrain/write_corpus.py"


rule prepare_pretraining_validation:
    input:
        unpack(corpus_files),
        unpack(corpus_annotation),
        extension=rules.compile_extension.output.extension,
        library=library(
            "pretraining/validation",
            "pretraining/corpus",
            "pretraining/fragments",
            "pretraining/settings",
            "pretraining/tables",
            "conservation",
            "masking",
            "intervals",
            "genome",
            "sequence",
            "bed",
        ),
    output:
        fragments="results/pretrain/{run}/validation.fragments.parquet",
        bases="results/pretrain/{run}/validation.bases.parquet",
    log:
        "logs/pretrain/{run}/prepare_validation.log",
    benchmark:
        "benchmarks/pretrain/{run}/prepare_validation.tsv"
    wildcard_constraints:
        run="|".join(map(re.escape, PRETRAINING)),
    conda:
        "../envs/splicebert.yaml"
    threads: 1
    resources:
        mem_mb=memory(8000),
        runtime=60,
    params:
        genomes=lambda wildcards: run_corpus(wildcards)["genomes"],
        corpus=corpus_folders,
        validation=lambda wildcards: {
            key: PRETRAINING[wildcards.run]["validation"][key]
            for key in ("fragments", "length", "seed")
        },
    script:
        "../scripts/pretrain/prepare_validation.py"


rule pretrain_model:
    input:
        unpack(corpus_files),
        fragments="results/pretrain/{run}/validation.fragments.parquet",
        bases="results/pretrain/{run}/validation.bases.parquet",
        weights=lambda wildcards: [
            path
            for path in (
                PRETRAINING[wildcards.run]["start"][key]
                for key in ("weights", "mean_with")
            )
            if path
        ],
        library=library(
            "learning",
            "pretraining/__main__",
            "pretraining/batches",
            "pretraining/corpus",
            "pretraining/evaluation",
            "pretraining/fragments",
            "pretraining/metrics",
            "pretraining/model",
            "pretraining/optimisers",
            "pretraining/outputs",
            "pretraining/processes",
            "pretraining/progress",
            "pretraining/recast",
            "pretraining/settings",
            "pretraining/tables",
            "pretraining/trainer",
            "pretraining/validation",
            "conservation",
            "masking",
            "intervals",
            "genome",
            "sequence",
            "bed",
            "models/attention",
            "models/checkpoint",
            "models/encoder",
            "models/linear",
            "models/modules",
            "models/packing",
        ),
    output:
        weights="results/pretrain/{run}/model/model.safetensors",
        about="results/pretrain/{run}/model/training.json",
        files=expand(
            "results/pretrain/{{run}}/model/{file}",
            file=[
                "config.json",
                "vocab.txt",
                "tokenizer.json",
                "tokenizer_config.json",
            ],
        ),
        metrics="results/pretrain/{run}/metrics.tsv",
        regions="results/pretrain/{run}/regions.tsv",
    log:
        "logs/pretrain/{run}/train_model.log",
    benchmark:
        "benchmarks/pretrain/{run}/train_model.tsv"
    wildcard_constraints:
        run="|".join(map(re.escape, PRETRAINING)),
    conda:
        "../envs/splicebert.yaml"
    threads: run_threads
    resources:
        mem_mb=memory(8000),
        runtime=2880,
        gpu=run_gpus,
    params:
        settings=lambda wildcards: decisive(PRETRAINING[wildcards.run]),
        corpus=corpus_folders,
    script:
        "../scripts/pretrain/train_model.py"


rule write_pretraining_card:
    input:
        about=rules.pretrain_model.output.about,
        metrics=rules.pretrain_model.output.metrics,
        regions=rules.pretrain_model.output.regions,
        library=library("pretraining/tables"),
    output:
        card="results/pretrain/{run}/model/README.md",
    log:
        "logs/pretrain/{run}/write_card.log",
    benchmark:
        "benchmarks/pretrain/{run}/write_card.tsv"
    localrule: True
    conda:
        "../envs/splicebert.yaml"
    threads: 1
    resources:
        mem_mb=memory(2000),
        runtime=5,
    params:
        command=card_command(),
    script:
        "../scripts/pretrain/write_card.py"


rule plot_pretraining:
    input:
        metrics=rules.pretrain_model.output.metrics,
        regions=rules.pretrain_model.output.regions,
        style=locate("config/figures.mplstyle"),
        library=library("plotting", "palette", "pretraining/tables"),
    output:
        pdf="results/figures/pretrain/{run}.pdf",
        png="results/figures/pretrain/{run}.png",
        metrics="results/figures/pretrain/{run}.metrics.tsv",
        regions="results/figures/pretrain/{run}.regions.tsv",
    log:
        "logs/pretrain/{run}/plot_training.log",
    benchmark:
        "benchmarks/pretrain/{run}/plot_training.tsv"
    conda:
        "../envs/splicebert.yaml"
    threads: 1
    resources:
        mem_mb=memory(2000),
        runtime=5,
    script:
        "../scripts/pretrain/plot_training.py"
