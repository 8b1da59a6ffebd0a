"""Nothing in the repository ties it to one machine, one package index or one user."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
INDEX_HOSTS = r"(files\.pythonhosted|\bpypi|registry\.(npmjs|yarnpkg))\.(org|com)|download\.pytorch\.org/whl"
INDEX_OPTIONS = r"--(extra-)?index-url|--find-links|--trusted-host|PIP_INDEX|UV_INDEX"
OWN_PATHS = r"(?<![\w.])/(root|work)/"


def texts():
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout
    for name in listed.decode().split("\0"):
        path = ROOT / name
        if name and path.is_file() and path != Path(__file__):
            content = path.read_bytes()
            if b"\0" not in content[:8192]:
                yield name, content.decode("utf-8")


@pytest.mark.parametrize("pattern", [INDEX_HOSTS, INDEX_OPTIONS, OWN_PATHS], ids=["index host", "index", "own path"])
def test_no_text_file_holds(pattern):
    found = [f"{name}: {match[0]}" for name, text in texts() for match in re.finditer(pattern, text)]
    assert found == []


def test_no_lock_file_names_an_index():
    names = {name for name, _ in texts()}
    assert not names & {"uv.lock", "poetry.lock", "Pipfile.lock", "package-lock.json", "yarn.lock"}
    assert {"pyproject.toml", "constraints.txt", "setup.sh"} <= names


def test_no_large_file():
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout
    sizes = {name: (ROOT / name).stat().st_size for name in listed.decode().split("\0") if (ROOT / name).is_file()}
    assert {name: size for name, size in sizes.items() if size > 1_000_000 and name != "core/demo/images.zip"} == {}
