"""Models behind one interface; one module a family."""

from .base import ModelAdapter
from .dnabert import DNABERT
from .onehot import OneHot
from .registry import ADAPTERS, load_model, read_models
from .splicebert import SpliceBERT

__all__ = [
    "ADAPTERS",
    "DNABERT",
    "ModelAdapter",
    "OneHot",
    "SpliceBERT",
    "load_model",
    "read_models",
]
