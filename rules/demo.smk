"""The embedded demo: synthetic genomes in the files that real ones come in, and their truth."""

# Genome -> its species. The uncoupled one is a control: donor and acceptor are drawn apart.
DEMO_GENOMES = {"demo": "demo", "demo_distant": "distant", "demo_uncoupled": "demo"}


rule make_demo_genome:
    input:
        library=library("synthetic"),
    output:
        fasta="resources/genomes/{demo}/genome.fa",
        annotation="resources/genomes/{demo}/annotation.gtf.gz",
        phastcons="resources/genomes/{demo}/phastcons.bw",
        phylop="resources/genomes/{demo}/phylop.bw",
        vexseq="resources/genomes/{demo}/variants.vexseq.vcf",
        mfass="resources/genomes/{demo}/variants.mfass.vcf",
        usage="resources/genomes/{demo}/splice_sites.usage.bed",
        false_sites="resources/genomes/{demo}/decoys.bed",
        splice_sites="resources/genomes/{demo}/truth/splice_sites.tsv",
        branchpoints="resources/genomes/{demo}/truth/branchpoints.tsv",
        spliced_exons="resources/genomes/{demo}/truth/spliced_exons.tsv",
        variants="resources/genomes/{demo}/truth/variants.tsv",
        decoys="resources/genomes/{demo}/truth/decoys.tsv",
        domains="resources/genomes/{demo}/truth/domains.tsv",
        repeats="resources/genomes/{demo}/truth/repeats.tsv",
        elements="resources/genomes/{demo}/truth/elements.tsv",
    log:
        "logs/demo/make_genome.{demo}.log",
    benchmark:
        "benchmarks/demo/make_genome.{demo}.tsv"
    wildcard_constraints:
        demo="|".join(DEMO_GENOMES),
    conda:
        "../envs/splicebert.yaml"
    threads: 1
    resources:
        mem_mb=memory(2000),
        runtime=10,
    params:
        seed=config["demo"]["seed"],
        species=lambda wildcards: DEMO_GENOMES[wildcards.demo],
        coupling=lambda wildcards: 0 if wildcards.demo == "demo_uncoupled" else 1,
        chromosomes=lambda wildcards: (
            config["demo"]["distant"]
            if wildcards.demo == "demo_distant"
            else config["demo"]["chromosomes"]
        ),
    script:
        "../scripts/demo/make_genome.py"


rule plot_demo_gene:
    input:
        annotation=rules.make_demo_genome.output.annotation,
        phastcons=rules.make_demo_genome.output.phastcons,
        phylop=rules.make_demo_genome.output.phylop,
        splice_sites=rules.make_demo_genome.output.splice_sites,
        branchpoints=rules.make_demo_genome.output.branchpoints,
        spliced_exons=rules.make_demo_genome.output.spliced_exons,
        decoys=rules.make_demo_genome.output.decoys,
        domains=rules.make_demo_genome.output.domains,
        repeats=rules.make_demo_genome.output.repeats,
        elements=rules.make_demo_genome.output.elements,
        style=locate("config/figures.mplstyle"),
        library=library("plotting", "palette"),
    output:
        pdf="results/figures/demo/{demo}.gene.pdf",
        png="results/figures/demo/{demo}.gene.png",
        table="results/figures/demo/{demo}.gene.tsv",
    log:
        "logs/demo/plot_gene.{demo}.log",
    benchmark:
        "benchmarks/demo/plot_gene.{demo}.tsv"
    wildcard_constraints:
        demo="|".join(DEMO_GENOMES),
    conda:
        "../envs/splicebert.yaml"
    threads: 1
    resources:
        mem_mb=memory(1000),
        runtime=5,
    script:
        "../scripts/demo/plot_gene.py"
