"""Make ready: compile the package's Cython extension, download and unpack what the paper used."""

import re
from sysconfig import get_config_var

from splicebert.source_table import load_sources

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
    SOURCES = load_sources(config["sources_table"], ROOT)
except ConfigError as error:
    raise WorkflowError(str(error))

DOWNLOADS = {source["file"]: source for source in SOURCES.values() if source["url"]}
BY_HAND = {source["file"]: source for source in SOURCES.values() if source["manual"]}
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


def archive_of(name, members):
    """Input function: a source's archive; none where its files were put in place by hand instead."""
    archive = Path(f"resources/downloads/{SOURCES[name]['file']}")

    def choose(wildcards):
        placed = all(Path(path).exists() for path in members.values())
        by_hand = SOURCES[name]["manual"] and placed and not archive.exists()
        return {} if by_hand else {"archive": str(archive)}

    return choose


def known_sha256(name, members):
    """Known checksums of the files that a group of members becomes."""
    known = MODEL_SHA256 | SOURCES[name]["sha256"]
    return {path: known[path] for path in members.values() if path in known}


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
    resources:
        mem_mb=1000,
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
    resources:
        mem_mb=1000,
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
            mem_mb=1000,
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
    resources:
        mem_mb=1000,
        runtime=60,
    script:
        "../scripts/setup/decompress_genome.py"
