"""Make ready: compile the package's Cython extension, download and unpack what the paper used."""

import re
from sysconfig import get_config_var

# `pip install -e .` makes the same file; this rule renews it when its source changes. Both lie in
# the repository, also where `--directory` puts the results elsewhere.
EXTENSION_SOURCE = str(SOURCE / "_intervals.pyx")
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
    resources:
        mem_mb=1000,
        runtime=5,
    script:
        "../scripts/setup/compile_extension.py"


try:
    SOURCES = configuration.check(
        configuration.read_yaml(locate(config["sources_table"])),
        configuration.read_schema(ROOT / "config/schemas/sources.schema.yaml"),
        config["sources_table"],
    )
except ConfigError as error:
    raise WorkflowError(str(error))

DOWNLOADS = {source["file"]: source for source in SOURCES.values()}
GENOME_DOWNLOADS = {
    Path(source["decompress"]).parent.name: f"resources/downloads/{source['file']}"
    for source in SOURCES.values()
    if source["decompress"]
}
# Source, group and members of every group of files to unpack.
UNPACKS = [
    (name, group, members)
    for name, source in SOURCES.items()
    for group, members in source["members"].items()
]
MODEL_SHA256 = {
    f"{entry['folder']}/{file}": sha256
    for entry in MODELS.values()
    if "folder" in entry
    for file, sha256 in entry["sha256"].items()
}


# The library is no input of these rules: an edit of it must not download everything again.
rule download_source:
    output:
        file="resources/downloads/{file}",
    log:
        "logs/setup/download_source/{file}.log",
    benchmark:
        "benchmarks/setup/download_source/{file}.tsv"
    wildcard_constraints:
        file="|".join(map(re.escape, DOWNLOADS)),
    retries: 2
    localrule: True
    conda:
        "../envs/splicebert.yaml"
    resources:
        mem_mb=1000,
        runtime=720,
    params:
        source=lambda wildcards: {
            key: DOWNLOADS[wildcards.file][key]
            for key in ("url", "checksum", "record", "size")
        },
    script:
        "../scripts/setup/download_source.py"


for SOURCE_NAME, GROUP, MEMBERS in UNPACKS:

    rule:
        name:
            f"unpack_{SOURCE_NAME}_{GROUP}"
        input:
            archive=f"resources/downloads/{SOURCES[SOURCE_NAME]['file']}",
        output:
            list(MEMBERS.values()),
        log:
            f"logs/setup/unpack_{SOURCE_NAME}_{GROUP}.log",
        benchmark:
            f"benchmarks/setup/unpack_{SOURCE_NAME}_{GROUP}.tsv"
        localrule: True
        conda:
            "../envs/splicebert.yaml"
        threads: 1
        resources:
            mem_mb=1000,
            runtime=60,
        params:
            members=MEMBERS,
            sha256={
                path: MODEL_SHA256[path]
                for path in MEMBERS.values()
                if path in MODEL_SHA256
            },
        script:
            "../scripts/setup/unpack_archive.py"


rule decompress_genome:
    input:
        compressed=lambda wildcards: GENOME_DOWNLOADS[wildcards.genome],
    output:
        fasta="resources/genomes/{genome}/genome.fa",
    log:
        "logs/setup/{genome}/decompress_genome.log",
    benchmark:
        "benchmarks/setup/{genome}/decompress_genome.tsv"
    wildcard_constraints:
        genome="|".join(map(re.escape, GENOME_DOWNLOADS)) or "(?!)",
    localrule: True
    conda:
        "../envs/splicebert.yaml"
    resources:
        mem_mb=1000,
        runtime=60,
    script:
        "../scripts/setup/decompress_genome.py"
