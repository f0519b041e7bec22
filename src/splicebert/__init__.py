"""SpliceBERT: a pre-mRNA language model and the analyses built on it."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .models.loading import load
    from .models.modules import (
        BertForMaskedLM,
        BertForSequenceClassification,
        BertForTokenClassification,
        BertModel,
    )

__version__ = "0.1.0"
__all__ = [
    "BertForMaskedLM",
    "BertForSequenceClassification",
    "BertForTokenClassification",
    "BertModel",
    "load",
]


def __getattr__(name: str):
    """Import models when they are asked for: torch takes seconds, and a workflow needs none."""
    if name == "load":
        from .models.loading import load

        return load
    if name in __all__:
        from .models import modules

        return getattr(modules, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
