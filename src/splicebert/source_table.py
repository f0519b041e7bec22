"""The table of files from elsewhere (config/sources.yaml); light, as each job reads it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from . import configuration
from .errors import ConfigError


def load_sources(table: str, root: Path) -> dict[str, dict[str, Any]]:
    """Read and check a table of sources.

    Parameters
    ----------
    table
        Path of the YAML, from the working folder or from the project's.
    root
        The project's folder, which holds the schema.

    Returns
    -------
    dict of str to dict
        Name -> source, every key filled in.

    Raises
    ------
    ConfigError
        A mistake in it, with the key and what is allowed.
    """
    path = Path(table) if Path(table).exists() else root / table
    schema = configuration.read_schema(root / "config/schemas/sources.schema.yaml")
    sources = configuration.check(configuration.read_yaml(path), schema, table)
    check_sources(sources, table)
    return sources


def check_sources(sources: Mapping[str, Mapping[str, Any]], where: str) -> None:
    """Check what concerns several keys or several sources.

    Parameters
    ----------
    sources
        Name -> source, as the schema lets it through.
    where
        The table, for the message.

    Raises
    ------
    ConfigError
        A source with neither or both of url and manual, or a file that two sources would make.
    """
    made: dict[str, str] = {}
    for name, source in sources.items():
        if (source["url"] is None) == (source["manual"] is None):
            raise ConfigError(
                f"{where}: {name}: expected either url (to download) or manual (to fetch by hand)"
            )
        paths = [f"resources/downloads/{source['file']}"]
        paths += [path for group in source["members"].values() for path in group.values()]
        paths += [source["decompress"]] if source["decompress"] else []
        for path in paths:
            if path in made:
                raise ConfigError(f"{where}: {name}: {path} is made by {made[path]}, too")
            made[path] = name
