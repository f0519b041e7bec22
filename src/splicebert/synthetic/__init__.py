"""A synthetic genome with planted truth, in the file formats of real data.

`make_genome(GenomeSpec(), seed=1)` makes one, `write_genome(genome, folder)` writes it. Genes with
human-like splice sites, branchpoints and codon usage lie on both strands of a background with
repeat families and conserved elements; whatever an analysis is to find is listed in a table.
"""

from splicebert.synthetic.genome import make_genome, summarise
from splicebert.synthetic.spec import REGION_NAMES, GenomeSpec, SyntheticGenome
from splicebert.synthetic.write import FILES, write_genome

__all__ = [
    "FILES",
    "REGION_NAMES",
    "GenomeSpec",
    "SyntheticGenome",
    "make_genome",
    "summarise",
    "write_genome",
]
