"""Figures of the embedding branch: Figure 2, every layer, scores by layer, one-hot baselines."""


rule plot_embedding_umap:
    input:
        points=[
            f"results/embedding/tables/{d}.{r}.points.tsv.gz"
            for d, r in EMBEDDING_FIGURE_RUNS
        ],
        clustering=rules.summarise_embedding_clusters.output.clustering,
        style=locate("config/figures.mplstyle"),
        library=library(
            "plotting",
            "palette",
            "embedding",
            "embedding_kinds",
            "embedding_panels",
            "sequence",
            "embedding_scores",
            "sites",
            "conservation",
            "statistics",
        ),
    output:
        pdf="results/figures/embedding/umap.pdf",
        png=report(
            "results/figures/embedding/umap.png",
            caption="../report/embedding_umap.rst",
            category="2 Embedding (Figure 2)",
            subcategory="all data sets",
            labels={"figure": "UMAP of splice sites", "data": "all"},
        ),
        points="results/figures/embedding/umap.tsv",
    log:
        "logs/embedding/plot_umap.log",
    benchmark:
        "benchmarks/embedding/plot_umap.tsv"
    conda:
        "../envs/splicebert.yaml"
    threads: 1
    resources:
        mem_mb=memory(2000),
        runtime=10,
    params:
        runs=EMBEDDING_FIGURE_RUNS,
        layers=EMBEDDING_LAYERS,
        models=model_styles(EMBEDDING_MODELS),
        flanks=EMBEDDING_FIGURE_FLANKS,
    script:
        "../scripts/embedding/plot_umap.py"


rule plot_embedding_interactive:
    input:
        points=rules.plot_embedding_umap.output.points,
        library=library(
            "plotting",
            "palette",
            "embedding",
            "embedding_kinds",
            "embedding_panels",
            "sequence",
        ),
    output:
        page=report(
            "results/figures/embedding/umap.html",
            caption="../report/embedding_interactive.rst",
            category="2 Embedding (Figure 2)",
            subcategory="all data sets",
            labels={"figure": "UMAP of splice sites, interactive", "data": "all"},
        ),
    log:
        "logs/embedding/plot_interactive.log",
    benchmark:
        "benchmarks/embedding/plot_interactive.tsv"
    conda:
        "../envs/splicebert.yaml"
    threads: 1
    resources:
        mem_mb=memory(2000),
        runtime=10,
    params:
        models=model_styles(EMBEDDING_MODELS),
        flanks=EMBEDDING_FIGURE_FLANKS,
    script:
        "../scripts/embedding/plot_interactive.py"


rule plot_embedding_layers:
    input:
        points="results/embedding/tables/{dataset}.{source}.points.tsv.gz",
        clustering=rules.summarise_embedding_clusters.output.clustering,
        style=locate("config/figures.mplstyle"),
        library=library(
            "plotting",
            "palette",
            "embedding",
            "embedding_kinds",
            "embedding_panels",
            "sequence",
        ),
    output:
        pdf="results/figures/embedding/{dataset}.{source}.layers.pdf",
        png=report(
            "results/figures/embedding/{dataset}.{source}.layers.png",
            caption="../report/embedding_layers.rst",
            category="2 Embedding (Figure 2)",
            subcategory="{dataset}",
            labels={"figure": "UMAP by layer, {source}", "data": "{dataset}"},
        ),
        points="results/figures/embedding/{dataset}.{source}.layers.tsv.gz",
    log:
        "logs/embedding/{dataset}/{source}/plot_layers.log",
    benchmark:
        "benchmarks/embedding/{dataset}/{source}/plot_layers.tsv"
    conda:
        "../envs/splicebert.yaml"
    threads: 1
    resources:
        mem_mb=memory(2000),
        runtime=10,
    params:
        label=lambda wildcards: (
            "One-hot baselines"
            if wildcards.source == BASELINES
            else MODELS[wildcards.source]["label"]
        ),
        flanks=lambda wildcards: (
            EMBEDDING_FLANKS if wildcards.source == BASELINES else []
        ),
    script:
        "../scripts/embedding/plot_layers.py"


rule plot_embedding_scores:
    input:
        clustering=rules.summarise_embedding_clusters.output.clustering,
        probe=rules.summarise_embedding_probe.output.probe,
        style=locate("config/figures.mplstyle"),
        library=library(
            "plotting",
            "palette",
            "embedding",
            "embedding_kinds",
            "embedding_panels",
            "sequence",
        ),
    output:
        pdf="results/figures/embedding/{dataset}.scores.pdf",
        png=report(
            "results/figures/embedding/{dataset}.scores.png",
            caption="../report/embedding_scores.rst",
            category="2 Embedding (Figure 2)",
            subcategory="{dataset}",
            labels={"figure": "NMI and probe by layer", "data": "{dataset}"},
        ),
        scores="results/figures/embedding/{dataset}.scores.tsv",
    log:
        "logs/embedding/{dataset}/plot_scores.log",
    benchmark:
        "benchmarks/embedding/{dataset}/plot_scores.tsv"
    conda:
        "../envs/splicebert.yaml"
    threads: 1
    resources:
        mem_mb=memory(1000),
        runtime=5,
    params:
        models=model_styles(EMBEDDING_MODELS),
        flanks=EMBEDDING_FIGURE_FLANKS,
    script:
        "../scripts/embedding/plot_scores.py"


rule plot_embedding_baselines:
    input:
        clustering=rules.summarise_embedding_clusters.output.clustering,
        probe=rules.summarise_embedding_probe.output.probe,
        style=locate("config/figures.mplstyle"),
        library=library(
            "plotting",
            "palette",
            "embedding",
            "embedding_kinds",
            "embedding_panels",
            "sequence",
            "embedding_scores",
            "sites",
            "conservation",
            "statistics",
        ),
    output:
        pdf="results/figures/embedding/{dataset}.baselines.pdf",
        png=report(
            "results/figures/embedding/{dataset}.baselines.png",
            caption="../report/embedding_baselines.rst",
            category="2 Embedding (Figure 2)",
            subcategory="{dataset}",
            labels={"figure": "One-hot baselines", "data": "{dataset}"},
        ),
        scores="results/figures/embedding/{dataset}.baselines.tsv",
    log:
        "logs/embedding/{dataset}/plot_baselines.log",
    benchmark:
        "benchmarks/embedding/{dataset}/plot_baselines.tsv"
    conda:
        "../envs/splicebert.yaml"
    threads: 1
    resources:
        mem_mb=memory(1000),
        runtime=5,
    params:
        models=model_styles(EMBEDDING_MODELS),
        flanks=EMBEDDING_FLANKS,
        layers=lambda wildcards: EMBEDDING_LAYERS[wildcards.dataset],
    script:
        "../scripts/embedding/plot_baselines.py"
