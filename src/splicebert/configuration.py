"""Configuration: closed JSON schemas with defaults; messages name the key and what is allowed.

Importable without torch, because Snakemake reads it each time it builds the workflow.
"""

from __future__ import annotations

import copy
import difflib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import jsonschema
import yaml

from .errors import ConfigError
from .families import adapter_classes

SUFFIX = ".schema.yaml"
# The parser in C, where PyYAML has it: Snakemake reads all this each time it starts.
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def read_yaml(path: str | Path) -> dict[str, Any]:
    """Read a YAML mapping; ConfigError where the file is missing or is not one."""
    try:
        values = yaml.load(Path(path).read_text(), LOADER)
    except FileNotFoundError:
        raise ConfigError(f"{path}: no such file; expected a YAML mapping") from None
    except yaml.YAMLError as error:
        raise ConfigError(f"{path}: not YAML: {error}") from error
    if not isinstance(values, dict):
        raise ConfigError(f"{path}: holds a {type(values).__name__}; expected a YAML mapping")
    return values


def read_schema(path: str | Path) -> dict[str, Any]:
    """Read a YAML schema, put together from the files beside it.

    A `$ref` to another file is replaced by that file's content. Where a schema says `x-sections`,
    `<name>.schema.yaml` of each file that says `x-section` is its key `<name>`. Where a key says
    `x-adapter`, the adapters of the package are its values.
    """
    path = Path(path)

    def expand(node: Any) -> Any:
        if isinstance(node, dict):
            if set(node) == {"$ref"} and node["$ref"].endswith(".yaml"):
                return read_schema(path.parent / node["$ref"])
            found = {key: expand(value) for key, value in node.items()}
            if "x-adapter" in node:
                found["enum"] = list(adapter_classes())
            if "x-sections" in node:
                found["properties"] |= _sections(path.parent, found["properties"])
            return found
        return [expand(value) for value in node] if isinstance(node, list) else node

    return expand(yaml.load(path.read_text(), LOADER))


def _sections(folder: Path, known: Iterable[str]) -> dict[str, Any]:
    """Schemas of the sections that no `$ref` names, by their names."""
    names = {path: path.name.removesuffix(SUFFIX) for path in sorted(folder.glob(f"*{SUFFIX}"))}
    return {
        name: read_schema(path)
        for path, name in names.items()
        if name not in known and "x-section" in yaml.load(path.read_text(), LOADER)
    }


def fill_defaults(values: Any, schema: Mapping[str, Any]) -> Any:
    """Put the schema's defaults where `values` has no key, in place; return `values`.

    An entry with a name of the user's (a data set, a method) that is null is taken out first: so a
    configuration that is put on top of another one leaves out what that one has.
    """
    if not isinstance(values, dict):
        return values
    known, other = schema.get("properties", {}), schema.get("additionalProperties")
    if isinstance(other, dict) and other.get("type") == "object":
        for key in [key for key in set(values) - set(known) if values[key] is None]:
            del values[key]
    for key, part in known.items():
        if key not in values and "default" in part:
            values[key] = copy.deepcopy(part["default"])
        if key in values:
            fill_defaults(values[key], part)
    if isinstance(other, dict):
        for key in set(values) - set(known):
            fill_defaults(values[key], other)
    return values


def _dotted(path: Any) -> str:
    return ".".join(str(part) for part in path)


_RULES = {
    "minimum": "{} or more",
    "maximum": "{} or less",
    "exclusiveMinimum": "more than {}",
    "exclusiveMaximum": "less than {}",
    "minItems": "at least {} of them",
    "minProperties": "at least {} of them",
    "minLength": "text of at least {} letter",
    "uniqueItems": "each item once",
    "pattern": "text that matches {}",
    "not": "any name but {0[const]}",
}


def _explain(error: jsonschema.ValidationError) -> Iterator[str]:
    """Turn one validation error into sentences: key, what was found, what is allowed."""
    where = _dotted(error.absolute_path)
    if error.validator == "additionalProperties":
        allowed = list(error.schema.get("properties", {}))
        for key in sorted(set(error.instance) - set(allowed), key=str):
            close = difflib.get_close_matches(str(key), allowed, n=1)
            hint = f" Did you mean {close[0]!r}?" if close else ""
            name = f"{where}.{key}" if where else str(key)
            yield f"{name}: unknown key; allowed here: {', '.join(allowed)}.{hint}"
    elif error.validator == "required":
        for key in sorted(set(error.validator_value) - set(error.instance)):
            part = error.schema.get("properties", {}).get(key, {})
            yield f"{where}.{key}: missing; {part.get('description', 'it is required')}".lstrip(".")
    else:
        about = error.schema.get("description", "") if isinstance(error.schema, dict) else ""
        if error.validator == "enum":
            wanted = "one of " + ", ".join(map(str, error.validator_value))
        elif error.validator == "type":
            kinds = error.validator_value
            wanted = kinds if isinstance(kinds, str) else " or ".join(kinds)
        else:
            wanted = _RULES.get(error.validator, "{}").format(error.validator_value)
        key = where or "top level"
        yield f"{key}: found {error.instance!r}, allowed: {wanted}. {about}".rstrip()


