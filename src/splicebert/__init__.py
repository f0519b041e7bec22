"""SpliceBERT: a pre-mRNA language model and the analyses built on it."""

__version__ = "0.1.0"
