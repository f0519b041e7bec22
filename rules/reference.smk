"""Tables of a genome that several branches use."""


rule index_genome:
    input:
        fasta=lambda wildcards: config["genomes"][wildcards.genome]["fasta"],
        library=library("genome", "sequence"),
    output:
        fai="resources/reference/{genome}/genome.fai",
        gzi="resources/reference/{genome}/genome.gzi",
    log:
        "logs/reference/{genome}/index_genome.log",
    benchmark:
        "benchmarks/reference/{genome}/index_genome.tsv"
    conda:
        "../envs/splicebert.yaml"
    threads: 1
    resources:
        mem_mb=memory(1000),
        runtime=30,
    script:
        "../scripts/reference/index_genome.py"


rule find_repeats:
    input:
        unpack(lambda wildcards: genome_files(wildcards.genome)),
        library=library("genome", "sequence"),
    output:
        repeats="resources/reference/{genome}/repeats.bed.gz",
    log:
        "logs/reference/{genome}/find_repeats.log",
    benchmark:
        "benchmarks/reference/{genome}/find_repeats.tsv"
    conda:
        "../envs/splicebert.yaml"
    threads: 1
    resources:
        mem_mb=memory(4000),
        runtime=60,
    script:
        "../scripts/reference/find_repeats.py"


rule extract_annotation:
    input:
        annotation=lambda wildcards: config["genomes"][wildcards.genome]["annotation"],
        library=library(
            "transcripts", "annotation_io", "annotation_build", "tx_bed", "bed"
        ),
    output:
        transcripts="resources/reference/{genome}/transcripts.parquet",
        exons="resources/reference/{genome}/exons.parquet",
        introns="resources/reference/{genome}/introns.parquet",
        regions="resources/reference/{genome}/regions.parquet",
    log:
        "logs/reference/{genome}/extract_annotation.log",
    benchmark:
        "benchmarks/reference/{genome}/extract_annotation.tsv"
    conda:
        "../envs/splicebert.yaml"
    threads: 1
    resources:
        mem_mb=memory(8000),
        runtime=60,
    params:
        kind=lambda wildcards: config["genomes"][wildcards.genome]["annotation_format"],
        infer_gene_type=lambda wildcards: config["genomes"][wildcards.genome][
            "infer_gene_type"
        ],
        near_nt=lambda wildcards: config["genomes"][wildcards.genome]["near_nt"],
    script:
        "../scripts/reference/extract_annotation.py"
