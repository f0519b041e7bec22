"""The commands of the pages: run on the demo, or planned where the paper's data would be needed."""

import re
import shlex

import pytest

import documentation

PAGES = ("README.md", "docs/commands.md", "docs/data_flow.md", "docs/python.md")


def script(page, mark, language):
    """All blocks of a page with a mark, one after another."""
    found = [b for b in documentation.blocks(page) if (b.mark, b.language) == (mark, language)]
    return "".join(block.text for block in found)


def test_every_page_with_commands_for_the_demo_is_run(root):
    marked = {b.page for page in documentation.pages(root) for b in documentation.blocks(page)
              if b.mark == "run: demo"}  # fmt: skip
    assert marked == {root / page for page in PAGES}


@pytest.mark.parametrize("page", PAGES)
def test_commands_of_a_page_run_on_the_demo(page, root, demo, execute):
    made = "export PATH=$PWD/.venv/bin:$PATH\n"
    commands = script(root / page, "run: demo", "bash")
    if code := script(root / page, "run: demo", "python"):
        (demo.folder / "page.py").write_text(code)
        commands += "python page.py\n"

    finished = execute("bash", "-euo", "pipefail", "-c", made + commands, cwd=demo.folder)

    assert finished.code == 0, finished.output
    outputs = re.findall(r"(?:-o|--zarr|--annotated|>) ([\w./]+)", commands)
    for output in outputs:
        assert list(demo.folder.glob(f"{output}*")), output
    assert outputs or page == "docs/python.md"


def planned_commands(root):
    """Every snakemake command of the pages that is marked to be planned, once."""
    texts = [script(page, "run: plan", "bash") for page in documentation.pages(root)]
    lines = [shlex.split(line, comments=True) for text in texts for line in text.splitlines()]
    return list(dict.fromkeys(tuple(words) for words in lines if words))


def test_planned_commands_can_be_planned(root, demo, run):
    """With `-n`; the report, which has no plan, is what `make demo` makes."""
    commands = planned_commands(root)
    assert len(commands) > 6
    for name, *words in commands:
        assert name == "snakemake"
        if "--report" in words:
            assert " ".join(words[-2:]) in (root / "Makefile").read_text()
        else:
            run("-n", *words, cwd=demo.folder)
