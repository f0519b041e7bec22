"""Make ready: compile the package's Cython extension, download and unpack what the paper used."""

import re
from sysconfig import get_config_var


include: "setup_common.smk"


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
    threads: 1
    resources:
        mem_mb=memory(1000),
        runtime=5,
    script:
        "../scripts/setup/compile_extension.py"


# The library is no input of these rules: an edit of it must not download everything again.
# update(): Snakemake would otherwise delete the old file before there is a new one, also one that
# was put there by hand. What has arrived of a file lies under another name, which it leaves alone.
rule download_source:
    output:
        file=update("resources/downloads/{file}"),
    log:
        "logs/setup/download_source/{file}.log",
    benchmark:
        "benchmarks/setup/download_source/{file}.tsv"
    wildcard_constraints:
        file="|".join(map(re.escape, DOWNLOADS)) or "(?!)",
    localrule: True
    conda:
        "../envs/splicebert.yaml"
    threads: 1
    resources:
        mem_mb=memory(1000),
        runtime=720,
    params:
        source=lambda wildcards: {
            key: DOWNLOADS[wildcards.file][key]
            for key in ("url", "mirrors", "checksum", "record", "checksums", "size")
        },
    script:
        "../scripts/setup/download_source.py"


# Runs where the file is missing, and then fails with what to put where: first of all jobs.
rule manual_source:
    output:
        file=update("resources/downloads/{file}"),
    log:
        "logs/setup/manual_source/{file}.log",
    benchmark:
        "benchmarks/setup/manual_source/{file}.tsv"
    wildcard_constraints:
        file="|".join(map(re.escape, BY_HAND)) or "(?!)",
    priority: 100
    localrule: True
    conda:
        "../envs/splicebert.yaml"
    threads: 1
    resources:
        mem_mb=memory(1000),
        runtime=60,
    params:
        source=lambda wildcards: {
            key: BY_HAND[wildcards.file][key] for key in ("manual", "checksum", "size")
        },
    script:
        "../scripts/setup/manual_source.py"


for SOURCE_NAME, GROUP, MEMBERS in UNPACKS:

    rule:
        name:
            f"unpack_{SOURCE_NAME}_{GROUP}"
        input:
            unpack(archive_of(SOURCE_NAME, MEMBERS)),
        output:
            update(list(MEMBERS.values())),
        log:
            f"logs/setup/unpack_{SOURCE_NAME}_{GROUP}.log",
        benchmark:
            f"benchmarks/setup/unpack_{SOURCE_NAME}_{GROUP}.tsv"
        localrule: True
        conda:
            "../envs/splicebert.yaml"
        threads: 1
        resources:
            mem_mb=memory(1000),
            runtime=60,
        # Limits and the other members are no reason to unpack again: the script looks them up.
        params:
            members=MEMBERS,
            sha256=known_sha256(SOURCE_NAME, MEMBERS),
            source=SOURCE_NAME,
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
    threads: 1
    resources:
        mem_mb=memory(1000),
        runtime=60,
    script:
        "../scripts/setup/decompress_genome.py"
