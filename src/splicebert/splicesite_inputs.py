"""Sequences of real and of other splice sites, from files or from a genome and its annotation."""

from __future__ import annotations

import logging
from os import PathLike
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from .embedding_draw import draw_motif_sites
from .embedding_scores import site_blocks
from .errors import FormatError, SpliceBERTError
from .formats import read_spliceator
from .sites import centred_window
from .splicesite_kinds import DINUCLEOTIDE, site_offset
from .splicesite_negatives import is_among

if TYPE_CHECKING:
    from .genome import Genome

log = logging.getLogger(__name__)


def middle(sequence: str, length: int) -> str:
    """The middle `length` nt, upper case and U as T, of a sequence whose length is even, too.

    The dinucleotide of a site lies at `site_offset` before and after: at 299 of 600, 199 of 400.
    """
    cut = (len(sequence) - length) // 2
    return sequence[cut : cut + length].upper().replace("U", "T")


def read_file(path: str | PathLike, site: str, length: int, *, positive: bool) -> pd.DataFrame:
    """Read one file of Spliceator's form and cut its sequences.

    Parameters
    ----------
    path
        As of `read_spliceator`; the dinucleotide lies in the middle of each sequence.
    site
        donor or acceptor.
    length
        Of the middle that is kept, nt, even.
    positive
        Whether these are real sites.

    Returns
    -------
    DataFrame
        In file order: example_id str; sequence str, upper case; label int8; group str.

    Raises
    ------
    FormatError
        Sequences that are too short or of an odd length, with the line of the first; or most of
        them have another dinucleotide in their middle.
    """
    table = read_spliceator(path)
    size = table["sequence"].str.len()
    wrong = np.flatnonzero((size < length) | (size % 2 == 1))
    if len(wrong):
        raise FormatError(
            f"a sequence of {size[wrong[0]]} nt, expected an even number of at least {length} with "
            f"the {site}'s {DINUCLEOTIDE[site]} in the middle ({len(wrong)} such sequences); "
            "splicesite.windows.length says how many are needed",
            path,
            int(table["line"][wrong[0]]),
        )
    sequence = table["sequence"].map(lambda s: middle(s, length))
    _check_middle(sequence, site, path)
    kind = "positive" if positive else "negative"
    name = f"{kind}." + table["id"]
    again = name.groupby(name).cumcount()
    name = name.where(again == 0, name + "." + (again + 1).astype(str))
    columns = {"example_id": name, "sequence": sequence, "group": table["group"]}
    return pd.DataFrame(columns).assign(label=np.int8(positive))


def _check_middle(sequence: pd.Series, site: str, path: str | PathLike) -> None:
    at = site_offset(len(sequence.iloc[0]))
    pair = sequence.str[at : at + 2]
    other = pair != DINUCLEOTIDE[site]
    if other.mean() > 0.5:
        raise FormatError(
            f"{other.sum()} of {len(pair)} sequences have another dinucleotide than "
            f"{DINUCLEOTIDE[site]} in their middle (0-based offset {at} of {len(sequence.iloc[0])} "
            f"nt), most often {pair[other].mode()[0]}; are these {site}s?",
            path,
        )
    log.info("%s: %d sequences, %d not %s", path, len(pair), other.sum(), DINUCLEOTIDE[site])


def read_files(
    positive: str | PathLike,
    negative: str | PathLike,
    site: str,
    *,
    length: int,
    per_class: int | None,
    seed: int,
) -> pd.DataFrame:
    """Real and other sites of two files; `per_class` of each drawn, file order kept (None: all)."""
    rng = np.random.default_rng(seed)
    parts = []
    for path, is_real in ((positive, True), (negative, False)):
        table = read_file(path, site, length, positive=is_real)
        if per_class is not None and per_class < len(table):
            table = table.iloc[np.sort(rng.permutation(len(table))[:per_class])]
        parts.append(table)
    return pd.concat(parts, ignore_index=True)


def derive(
    transcripts: pd.DataFrame,
    introns: pd.DataFrame,
    genome: Genome,
    site: str,
    *,
    length: int,
    per_class: int | None,
    seed: int,
    negatives: pd.DataFrame | None = None,
    share: float = 1.0,
) -> pd.DataFrame:
    """Annotated GT donors or AG acceptors, and as many GT or AG that are none.

        + strand    . . x | G T . .     G at offset length / 2 - 1
        - strand    . . A C | x . .     read as its reverse complement, likewise

    Parameters
    ----------
    transcripts, introns
        Of the annotation, contigs spelt as in the genome.
    genome
        Sequence; N outside a contig.
    site
        donor or acceptor.
    length
        Of the windows, nt, even.
    per_class, seed
        Sites of each class, fewer where there are fewer real ones (None: all of these); draws.
    negatives
        As of `splicesite_negatives.Negatives`; None draws all that are no sites from transcripts.
    share
        Of the sites that are none, how many are of `negatives`, 0 to 1 (all of these where there
        are fewer); the others are drawn from transcripts.

    Returns
    -------
    DataFrame
        By position: example_id str, chrom:start-end:strand of the dinucleotide (0-based,
        half-open, forward strand); sequence str 5'->3', upper case; label int8; group str,
        contig and number of the block of overlapping windows; given bool, of `negatives`.
    """
    most = 2 * len(introns) if per_class is None else per_class
    sites = draw_motif_sites(
        transcripts, introns, genome,
        per_class=most, seed=seed, negatives=negatives, share=share,
    )  # fmt: skip
    sites = sites[sites["site"] == site].reset_index(drop=True)
    if sites["positive"].nunique() < 2:
        raise SpliceBERTError(f"{genome.path}: no {site}s of both classes among its transcripts")
    given = np.zeros(len(sites), bool)
    if negatives is not None:
        given = ~sites["positive"].to_numpy() & is_among(sites, negatives)
    block = site_blocks(sites, length)
    windows = [centred_window(row.start, row.end, length) for row in sites.itertuples()]
    sequence = [
        genome.fetch(row.chrom, *window, row.strand).upper()
        for row, window in zip(sites.itertuples(), windows, strict=True)
    ]
    return pd.DataFrame(
        {
            "example_id": sites["site_id"],
            "sequence": sequence,
            "group": sites["chrom"] + "." + pd.Series(block).astype(str),
            "label": sites["positive"].astype("int8"),
            "given": given,
        }
    )


def about(table: pd.DataFrame, site: str) -> dict[str, int]:
    """Counts of a set: sequences by class, other dinucleotides, repeats, N, groups.

    Where the table tells which negatives were given, also the number of these.
    """
    sequence = table["sequence"]
    at = site_offset(len(sequence.iloc[0]))
    classes = table.groupby("sequence")["label"].nunique()
    given = {"negative, given": int(table["given"].sum())} if "given" in table else {}
    return {
        "positive": int((table["label"] == 1).sum()),
        "negative": int((table["label"] == 0).sum()),
        **given,
        f"not {DINUCLEOTIDE[site]}": int((sequence.str[at : at + 2] != DINUCLEOTIDE[site]).sum()),
        "repeated sequences": int(sequence.duplicated().sum()),
        "sequences in both classes": int((classes > 1).sum()),
        "with letters other than ACGT": int(sequence.str.contains("[^ACGT]").sum()),
        "groups": int(table["group"].nunique()),
    }
