"""How sites are cut into shards, and what the arrays of a shard are called."""

from __future__ import annotations

from .errors import SpliceBERTError


def shard_rows(n: int, shard: int, shards: int) -> slice:
    """Rows of one of `shards` nearly equal parts of n rows, in order.

    Raises
    ------
    SpliceBERTError
        No rows, or fewer than shards.
    """
    if not n:
        raise SpliceBERTError("the data set has no sites; the log of its preparation says why")
    if n < shards:
        raise SpliceBERTError(
            f"{n} sites can't be cut into {shards} shards; set embedding.shards to {n} or less"
        )
    return slice(n * shard // shards, n * (shard + 1) // shards)


def layer_field(layer: int) -> str:
    """Name of the array that holds a layer."""
    return f"layer{layer}"
