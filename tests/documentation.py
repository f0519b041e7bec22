"""The pages of the documentation: their code blocks with the marks before them, their links."""

import re
from pathlib import Path
from typing import NamedTuple

MARK = re.compile(r"<!-- (.+?) -->")
LINK = re.compile(r"(?<!`)\[[^\]]*\]\(([^)\s]+)\)|<img src=\"([^\"]+)\"")
HEADING = re.compile(r"#+ (.*)")


class Block(NamedTuple):
    """A fenced block.

    page : its file
    line : 1-based line of its opening fence
    language : what follows the fence
    mark : text of the comment on the line before, empty where there is none
    text : what is inside
    """

    page: Path
    line: int
    language: str
    mark: str
    text: str

    @property
    def argument(self) -> str:
        """What follows the colon of its mark."""
        return self.mark.partition(": ")[2]


def pages(root: Path) -> list[Path]:
    """Every page that a person reads."""
    return [root / "README.md", root / "CHANGELOG.md", *sorted((root / "docs").glob("*.md")),
            *sorted((root / "config").rglob("*.md"))]  # fmt: skip


def blocks(page: Path) -> list[Block]:
    """The fenced blocks of a page, in order."""
    found, start, lines = [], None, page.read_text().split("\n")
    for number, line in enumerate(lines):
        if not line.startswith("```"):
            continue
        if start is None:
            start = number
            continue
        mark = MARK.fullmatch(lines[start - 1])
        text = "".join(f"{inner}\n" for inner in lines[start + 1 : number])
        found.append(
            Block(page, start + 1, lines[start][3:].strip(), mark[1] if mark else "", text)
        )
        start = None
    assert start is None, f"{page}:{start}: a fence without its end"
    return found


def prose(page: Path) -> str:
    """A page without its fenced blocks."""
    return re.sub(r"^```.*?^```$", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)


def links(page: Path) -> list[str]:
    """Targets of the page's links and pictures, those of other sites left out."""
    found = [target or image for target, image in LINK.findall(prose(page))]
    return [target for target in found if not re.match(r"[a-z]+:", target)]


def anchors(page: Path) -> set[str]:
    """Anchors of the page's headings, as GitHub makes them."""
    found: dict[str, int] = {}
    for line in prose(page).split("\n"):
        if heading := HEADING.fullmatch(line):
            name = re.sub(r"[^\w\- ]", "", heading[1].strip().lower()).replace(" ", "-")
            found[name] = found.get(name, 0) + 1
    return {f"{name}-{i}" if i else name for name, n in found.items() for i in range(n)}


def follow(block: Block, folder: Path) -> None:
    """Do with a file of a project what a block's mark says: write, append or edit it."""
    action, path = block.mark.partition(": ")[0], folder / block.argument
    if action == "write":
        assert not path.exists(), f"{block.argument} is there already"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(block.text)
    elif action == "append":
        path.write_text(path.read_text() + block.text)
    elif action == "edit":
        lines = block.text.splitlines(keepends=True)
        old = "".join(line[1:] for line in lines if line[0] in " -")
        new = "".join(line[1:] for line in lines if line[0] in " +")
        assert path.read_text().count(old) == 1, f"{block.argument}: {old!r} is not there once"
        path.write_text(path.read_text().replace(old, new))
