"""A workspace on a real mongod with a small, learnable dataset, made once and copied by nobody: tests read it."""

import shutil

import numpy as np
import pytest
from PIL import Image, ImageDraw

from core.domain.runs import TrainOptions
from core.workspace import Workspace

CLASSES = ("circle", "square", "stripes")


def draw(label, seed, size=96):
    """A coloured shape: easy to tell apart, never twice the same."""
    generator = np.random.default_rng(seed)
    ground, ink = (tuple(int(v) for v in generator.integers(low, high, 3)) for low, high in ((150, 255), (0, 110)))
    image = Image.new("RGB", (size, size), ground)
    pen = ImageDraw.Draw(image)
    x, y, r = (int(v) for v in generator.integers((30, 30, 16), (66, 66, 28)))
    if label == "circle":
        pen.ellipse((x - r, y - r, x + r, y + r), fill=ink)
    elif label == "square":
        pen.rectangle((x - r, y - r, x + r, y + r), fill=ink)
    else:
        for start in range(0, size, int(generator.integers(9, 16))):
            pen.line((start, 0, start, size), fill=ink, width=4)
    return image


def write_folder(root, *, each=24, classes=CLASSES, seed=0):
    """Class folders of drawn shapes."""
    for position, label in enumerate(classes):
        (root / label).mkdir(parents=True, exist_ok=True)
        for number in range(each):
            draw(label, seed + position * 10_000 + number).save(root / label / f"{number:03}.png")
    return root


@pytest.fixture(scope="session")
def shapes():
    """``shapes(folder, each=24)`` writes class folders of drawn shapes."""
    return write_folder


@pytest.fixture(scope="session")
def backbone_cache(tmp_path_factory):
    """Where the exported backbone is kept between workspaces of the session."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def workspace(tmp_path_factory, backbone_cache):
    """A workspace with the dataset "shapes", imported, nothing trained."""
    root = tmp_path_factory.mktemp("ws")
    if any(backbone_cache.iterdir()):
        shutil.copytree(backbone_cache, root / "cache")
    folder = write_folder(tmp_path_factory.mktemp("shapes") / "images")
    with Workspace.open(root, user="ann") as opened:
        job = opened.wait(opened.start_import(folder, "shapes"), timeout=120)
        assert job.state == "succeeded", job.error
        yield opened
        if not any(backbone_cache.iterdir()) and (root / "cache").exists():
            shutil.copytree(root / "cache", backbone_cache, dirs_exist_ok=True)


@pytest.fixture(scope="module")
def trained(workspace):
    """The workspace with one instant run."""
    view = workspace.wait(workspace.retrain("shapes", TrainOptions()), timeout=240)
    assert view.state == "succeeded", view.error + workspace.log_tail(view.name)
    return workspace
