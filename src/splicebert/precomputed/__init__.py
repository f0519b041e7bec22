"""The authors' pre-computed results (sections 1 to 4) as this project's tables."""

UNPLACED = "unplaced"
"""Contig of rows whose files hold no coordinates; starts and ends then only tell rows apart."""
MASKED_BASE_MODELS = ("SpliceBERT", "SpliceBERT-human")
"""Models of pred_in_region.pkl, in the order of its arrays."""
MUTAGENESIS_MODEL = "SpliceBERT"
"""The one model of which the authors have a mutagenesis."""
SPACING = 10_000
"""nt between the rows of an unplaced table, so that no two overlap."""
