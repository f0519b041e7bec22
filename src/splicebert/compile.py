"""Compile the package's Cython extension in place, without risk to the one already there."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from importlib.util import find_spec
from pathlib import Path

# Runs in the temporary directory, where the source lies as splicebert/_intervals.pyx.
BUILD = """
from Cython.Build import cythonize
from setuptools import setup
setup(
    name="splicebert",
    packages=[],
    script_args=["build_ext", "--inplace"],
    ext_modules=cythonize(["splicebert/*.pyx"], force=True),
)
"""


class CompileError(RuntimeError):
    """The extension could not be built.

    Parameters
    ----------
    message
        One sentence: what is wrong and what to do.
    output
        Everything that Cython and the C compiler said.
    """

    def __init__(self, message: str, output: str = "") -> None:
        self.output = output
        super().__init__(message)


def extension_suffix() -> str:
    """File name ending of extensions of the running interpreter, such as .cpython-311-….so."""
    return sysconfig.get_config_var("EXT_SUFFIX")


def compile_extension(source: Path, target: Path) -> str:
    """Build a .pyx of this package and put the extension into its place in one step.

    The build happens in a temporary directory, so an interrupted or failed one leaves a previous
    ``target`` as it was, and a process that has it loaded is not disturbed.

    Parameters
    ----------
    source
        The .pyx file; its name is the module's name within the package.
    target
        The extension to write; must have the suffix of the running interpreter.

    Returns
    -------
    str
        What Cython and the C compiler said.

    Raises
    ------
    CompileError
        Cython, setuptools or a C compiler is missing, the source does not compile, or ``target``
        is named for another interpreter.
    """
    source, target = Path(source), Path(target)
    _check_tools(source, target)
    with tempfile.TemporaryDirectory(prefix="splicebert-build-") as build_dir:
        package = Path(build_dir, "splicebert")
        package.mkdir()
        (package / "__init__.py").touch()
        shutil.copyfile(source, package / source.name)
        output = _build(build_dir, source)
        _put_in_place(package / f"{source.stem}{extension_suffix()}", target)
    return output


def _check_tools(source: Path, target: Path) -> None:
    if target.name != source.stem + extension_suffix():
        raise CompileError(
            f"{target.name} is not what this Python ({sys.executable}) can load, which is "
            f"{source.stem}{extension_suffix()}; run Snakemake and its scripts with one Python "
            "version"
        )
    for module in ("Cython", "setuptools"):
        if find_spec(module) is None:
            raise CompileError(
                f"compiling {source.name} needs {module}, which {sys.executable} does not have; "
                "install it: pip install cython setuptools"
            )
    compiler = _compiler()
    if shutil.which(compiler) is None:
        raise CompileError(
            f"compiling {source.name} needs a C compiler, and {compiler!r} is not on PATH; install "
            "one (sudo apt-get install build-essential, or conda install -c conda-forge "
            "c-compiler), or name one in the environment variable CC"
        )


def _compiler() -> str:
    """The C compiler that setuptools will call: CC, or the one that built this Python."""
    command = os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc"
    return command.split()[0]


def _build(build_dir: str, source: Path) -> str:
    # A process of its own: compilers write to the file descriptor, which only this can collect.
    result = subprocess.run(
        [sys.executable, "-c", BUILD],
        cwd=build_dir,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )
    if result.returncode:
        raise CompileError(
            f"compiling {source} failed: {_cause(result.stdout)}; the previous extension, if "
            "there was one, was left as it was",
            result.stdout,
        )
    return result.stdout


def _cause(output: str) -> str:
    """The line that says what went wrong, and what to do where that is known."""
    if "Python.h" in output:
        return (
            "the C headers of Python are missing; install them (sudo apt-get install "
            f"python{sys.version_info.major}.{sys.version_info.minor}-dev)"
        )
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    # Cython says "_intervals.pyx:3:8: what"; gcc says "file:3:8: error: what".
    located = [line for line in lines if ".pyx:" in line or "error:" in line]
    return (located or lines or ["no message"])[0]


def _put_in_place(built: Path, target: Path) -> None:
    # Only a rename within one directory is atomic, and the build is in another file system.
    partial = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        shutil.copyfile(built, partial)
        shutil.copymode(built, partial)
        os.replace(partial, target)
    finally:
        partial.unlink(missing_ok=True)
