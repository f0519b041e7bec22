"""The demo model from nothing. Not part of `all`: the demo uses the weights that come with it."""


rule pretrain_demo_model:
    input:
        unpack(lambda wildcards: genome_files("demo")),
        transcripts="resources/reference/demo/transcripts.parquet",
        library=library(
            "pretraining",
            "conservation",
            "genome",
            "masking",
            "sequence",
            "bed",
            "models/checkpoint",
        ),
    output:
        folder=directory("resources/models/demo"),
    log:
        "logs/pretrain/train_demo_model.log",
    benchmark:
        "benchmarks/pretrain/train_demo_model.tsv"
    conda:
        "../envs/splicebert.yaml"
    threads: 1  # more gain little at this size
    resources:
        mem_mb=4000,
        runtime=120,
    params:
        held_out=list(config["demo"]["chromosomes"])[-1],
        architecture={
            "hidden_size": 64,
            "num_hidden_layers": 3,
            "num_attention_heads": 4,
            "intermediate_size": 256,
            "max_position_embeddings": 512,
        },
        settings={
            "seed": 2024,
            "phases": [
                {"length": 128, "batch": 64, "steps": 4000},
                {"length": 510, "batch": 16, "steps": 400},
            ],
            "muon_rate": 0.02,
            "adamw_rate": 3e-3,
            "every": 200,
        },
    script:
        "../scripts/pretrain/train_demo_model.py"
