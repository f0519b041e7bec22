"""What this machine has of all that a run needs: one check a function, a table of findings.

Nothing but the standard library is imported until a check needs it, so that a machine on which
almost nothing is installed gets a table, too.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import importlib.util
import os
import platform
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parents[2]
OK, MISSING, WARN, OPTIONAL = "ok", "missing", "warn", "optional"
INSTALL = "make .venv/.ready, or pip install -c envs/constraints.txt -e '.[workflow,test]'"
GB = 1e9
DEMO_DISK = 1 * GB
# Estimates: bigWigs and genomes as downloaded 18 GB, genomes unpacked 6.5, the best epoch of
# 105 folds at 79 MB each 8.3, hidden states, attention and all else about 7.
PAPER_DISK = 40 * GB
DEMO_MEMORY = 4 * GB
SECONDS = 5  # to connect, and to wait for an answer
HEADERS = {"Accept-Encoding": "identity", "User-Agent": "splicebert-doctor"}


class Finding(NamedTuple):
    """One row of the table.

    check : what was looked at
    status : ok; missing (the demo can't run without it); warn (it runs, but look at this);
        optional (absent, and not needed by the demo)
    found : what is there
    advice : what to do; empty where nothing need be done
    """

    check: str
    status: str
    found: str
    advice: str = ""


def examine(
    sources: Path, models: Path, folder: Path, *, network: bool = True
) -> Iterator[Finding]:
    """Look at everything.

    Parameters
    ----------
    sources, models
        The tables of downloads and of models.
    folder
        Working folder of the run, in which resources/ and results/ would lie.
    network
        Whether to ask each source of the table for the first byte of its file.
    """
    yield check_python()
    yield from check_packages(ROOT / "envs/constraints.txt", ROOT / "pyproject.toml")
    yield from check_torch()
    yield from check_programs()
    yield check_extension()
    yield check_memory()
    yield check_disk(folder)
    yield from check_weights(models, folder)
    yield from check_network(sources) if network else ()


def fails(findings: list[Finding]) -> bool:
    """Tell whether something is missing without which the demo can't run."""
    return any(finding.status == MISSING for finding in findings)


def check_python(version: tuple[int, ...] = sys.version_info[:3]) -> Finding:
    """Python 3.11 or 3.12."""
    suits = (3, 11) <= version[:2] <= (3, 12)
    return Finding(
        "Python",
        OK if suits else MISSING,
        ".".join(map(str, version)),
        "" if suits else "install Python 3.11 or 3.12 and make the environment with it",
    )


def locked_versions(constraints: Path) -> dict[str, str]:
    """Package -> version of a file of constraints, without markers of other systems."""
    versions = {}
    for line in constraints.read_text().splitlines():
        name, equals, version = line.partition("==")
        if equals and not line.startswith("#"):
            versions[name.strip().lower()] = version.partition(";")[0].strip()
    return versions


def needed_packages(project: Path) -> list[str]:
    """Packages that the library and the workflow import, as pyproject.toml names them."""
    import re
    import tomllib

    about = tomllib.loads(project.read_text())["project"]
    wanted = about["dependencies"] + about["optional-dependencies"]["workflow"]
    return [re.split(r"[^\w.-]", name)[0].lower() for name in wanted]


def installed_version(name: str) -> str | None:
    """Version of an installed package; None where it is not installed."""
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def check_packages(constraints: Path, project: Path) -> Iterator[Finding]:
    """Packages that are imported, against the versions that the tests ran with."""
    if not (constraints.is_file() and project.is_file()):
        yield Finding("packages", OPTIONAL, f"no {constraints}", "run from a checkout to compare")
        return
    locked, needed = locked_versions(constraints), needed_packages(project)
    found = {name: installed_version(name) for name in needed}
    for name in (name for name, version in found.items() if version is None):
        yield Finding(f"package {name}", MISSING, "not installed", INSTALL)
    other = {
        name: version
        for name, version in found.items()
        if version and name in locked and version.partition("+")[0] != locked[name]
    }
    for name, version in other.items():
        yield Finding(f"package {name}", WARN, f"{version}, tested with {locked[name]}", INSTALL)
    right = sum(version is not None for version in found.values()) - len(other)
    yield Finding("packages", OK, f"{right} of {len(needed)} in the locked version")


def check_torch() -> Iterator[Finding]:
    """PyTorch, GPUs and flash attention."""
    try:
        import torch
    except (ImportError, OSError) as error:  # OSError: a library of CUDA that is not there
        yield Finding("torch", MISSING, f"can't be imported: {str(error)[:80]}", INSTALL)
        return
    yield Finding("torch", OK, f"{torch.__version__}, {torch.get_num_threads()} threads")
    if not torch.cuda.is_available():
        built = torch.version.cuda
        found = f"none; torch is built for {'CUDA ' + built if built else 'CPUs'}"
        yield Finding("GPU", OPTIONAL, found, "the demo needs none; the paper's sizes do")
        yield Finding("flash attention", OPTIONAL, "no GPU")
        return
    for number in range(torch.cuda.device_count()):
        about = torch.cuda.get_device_properties(number)
        yield Finding(f"GPU {number}", OK, f"{about.name}, {about.total_memory / GB:.0f} GB")
    yield check_flash(torch)


def check_flash(torch: Any) -> Finding:
    """Flash kernels for float16 on the first GPU: whose, or why none."""
    try:
        from .models.attention import choose_backend

        backend = choose_backend("auto", torch.device("cuda"), torch.float16)
    except Exception as error:  # a driver or a package that does not fit fails in any way
        return Finding("flash attention", WARN, str(error)[:100], "inference.attention: sdpa")
    usable = backend.name == "flash"
    advice = "" if usable else "slower, not wrong; install flash-attn for this GPU if you like"
    return Finding("flash attention", OK if usable else OPTIONAL, str(backend), advice)


def first_line(command: list[str]) -> str:
    """First line that a program prints about itself."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"does not run: {error}"
    return (done.stdout or done.stderr).partition("\n")[0].strip()


def check_programs(which: Callable[[str], str | None] = shutil.which) -> Iterator[Finding]:
    """Bedtools and a C compiler."""
    bedtools = which("bedtools")
    yield Finding(
        "bedtools",
        OK if bedtools else MISSING,
        first_line([bedtools, "--version"]) if bedtools else "not on PATH",
        "" if bedtools else "sudo apt-get install bedtools, or conda install -c bioconda bedtools",
    )
    compiler = which("cc") or which("gcc")
    built = extension_path().exists()
    yield Finding(
        "C compiler",
        OK if compiler else OPTIONAL if built else MISSING,
        first_line([compiler, "--version"]) if compiler else "not on PATH",
        "" if compiler else "sudo apt-get install build-essential (an edited extension needs it)",
    )


def extension_path() -> Path:
    """Where the compiled extension of the running interpreter lies."""
    return Path(__file__).with_name("_intervals" + sysconfig.get_config_var("EXT_SUFFIX"))


def check_extension() -> Finding:
    """The compiled extension: there, not older than its source, and loadable."""
    built, source = extension_path(), Path(__file__).with_name("_intervals.pyx")
    advice = "snakemake compiles it before it is used"
    if not built.exists():
        return Finding("extension", WARN, f"no {built.name}", advice)
    if source.exists() and source.stat().st_mtime > built.stat().st_mtime:
        return Finding("extension", WARN, "older than its source _intervals.pyx", advice)
    try:
        from . import _intervals  # noqa: F401
    except ImportError as error:
        return Finding("extension", WARN, f"can't be loaded: {str(error)[:80]}", advice)
    return Finding("extension", OK, f"{built.name} is current")


def memory_bytes() -> float | None:
    """Memory that this process may use: of the machine, or of its control group."""
    limits = []
    try:
        limits.append(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
        limits.append(int(Path("/sys/fs/cgroup/memory.max").read_text()))
    except (OSError, ValueError, AttributeError):  # "max", or another system
        pass
    return min(limits, default=None)


def check_memory() -> Finding:
    """Cores and memory."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    memory = memory_bytes()
    found = f"{cores} cores ({platform.machine()}), "
    found += f"{memory / GB:.0f} GB" if memory else "memory not known"
    short = memory is not None and memory < DEMO_MEMORY
    advice = f"the demo was run with {DEMO_MEMORY / GB:.0f} GB and more; use --cores 1"
    return Finding("cores, memory", WARN if short else OK, found, advice if short else "")


def check_disk(folder: Path, free: float | None = None) -> Finding:
    """Free space of the working folder against the demo and the paper's run."""
    if free is None:
        free = shutil.disk_usage(folder).free
    found = f"{free / GB:.0f} GB free in {folder}"
    if free < DEMO_DISK:
        return Finding("disk", MISSING, found, f"the demo needs {DEMO_DISK / GB:.0f} GB")
    if free < PAPER_DISK:
        advice = f"enough for the demo; the paper's run needs about {PAPER_DISK / GB:.0f} GB"
        return Finding("disk", OPTIONAL, found, advice)
    return Finding("disk", OK, f"{found}; the paper's run needs about {PAPER_DISK / GB:.0f} GB")


def read_table(path: Path) -> dict[str, Any]:
    """A YAML table; empty where it, or the package that reads it, is not there."""
    if not path.is_file() or importlib.util.find_spec("yaml") is None:
        return {}
    import yaml

    return yaml.safe_load(path.read_text()) or {}


def file_sha256(path: Path) -> str:
    """Checksum of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def check_weights(models: Path, folder: Path) -> Iterator[Finding]:
    """The files of every model with known checksums."""
    table = read_table(models)
    if not table:
        yield Finding("models", WARN, f"{models} can't be read", "--models config/models.yaml")
    for name, entry in table.items():
        if entry.get("folder") and entry.get("sha256"):
            downloaded = entry["folder"].startswith("resources/")
            base = folder if downloaded or (folder / entry["folder"]).is_dir() else ROOT
            yield check_model(name, base / entry["folder"], entry["sha256"], downloaded)


def check_model(name: str, folder: Path, known: Mapping[str, str], downloaded: bool) -> Finding:
    """Files of one model; one that no rule downloads is needed by the demo."""
    check, bad = f"model {name}", WARN if downloaded else MISSING
    again = "delete the folder and run again" if downloaded else f"git checkout {folder}"
    absent = [file for file in known if not (folder / file).is_file()]
    if downloaded and len(absent) == len(known):
        return Finding(check, OPTIONAL, "not here", "a run that uses it downloads it")
    if absent:
        return Finding(check, bad, f"{folder} lacks {', '.join(absent)}", again)
    wrong = [file for file, sha256 in known.items() if file_sha256(folder / file) != sha256]
    if wrong:
        found = f"{folder}: {', '.join(wrong)} is not the known file"
        return Finding(check, bad, found, f"{again}; a model of your own needs an entry of its own")
    return Finding(check, OK, f"sha256 of {len(known)} files right in {folder}")


def check_network(sources: Path) -> Iterator[Finding]:
    """Ask every source for the first byte of its file, all at once."""
    table = {name: entry for name, entry in read_table(sources).items() if entry.get("url")}
    if not table:
        yield Finding("network", OPTIONAL, f"{sources} can't be read", "--sources TABLE")
        return
    try:
        import requests
    except ImportError:
        yield Finding("network", OPTIONAL, "not asked: no package requests", INSTALL)
        return
    with ThreadPoolExecutor(max_workers=len(table)) as pool:
        answers = pool.map(lambda entry: ask(entry["url"], requests), table.values())
        for (name, entry), (reached, answer) in zip(table.items(), answers, strict=True):
            advice = "" if reached else by_hand(entry)
            yield Finding(f"source {name}", OK if reached else OPTIONAL, answer, advice)


def by_hand(entry: Mapping[str, Any]) -> str:
    """What to do about a source that does not answer."""
    file = entry.get("file", "")
    return f"check the network and HTTPS_PROXY, or save it by hand as resources/downloads/{file}"


def ask(url: str, requests: Any) -> tuple[bool, str]:
    """Whether a file can be had, and its size or what is wrong. At most one byte is read."""
    headers, host = HEADERS | {"Range": "bytes=0-0"}, url.split("/")[2]
    try:
        with requests.get(url, headers=headers, stream=True, timeout=SECONDS) as answer:
            if not answer.ok:
                return False, f"{host}: HTTP {answer.status_code} {answer.reason}"
            ranged = answer.headers.get("Content-Range", "").rpartition("/")[2]
            size = ranged or answer.headers.get("Content-Length", "")
            return True, f"{host}: {f'{int(size) / GB:.2f} GB' if size.isdigit() else 'answers'}"
    except requests.RequestException as error:
        return False, f"{host}: {type(error).__name__}"


def write_table(findings: list[Finding]) -> str:
    """The findings as aligned text."""
    rows = [(*Finding._fields[:3], "what to do"), *findings]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    lines = []
    for row in rows:
        start = "  ".join(f"{text:<{w}}" for text, w in zip(row[:3], widths, strict=True))
        lines.append(f"{start}  {row[3]}".rstrip())
    return "\n".join(lines)
