"""The table of sources: it makes what the paper needs, under the names and checksums known."""

import hashlib
import re
from pathlib import Path

import pytest

from splicebert import configuration
from splicebert.errors import ConfigError
from splicebert.source_table import check_sources, load_sources

ROOT = Path(__file__).parents[1]
TEXT_FILES = ("special_tokens_map.json", "tokenizer.json", "tokenizer_config.json")


@pytest.fixture(scope="module")
def sources():
    return load_sources("config/sources.yaml", ROOT)


@pytest.fixture(scope="module")
def models():
    return configuration.read_yaml(ROOT / "config/models.yaml")


def targets(sources):
    """Every file that the rules of setup.smk can make from the table."""
    made = [f"resources/downloads/{source['file']}" for source in sources.values()]
    made += [source["decompress"] for source in sources.values() if source["decompress"]]
    for source in sources.values():
        made += [path for group in source["members"].values() for path in group.values()]
    return made


def strings(node):
    if isinstance(node, dict):
        node = list(node.values())
    if isinstance(node, list):
        return [text for part in node for text in strings(part)]
    return [node] if isinstance(node, str) else []


def test_the_table_makes_all_files_of_the_paper(sources):
    paper = configuration.read_yaml(ROOT / "config/paper.yaml")
    needed = {name: source for name, source in sources.items() if not source["optional"]}
    wanted = {text for text in strings(paper) if text.startswith("resources/")}
    assert len(wanted) >= 5
    assert wanted - set(targets(needed)) == set()


def test_the_table_makes_all_files_of_the_models(sources, models):
    wanted = set()
    for entry in models.values():
        folder = entry.get("folder", "")
        if folder.startswith("resources/"):
            names = {"config.json", "vocab.txt", entry.get("weights", "pytorch_model.bin")}
            wanted |= {f"{folder}/{name}" for name in names | set(entry.get("sha256", {}))}
    assert len(wanted) >= 9
    assert wanted - set(targets(sources)) == set()


def test_the_table_holds_every_file_that_the_protocol_names(sources, shared):
    """The first column of the protocol's table, its braces and brackets written out."""
    text = (shared / "protocol.md").read_text()
    text = text[text.index("## Files of Zenodo") : text.index("## 1 Conservation")]
    columns = [line.split("|")[1] for line in text.splitlines() if line.startswith("| ")][1:]
    plain = [re.sub(r" \((?!\+)[^)]*\)", "", column).strip() for column in columns]
    cells = [cell for column in plain for cell in re.split(r",\s", column)]
    named = {name for cell in cells for name in written_out(cell)}
    members = {
        name.removeprefix("data/")
        for group in sources["data"]["members"].values()
        for name in group
    }
    downloads = {source["file"].removesuffix(".gz") for source in sources.values()}
    impossible = r"lncRNA\.(UTR5|CDS|UTR3)|protein_coding\.exon"
    missing = {name for name in named - members - downloads if not re.search(impossible, name)}
    assert len(named) > 50
    assert missing == set()


def written_out(name):
    """`a.{b,c}[.d].e (+ .f)` as all the names that it stands for."""
    if match := re.search(r"\{([^}]*)\}", name):
        parts = match[1].split(",")
    elif match := re.search(r"\[([^]]*)\]| \(\+ ([^)]*)\)", name):
        parts = ["", match[1] or match[2]]
    else:
        return [name]
    return [
        whole
        for part in parts
        for whole in written_out(name[: match.start()] + part + name[match.end() :])
    ]


def test_every_known_checksum_of_the_models_is_checked(sources, models, shared):
    text = (shared / "protocol.md").read_text()
    text = text[text.index("## Models") : text.index("## Files of Zenodo")]
    published = set(re.findall(r"\b[0-9a-f]{64}\b", text))
    assert len(published) == 7  # vocab.txt is the same of all three
    found = set()
    for name in sources["models"]["members"]:
        known = models[name]["sha256"]
        assert set(known) == {"config.json", "vocab.txt", "pytorch_model.bin"}
        found |= set(known.values())
        for file in ("config.json", "vocab.txt", *TEXT_FILES):
            path = f"resources/models/{name}/{file}"
            expected = known.get(file) or sources["models"]["sha256"][path]
            content = (shared / "zenodo_models" / name / file).read_bytes()
            assert hashlib.sha256(content).hexdigest() == expected, path
    assert found == published


def test_dnabert_is_put_there_by_hand(sources):
    for k in (3, 4, 5, 6):
        source, folder = sources[f"DNABERT{k}"], f"{k}-new-12w-0"
        assert source["file"] == f"{folder}.zip"
        assert source["members"]["model"] == {
            f"{folder}/{name}": f"resources/models/dnabert/{folder}/{name}"
            for name in ("config.json", "pytorch_model.bin", "vocab.txt")
        }
        assert folder in source["manual"]


@pytest.mark.parametrize(
    "change, message",
    [
        ({"members": {"g": {"a": "resources/../../etc/a"}}}, "members.g.a"),
        ({"members": {"g": {"a": "/etc/a"}}}, "members.g.a"),
        ({"file": "../x"}, "file"),
        ({"checksum": "md5:xyz"}, "checksum"),
        ({"url": "file:///etc/passwd"}, "url"),
        ({"mirrors": ["ftp://x/y"]}, "mirrors"),
        ({"max_bytes": 0}, "max_bytes"),
        ({"sha256": {"a": "md5"}}, "sha256"),
        ({"adress": "x"}, "unknown key"),
    ],
)
def test_schema_names_the_mistake(change, message):
    schema = configuration.read_schema(ROOT / "config/schemas/sources.schema.yaml")
    source = {"url": "https://example.org/x", "file": "x"} | change
    with pytest.raises(ConfigError, match=message):
        configuration.check({"x": source}, schema, "table")


@pytest.mark.parametrize(
    "change, message",
    [
        ({"url": None}, "table: x: expected either url .* and manual|manual"),
        ({"manual": "fetch it"}, "either url"),
        ({"members": {"g": {"a": "resources/downloads/x"}}}, "resources/downloads/x is made by x"),
    ],
)
def test_mistakes_between_keys_are_named(change, message):
    source = {"url": "https://example.org/x", "file": "x", "manual": None} | change
    schema = configuration.read_schema(ROOT / "config/schemas/sources.schema.yaml")
    table = configuration.check({"x": source}, schema, "table")
    with pytest.raises(ConfigError, match=message):
        check_sources(table, "table")
