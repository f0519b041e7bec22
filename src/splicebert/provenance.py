"""Where the numbers of a run come from: software, source, configuration, inputs, devices, costs."""

from __future__ import annotations

import hashlib
import importlib.metadata
import os
import platform
import re
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from .schema import Column, Schema

RULE_COSTS = Schema(
    "cost of rules",
    (
        Column("rule", "str", "rule of the workflow"),
        Column("jobs", "int64", "its jobs that left a benchmark", minimum=0),
        Column("seconds", "float64", "wall time of all of them", True),
        Column("longest", "float64", "wall time of the longest, s", True),
        Column("cpu_seconds", "float64", "processor time of all of them", True),
        Column("memory", "float64", "largest resident memory of a job, MiB", True),
    ),
    key=("rule",),
)
DEVICE = re.compile(r" INFO (.*\bdevice (?:cpu|cuda|mps)\b.*)$", re.M)
SOURCES = ("Snakefile", "rules", "scripts", "src/splicebert", "config")


def software(snakemake_version: str) -> dict[str, Any]:
    """Versions of Python, of Snakemake and of every package that is installed."""
    found = {d.metadata["Name"]: d.version for d in importlib.metadata.distributions()}
    return {
        "python": platform.python_version(),
        "snakemake": snakemake_version,
        "packages": dict(sorted(found.items(), key=lambda pair: pair[0].lower())),
    }


def machine() -> dict[str, Any]:
    """The machine that this is called on; on a cluster others may have done the work."""
    model = re.search(r"^model name\s*: (.*)$", _read("/proc/cpuinfo"), re.M)
    memory = re.search(r"^MemTotal:\s*(\d+) kB", _read("/proc/meminfo"), re.M)
    return {
        "system": platform.platform(),
        "processor": model[1] if model else platform.processor() or None,
        "cores": os.cpu_count(),
        "memory_gib": round(int(memory[1]) / 2**20, 1) if memory else None,
        "gpus": _run("nvidia-smi", "--query-gpu=name,driver_version", "--format=csv,noheader")[0],
    }


def source_state(root: Path) -> dict[str, Any]:
    """Commit of the project and what differs from it; outside git why there is none.

    The checksum of the source files tells two states apart also without git.
    """
    state: dict[str, Any] = {"commit": None, "modified": None, "reason": None}
    top, reason = _run("git", "-C", str(root), "rev-parse", "--show-toplevel")
    if not top:
        state["reason"] = reason
    elif Path(top[0]).resolve() != root.resolve():
        state["reason"] = "the project is no repository of its own"
    else:
        commit, reason = _run("git", "-C", str(root), "rev-parse", "HEAD")
        changes, _ = _run("git", "-C", str(root), "status", "--porcelain")
        state |= {"commit": commit[0] if commit else None, "reason": reason}
        state["modified"] = [line[3:] for line in changes]
    return state | {"sha256": source_checksum(root)}


def source_checksum(root: Path) -> str:
    """sha256 over names and contents of the workflow's own text files."""
    total = hashlib.sha256()
    for name in SOURCES:
        paths = sorted((root / name).rglob("*")) if (root / name).is_dir() else [root / name]
        for path in paths:
            if path.is_file() and path.suffix in ("", ".py", ".pyx", ".smk", ".yaml", ".tsv"):
                relative = path.relative_to(root).as_posix()
                total.update(f"{relative}\0{checksum(path)}\n".encode())
    return total.hexdigest()


def checksum(path: str | Path) -> str:
    """sha256 of a file, read in pieces."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def file_states(files: Mapping[str, str]) -> list[dict[str, Any]]:
    """Size and sha256 of files (what it is -> path); None where a file is not there."""
    rows = []
    for role, name in files.items():
        path, known = Path(name), Path(name).is_file()
        size, digest = (path.stat().st_size, checksum(path)) if known else (None, None)
        rows.append({"role": role, "file": str(name), "bytes": size, "sha256": digest})
    return rows


def find_seeds(values: Any, path: str = "") -> Iterator[tuple[str, int]]:
    """Every seed of a configuration: its dotted key and the number."""
    if isinstance(values, Mapping):
        for key, value in values.items():
            if key == "seed" and isinstance(value, int):
                yield f"{path}{key}", value
            yield from find_seeds(value, f"{path}{key}.")


def rule_of(path: str, patterns: Mapping[str, str]) -> str | None:
    """Rule whose pattern (with wildcards in braces) a path fits; the one that says most."""
    fits = [
        (len(re.sub(r"\{.*?\}", "", pattern)), name)
        for name, pattern in patterns.items()
        if re.fullmatch(re.sub(r"\\\{.*?\\\}", ".+", re.escape(pattern)), path)
    ]
    return max(fits)[1] if fits else None


def read_benchmarks(paths: Iterable[Path], patterns: Mapping[str, str]) -> list[dict[str, Any]]:
    """What Snakemake measured of each job, by rule; files of no rule are left out."""
    rows = []
    for path in sorted(paths):
        rule = rule_of(path.as_posix(), patterns)
        if rule:
            table = pd.read_csv(path, sep="\t", na_values=["-", "NA"])
            mean = table[["s", "max_rss", "cpu_time"]].apply(pd.to_numeric).mean()
            found = [None if pd.isna(value) else float(value) for value in mean]
            keys = ("seconds", "memory", "cpu_seconds")
            row = {"rule": rule, "benchmark": path.as_posix()}
            rows.append(row | dict(zip(keys, found, strict=True)))
    return rows


def rule_costs(jobs: list[dict[str, Any]], rules: Iterable[str]) -> pd.DataFrame:
    """Rows of RULE_COSTS, a row a rule, also for those that left no benchmark; dearest first."""
    columns = ["rule", "benchmark", "seconds", "memory", "cpu_seconds"]
    groups = pd.DataFrame(jobs, columns=columns).groupby("rule")
    table = pd.DataFrame(
        {
            "jobs": groups.size(),
            "seconds": groups["seconds"].sum(min_count=1),
            "longest": groups["seconds"].max(),
            "cpu_seconds": groups["cpu_seconds"].sum(min_count=1),
            "memory": groups["memory"].max(),
        }
    ).reindex(sorted(rules))
    table["jobs"] = table["jobs"].fillna(0).astype("int64")
    table = table.astype(dict.fromkeys(RULE_COSTS.names[2:], "float64"))
    table = table.sort_values("seconds", ascending=False, kind="stable")
    return table.rename_axis("rule").reset_index()[RULE_COSTS.names]


def devices(logs: Iterable[Path]) -> dict[str, list[str]]:
    """What the inference and training jobs say of device and precision -> their logs."""
    found: dict[str, list[str]] = {}
    for path in sorted(logs):
        for text in dict.fromkeys(DEVICE.findall(_read(path))):
            found.setdefault(text, []).append(path.as_posix())
    return found


def _read(path: str | Path) -> str:
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _run(*command: str) -> tuple[list[str], str | None]:
    """Lines of a command's output, and why there are none."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    except (OSError, subprocess.TimeoutExpired) as error:
        return [], f"{command[0]}: {error}"
    if done.returncode:
        return [], (done.stderr.strip().splitlines() or [f"{command[0]} failed"])[0]
    return done.stdout.splitlines(), None
