"""Zones of branchpoints with a label for each base, in the form of the paper's BED."""

from __future__ import annotations

from collections import Counter
from os import PathLike
from typing import Literal

import numpy as np
import pandas as pd

from .bed import read_bed
from .branchpoint_zones import NO_LABEL, PLACE, Zone
from .errors import FormatError
from .training.tables import IGNORED

OTHER_WIDTH = "interval of another width than the zone"
MISFIT = "not as many labels as bases"
Choice = Literal["keep", "skip"]


def read_labelled_zones(
    path: str | PathLike, zone: Zone, other_widths: Choice, counts: Counter
) -> pd.DataFrame:
    """Read zones with a label for each base, in the form of the paper's BED.

    Parameters
    ----------
    path
        BED6 whose 5th column has a comma-separated label for each base of [start, end), in
        ascending genomic order on either strand: 1 a branchpoint, 0 none, negative: ignore.
    zone
        The zone that an interval is expected to be.
    other_widths
        Whether intervals of another width are kept.
    counts
        Reason -> records left out or, for `OTHER_WIDTH`, met; added to. Left out are records
        without a label 1 and those with another number of labels than bases.

    Returns
    -------
    DataFrame
        In file order: chrom, zone_start, zone_end (0-based half-open), strand, labels (int8
        arrays 5'->3' on the strand, IGNORED where negative), row (0-based record of the file).

    Raises
    ------
    FormatError
        What `read_bed` refuses, no strand, or a label that is not a whole number up to 1.
    """
    table = read_bed(path, 6)
    _check_strands(table, path)
    labels = [_parse_labels(text, row, path) for row, text in enumerate(table["score"])]
    reverse = (table["strand"] == "-").to_numpy()
    labels = [own[::-1] if flip else own for own, flip in zip(labels, reverse, strict=True)]
    width = (table["end"] - table["start"]).to_numpy()
    fits = np.array([len(own) for own in labels]) == width
    usual = width == zone.width
    positive = np.array([(own == 1).any() for own in labels])
    counts[OTHER_WIDTH] += int((~usual).sum())
    counts[MISFIT] += int((~fits).sum())
    keep = fits & (usual | (other_widths == "keep"))
    counts[NO_LABEL] += int((keep & ~positive).sum())
    table = table.assign(labels=labels, row=np.arange(len(table)))
    table = table.rename(columns={"start": "zone_start", "end": "zone_end"})
    return table.loc[keep & positive, [*PLACE, "labels", "row"]].reset_index(drop=True)


def _check_strands(table: pd.DataFrame, path: str | PathLike) -> None:
    wrong = np.flatnonzero(table["strand"] == ".")
    if len(wrong):
        raise FormatError(
            f"record {wrong[0] + 1} (1-based) has no strand; expected + or - in column 6 "
            f"({len(wrong)} such records)",
            path,
        )


def _parse_labels(text: str, row: int, path: str | PathLike) -> np.ndarray:
    """Labels of one record, int8 (bases,), ascending genomic order; negative ones are IGNORED."""
    try:
        values = np.array([int(part) for part in text.split(",")])
        if (values > 1).any():
            raise ValueError
    except ValueError:
        raise FormatError(
            f"record {row + 1} (1-based): column 5 is {text[:80]!r}; expected a label for each "
            "base, separated by commas: 1 (branchpoint), 0 (none) or a negative number (ignore)",
            path,
        ) from None
    return np.where(values < 0, IGNORED, values).astype(np.int8)
