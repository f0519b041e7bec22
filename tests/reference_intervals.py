"""The slow and obvious way to paint features: what `splicebert.intervals` must equal."""

import numpy as np


def paint_reference(features, windows, names, *, strand_aware=False):
    """Test every base of every window against every feature; returns uint8 (n, length, names)."""
    length = int((windows["end"] - windows["start"]).iloc[0])
    matrix = np.zeros((len(windows), length, len(names)), dtype=np.uint8)
    for row, window in enumerate(windows.itertuples()):
        position = np.arange(window.start, window.end)[:, None]
        for column, name in enumerate(names):
            chosen = features[(features["chrom"] == window.chrom) & (features["name"] == name)]
            start, end = chosen["start"].to_numpy(), chosen["end"].to_numpy()
            matrix[row, :, column] = ((start <= position) & (position < end)).any(axis=1)
        if strand_aware and window.strand == "-":
            matrix[row] = matrix[row, ::-1]
    return matrix
