"""Families of models: which modules of `models/` are adapters, which files decide their numbers.

Reads source text and imports no model, because Snakemake asks each time it builds the workflow.
"""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

from .errors import SpliceBERTError

PACKAGE = Path(__file__).parent
INTERFACE = "ModelAdapter"
# Decide no numbers, or are listed for every model.
_OTHER = {"models/base", "models/compiling", "errors", "vocabulary"}


@cache
def adapter_classes() -> dict[str, str]:
    """Module of `models/` -> name of the adapter class that it defines, by name of the module.

    An adapter is a class whose base is `ModelAdapter` or another adapter. One that also names `ABC`
    among its bases is what families share, and none itself.

    Raises
    ------
    SpliceBERTError
        A module defines two of them: an entry of the model table names the module alone.
    """
    defined = {path.stem: _classes(path) for path in sorted((PACKAGE / "models").glob("*.py"))}
    known, found = {INTERFACE}, None
    while True:
        more = {
            module: [name for name, bases in classes.items() if bases & known]
            for module, classes in defined.items()
        }
        if more == found:
            break
        found = more
        known.update(*found.values())
    found = {
        module: [name for name in names if "ABC" not in defined[module][name]]
        for module, names in found.items()
    }
    for module, names in found.items():
        if len(names) > 1:
            raise SpliceBERTError(
                f"models/{module}.py defines the adapters {', '.join(names)}; expected one a module"
            )
    return {module: names[0] for module, names in found.items() if names}


@cache
def family_code(adapter: str) -> tuple[str, ...]:
    """Modules below the package that decide an adapter's numbers, itself first, without .py.

    Read once: Snakemake asks for every job that runs a model.
    """
    found, waiting = [], [f"models/{adapter}"]
    while waiting:
        module = waiting.pop(0)
        if module not in found and module not in _OTHER:
            found.append(module)
            waiting += _imports(PACKAGE / f"{module}.py")
    return tuple(found)


def _classes(path: Path) -> dict[str, set[str]]:
    """Class -> names of its bases, of the classes at the top level of a file."""
    return {
        node.name: {base.id for base in node.bases if isinstance(base, ast.Name)}
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.ClassDef)
    }


def _imports(path: Path) -> list[str]:
    """Modules of the package that a file imports by relative names, as paths without .py."""
    found = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.level:
            base = path.parents[node.level - 1]
            names = [node.module] if node.module else [alias.name for alias in node.names]
            files = [base.joinpath(*name.split(".")).with_suffix(".py") for name in names]
            found += [str(f.relative_to(PACKAGE).with_suffix("")) for f in files if f.is_file()]
    return found
