"""The authors' pre-computed results in the place of inference, in the files of each branch.

Included where the configuration names them (`precomputed.source`). What each rule makes has the names
and the form of what inference would make, so that tables and figures are made as ever.
"""

from splicebert.precomputed.settings import check_precomputed

try:
    check_precomputed(config, MODELS)
except ConfigError as error:
    raise WorkflowError(str(error))

if Path(PRECOMPUTED).is_dir():
    PRECOMPUTED_FOLDER = PRECOMPUTED
else:
    PRECOMPUTED_FOLDER = "resources/precomputed/files"


ruleorder: convert_precomputed_masked_bases > annotate_conservation_mlm
ruleorder: convert_precomputed_masked_bases > infer_conservation_mlm
ruleorder: convert_precomputed_masked_bases > measure_conservation_repeats
ruleorder: convert_precomputed_probe_windows > prepare_conservation_windows
ruleorder: convert_precomputed_probe_windows > annotate_conservation_probe
ruleorder: convert_precomputed_probe_windows > infer_conservation_hidden_states
ruleorder: convert_precomputed_clusters > prepare_embedding_sites
ruleorder: convert_precomputed_clusters > cluster_embedding_sites
ruleorder: convert_precomputed_pairs > prepare_attention_pairs
ruleorder: convert_precomputed_pairs > infer_attention_pairs
ruleorder: convert_precomputed_introns > infer_attention_introns
ruleorder: convert_precomputed_variants > prepare_variant_snvs
ruleorder: convert_precomputed_variants > annotate_variant_snvs
ruleorder: convert_precomputed_variants > infer_variant_snvs
ruleorder: convert_precomputed_mutagenesis > prepare_variant_mutagenesis
ruleorder: convert_precomputed_mutagenesis > infer_variant_mutagenesis


# The archive is no input where it is missing: the job says what to put where, and nothing falls back
# on inference.
rule unpack_precomputed_results:
    input:
        lambda wildcards: [PRECOMPUTED] if Path(PRECOMPUTED).exists() else [],
    output:
        folder=directory("resources/precomputed/files"),
        contents="resources/precomputed/contents.tsv",
    log:
        "logs/precomputed/unpack_results.log",
    benchmark:
        "benchmarks/precomputed/unpack_results.tsv"
    localrule: True
    conda:
        "../envs/splicebert.yaml"
    threads: 1
    resources:
        mem_mb=memory(1000),
        runtime=120,
    params:
        archive=PRECOMPUTED,
        most_bytes=int(config["precomputed"]["max_gb"] * 1e9),
    script:
        "../scripts/precomputed/unpack_results.py"


rule convert_precomputed_masked_bases:
    input:
        folder=PRECOMPUTED_FOLDER,
        library=library("precomputed", "safe_pickle", "sources/problems", "masking"),
    output:
        annotation="results/conservation/{dataset}/mlm_windows.zarr.zip",
        predictions=expand(
            "results/conservation/{{dataset}}/{model}/masked_bases.0-of-1.zarr.zip",
            model=MLM_MODELS,
        ),
        repeats="results/conservation/tables/{dataset}.repeat_fractions.tsv",
    log:
        "logs/precomputed/{dataset}/convert_masked_bases.log",
    benchmark:
        "benchmarks/precomputed/{dataset}/convert_masked_bases.tsv"
    conda:
        "../envs/splicebert.yaml"
    threads: 1
    resources:
        mem_mb=memory(8000),
        runtime=30,
    params:
        models=[authors_name(m, "conservation") for m in MLM_MODELS],
    script:
        "../scripts/precomputed/convert_masked_bases.py"


rule convert_precomputed_probe_windows:
    input:
        folder=PRECOMPUTED_FOLDER,
        library=library("precomputed", "safe_pickle", "sources/problems"),
    output:
        windows="results/conservation/{dataset}/inputs.probe.parquet",
        annotation="results/conservation/{dataset}/probe_windows.zarr.zip",
        hidden_states=expand(
            "results/conservation/{{dataset}}/{model}/hidden_states.0-of-1.zarr.zip",
            model=PROBE_MODELS,
        ),
    log:
        "logs/precomputed/{dataset}/convert_probe_windows.log",
    benchmark:
        "benchmarks/precomputed/{dataset}/convert_probe_windows.tsv"
    conda:
        "../envs/splicebert.yaml"
    threads: 1
    resources:
        mem_mb=memory(16000),
        runtime=60,
    params:
        # The authors' name, and the neighbourhood of a model without weights, which has no name.
        models=[
            (
                (authors_name(m, "conservation"), 0)
                if "folder" in MODELS[m]
                else (None, MODELS[m]["flank"])
            )
            for m in PROBE_MODELS
        ],
    script:
        "../scripts/precomputed/convert_probe_windows.py"


