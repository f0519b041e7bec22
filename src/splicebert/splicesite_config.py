"""What the JSON schema can't check of the splicesite section of a configuration."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

from .errors import ConfigError
from .method_styles import PWM_STYLE, method_styles, repeated_labels
from .palette import PURPLE
from .splicesite_kinds import MAXENTSCAN_FILES
from .training.settings import check_method, check_settings

BASELINES = {"pwm": PWM_STYLE, "maxentscan": {"label": "MaxEntScan", "colour": PURPLE}}


def check_splicesite(config: Mapping, models: Mapping) -> None:
    """Check where the sites come from, the folds, the methods and MaxEntScan.

    Parameters
    ----------
    config
        A configuration that follows the schema.
    models
        The model table.

    Raises
    ------
    ConfigError
        One line for every mistake, with its key.
    """
    section = config["splicesite"]
    lines = [*_published(section), *_folds(section), *_methods(section, models)]
    for name, dataset in section["datasets"].items():
        key = f"splicesite.datasets.{name}"
        lines += _source(key, dataset, dataset["sites"], config["genomes"])
        for species, benchmark in dataset["benchmarks"].items():
            own = f"{key}.benchmarks.{species}"
            lines += _source(own, benchmark, dataset["sites"], config["genomes"])
    if section["maxentscan"]:
        lines += _maxentscan(Path(section["maxentscan"]))
    if lines:
        raise ConfigError("configuration:\n  " + "\n  ".join(lines))


def _source(key: str, source: Mapping, sites: list[str], genomes: Mapping) -> Iterator[str]:
    """Yield what is wrong with where the sites of a training set or of a benchmark come from."""
    if bool(source["files"]) == bool(source["genome"]):
        found = "both" if source["genome"] else "neither"
        yield f"{key}.files: {found} of files and genome are given; give one of them"
    elif source["files"]:
        if source["negatives"]["bed"]:
            yield f"{key}.negatives: given beside files, which have their own; leave it out"
        for site in sites:
            if site not in source["files"]:
                yield f"{key}.files.{site}: missing; give it, or leave {site} out of sites"
    else:
        yield from _genome(key, source, genomes)


def _genome(key: str, source: Mapping, genomes: Mapping) -> Iterator[str]:
    genome = genomes.get(source["genome"])
    if genome is None:
        yield f"{key}.genome: unknown genome {source['genome']!r}; allowed: {', '.join(genomes)}"
        return
    if source["assembly"] != genome["assembly"]:
        yield (
            f"{key}.assembly: found {source['assembly']!r}, its genome {source['genome']!r} is on "
            f"{genome['assembly']!r}; allowed: {genome['assembly']}"
        )
    if not genome["annotation"]:
        yield (
            f"genomes.{source['genome']}.annotation: missing; {key} needs its introns. Give it, "
            "or files instead of the genome"
        )


def _published(section: Mapping) -> Iterator[str]:
    marked = [name for name, dataset in section["datasets"].items() if dataset["published"]]
    if len(marked) > 1:
        yield (
            f"splicesite.datasets: {' and '.join(marked)} are marked published; the paper has one "
            "training set. Mark the one that is the paper's"
        )


def _folds(section: Mapping) -> Iterator[str]:
    number, run = section["folds"]["number"], section["folds"]["run"]
    if isinstance(run, int) and run > number:
        yield f"splicesite.folds.run: found {run}, allowed: folds.number ({number}) or less"
    elif isinstance(run, list) and max(run) >= number:
        yield f"splicesite.folds.run: found fold {max(run)}, allowed: 0 to {number - 1}"


def _methods(section: Mapping, models: Mapping) -> Iterator[str]:
    length = section["windows"]["length"]
    for name, method in section["methods"].items():
        key = f"splicesite.methods.{name}"
        yield from check_method(method, key, models)
        longest = models.get(method["model"], {}).get("max_length", length)
        if length > longest:
            yield (
                f"splicesite.windows.length: {length}; model {method['model']!r} of {key} takes "
                f"at most {longest} nt"
            )
    yield from check_settings(section["training"], "splicesite.training")
    most = section["windows"]["length"] // 2 - 1
    if section["pwm"]["run"] and max(section["pwm"]["flanks"]) > most:
        yield (
            f"splicesite.pwm.flanks: found {max(section['pwm']['flanks'])}, allowed: up to {most}, "
            f"which splicesite.windows.length {length} has on either side of a site"
        )
    if all(method["model"] in models for method in section["methods"].values()):
        for label in repeated_labels(splicesite_styles(section, models)):
            yield (
                f"splicesite.methods: two methods have the label {label!r}; a legend can't tell "
                "them. Give one of them a label of its own"
            )
    if section["datasets"] and not section["methods"] and not section["pwm"]["run"]:
        yield "splicesite.methods: empty, and pwm is not run, either; give a method"


def _maxentscan(folder: Path) -> Iterator[str]:
    missing = [name for name in MAXENTSCAN_FILES if not (folder / name).exists()]
    if missing:
        yield (
            f"splicesite.maxentscan: {folder} lacks {', '.join(missing)}; give the folder of "
            "MaxEntScan's scripts and models, or null to leave it out"
        )
    if shutil.which("perl") is None:
        yield "splicesite.maxentscan: perl, with which it is run, is not on the PATH; install it"


def chosen_folds(section: Mapping) -> list[int]:
    """Return the folds that are run, rising."""
    run = section["folds"]["run"]
    return sorted(run) if isinstance(run, list) else list(range(run or section["folds"]["number"]))


def site_split(fold: int, folds: int) -> dict:
    """Split of fold i: i validates, i + 1 and i + 2 test, the rest train (protocol section 6)."""
    return {"fold": fold, "folds": folds, "validation": [0], "test": [1, 2]}


def splicesite_styles(section: Mapping, models: Mapping) -> dict[str, dict[str, str]]:
    """Label and colour of each method, those without a model last."""
    styles = method_styles(section["methods"], models)
    return styles | {name: dict(BASELINES[name]) for name in without_model(section)}


def without_model(section: Mapping) -> list[str]:
    """Names of the baselines that are run."""
    return ["pwm"] * section["pwm"]["run"] + ["maxentscan"] * bool(section["maxentscan"])
