"""Resident memory of a process while it reads a file, from /proc (Linux)."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np


class Sample(NamedTuple):
    """What a process holds at a moment.

    share : of the file that it has read, 0 to 1; resident, own : MiB, all and without files
    """

    share: float
    resident: float
    own: float


def status(pid: int | str) -> dict[str, float]:
    """Sizes in MiB of /proc/PID/status, by name."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return {x.split(":")[0]: int(x.split()[1]) / 1024 for x in lines if x.endswith(" kB")}


def read_share(pid: int, path: Path) -> float:
    """How far a process has read a file that it holds open, 0 to 1; 0 where it does not."""
    for link in Path(f"/proc/{pid}/fd").iterdir():
        if link.exists() and link.samefile(path):
            info = Path(f"/proc/{pid}/fdinfo/{link.name}").read_text()
            return int(info.split(None, 2)[1]) / path.stat().st_size
    return 0.0


def watch(
    process: subprocess.Popen, path: Path, started: Path, word: str, every: float
) -> list[Sample]:
    """Take samples until a process ends, from the moment when its log, `started`, has a word."""
    samples = []
    while process.poll() is None:
        try:
            if word in started.read_text():
                sizes = status(process.pid)
                share = read_share(process.pid, path)
                samples.append(Sample(share, sizes["VmRSS"], sizes["RssAnon"]))
        except (OSError, KeyError):  # it has ended, or closed the file meanwhile
            pass
        time.sleep(every)
    return samples


def quarters(samples: list[Sample], name: str, shard: str = "1/1") -> list[float]:
    """Largest value of each quarter of a part of the file; NaN where it has no sample."""
    number, parts = map(int, shard.split("/"))
    share = np.array([sample.share for sample in samples]) * parts - (number - 1)
    part = np.clip(4 * share, 0, 3).astype(int)
    values = np.array([getattr(sample, name) for sample in samples])
    return [values[part == i].max(initial=0) or np.nan for i in range(4)]
