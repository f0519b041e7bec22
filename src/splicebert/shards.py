"""How the rows of a table are cut into shards, one job each."""

from __future__ import annotations

from .errors import SpliceBERTError


def rows_of_shard(n: int, shard: int, shards: int, *, what: str, key: str) -> slice:
    """Rows of one of `shards` nearly equal parts of n rows, in order.

    Parameters
    ----------
    n
        Rows of all shards.
    shard, shards
        Number of the part, 0-based, and how many there are.
    what, key
        What a row is, and the setting of `shards`, for the message.

    Raises
    ------
    SpliceBERTError
        Fewer rows than shards.
    """
    if n < shards:
        raise SpliceBERTError(
            f"{n} {what} can't be cut into {shards} shards; set {key} to {max(n, 1)} or less"
        )
    return slice(n * shard // shards, n * (shard + 1) // shards)
