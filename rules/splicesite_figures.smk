"""Tables and figures of the splice-site branch: Figure 6, precision-recall curves."""


rule summarise_splicesite_scores:
    input:
        examples=[
            f"results/splicesite/{run}/examples.parquet" for run in SPLICESITE_RUNS
        ],
        benchmarks=[
            f"results/splicesite/{run}/benchmark.{species}.parquet"
            for run in SPLICESITE_RUNS
            for species in splicesite_species(run)
        ],
        scores=[path for *_, path in splicesite_scores()],
        library=library(
            "splicesite_baselines",
            "splicesite_scores",
            "splicesite_kinds",
            "embedding_kinds",
            "statistics",
            "training/tables",
        ),
    output:
        folds="results/splicesite/tables/metrics.tsv",
        summary="results/splicesite/tables/summary.tsv",
        differences="results/splicesite/tables/differences.tsv",
        curves="results/splicesite/tables/precision_recall.tsv.gz",
    log:
        "logs/splicesite/summarise_scores.log",
    benchmark:
        "benchmarks/splicesite/summarise_scores.tsv"
    conda:
        "../envs/splicebert.yaml"
    threads: 1
    resources:
        mem_mb=memory(4000),
        runtime=120,
    params:
        runs={
            run: {"name": name, "site": site, "species": splicesite_species(run)}
            for run, (name, site) in SPLICESITE_RUNS.items()
        },
        sources=[source[:3] for source in splicesite_scores()],
        protocol=SPLICESITE["protocol"],
        bootstrap=SPLICESITE["bootstrap"],
    script:
        "../scripts/splicesite/summarise_scores.py"


rule plot_splicesite_scores:
    input:
        folds=rules.summarise_splicesite_scores.output.folds,
        style=locate("config/figures.mplstyle"),
        library=library(
            "plotting",
            "palette",
            "splicesite_kinds",
            "splicesite_panels",
            "embedding_kinds",
        ),
    output:
        pdf="results/figures/splicesite/{name}.scores.pdf",
        png=report(
            "results/figures/splicesite/{name}.scores.png",
            caption="../report/splicesite_scores.rst",
            category="6 Splice sites (Figure 6)",
            subcategory="{name}",
            labels={"figure": "AUC, AP and F1 by species", "data": "{name}"},
        ),
        folds="results/figures/splicesite/{name}.scores.tsv",
    log:
        "logs/splicesite/{name}.plot_scores.log",
    benchmark:
        "benchmarks/splicesite/{name}.plot_scores.tsv"
    conda:
        "../envs/splicebert.yaml"
    threads: 1
    resources:
        mem_mb=memory(1000),
        runtime=5,
    params:
        species=lambda wildcards: list(
            SPLICESITE_DATASETS[wildcards.name]["benchmarks"]
        ),
        methods=SPLICESITE_STYLES,
    script:
        "../scripts/splicesite/plot_scores.py"


rule plot_splicesite_precision_recall:
    input:
        curves=rules.summarise_splicesite_scores.output.curves,
        summary=rules.summarise_splicesite_scores.output.summary,
        style=locate("config/figures.mplstyle"),
        library=library(
            "plotting",
            "palette",
            "splicesite_kinds",
            "splicesite_panels",
            "embedding_kinds",
        ),
    output:
        pdf="results/figures/splicesite/{name}.precision_recall.pdf",
        png=report(
            "results/figures/splicesite/{name}.precision_recall.png",
            caption="../report/splicesite_precision_recall.rst",
            category="6 Splice sites (Figure 6)",
            subcategory="{name}",
            labels={"figure": "Precision and recall by species", "data": "{name}"},
        ),
        curves="results/figures/splicesite/{name}.precision_recall.tsv",
    log:
        "logs/splicesite/{name}.plot_precision_recall.log",
    benchmark:
        "benchmarks/splicesite/{name}.plot_precision_recall.tsv"
    conda:
        "../envs/splicebert.yaml"
    threads: 1
    resources:
        mem_mb=memory(1000),
        runtime=5,
    params:
        species=lambda wildcards: list(
            SPLICESITE_DATASETS[wildcards.name]["benchmarks"]
        ),
        methods=SPLICESITE_STYLES,
    script:
        "../scripts/splicesite/plot_precision_recall.py"


rule collect_splicesite_reproduced:
    input:
        summary=rules.summarise_splicesite_scores.output.summary,
        library=library("report", "splicesite_kinds"),
    output:
        table="results/splicesite/tables/reproduced.tsv",
    log:
        "logs/splicesite/collect_reproduced.log",
    benchmark:
        "benchmarks/splicesite/collect_reproduced.tsv"
    localrule: True
    conda:
        "../envs/splicebert.yaml"
    threads: 1
    resources:
        mem_mb=memory(1000),
        runtime=5,
    params:
        protocol=SPLICESITE["protocol"],
    script:
        "../scripts/splicesite/collect_reproduced.py"