def check(
    values: dict[str, Any], schema: Mapping[str, Any], source: str, prefix: str = ""
) -> dict[str, Any]:
    """Fill in defaults and validate.

    Parameters
    ----------
    values
        The configuration; defaults are filled in in place.
    schema
        As `read_schema` gives it.
    source
        Name of the file or object, for the message.
    prefix
        Written before each key, where `values` is only a part.

    Raises
    ------
    ConfigError
        One line for every mistake, each with the key and what is allowed.
    """
    fill_defaults(values, schema)
    validator = jsonschema.Draft202012Validator(schema)
    errors = sorted(validator.iter_errors(values), key=lambda e: [str(p) for p in e.absolute_path])
    lines = [prefix + line for error in errors for line in _explain(error)]
    if lines:
        raise ConfigError(f"{source}:\n  " + "\n  ".join(dict.fromkeys(lines)))
    return values


def walk(
    values: Any, schema: Mapping[str, Any], path: str = ""
) -> Iterator[tuple[str, Any, Mapping[str, Any]]]:
    """Yield (dotted key, value, its part of the schema) of every key that is there."""
    if not isinstance(values, dict):
        return
    other = schema.get("additionalProperties")
    for key, value in values.items():
        part = schema.get("properties", {}).get(key, other)
        if isinstance(part, dict):
            yield f"{path}{key}", value, part
            yield from walk(value, part, f"{path}{key}.")


def check_references(
    config: Mapping[str, Any], models: Mapping[str, Any], schema: Mapping[str, Any]
) -> None:
    """Check what JSON schema can't: names of models and genomes, assemblies, abilities of models.

    A list of models says in the schema what they must be able to do (`x-ability`); every section
    with `datasets` is a branch.

    Raises
    ------
    ConfigError
        One line for every mistake.
    """
    lines: list[str] = []
    for key, value, part in walk(config, schema):
        if "x-ability" in part:
            lines += _check_models(key, _names(value), models, part["x-ability"])
    for branch, section in config.items():
        if isinstance(section, dict) and "datasets" in section:
            lines += _check_datasets(branch, section["datasets"], config["genomes"])
    if "conservation" in config:
        lines += _check_conservation_files(config["conservation"], config["genomes"])
    if "attention" in config:
        lines += _check_attention(config["attention"], config["genomes"])
    if "vcfs" in config.get("variant", {}):
        lines += _check_vcfs(config["variant"]["vcfs"], config["genomes"], models)
    if lines:
        raise ConfigError("configuration:\n  " + "\n  ".join(lines))


def _check_datasets(branch: str, datasets: Mapping, genomes: Mapping) -> Iterator[str]:
    return _check_genomes(f"{branch}.datasets", datasets, genomes)


def _check_vcfs(vcfs: Mapping, genomes: Mapping, models: Mapping) -> Iterator[str]:
    yield from _check_genomes("variant.vcfs.files", vcfs["files"], genomes)
    for name, entry in vcfs["files"].items():
        if entry["genome"] in genomes and not genomes[entry["genome"]]["annotation"]:
            yield (
                f"genomes.{entry['genome']}.annotation: missing; variant.vcfs.files.{name} needs "
                "its transcripts"
            )
    for model in vcfs["models"]:
        longest = models.get(model, {}).get("max_length", vcfs["length"])
        if vcfs["length"] > longest:
            yield (
                f"variant.vcfs.length: {vcfs['length']}; model {model!r} of variant.vcfs.models "
                f"takes at most {longest} nt"
            )


def _check_genomes(prefix: str, datasets: Mapping, genomes: Mapping) -> Iterator[str]:
    for name, dataset in datasets.items():
        if dataset["genome"] is None:  # a branch whose data sets may do without
            continue
        key = f"{prefix}.{name}"
        genome = genomes.get(dataset["genome"])
        if genome is None:
            allowed = ", ".join(genomes)
            yield f"{key}.genome: unknown genome {dataset['genome']!r}; allowed: {allowed}"
        elif dataset["assembly"] != genome["assembly"]:
            yield (
                f"{key}.assembly: the data set is on {dataset['assembly']!r}, its genome "
                f"{dataset['genome']!r} on {genome['assembly']!r}; allowed: {genome['assembly']}. "
                "Lift the coordinates over, or name a genome on the data set's assembly"
            )


def _check_conservation_files(branch: Mapping, genomes: Mapping) -> Iterator[str]:
    for name, dataset in branch["datasets"].items():
        genome = genomes.get(dataset["genome"], {})
        for key in ("transcripts", "regions"):
            if genome and not dataset[key] and not genome["annotation"]:
                yield (
                    f"conservation.datasets.{name}.{key}: missing, and genomes.{dataset['genome']}"
                    ".annotation, from which it would be derived, is missing too; give either"
                )
        if genome and branch["probe"]["models"] and not genome["phastcons"]:
            yield (
                f"genomes.{dataset['genome']}.phastcons: missing; the probe of data set {name!r} "
                "needs it. Give a bigWig, or set conservation.probe.models to []"
            )


