"""Our three plain top-level names are ours, and the light processes stay light."""

import subprocess
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
HEAVY = ("torch", "torchvision", "lightning_fabric", "fiftyone", "matplotlib", "cv2")


@pytest.mark.parametrize("name", ["core", "dashboard", "pages"])
def test_the_name_belongs_to_us_alone(name):
    assert set(packages_distributions().get(name, ["labelloop"])) == {"labelloop"}
    found = subprocess.run(
        [sys.executable, "-c", f"import {name}; print({name}.__file__)"],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT.parent,  # not the checkout: the installed package must be found, not the folder we stand in
    )
    assert Path(found.stdout.strip()).resolve().is_relative_to(ROOT / name)


@pytest.mark.parametrize(
    "module", ["core.cli", "core.cli.app", "core.workspace", "core.demo.dataset", "core.jobs.supervisor"]
)
def test_commands_and_workspace_load_neither_torch_nor_fiftyone_nor_streamlit(module):
    assert loaded_by(module, (*HEAVY, "streamlit", "plotly")) == []


@pytest.mark.parametrize("module", ["dashboard.state", "dashboard.navigation", "dashboard.charts"])
def test_the_process_that_draws_loads_neither_torch_nor_fiftyone(module):
    assert loaded_by(module, HEAVY) == []


@pytest.mark.parametrize("module", ["core.training.__main__"])
def test_training_loads_no_store(module):
    assert loaded_by(module, ("fiftyone", "pymongo", "streamlit", "core.store")) == []


def test_the_console_script_answers_without_loading_anything_heavy():
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "core.cli", "--help"], capture_output=True, text=True, check=True
    )
    assert "Usage" in done.stdout
    modules = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines() if "import time:" in line}
    assert modules & {*HEAVY, "streamlit", "plotly"} == set()


def loaded_by(module, names):
    """Those of ``names`` that a fresh interpreter holds after it imported ``module``."""
    program = f"import sys, {module}; print(*[name for name in {names!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()
