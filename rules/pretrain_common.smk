"""Helpers of the rules of pre-training; no rule is defined here."""

from splicebert.pretraining.settings import check_pretraining, decisive

try:
    check_pretraining(config)
except ConfigError as error:
    raise WorkflowError(str(error))

CORPORA = config["pretrain"]["corpora"]
PRETRAINING = config["pretrain"]["runs"]


def run_corpus(wildcards):
    """The corpus of a run, as the configuration describes it."""
    return CORPORA[PRETRAINING[wildcards.run]["corpus"]]


def corpus_folders(wildcards):
    """Genome -> folder of its part of a run's corpus."""
    corpus = PRETRAINING[wildcards.run]["corpus"]
    return {
        genome: f"results/pretrain/corpora/{corpus}/{genome}"
        for genome in CORPORA[corpus]["genomes"]
    }


def corpus_files(wildcards):
    """Files of a run's corpus, by kind."""
    folders = corpus_folders(wildcards).values()
    return {
        "codes": [f"{folder}/codes.npy" for folder in folders],
        "transcripts": [f"{folder}/transcripts.parquet" for folder in folders],
        "about": [f"{folder}/about.json" for folder in folders],
    }


def corpus_annotation(wildcards):
    """FASTA, indices and region classes of the genomes of a run's corpus."""
    genomes = run_corpus(wildcards)["genomes"]
    files = {
        key: [genome_files(genome)[key] for genome in genomes]
        for key in ("fasta", "fai", "gzi")
    }
    files["regions"] = [f"resources/reference/{g}/regions.parquet" for g in genomes]
    return files


def run_threads(wildcards):
    """CPU threads of a run, of all its processes."""
    hardware = PRETRAINING[wildcards.run]["hardware"]
    return hardware["processes"] * hardware["threads"]


def run_gpus(wildcards):
    """GPUs that a run asks for, one a process."""
    hardware = PRETRAINING[wildcards.run]["hardware"]
    return hardware["processes"] * (hardware["device"] != "cpu")


def card_command():
    """Command that trains the models of this configuration."""
    root = Path(workflow.basedir)
    files = [Path(file) for file in workflow.config_settings.configfiles]
    files = [f.relative_to(root) if f.is_relative_to(root) else f.name for f in files]
    return " ".join(
        ["snakemake --cores 2 pretrain", *(f"--configfile {name}" for name in files)]
    )