def _check_attention(branch: Mapping, genomes: Mapping) -> Iterator[str]:
    for name, dataset in branch["datasets"].items():
        genome = genomes.get(dataset["genome"], {})
        for key in ("pairs", "introns"):
            if genome and not dataset[key] and not genome["annotation"]:
                yield (
                    f"attention.datasets.{name}.{key}: missing, and genomes.{dataset['genome']}"
                    ".annotation, from which it would be derived, is missing too; give either"
                )
    for key in ("pairs", "introns"):
        low, high = branch[key]["smallest"], branch[key]["largest"]
        if low > high:
            yield f"attention.{key}.smallest: found {low}, allowed: {key}.largest ({high}) or less"


def _names(value: str | list[str]) -> list[str]:
    """Names of a key that holds one or a list of them."""
    return [value] if isinstance(value, str) else value


def _check_models(key: str, names: list[str], models: Mapping, ability: str) -> Iterator[str]:
    able = [name for name, entry in models.items() if ability in entry["can"]]
    for name in names:
        if name not in models:
            yield f"{key}: unknown model {name!r}; allowed: {', '.join(able)}"
        elif name not in able:
            yield f"{key}: model {name!r} gives no {ability}; allowed: {', '.join(able)}"


def files_of(config: Mapping[str, Any], schema: Mapping[str, Any]) -> dict[str, str]:
    """Dotted key -> path of every file that a configuration names (`x-file` in the schema)."""
    return {key: value for key, value, part in walk(config, schema) if part.get("x-file") and value}


def models_of(config: Mapping[str, Any], schema: Mapping[str, Any]) -> list[str]:
    """Models that the analyses of a configuration use, in its order."""
    named = [_names(value) for _, value, part in walk(config, schema) if "x-ability" in part]
    return list(dict.fromkeys(name for names in named for name in names))


def check_local_files(
    config: Mapping[str, Any], schema: Mapping[str, Any], made_in: str = "resources"
) -> None:
    """Check that files which no rule makes (outside `made_in`; `x-file` in the schema) exist.

    Raises
    ------
    ConfigError
        One line for every missing file, with its key.
    """
    lines = [
        f"{key}: no file {value!r}; give a path that exists"
        for key, value in files_of(config, schema).items()
        if not value.startswith(f"{made_in}/") and not Path(value).exists()
    ]
    if lines:
        raise ConfigError("configuration:\n  " + "\n  ".join(lines))


def check_models(
    config: Mapping[str, Any], models: Mapping[str, Any], schema: Mapping[str, Any]
) -> None:
    """Check that the models which a configuration uses can be had and suit its windows.

    Raises
    ------
    ConfigError
        A model's folder or a file in it is missing (outside `resources`), windows are longer than a
        model allows, or two models of a branch on the paper's data have the same name in the
        paper; one line for every mistake.
    """
    lines = []
    used = {  # the last key of a branch that names the model
        (name, key.split(".")[0]): key
        for key, value, part in walk(config, schema)
        if "x-ability" in part
        for name in _names(value)
    }
    for name in dict.fromkeys(name for name, _ in used):
        lines += [f"models.{name}.folder: {line}" for line in _missing_files(models[name])]
    for (name, branch), key in used.items():
        length = config.get(branch, {}).get("windows", {}).get("length", 0)
        longest = models[name].get("max_length", length)
        if length > longest:
            lines.append(
                f"{branch}.windows.length: {length}; model {name!r} of {key} takes at "
                f"most {longest} nt"
            )
    lines += _same_published(config, models, used)
    if lines:
        raise ConfigError("configuration:\n  " + "\n  ".join(lines))


def published_name(names: str | Mapping[str, str] | None, branch: str) -> str | None:
    """Name that the paper has for a model in a branch, of its `published_as`; None for none."""
    return names.get(branch) if isinstance(names, Mapping) else names


def _same_published(
    config: Mapping[str, Any], models: Mapping[str, Any], used: Iterable[tuple[str, str]]
) -> Iterator[str]:
    """Yield a line for each published name that two models of a branch on the paper's data have."""
    owner: dict[tuple[str, str], str] = {}
    for name, branch in used:
        published = published_name(models[name]["published_as"], branch)
        datasets = config.get(branch, {}).get("datasets", {}).values()
        if published is None or not any(d.get("published") for d in datasets):
            continue
        first = owner.setdefault((branch, published), name)
        if first != name:
            yield (
                f"{branch}: {first!r} and {name!r} are both {published!r} in the published "
                "numbers; leave one out, or set its published_as (under `models:`) to null"
            )


def _missing_files(entry: Mapping[str, Any]) -> Iterator[str]:
    folder = entry.get("folder", "resources/")
    if folder.startswith("resources/"):
        return
    for name in ("config.json", "vocab.txt", entry["weights"]):
        if not (Path(folder) / name).is_file():
            yield f"no file '{folder}/{name}'; a model folder needs it"
