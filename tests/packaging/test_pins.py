"""Constraints pin what pyproject.toml asks for, in the versions that these tests run with; and name no index."""

import re
import tomllib
from importlib.metadata import PackageNotFoundError, distribution, version
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
PINS = {
    canonicalize_name(line.split("==")[0]): line.split("==")[1]
    for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
}
EXTRAS = PROJECT["optional-dependencies"]
ASKED = [
    Requirement(text)
    for text in PROJECT["dependencies"] + [text for extra in EXTRAS.values() for text in extra]
    if not text.startswith("labelloop[")  # "dev" takes our own extras along, which stand here anyway
]


def test_constraints_hold_exact_pins_and_nothing_else():
    for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines():
        assert re.fullmatch(r"[a-z0-9][a-z0-9.-]*==[0-9][0-9a-z.]*", line), line


@pytest.mark.parametrize("requirement", ASKED, ids=lambda requirement: requirement.name)
def test_every_dependency_is_pinned_to_what_is_tested(requirement):
    name = canonicalize_name(requirement.name)
    assert name in PINS
    assert PINS[name] in requirement.specifier
    assert version(name).split("+")[0] == PINS[name]


def test_what_the_dependencies_ask_for_is_pinned_too():
    missing, seen, waiting = set(), set(), [(requirement, "") for requirement in ASKED]
    while waiting:
        requirement, extra = waiting.pop()
        if requirement.marker and not requirement.marker.evaluate({"extra": extra}):
            continue
        name = canonicalize_name(requirement.name)
        for wanted in ("", *requirement.extras):
            if (name, wanted) in seen:
                continue
            seen.add((name, wanted))
            if name not in PINS:
                missing.add(name)
            try:
                waiting += [(Requirement(text), wanted) for text in distribution(name).requires or ()]
            except PackageNotFoundError:
                missing.add(name)
    assert missing == set()


def test_private_surfaces_are_pinned_exactly():
    asked = {requirement.name: str(requirement.specifier) for requirement in ASKED}
    assert asked["fiftyone"] == f"=={PINS['fiftyone']}"
    assert asked["streamlit"] == f"=={PINS['streamlit']}"


def test_torch_and_torchvision_are_a_pair():
    import torch
    import torchvision

    assert torchvision.models.resnet18()(torch.zeros(1, 3, 64, 64)).shape == (1, 1000)
    assert torchvision.ops.nms(torch.tensor([[0.0, 0, 1, 1]]), torch.tensor([1.0]), 0.5).tolist() == [0]


def test_the_pins_admit_the_oldest_python_that_we_promise():
    """Debian 12 has Python 3.11.2; the interpreter of these tests may be newer."""
    refused = {}
    for name in PINS:
        try:
            wanted = distribution(name).metadata.get("Requires-Python")
        except PackageNotFoundError:
            continue
        if wanted and "3.11.2" not in SpecifierSet(wanted):
            refused[name] = wanted
    assert refused == {}
