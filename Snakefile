"""SpliceBERT as a workflow. `snakemake --cores` runs the embedded demo; README.md tells the rest."""

from snakemake.utils import min_version

min_version("9.20")

# A configuration given on the command line replaces the demo's instead of being merged into it.
if not workflow.config_settings.configfiles:

    configfile: f"{workflow.basedir}/config/config.yaml"


report: "report/workflow.rst"


include: "rules/common.smk"
include: "rules/models_common.smk"
include: "rules/setup.smk"
include: "rules/demo.smk"
include: "rules/reference.smk"
include: "rules/pretrain.smk"
include: "rules/conservation.smk"
include: "rules/embedding.smk"
include: "rules/embedding_figures.smk"
include: "rules/attention.smk"
include: "rules/variant.smk"
include: "rules/variant_figures.smk"
include: "rules/variant_vcf.smk"
include: "rules/training_common.smk"
include: "rules/branchpoint.smk"
include: "rules/branchpoint_training.smk"
include: "rules/branchpoint_figures.smk"
include: "rules/splicesite.smk"
include: "rules/splicesite_figures.smk"
include: "rules/dependency.smk"


if PRECOMPUTED:

    include: "rules/precomputed.smk"


# After all others: it lists the rules that leave a benchmark.
include: "rules/report.smk"


rule all:
    default_target: True
    input:
        FIGURES,
        COMPARISON,
        PROVENANCE,
        RESULTS,


rule figures:
    input:
        FIGURES,
