"""MaxEntScan (Yeo and Burge 2004), where the user has it: its own scripts, run with perl."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from .errors import SpliceBERTError

SCRIPTS = {"donor": "score5.pl", "acceptor": "score3.pl"}
EXONIC = 3
INTRONIC = {"donor": 6, "acceptor": 20}


def site_motif(sequence: str, site: str, offset: int) -> str:
    """The bases that MaxEntScan reads: 3 of the exon and 6 (donor) or 20 (acceptor) of the intron.

    Parameters
    ----------
    sequence
        5'->3'.
    site
        donor or acceptor.
    offset
        0-based offset of the dinucleotide, the first or the last two bases of the intron.
    """
    if site == "donor":
        start, end = offset - EXONIC, offset + INTRONIC["donor"]
    else:
        start, end = offset + 2 - INTRONIC["acceptor"], offset + 2 + EXONIC
    if start < 0 or end > len(sequence):
        raise SpliceBERTError(
            f"a {site} at offset {offset} of {len(sequence)} nt; MaxEntScan needs [{start}, {end})"
        )
    return sequence[start:end]


def score_motifs(folder: str | Path, site: str, motifs: Sequence[str]) -> np.ndarray:
    """Score motifs by MaxEntScan's script.

    Parameters
    ----------
    folder
        With the scripts and their models, as they come.
    site
        donor or acceptor.
    motifs
        As from `site_motif`, upper case.

    Returns
    -------
    float64 (n,), bits; NaN of a motif with other letters than A, C, G, T.

    Raises
    ------
    SpliceBERTError
        The script fails, or writes something else than a motif and its score a line.
    """
    known = sorted({motif for motif in motifs if not set(motif) - set("ACGT")})
    scores = dict(zip(known, _run(Path(folder), site, known), strict=True)) if known else {}
    return np.array([scores.get(motif, np.nan) for motif in motifs], float)


def _run(folder: Path, site: str, motifs: Sequence[str]) -> list[float]:
    script = SCRIPTS[site]
    # The scripts look for their models in the folder that they run in.
    done = subprocess.run(
        ["perl", script, "/dev/stdin"],
        cwd=folder,
        input="\n".join(motifs) + "\n",
        capture_output=True,
        text=True,
        check=False,
    )
    lines = [line.split("\t") for line in done.stdout.splitlines() if line.strip()]
    try:
        if done.returncode or [line[0] for line in lines] != list(motifs):
            raise ValueError
        return [float(line[-1]) for line in lines]
    except (ValueError, IndexError):
        last = (done.stderr.strip() or done.stdout.strip() or "no output").splitlines()[-1]
        raise SpliceBERTError(
            f"{folder / script}: exit code {done.returncode}, {len(lines)} scores of "
            f"{len(motifs)} {site}s; expected each sequence and its score: {last}"
        ) from None
