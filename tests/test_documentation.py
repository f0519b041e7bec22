"""The pages of the documentation hold together: links, marks, configurations, files, tables."""

import re
import tomllib

import pytest
import yaml

import documentation
from splicebert import table_reference
from splicebert.configuration import check, read_schema

MARKS = ("run", "not run", "tested", "write", "append", "edit")
RUNS = {"run: demo", "run: plan", "run: extend"}
# What a rule puts into a path, and what stands on the page for it.
COMPUTED = re.compile(r"\{(?:[A-Z]+_)?(SHARD|PWM|BASELINES)\}")
WORDS = {"SHARD": "{shard}-of-{shards}", "PWM": "pwm", "BASELINES": "baselines"}


@pytest.fixture(scope="module")
def pages(root):
    return documentation.pages(root)


def test_relative_links_and_their_anchors_exist(pages):
    checked = 0
    for page in pages:
        for link in documentation.links(page):
            name, _, anchor = link.partition("#")
            target = (page.parent / name).resolve() if name else page
            assert target.exists(), f"{page.name}: no file {link}"
            assert not anchor or anchor in documentation.anchors(target), f"{page.name}: {link}"
            checked += 1
    assert checked > 100


def test_links_are_found(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(
        "# A `b`: c_d\n## X\n## X\n[a](b.md#c) [d](https://e) ![f](g.png)\n"
        '<img src="h.png">\n```\n[i](j.md)\n```\n'
    )
    assert documentation.links(page) == ["b.md#c", "g.png", "h.png"]
    assert documentation.anchors(page) == {"a-b-c_d", "x", "x-1"}


def test_every_page_of_docs_is_listed_in_the_readme(root):
    linked = {link.partition("#")[0] for link in documentation.links(root / "README.md")}
    assert {f"docs/{page.name}" for page in (root / "docs").glob("*.md")} <= linked


def test_every_block_of_commands_says_whether_it_is_run(pages, root):
    tests = "".join(path.read_text() for path in (root / "tests").rglob("test_*.py"))
    for page in pages:
        for block in documentation.blocks(page):
            where = f"{page.name}:{block.line}: {block.mark!r}"
            if block.language in ("bash", "python", "diff"):
                assert block.mark.partition(":")[0] in MARKS, where
                assert block.argument, where
            if block.mark.startswith("run:"):
                assert block.mark in RUNS, where
            if block.mark.startswith("tested:"):
                assert f"def {block.argument}(" in tests, where


def test_configurations_of_the_pages_are_valid(pages, root):
    schema = read_schema(root / "config/schemas/config.schema.yaml")
    genomes = {"genomes": {"mine": {"assembly": "GRCh38", "fasta": "genome.fa"}}}
    blocks = [b for page in pages for b in documentation.blocks(page) if b.language == "yaml"]
    parts = [block for block in blocks if not block.mark]
    assert len(parts) >= 4
    for block in parts:
        where = f"{block.page.name}:{block.line}"
        check(genomes | yaml.safe_load(block.text), schema, where)


def output_paths(root):
    """Path of every file below results/ and resources/ that a rule makes."""
    for path in sorted((root / "rules").glob("*.smk")):
        for output in re.findall(r"\n    output:\n(.*?)\n    \w+:\n", path.read_text(), re.S):
            for text in re.findall(r'"((?:results|resources)/[^"]+)"', output):
                yield (
                    COMPUTED.sub(lambda m: WORDS[m[1]], text).replace("{{", "{").replace("}}", "}")
                )


def documented_paths(page):
    """Paths in the first cells of the page's tables.

    In a cell the first name is a path, below the folder that the section names; one that begins
    with a dot is the same with another ending; another one lies beside it.
    """
    folder = ""
    for line in page.read_text().split("\n"):
        if line.startswith("## "):
            folder = ""
        elif line.startswith("`results/"):
            folder = re.match("`(.+?)`", line)[1]
        elif line.startswith("| `"):
            first, *others = re.findall("`(.+?)`", line.split(" | ")[0])
            first = first if first.startswith(("results/", "resources/")) else folder + first
            yield first
            for name in others:
                base = first.rpartition("/")[0] + "/"
                yield first.rpartition(".")[0] + name if name[0] == "." else base + name


def pattern(path):
    """A documented path as a regular expression: {name} is any name, * any ending, / all below."""
    text = re.sub(r"\\{\w+\\}", "[^/]+", re.escape(path)).replace(r"\*", ".+")
    return text + ".+" * path.endswith("/")


def test_every_file_that_a_rule_makes_is_documented(root):
    known = "|".join(pattern(path) for path in documented_paths(root / "docs/files.md"))
    outputs = list(output_paths(root))
    assert len(outputs) > 150
    missing = [path for path in outputs if not re.fullmatch(known, path)]
    assert not missing, f"add to docs/files.md: {missing}"


def test_columns_of_the_tables_are_up_to_date(root):
    page = root / "docs/tables.md"
    assert page.read_text() == table_reference.render(), (
        "run `python -m splicebert.table_reference docs/tables.md`"
    )


def test_every_table_of_the_library_is_on_the_page_and_linked(root):
    page = documentation.anchors(root / "docs/tables.md")
    linked = {link.partition("#")[2] for link in documentation.links(root / "docs/files.md")}
    assert len(page) > 60
    unlinked = {anchor for anchor in page - linked if "tables" in anchor and "." not in anchor}
    assert unlinked <= NOT_FILES, f"say in docs/files.md which file holds {unlinked - NOT_FILES}"


NOT_FILES = {
    "columns-of-the-tables",
    *("tableswindows", "tablestx_bed"),  # WINDOWS is extended by others; TX_BED is an input
    "trainingtablesscores",  # inside a job
}


def test_citation_and_version(root):
    citation = yaml.safe_load((root / "CITATION.cff").read_text())
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    assert citation["cff-version"] == "1.2.0"
    assert citation["version"] == project["version"]
    assert citation["license"] == project["license"]
    assert citation["preferred-citation"]["doi"] in (root / "README.md").read_text()
    assert f"## {project['version']}" in (root / "CHANGELOG.md").read_text()


def test_the_catalog_finds_what_it_wants(root):
    """Keys of the catalog's usage file, and the files that it looks for."""
    usage = yaml.safe_load((root / ".snakemake-workflow-catalog.yml").read_text())["usage"]
    assert set(usage) == {"mandatory-flags", "software-stack-deployment", "report"}
    assert set(usage["mandatory-flags"]) == {"desc", "flags"}
    readme = (root / "README.md").read_text().lower()
    assert "snakemake" in readme
    assert "workflow" in readme
    assert (root / "Snakefile").is_file()
    assert list((root / "rules").glob("*.smk"))
    assert (root / "config/README.md").is_file()
    conda = usage["software-stack-deployment"]["conda"]
    assert conda == ("conda:" in (root / "rules/conservation.smk").read_text())
