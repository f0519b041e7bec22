"""The reference of configuration keys, made from the schemas."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from .configuration import read_schema

MARK = "<!-- keys: made by `python -m splicebert.config_reference config`, do not edit below -->"


def _kind(part: Mapping[str, Any]) -> str:
    if "enum" in part:
        return ", ".join(f"`{value}`" for value in part["enum"])
    kinds = part.get("type", "any")
    kinds = [kinds] if isinstance(kinds, str) else kinds
    items = part.get("items", {})
    inner = _kind(items) if items else ""
    inner = inner and f" of {f'({inner})' if ' or ' in inner else inner}"
    return " or ".join(kind + inner * (kind == "array") for kind in kinds)


def rows(schema: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str, str, str]]:
    """Yield (key, kind, default, meaning) of every key of a schema; <name> stands for any name."""
    required = schema.get("required", [])
    named = schema.get("additionalProperties")
    parts = dict(schema.get("properties", {}))
    if isinstance(named, dict) and named.get("type") == "object":
        parts["<name>"] = named
    for key, part in parts.items():
        path = f"{prefix}{key}"
        default = "required" if key in required else json.dumps(part.get("default"))
        if part.get("type") == "object" and default in ("{}", "null"):
            default = ""
        yield path, _kind(part), default, part.get("description", "").replace("|", "\\|")
        yield from rows(part, f"{path}.")


def table(schema: Mapping[str, Any]) -> str:
    """Markdown table of every key of a schema."""
    lines = ["| key | kind | default | meaning |", "|---|---|---|---|"]
    for key, kind, default, meaning in rows(schema):
        shown = default if default in ("", "required") else f"`{default}`"
        lines.append(f"| `{key}` | {kind} | {shown} | {meaning} |")
    return "\n".join(lines)


def render(folder: str | Path) -> str:
    """Return README.md of the configuration folder with its tables made anew."""
    folder = Path(folder)
    head = (folder / "README.md").read_text().split(MARK)[0]
    sections = [
        f"## {title}\n\n{table(read_schema(folder / 'schemas' / name))}\n"
        for title, name in (
            ("Keys of the configuration", "config.schema.yaml"),
            ("Keys of the model table", "models.schema.yaml"),
        )
    ]
    return head + MARK + "\n\n" + "\n".join(sections)


if __name__ == "__main__":
    text = render(sys.argv[1])
    (Path(sys.argv[1]) / "README.md").write_text(text)
