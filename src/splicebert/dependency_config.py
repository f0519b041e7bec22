"""What the JSON schema can't check of the dependency section of a configuration."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from .errors import ConfigError


def check_dependency(config: Mapping) -> None:
    """Check that each data set has what its regions come from, and the section's numbers.

    Parameters
    ----------
    config
        A configuration that follows the schema.

    Raises
    ------
    ConfigError
        One line for every mistake, with its key.
    """
    section = config["dependency"]
    lines = [f"dependency.{line}" for line in _limits(section)]
    for name, dataset in section["datasets"].items():
        lines += [
            f"dependency.datasets.{name}.{line}"
            for line in _sources(dataset, config["genomes"][dataset["genome"]], section)
        ]
    if lines:
        raise ConfigError("configuration:\n  " + "\n  ".join(lines))


def _limits(section: Mapping) -> Iterator[str]:
    introns, blocks = section["introns"], section["blocks"]
    low, high = introns["smallest"], introns["largest"]
    if low > high:
        yield f"introns.smallest: found {low}, allowed: introns.largest ({high}) or less"
    room = section["windows"]["length"] - blocks["donor"]["exon"] - blocks["acceptor"]["exon"]
    if high > room:
        yield (
            f"introns.largest: found {high}, allowed: {room} or less, so that an intron and the "
            "exon bases of its sites lie in a window (windows.length)"
        )
    for site, keys in (("donor", ("exon", "intron")), ("acceptor", ("exon", "intron"))):
        if not any(blocks[site][key] for key in keys):
            yield f"blocks.{site}: exon and intron are both 0; allowed: at least 1 nt together"


def _sources(dataset: Mapping, genome: Mapping, section: Mapping) -> Iterator[str]:
    if dataset["regions"]:
        return
    if not genome["annotation"]:
        yield (
            f"regions: missing, and genomes.{dataset['genome']}.annotation, from whose introns "
            "they would be drawn, is missing too; give either"
        )
    most = section["introns"]["most"]
    if most is not None and most < section["figures"]:
        yield (
            f"regions: missing, and of the introns dependency.introns.most ({most}) are drawn; "
            f"allowed: dependency.figures ({section['figures']}) or more of them"
        )
