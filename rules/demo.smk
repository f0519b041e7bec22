"""The embedded demo: a synthetic genome in the files that a real one comes in, and its truth."""


rule make_demo_genome:
    input:
        library=library("synthetic"),
    output:
        fasta="resources/genomes/demo/genome.fa",
        annotation="resources/genomes/demo/annotation.gtf.gz",
        phastcons="resources/genomes/demo/phastcons.bw",
        phylop="resources/genomes/demo/phylop.bw",
        splice_sites="resources/genomes/demo/truth/splice_sites.tsv",
        branchpoints="resources/genomes/demo/truth/branchpoints.tsv",
        repeats="resources/genomes/demo/truth/repeats.tsv",
        elements="resources/genomes/demo/truth/elements.tsv",
    log:
        "logs/demo/make_genome.log",
    benchmark:
        "benchmarks/demo/make_genome.tsv"
    conda:
        "../envs/splicebert.yaml"
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        seed=config["demo"]["seed"],
        chromosomes=config["demo"]["chromosomes"],
    script:
        "../scripts/demo/make_genome.py"
