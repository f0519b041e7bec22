"""Published beside reproduced numbers, provenance, and what the captions of the report count."""

from jinja2.defaults import DEFAULT_NAMESPACE
from splicebert import captions
import snakemake as snakemake_package

# Functions that a caption can call (report/*.rst): they read results when the report is written.
DEFAULT_NAMESPACE |= captions.FUNCTIONS

COMPARISON = "results/tables/published_vs_reproduced.tsv"
PROVENANCE = "results/provenance.html"
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


# Its inputs are all results, so that it is written when something has changed, and then alone: the
# commit is that of the last change of a result, and a commit that changes none runs nothing.
rule collect_provenance:
    input:
        results=[*FIGURES, *RESULTS, COMPARISON],
        library=library("provenance"),
    output:
        about="results/provenance.json",
        costs="results/provenance.tsv",
        page=report(
            PROVENANCE,
            caption="../report/provenance.rst",
            category="Provenance",
            labels={"figure": "Software, inputs, devices, costs", "data": "all"},
        ),
    log:
        "logs/report/collect_provenance.log",
    benchmark:
        "benchmarks/report/collect_provenance.tsv"
    localrule: True
    conda:
        "../envs/splicebert.yaml"
    threads: 1
    resources:
        mem_mb=memory(1000),
        runtime=60,
    params:
        config=config,
        snakemake=snakemake_package.__version__,
        root=str(ROOT) if Path.cwd() != ROOT.resolve() else ".",
        benchmarks={
            rule.name: str(rule.benchmark)
            for rule in workflow.rules
            if rule.benchmark and rule.name != "collect_provenance"
        },
        weights={
            f"models.{name} {Path(path).name}": path
            for name in configuration.models_of(config, CONFIG_SCHEMA)
            for path in model_files(name)
        },
        inputs=configuration.files_of(config, CONFIG_SCHEMA),
    script:
        "../scripts/report/collect_provenance.py"