rule convert_precomputed_clusters:
    input:
        folder=PRECOMPUTED_FOLDER,
        library=library(
            "precomputed",
            "safe_pickle",
            "sources/problems",
            "embedding_kinds",
            "embedding_sites",
            "genome",
            "bed",
            "sequence",
        ),
    output:
        sites="results/embedding/{dataset}/inputs.parquet",
        clusters=expand(
            "results/embedding/{{dataset}}/{source}/clusters.parquet",
            source=EMBEDDING_METHODS,
        ),
    log:
        "logs/precomputed/{dataset}/convert_clusters.log",
    benchmark:
        "benchmarks/precomputed/{dataset}/convert_clusters.tsv"
    conda:
        "../envs/splicebert.yaml"
    threads: 1
    resources:
        mem_mb=memory(4000),
        runtime=30,
    params:
        kind=lambda wildcards: EMBEDDING_DATASETS[wildcards.dataset]["kind"],
        runs=[
            (
                source,
                None if source == BASELINES else authors_name(source, "embedding"),
            )
            for source in EMBEDDING_METHODS
        ],
    script:
        "../scripts/precomputed/convert_clusters.py"


rule convert_precomputed_pairs:
    input:
        folder=PRECOMPUTED_FOLDER,
        library=library(
            "precomputed",
            "safe_pickle",
            "sources/problems",
            "pairs",
            "bed",
            "sites",
            "attention_scores",
            "genome",
            "inference",
            "models/base",
            "precision",
            "runtime",
            "sequence",
        ),
    output:
        pairs="results/attention/{dataset}/inputs.pairs.parquet",
        scores=expand(
            "results/attention/{{dataset}}/{model}/pair_scores.000.parquet",
            model=ATTENTION_MODELS,
        ),
    log:
        "logs/precomputed/{dataset}/convert_pairs.log",
    benchmark:
        "benchmarks/precomputed/{dataset}/convert_pairs.tsv"
    conda:
        "../envs/splicebert.yaml"
    threads: 1
    resources:
        mem_mb=memory(8000),
        runtime=60,
    script:
        "../scripts/precomputed/convert_pairs.py"


rule convert_precomputed_introns:
    input:
        folder=PRECOMPUTED_FOLDER,
        library=library(
            "precomputed",
            "safe_pickle",
            "sources/problems",
            "attention_scores",
            "genome",
            "inference",
            "models/base",
            "precision",
            "runtime",
            "sequence",
        ),
    output:
        profiles="results/attention/{dataset}/{model}/profiles.000.zarr.zip",
        heads="results/attention/{dataset}/{model}/heads.000.zarr.zip",
    log:
        "logs/precomputed/{dataset}/{model}/convert_introns.log",
    benchmark:
        "benchmarks/precomputed/{dataset}/{model}/convert_introns.tsv"
    conda:
        "../envs/splicebert.yaml"
    threads: 1
    resources:
        mem_mb=memory(32000),
        runtime=60,
    params:
        flank=ATTENTION["introns"]["flank"],
    script:
        "../scripts/precomputed/convert_introns.py"


rule convert_precomputed_variants:
    input:
        folder=PRECOMPUTED_FOLDER,
        library=library(
            "precomputed",
            "safe_pickle",
            "sources/problems",
            "scores",
            "variant_kinds",
            "sequence",
            "sites",
        ),
    output:
        snvs="results/variant/{dataset}/inputs.snvs.parquet",
        tracks="results/variant/{dataset}/conservation.parquet",
        scores=expand(
            "results/variant/{{dataset}}/{model}/scores.0-of-1.parquet",
            model=VARIANT_MODELS,
        ),
        profiles=expand(
            "results/variant/{{dataset}}/{model}/profiles.0-of-1.zarr.zip",
            model=VARIANT_MODELS,
        ),
    log:
        "logs/precomputed/{dataset}/convert_variants.log",
    benchmark:
        "benchmarks/precomputed/{dataset}/convert_variants.tsv"
    conda:
        "../envs/splicebert.yaml"
    threads: 1
    resources:
        mem_mb=memory(8000),
        runtime=30,
    params:
        kind=lambda wildcards: VARIANT_DATASETS[wildcards.dataset]["kind"],
        models=[(m, authors_name(m, "variant")) for m in VARIANT_MODELS],
    script:
        "../scripts/precomputed/convert_variants.py"


rule convert_precomputed_mutagenesis:
    input:
        folder=PRECOMPUTED_FOLDER,
        library=library(
            "precomputed",
            "safe_pickle",
            "sources/problems",
            "scores",
            "variant_kinds",
            "sequence",
            "sites",
        ),
    output:
        sites="results/variant/{dataset}/inputs.sites.parquet",
        profiles=expand(
            "results/variant/{{dataset}}/{model}/mutagenesis.profiles.0-of-1.zarr.zip",
            model=list(filter(has_mutagenesis, VARIANT_MODELS)),
        ),
    log:
        "logs/precomputed/{dataset}/convert_mutagenesis.log",
    benchmark:
        "benchmarks/precomputed/{dataset}/convert_mutagenesis.tsv"
    conda:
        "../envs/splicebert.yaml"
    threads: 1
    resources:
        mem_mb=memory(2000),
        runtime=30,
    script:
        "../scripts/precomputed/convert_mutagenesis.py"
