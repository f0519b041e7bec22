"""Figures of the branchpoint branch: Figure 5, positions and motif of the predictions."""


rule plot_branchpoint_precision_recall:
    input:
        performance=rules.summarise_branchpoint_predictions.output.performance,
        curves=rules.summarise_branchpoint_predictions.output.curves,
        style=locate("config/figures.mplstyle"),
        library=library("plotting", "palette", "branchpoint_panels"),
    output:
        pdf="results/figures/branchpoint/precision_recall.pdf",
        png=report(
            "results/figures/branchpoint/precision_recall.png",
            caption="../report/branchpoint_precision_recall.rst",
            category="5 Branchpoints (Figure 5)",
            subcategory="all data sets",
            labels={"figure": "Precision and recall", "data": "all"},
        ),
        curves="results/figures/branchpoint/precision_recall.tsv.gz",
    log:
        "logs/branchpoint/plot_precision_recall.log",
    benchmark:
        "benchmarks/branchpoint/plot_precision_recall.tsv"
    conda:
        "../envs/splicebert.yaml"
    threads: 1
    resources:
        mem_mb=memory(1000),
        runtime=5,
    params:
        methods=BRANCHPOINT_STYLES,
    script:
        "../scripts/branchpoint/plot_precision_recall.py"


rule plot_branchpoint_scores:
    input:
        performance=rules.summarise_branchpoint_predictions.output.performance,
        style=locate("config/figures.mplstyle"),
        library=library("plotting", "palette", "branchpoint_panels"),
    output:
        pdf="results/figures/branchpoint/scores.pdf",
        png=report(
            "results/figures/branchpoint/scores.png",
            caption="../report/branchpoint_scores.rst",
            category="5 Branchpoints (Figure 5)",
            subcategory="all data sets",
            labels={"figure": "AP, AUC, F1 and top-1 accuracy", "data": "all"},
        ),
        performance="results/figures/branchpoint/scores.tsv",
    log:
        "logs/branchpoint/plot_scores.log",
    benchmark:
        "benchmarks/branchpoint/plot_scores.tsv"
    conda:
        "../envs/splicebert.yaml"
    threads: 1
    resources:
        mem_mb=memory(1000),
        runtime=5,
    params:
        methods=BRANCHPOINT_STYLES,
    script:
        "../scripts/branchpoint/plot_scores.py"


rule plot_branchpoint_positions:
    input:
        positions=rules.summarise_branchpoint_predictions.output.positions,
        style=locate("config/figures.mplstyle"),
        library=library("plotting", "palette", "branchpoint_panels"),
    output:
        pdf="results/figures/branchpoint/positions.pdf",
        png=report(
            "results/figures/branchpoint/positions.png",
            caption="../report/branchpoint_positions.rst",
            category="5 Branchpoints (Figure 5)",
            subcategory="all data sets",
            labels={"figure": "Position of the best prediction", "data": "all"},
        ),
        positions="results/figures/branchpoint/positions.tsv",
    log:
        "logs/branchpoint/plot_positions.log",
    benchmark:
        "benchmarks/branchpoint/plot_positions.tsv"
    conda:
        "../envs/splicebert.yaml"
    threads: 1
    resources:
        mem_mb=memory(1000),
        runtime=5,
    params:
        methods=BRANCHPOINT_STYLES,
    script:
        "../scripts/branchpoint/plot_positions.py"


rule plot_branchpoint_logos:
    input:
        logo=rules.summarise_branchpoint_predictions.output.logo,
        style=locate("config/figures.mplstyle"),
        library=library("plotting", "palette", "branchpoint_panels", "logos"),
    output:
        pdf="results/figures/branchpoint/logos.pdf",
        png=report(
            "results/figures/branchpoint/logos.png",
            caption="../report/branchpoint_logos.rst",
            category="5 Branchpoints (Figure 5)",
            subcategory="all data sets",
            labels={"figure": "Motif of the predicted sites", "data": "all"},
        ),
        logo="results/figures/branchpoint/logos.tsv",
    log:
        "logs/branchpoint/plot_logos.log",
    benchmark:
        "benchmarks/branchpoint/plot_logos.tsv"
    conda:
        "../envs/splicebert.yaml"
    threads: 1
    resources:
        mem_mb=memory(1000),
        runtime=5,
    params:
        methods=BRANCHPOINT_STYLES,
    script:
        "../scripts/branchpoint/plot_logos.py"
