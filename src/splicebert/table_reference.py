"""The reference of the tables' columns (docs/tables.md), made from their schemas."""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from .schema import Column, Schema

PACKAGE = Path(__file__).parent
HEAD = """# Columns of the tables

Made by `python -m splicebert.table_reference docs/tables.md` from the schemas that every table is
checked against on writing and on reading; do not edit. Which file holds which table:
[files.md](files.md). Each heading is a schema in `splicebert.<module>.<NAME>`, for
`splicebert.tables.read_table(path, schema)`. No value is missing but where the kind says so.
"""
_DEFINED = re.compile(r"^([A-Z_]+) = (?:Schema\(|\w+\.extend\()", re.MULTILINE)


def schemas() -> Iterator[tuple[str, Schema]]:
    """Yield (module.NAME, schema) of every schema that a module of the package defines."""
    for path in [*sorted(PACKAGE.rglob("*tables.py")), PACKAGE / "report.py"]:
        names = _DEFINED.findall(path.read_text())
        if names:
            module = ".".join(path.relative_to(PACKAGE).with_suffix("").parts)
            imported = importlib.import_module(f"{__package__}.{module}")
            yield from ((f"{module}.{name}", getattr(imported, name)) for name in names)


def _kind(column: Column) -> str:
    words = column.dtype
    if column.allowed is not None:
        words += ": " + ", ".join(f"`{value}`" for value in column.allowed)
    elif column.minimum is not None:
        words += f", {column.minimum:g} or more"
    return f"{words}; or missing" if column.nullable else words


def _escape(text: str) -> str:
    return text.replace("|", "\\|")


def section(name: str, schema: Schema) -> str:
    """Markdown of one schema: heading, key, a line for each column."""
    about = [f"Table of {schema.name}."]
    if schema.key:
        about.append("Key: " + ", ".join(f"`{column}`" for column in schema.key) + ".")
    if schema.extra:
        about.append("Further columns are allowed.")
    rows = [
        " ".join(["|", f"`{c.name}`", "|", _escape(_kind(c)), "|", _escape(c.meaning), "|"])
        for c in schema.columns
    ]
    lines = [f"## {name}", "", " ".join(about), "", "| column | kind | meaning |", "|---|---|---|"]
    return "\n".join([*lines, *rows])


def render() -> str:
    """Return the whole page."""
    return "\n\n".join([HEAD.rstrip(), *(section(*pair) for pair in schemas())]) + "\n"


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(render())
