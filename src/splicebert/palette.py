"""The colours of all figures: Okabe and Ito's, and a few more that colour-blind eyes tell apart."""

from __future__ import annotations

BLACK = "#000000"
ORANGE = "#E69F00"
SKY = "#56B4E9"
GREEN = "#009E73"
BLUE = "#0072B2"
VERMILION = "#D55E00"
PURPLE = "#CC79A7"
INDIGO = "#332288"
BROWN = "#443300"
SAND = "#DDCC77"
CRIMSON = "#CC1435"
PLUM = "#722D6B"
MAROON = "#720B30"
VIOLET = "#8D17EA"
DARK = "#666666"
GREY = "#B0B0B0"

PALETTE = (
    *(BLACK, ORANGE, SKY, GREEN, BLUE, VERMILION, PURPLE),
    *(INDIGO, BROWN, SAND, DARK, GREY),
    *(CRIMSON, PLUM, MAROON, VIOLET),
)
"""Every colour that tells one thing from another; tints and thin lines are no part of it."""
METHODS = (VERMILION, PURPLE, SKY, ORANGE, GREEN, BLUE, INDIGO, BROWN, SAND)
"""In this order, of methods that have no colour of their own."""

# What is drawn in several branches has one colour everywhere.
DONOR, ACCEPTOR, BRANCHPOINT = BLUE, VERMILION, GREEN
BASES = {"A": GREEN, "C": BLUE, "G": ORANGE, "T": VERMILION}
