"""How sites are cut into shards, and what the arrays of a shard are called."""

from __future__ import annotations

from .errors import SpliceBERTError
from .shards import rows_of_shard


def shard_rows(n: int, shard: int, shards: int) -> slice:
    """Rows of one of `shards` nearly equal parts of n rows, in order.

    Raises
    ------
    SpliceBERTError
        No rows, or fewer than shards.
    """
    if not n:
        raise SpliceBERTError("the data set has no sites; the log of its preparation says why")
    return rows_of_shard(n, shard, shards, what="sites", key="embedding.shards")


def layer_field(layer: int) -> str:
    """Name of the array that holds a layer."""
    return f"layer{layer}"
