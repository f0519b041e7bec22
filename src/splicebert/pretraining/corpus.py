"""The training text: transcripts of a genome, 5'->3', one byte a nt, in a memory-mapped file."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from ..conservation import longest_per_gene
from ..errors import GenomeError, SpliceBERTError
from ..genome import Genome, check_within, rename_contigs
from ..sequence import base_codes
from ..tables import atomic_path, read_table, write_table
from .tables import CORPUS_INDEX, TRAINING, VALIDATION

log = logging.getLogger(__name__)
PIECE = 1 << 22  # nt read at once


def choose_transcripts(table: pd.DataFrame, choice: str) -> pd.DataFrame:
    """Keep the canonical transcript or the longest of each gene name, or all.

    Parameters
    ----------
    table
        TRANSCRIPTS.
    choice
        "canonical", "longest" or "all".
    """
    if choice == "all":
        return table.reset_index(drop=True)
    kept = table[table["is_canonical"]] if choice == "canonical" else table
    return longest_per_gene(kept.reset_index(drop=True))


def on_genome(table: pd.DataFrame, genome: Genome, missing: str) -> pd.DataFrame:
    """Spell contigs as the genome does; those that it lacks are an error, or are left out."""
    table = rename_contigs(table, genome.contigs, genome.path, must_exist=missing == "error")
    known = table["chrom"].isin(genome.contigs)
    if not known.any():
        raise GenomeError(f"{genome.path}: none of {len(table)} transcripts lies on its contigs")
    if not known.all():
        names = table.loc[~known, "chrom"].nunique()
        log.warning("%d transcripts on %d unknown contigs left out", (~known).sum(), names)
    check_within(table[known], genome.contigs, genome.path)
    return table[known].reset_index(drop=True)


def corpus_index(table: pd.DataFrame, genome: Genome, validation: list[str]) -> pd.DataFrame:
    """Lay transcripts behind one another and split them by chromosome (CORPUS_INDEX).

    Raises
    ------
    SpliceBERTError
        A validation chromosome holds no transcript, or none is left to train on.
    """
    held_out = {genome.resolve(chrom) for chrom in validation}
    empty = held_out - set(table["chrom"])
    is_held_out = table["chrom"].isin(held_out)
    if empty or is_held_out.all():
        problem = f"no transcript on {', '.join(sorted(empty))}" if empty else "nothing to train on"
        raise SpliceBERTError(
            f"{genome.path}: validation chromosomes {', '.join(validation)}: {problem}; there are "
            f"transcripts on {', '.join(table['chrom'].unique()[:8])}"
        )
    length = (table["end"] - table["start"]).to_numpy()
    return table[CORPUS_INDEX.names[:5]].assign(
        offset=np.cumsum(length) - length,
        length=length,
        split=np.where(is_held_out, VALIDATION, TRAINING),
    )


def write_codes(index: pd.DataFrame, genome: Genome, path: Path) -> str:
    """Write base codes (A 0, C 1, G 2, T 3, other 4) of transcripts, 5'->3', piece by piece.

    Returns
    -------
    sha256 of the codes.
    """
    total, digest = int(index["length"].sum()), hashlib.sha256()
    with atomic_path(path) as temporary:
        codes = np.lib.format.open_memmap(temporary, "w+", np.uint8, (total,))
        for tx in index.itertuples(index=False):
            for done in range(0, tx.length, PIECE):
                size = min(PIECE, tx.length - done)
                start = tx.start + done if tx.strand == "+" else tx.end - done - size
                piece = base_codes(genome.fetch(tx.chrom, start, start + size, tx.strand))
                codes[tx.offset + done : tx.offset + done + size] = piece
                digest.update(piece)
        codes.flush()
        del codes
    return digest.hexdigest()


def write_corpus(index: pd.DataFrame, genome: Genome, folder: Path) -> dict:
    """Write codes.npy, transcripts.parquet and about.json; return the content of the last.

    Parameters
    ----------
    index
        CORPUS_INDEX.
    genome
        Their genome.
    folder
        Of one genome.
    """
    about = {"sha256": write_codes(index, genome, folder / "codes.npy")}
    write_table(index, folder / "transcripts.parquet", CORPUS_INDEX)
    for split, part in index.groupby("split"):
        about[split] = {"transcripts": len(part), "nt": int(part["length"].sum())}
        about[split]["chromosomes"] = sorted(part["chrom"].unique())
    with atomic_path(folder / "about.json") as path:
        path.write_text(json.dumps(about, indent=1) + "\n")
    return about


class Part(NamedTuple):
    """One genome of a corpus: codes uint8 (nt,), memory-mapped; index CORPUS_INDEX; its about."""

    codes: np.ndarray
    index: pd.DataFrame
    about: dict


class Corpus:
    """The corpora of several genomes, read at random.

    Parameters
    ----------
    folders
        Genome -> folder that `write_corpus` has filled.
    """

    def __init__(self, folders: Mapping[str, str | Path]) -> None:
        self.parts = {genome: _open_part(Path(folder)) for genome, folder in folders.items()}
        self._codes = [part.codes for part in self.parts.values()]

    @property
    def about(self) -> dict[str, dict]:
        """What each genome holds, with the sha256 of its codes."""
        return {genome: part.about for genome, part in self.parts.items()}

    def codes(self, part: int, start: int, length: int) -> np.ndarray:
        """Codes from byte `start` on of the genome of that number: uint8 (length,)."""
        return self._codes[part][start : start + length]


def _open_part(folder: Path) -> Part:
    codes = np.load(folder / "codes.npy", mmap_mode="r")
    index = read_table(folder / "transcripts.parquet", CORPUS_INDEX)
    if len(codes) != index["length"].sum():
        raise SpliceBERTError(
            f"{folder}: codes.npy holds {len(codes)} nt, transcripts.parquet "
            f"{index['length'].sum()}; make both anew"
        )
    return Part(codes, index, json.loads((folder / "about.json").read_text()))


class Pool(NamedTuple):
    """Transcripts to draw from: part, offset, length int64 (tx,); cumulative int64 (tx + 1,)."""

    part: np.ndarray
    offset: np.ndarray
    length: np.ndarray
    cumulative: np.ndarray


def pool(corpus: Corpus, split: str, shortest: int, longest: int) -> Pool:
    """Collect the transcripts of a split that hold `shortest` nt.

    Raises
    ------
    SpliceBERTError
        None holds `longest` nt.
    """
    frames = []
    for number, part in enumerate(corpus.parts.values()):
        kept = part.index[(part.index["split"] == split) & (part.index["length"] >= shortest)]
        frames.append(kept[["offset", "length"]].assign(part=number))
    table = pd.concat(frames)
    if not len(table) or table["length"].max() < longest:
        found = f"the longest has {table['length'].max()}" if len(table) else "there is none"
        raise SpliceBERTError(
            f"no {split} transcript holds a fragment of {longest} nt ({found}); take shorter "
            "fragments, or another corpus"
        )
    length = table["length"].to_numpy()
    ends = np.concatenate([[0], np.cumsum(length)])
    return Pool(table["part"].to_numpy(), table["offset"].to_numpy(), length, ends)
