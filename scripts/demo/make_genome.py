"""Make the embedded demo genome, with the truth that was planted in it."""

from pathlib import Path

from splicebert.synthetic import FILES, GenomeSpec, make_genome, summarise, write_genome


def main(snakemake) -> None:
    """Make the genome and write it to the folder of the FASTA output.

    Parameters
    ----------
    snakemake
        Snakemake's script object: params `seed`, `species`, `coupling` (of `GenomeSpec`) and
        `chromosomes` (name -> length, nt), the outputs named in `splicebert.synthetic.FILES`,
        one log.
    """
    folder = Path(snakemake.output.fasta).parent
    check_outputs(folder, {name: Path(snakemake.output[name]) for name in FILES})
    spec = GenomeSpec(
        chromosomes=dict(snakemake.params.chromosomes),
        species=snakemake.params.species,
        coupling=snakemake.params.coupling,
    )
    genome = make_genome(spec, snakemake.params.seed)
    Path(snakemake.log[0]).write_text(report(summarise(genome)), encoding="utf-8")
    write_genome(genome, folder)


def report(counts: dict[str, float]) -> str:
    """Return one line a count, name and value, shares with four decimals."""
    values = {k: f"{v:.4f}" if isinstance(v, float) else v for k, v in counts.items()}
    return "".join(f"{name}\t{value}\n" for name, value in values.items())


def check_outputs(folder: Path, outputs: dict[str, Path]) -> None:
    """Raise ValueError unless each output is where the library will write it."""
    for name, path in outputs.items():
        if path != folder / FILES[name]:
            raise ValueError(f"output {name} is {path}: expected {folder / FILES[name]}")


if __name__ == "__main__":
    main(snakemake)  # noqa: F821
