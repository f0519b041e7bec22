"""Models behind one interface; one module a family."""

from .base import ModelAdapter
from .onehot import OneHot
from .registry import ADAPTERS, load_model, read_models
from .splicebert import SpliceBERT

__all__ = ["ADAPTERS", "ModelAdapter", "OneHot", "SpliceBERT", "load_model", "read_models"]
