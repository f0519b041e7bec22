"""What the rules of the conservation branch share; no rule is defined here."""

CONSERVATION = config["conservation"]
# Their number is part of the name: a file of another cut is never taken for one of this.
CONSERVATION_SHARD = f"{{shard}}-of-{CONSERVATION['shards']}"


def conservation_shards(stem):
    """Files of all shards, in order; other wildcards of the name stay."""
    return [
        f"{stem}.{CONSERVATION_SHARD}.zarr.zip".replace("{shard}", str(shard))
        for shard in range(CONSERVATION["shards"])
    ]
