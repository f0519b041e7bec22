"""Figures of the variant branch: Figure 4, and dP against the splice-site score."""


rule plot_variant_context_profiles:
    input:
        profiles=rules.summarise_variant_profiles.output.profiles,
        counts=rules.summarise_variant_profiles.output.counts,
        style=locate("config/figures.mplstyle"),
        library=library("plotting", "palette", "variant_kinds", "variant_panels"),
    output:
        pdf="results/figures/variant/context_profiles.pdf",
        png=report(
            "results/figures/variant/context_profiles.png",
            caption="../report/variant_context_profiles.rst",
            category="4 Variant effects (Figure 4)",
            subcategory="all data sets",
            labels={"figure": "Median KL by distance", "data": "all"},
        ),
        profiles="results/figures/variant/context_profiles.tsv",
        counts="results/figures/variant/context_profiles.counts.tsv",
    log:
        "logs/variant/plot_context_profiles.log",
    benchmark:
        "benchmarks/variant/plot_context_profiles.tsv"
    conda:
        "../envs/splicebert.yaml"
    threads: 1
    resources:
        mem_mb=memory(1000),
        runtime=5,
    params:
        datasets={d: VARIANT_DATASETS[d]["kind"] for d in VARIANT_DATASETS},
        models=model_styles(VARIANT_MODELS),
        threshold=VARIANT["mutagenesis"]["threshold"],
    script:
        "../scripts/variant/plot_context_profiles.py"


rule plot_variant_rank_scores:
    input:
        boxes=rules.summarise_variant_snvs.output.boxes,
        performance=rules.summarise_variant_snvs.output.performance,
        style=locate("config/figures.mplstyle"),
        library=library("plotting", "palette", "variant_kinds", "variant_panels"),
    output:
        pdf="results/figures/variant/rank_scores.pdf",
        png=report(
            "results/figures/variant/rank_scores.png",
            caption="../report/variant_rank_scores.rst",
            category="4 Variant effects (Figure 4)",
            subcategory="all data sets",
            labels={
                "figure": "Scores of disrupting and other variants",
                "data": "all",
            },
        ),
        boxes="results/figures/variant/rank_scores.tsv",
        performance="results/figures/variant/rank_scores.tests.tsv",
    log:
        "logs/variant/plot_rank_scores.log",
    benchmark:
        "benchmarks/variant/plot_rank_scores.tsv"
    conda:
        "../envs/splicebert.yaml"
    threads: 1
    resources:
        mem_mb=memory(1000),
        runtime=5,
    params:
        datasets={d: VARIANT_DATASETS[d]["kind"] for d in VARIANT_MPRA},
        models=model_styles(VARIANT_MODELS),
    script:
        "../scripts/variant/plot_rank_scores.py"


rule plot_variant_precision_recall:
    input:
        curves=rules.summarise_variant_snvs.output.curves,
        performance=rules.summarise_variant_snvs.output.performance,
        style=locate("config/figures.mplstyle"),
        library=library("plotting", "palette", "variant_kinds", "variant_panels"),
    output:
        pdf="results/figures/variant/precision_recall.pdf",
        png=report(
            "results/figures/variant/precision_recall.png",
            caption="../report/variant_precision_recall.rst",
            category="4 Variant effects (Figure 4)",
            subcategory="all data sets",
            labels={
                "figure": "Precision and recall outside splice sites",
                "data": "all",
            },
        ),
        curves="results/figures/variant/precision_recall.tsv",
        performance="results/figures/variant/precision_recall.ap.tsv",
    log:
        "logs/variant/plot_precision_recall.log",
    benchmark:
        "benchmarks/variant/plot_precision_recall.tsv"
    conda:
        "../envs/splicebert.yaml"
    threads: 1
    resources:
        mem_mb=memory(1000),
        runtime=5,
    params:
        datasets={d: VARIANT_DATASETS[d]["kind"] for d in VARIANT_MPRA},
        models=model_styles(VARIANT_MODELS),
        subset="outside",
        scores=["context", "phastcons", "phylop", "distance"],
    script:
        "../scripts/variant/plot_precision_recall.py"


rule plot_variant_site_scores:
    input:
        curves=rules.summarise_variant_snvs.output.curves,
        performance=rules.summarise_variant_snvs.output.performance,
        style=locate("config/figures.mplstyle"),
        library=library("plotting", "palette", "variant_kinds", "variant_panels"),
    output:
        pdf="results/figures/variant/site_scores.pdf",
        png=report(
            "results/figures/variant/site_scores.png",
            caption="../report/variant_site_scores.rst",
            category="4 Variant effects (Figure 4)",
            subcategory="all data sets",
            labels={"figure": "dP against splice-site KL", "data": "all"},
        ),
        curves="results/figures/variant/site_scores.tsv",
        performance="results/figures/variant/site_scores.ap.tsv",
    log:
        "logs/variant/plot_site_scores.log",
    benchmark:
        "benchmarks/variant/plot_site_scores.tsv"
    conda:
        "../envs/splicebert.yaml"
    threads: 1
    resources:
        mem_mb=memory(1000),
        runtime=5,
    params:
        datasets={d: VARIANT_DATASETS[d]["kind"] for d in VARIANT_MPRA},
        models=model_styles(VARIANT_MODELS),
        subset="all",
        scores=["delta_p", "splice_site"],
    script:
        "../scripts/variant/plot_precision_recall.py"
