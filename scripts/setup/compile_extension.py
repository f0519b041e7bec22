"""Compile the package's Cython extension into its place beside the source."""

from pathlib import Path

from splicebert.compile import CompileError, compile_extension


def main(snakemake):
    log = Path(snakemake.log[0])
    try:
        output = compile_extension(Path(snakemake.input.source), Path(snakemake.output.extension))
    except CompileError as error:
        log.write_text(f"{error}\n\n{error.output}")
        raise
    log.write_text(output)


if __name__ == "__main__":
    main(snakemake)  # noqa: F821
