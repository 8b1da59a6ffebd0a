"""The documents tell the truth: every module stands in the tree, every file and link that they name exists."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MODULES = sorted(
    path.relative_to(ROOT)
    for folder in ("core", "dashboard", "pages", "benchmarks")
    for path in (ROOT / folder).rglob("*")
    if path.suffix in (".py", ".js", ".css", ".html") and path.read_text(encoding="utf-8").strip()
)


def _tree():
    """The files that ARCHITECTURE.md's tree names, as paths."""
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    folder, named = "", set()
    for line in text[text.index("## Tree") : text.index("## Dependencies")].splitlines():
        if match := re.fullmatch(r" {4}(\S+)/", line):
            folder = match[1]
        elif match := re.match(r" {6}(\S+\.\w+) ", line):
            named.add(Path(folder) / match[1])
    return named


def test_every_module_stands_in_the_tree():
    assert sorted(set(MODULES) - _tree()) == []


def test_the_layers_are_those_that_are_checked():
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    block = text[text.index("Layers inside `core`") :].split("\n\n")[1]
    told = [re.split(r" {3,}", line.strip())[0].split(" | ") for line in block.splitlines()]
    tools = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]
    contracts = tools["importlinter"]["contracts"]
    layers = next(one["layers"] for one in contracts if one.get("containers") == ["core"])
    assert told == [re.sub(r"[()]", "", layer).split(" | ") for layer in layers]


def test_the_tree_names_nothing_that_is_not_there():
    assert not [str(path) for path in _tree() if not (ROOT / path).exists()]


@pytest.mark.parametrize("document", ["README.md", "ARCHITECTURE.md", "CHANGELOG.md", "benchmarks/RESULTS.md"])
def test_links_to_files_resolve(document):
    text = (ROOT / document).read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#]+)\)", text):
        if "://" not in target:
            assert ((ROOT / document).parent / target).exists(), target
