"""The table of published and reproduced numbers."""

COMPARISON = "results/tables/published_vs_reproduced.tsv"
BRANCHES = [
    name
    for name, section in config.items()
    if isinstance(section, dict) and "datasets" in section
]


rule compare_published:
    input:
        published=locate(config["published"]),
        reproduced=REPRODUCED_TABLES,
        library=library("report"),
    output:
        table=COMPARISON,
        page=report(
            "results/tables/published_vs_reproduced.html",
            caption="../report/published_vs_reproduced.rst",
            category="Published and reproduced",
            labels={"figure": "Published and reproduced numbers", "data": "all"},
        ),
    log:
        "logs/report/compare_published.log",
    benchmark:
        "benchmarks/report/compare_published.tsv"
    localrule: True
    conda:
        "../envs/splicebert.yaml"
    threads: 1
    resources:
        mem_mb=memory(1000),
        runtime=5,
    params:
        methods=[
            [branch, name, configuration.published_name(entry["published_as"], branch)]
            for branch in BRANCHES
            for name, entry in MODELS.items()
        ]
        + VARIANT_METHODS
        + BRANCHPOINT_METHODS,
        datasets=[
            [branch, name]
            for branch in BRANCHES
            for name, dataset in config[branch]["datasets"].items()
            if dataset.get("published")
        ],
    script:
        "../scripts/report/compare_published.py"
