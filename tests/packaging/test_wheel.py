"""The wheel brings everything that the product reads beside its code, and nothing else."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    done = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    (found,) = folder.glob("*.whl")
    return zipfile.ZipFile(found)


def in_git(*patterns):
    listed = subprocess.run(["git", "ls-files", "-z", *patterns], cwd=ROOT, capture_output=True, check=True).stdout
    return {name for name in listed.decode().split("\0") if name and (ROOT / name).exists()}


def test_every_tracked_file_of_the_packages_is_in_it(wheel):
    tracked = in_git("core", "dashboard", "pages")
    assert tracked  # not an empty comparison
    assert tracked - set(wheel.namelist()) == set()


@pytest.mark.parametrize(
    "name",
    [
        "core/demo/images.zip",
        "core/demo/LICENSE-fluent-emoji.txt",
        "dashboard/.streamlit/config.toml",
        "core/services/plugin/labelloop/fiftyone.yml",
    ],
)
def test_files_that_no_import_would_miss(wheel, name):
    assert name in wheel.namelist()


def test_nothing_else_is_in_it(wheel):
    folders = {name.split("/")[0] for name in wheel.namelist()}
    assert {folder for folder in folders if not folder.endswith(".dist-info")} == {"core", "dashboard", "pages"}
    assert not [name for name in wheel.namelist() if "__pycache__" in name or name.endswith((".pyc", ".part"))]


def test_the_licences_and_the_command_are_declared(wheel):
    (info,) = {name.split("/")[0] for name in wheel.namelist() if ".dist-info/" in name}
    assert {f"{info}/licenses/LICENSE", f"{info}/licenses/NOTICE"} <= set(wheel.namelist())
    assert "labelloop = core.cli:main" in wheel.read(f"{info}/entry_points.txt").decode()
    metadata = wheel.read(f"{info}/METADATA").decode()
    assert "Private :: Do Not Upload" in metadata
    assert "License-Expression: Apache-2.0" in metadata
