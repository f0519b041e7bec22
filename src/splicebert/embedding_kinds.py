"""The kinds of sites of the embedding branch, and which of them are clustered together."""

SITES = ("donor", "acceptor")
DINUCLEOTIDE = {"donor": "GT", "acceptor": "AG"}
SUBSETS = ("all", *SITES)
"""What is embedded and clustered together: all sites, those with GT alone, those with AG alone."""
