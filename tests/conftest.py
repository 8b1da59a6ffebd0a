"""What all tests share: seeded images, hostile names, a free port, a browser, a workspace folder, one in memory.

Fixtures of one package's tests live in the conftest.py beside them.
"""

import os
import shutil
import socket

os.environ.setdefault("FIFTYONE_DO_NOT_TRACK", "true")
os.environ.setdefault("STREAMLIT_BROWSER_GATHER_USAGE_STATS", "false")
# Several tests share the processors: a network's threads would wait for one another at every layer, many times over.
os.environ.setdefault("LABELLOOP_CORES", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # asked as numpy is imported, below

import numpy as np
import pytest
from PIL import Image, ImageDraw

from core.domain.samples import NewSample
from core.workspace import facade
from tests.spares import Shared


def pytest_collection_modifyitems(items):
    """Files with slow tests first, so that at the end no worker is alone with one."""
    slow = {item.path for item in items if item.get_closest_marker("slow") or item.get_closest_marker("browser")}
    items.sort(key=lambda item: item.path not in slow)


@pytest.fixture(scope="session")
def spares():
    """The spares that jobs of tests are forked from."""
    shared = Shared()
    yield shared
    shared.end()


@pytest.fixture(scope="session", autouse=True)
def jobs_are_forked(spares):
    """Workspaces that are opened here start their jobs by the shared spares."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(facade, "Launcher", lambda **_: spares)
        yield


SHAPES = ("circle", "square", "triangle", "cross", "ring", "stripes")

# As file, folder and class names: everything that a file system takes and a page, a query or a shell could trip over.
HOSTILE_NAMES = [
    "two words",
    " leading and trailing ",
    'it\'s "quoted"',
    "new\nline",
    "tab\there",
    "; echo gone",
    "$(touch gone)",
    "`id`",
    "-rf",
    "--help",
    "100% %s %(x)d",
    "{0} {{x}} $name",
    "a&b=c?d#e",
    "back\\slash",
    "<script>alert(1)</script>".replace("/", "\u2215"),
    "<img src=x onerror=alert(1)>",
    "café",
    "cafe\u0301",  # the same to a person, other bytes
    "Ελληνικά",
    "кошка",
    "猫と犬",
    "قطة",
    "\u202eesrever",
    "🐈\u200d⬛",
    "null",
    "None",
    "nan",
    "1e5",
    "n" * 200,
]


@pytest.fixture(params=HOSTILE_NAMES, ids=[ascii(name)[1:-1][:40] for name in HOSTILE_NAMES])
def hostile_name(request):
    """Each hostile name in turn."""
    return request.param


@pytest.fixture(scope="session")
def hostile_names():
    """All hostile names at once."""
    return list(HOSTILE_NAMES)


@pytest.fixture(scope="session")
def draw_shape():
    """``draw_shape("circle", seed=3, size=48)`` is a picture that the seed decides alone and a network can learn."""
    return _draw_shape


@pytest.fixture
def image_folder(tmp_path):
    """``image_folder("class folders", classes=("circle", "square"), each=6)`` is a folder of seeded pictures.

    Layouts: "class folders", "split folders" (train, val and test, each with ``each`` a class), "flat". Class names may
    be any text; ``seed`` changes every picture. Pictures are all different.
    """

    def make(layout="class folders", *, classes=SHAPES[:3], each=6, size=48, seed=0, name="images"):
        root = tmp_path / name
        splits = ("train", "val", "test") if layout == "split folders" else ("",)
        number = 0
        for split in splits:
            for position, label in enumerate(classes):
                folder = root if layout == "flat" else root / split / label
                folder.mkdir(parents=True, exist_ok=True)
                for _ in range(each):
                    picture = _draw_shape(SHAPES[position % len(SHAPES)], seed=seed * 100_000 + number, size=size)
                    picture.save(folder / f"{number:04d}.png")
                    number += 1
        return root

    return make


@pytest.fixture
def workspace_root(tmp_path):
    """A folder for a workspace, not made yet."""
    return tmp_path / "workspace"


@pytest.fixture
def in_memory(tmp_path, spares):
    """A workspace whose store is in memory, empty; what it keeps on disk lies in ``tmp_path / "ws"``."""
    from core.runs.layout import WorkspacePaths
    from core.store.memory import MemoryStore
    from core.workspace import Workspace

    root = tmp_path / "ws"
    root.mkdir()
    return Workspace(WorkspacePaths(root), MemoryStore(), user="ann", launcher=spares)


@pytest.fixture
def new_samples():
    """``new_samples("cat", "dog", None)`` makes samples with these labels, each of its own content."""

    def make(*labels, split="train", folder="/images"):
        return [
            NewSample(
                filepath=f"{folder}/{position}.png",
                label=label,
                split=split,
                content_hash=f"{position:064x}",
                size_bytes=100 + position,
                mtime_ns=1_000 + position,
                width=64,
                height=48,
                mime_type="image/png",
                source=folder,
            )
            for position, label in enumerate(labels)
        ]

    return make


@pytest.fixture
def free_port():
    """A TCP port of the loopback address that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="session")
def chromium():
    """The path of a Chromium or Chrome, as ``setup.sh test`` provides it."""
    names = (os.environ.get("LABELLOOP_CHROMIUM"), "chromium", "chromium-browser", "google-chrome")
    path = next((found for name in names if name and (found := shutil.which(name))), None)
    assert path, "the browser tests need Chromium: run ./setup.sh test, or name one in LABELLOOP_CHROMIUM"
    return path


def _draw_shape(shape, *, seed, size=48):
    """A dark shape of any place and size on a light ground with a little noise."""
    random = np.random.default_rng((SHAPES.index(shape), seed))
    ground = random.integers(150, 256, 3)
    noise = random.integers(-12, 13, (size, size, 3))
    image = Image.fromarray(np.clip(ground + noise, 0, 255).astype(np.uint8))
    pen, ink = ImageDraw.Draw(image), tuple(random.integers(0, 110, 3).tolist())
    r = size * float(random.uniform(0.18, 0.30))
    x, y = random.uniform(r, size - r, 2).tolist()
    box, thick = (x - r, y - r, x + r, y + r), max(2, round(r / 3))
    if shape == "circle":
        pen.ellipse(box, fill=ink)
    elif shape == "square":
        pen.rectangle(box, fill=ink)
    elif shape == "triangle":
        pen.polygon([(x, y - r), (x - r, y + r), (x + r, y + r)], fill=ink)
    elif shape == "cross":
        pen.line((x - r, y - r, x + r, y + r), fill=ink, width=thick)
        pen.line((x - r, y + r, x + r, y - r), fill=ink, width=thick)
    elif shape == "ring":
        pen.ellipse(box, outline=ink, width=thick)
    else:
        for start in range(0, size, int(random.integers(8, 14))):
            pen.line((start, 0, start, size), fill=ink, width=3)
    return image
