"""Windows centred on a site, and where the site lies in them."""

from __future__ import annotations

from typing import Literal

from .errors import SpliceBERTError


def centred_window(start: int, end: int, length: int) -> tuple[int, int]:
    """Window of `length` nt centred on [start, end), 0-based half-open, forward strand.

    Its lower end is (start + end) // 2 - length // 2 (protocol sections 2-4); it may lie below 0.
    """
    left = (start + end) // 2 - length // 2
    return left, left + length


def window_around(position: int, length: int, strand: str) -> tuple[int, int]:
    """Window in which `position` has the offset length // 2 when it is read 5'->3' on `strand`.

    As in the paper's mutagenesis; with an even length the strands' windows differ by one base, so
    that either strand sees as many bases upstream.
    """
    left, right = centred_window(position, position + 1, length)
    shift = 1 if strand == "-" and length % 2 == 0 else 0
    return left + shift, right + shift


def site_offsets(
    start: int,
    end: int,
    window: tuple[int, int],
    strand: str,
    *,
    protocol: Literal["corrected", "published"] = "corrected",
) -> tuple[int, int]:
    """Where [start, end) lies in a window that is read 5'->3' on `strand`.

        + strand    window  l . . i j . . r     offsets  i-l, j-l
        - strand    window  r . . j i . . l     offsets  r-j, r-i

    Parameters
    ----------
    start, end
        The site, 0-based half-open, forward strand.
    window
        Start and end of the window, likewise.
    strand
        + or -.
    protocol
        "published" repeats the paper's code, which on `-` takes one base before (5' of) the site.

    Returns
    -------
    First offset and end offset, 0-based half-open, in the window read 5'->3'.

    Raises
    ------
    SpliceBERTError
        The site does not lie in the window, or an unknown strand.
    """
    left, right = window
    if not left <= start <= end <= right or strand not in ("+", "-"):
        raise SpliceBERTError(
            f"site {start}-{end}, strand {strand!r}; expected + or - and a site within the window "
            f"{left}-{right} (0-based, half-open)"
        )
    if strand == "+":
        return start - left, end - left
    shift = 1 if protocol == "published" else 0
    return right - end - shift, right - start - shift
