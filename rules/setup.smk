"""Make the package ready: compile its Cython extension."""

from sysconfig import get_config_var

# `pip install -e .` makes the same file; this rule renews it when its source changes. Both lie in
# the repository, also where `--directory` puts the results elsewhere.
EXTENSION_SOURCE = f"{workflow.basedir}/src/splicebert/_intervals.pyx"
EXTENSION = EXTENSION_SOURCE.removesuffix(".pyx") + get_config_var("EXT_SUFFIX")


rule compile_extension:
    input:
        source=EXTENSION_SOURCE,
    output:
        # update(): Snakemake would otherwise delete the old extension before it has a new one.
        extension=update(EXTENSION),
    log:
        "logs/setup/compile_extension.log",
    benchmark:
        "benchmarks/setup/compile_extension.tsv"
    localrule: True
    conda:
        "../envs/splicebert.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=5,
    script:
        "../scripts/setup/compile_extension.py"
