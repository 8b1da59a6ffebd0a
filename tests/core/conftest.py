"""A real mongod for the store's tests; a real workspace with a small, learnable dataset for the loop's."""

import hashlib
import itertools
import shutil
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd
import platformdirs
import pytest
from PIL import Image, ImageDraw

from core.domain.runs import TrainOptions
from core.embedding import backbone, pictures
from core.embedding.backbone import ensure_backbone
from core.runs.atomic import write_json
from core.runs.layout import RunPaths, WorkspacePaths
from core.services import mongod
from core.snapshots import manifest
from core.store.memory import MemoryStore
from core.store.mongo import MongoStore
from core.workspace import Workspace
from tests.waiting import until

_numbers = itertools.count()


@pytest.fixture(scope="session")
def database_uri(tmp_path_factory):
    """The URI of a mongod of our own, in a workspace of the session."""
    connection = mongod.attach_or_start(WorkspacePaths(tmp_path_factory.mktemp("mongo") / "ws"))
    yield connection.uri
    connection.stop()


@pytest.fixture
def mongo_store(database_uri):
    """An empty store on the real database."""
    store = MongoStore(database_uri, f"test{next(_numbers)}")
    yield store
    store._client.drop_database(store._db.name)
    store.close()


@pytest.fixture(params=["memory", "mongo"])
def store(request):
    """Each store in turn: both must pass the same tests."""
    return MemoryStore() if request.param == "memory" else request.getfixturevalue("mongo_store")


@pytest.fixture
def picture():
    """``picture(path, seed)`` writes a small image whose content depends on the seed alone."""

    def write(path: Path, seed: int, size=(40, 30), **options) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = np.random.default_rng(seed).integers(0, 255, (size[1], size[0], 3), dtype=np.uint8)
        Image.fromarray(pixels).save(path, **options)
        return path

    return write


@pytest.fixture(scope="session")
def backbone_cache():
    """A cache folder with the bundled backbone in it, exported once for each version of the code that exports it."""
    code = b"".join(Path(str(module.__file__)).read_bytes() for module in (backbone, pictures))
    code += Path(str(backbone.__file__)).with_name("export.py").read_bytes() + version("torch").encode()
    folder = Path(platformdirs.user_cache_dir("labelloop")) / "tests" / hashlib.sha256(code).hexdigest()[:16]
    ensure_backbone(folder)
    return folder


@pytest.fixture(scope="session")
def backbone_model(backbone_cache):
    """The bundled backbone as ONNX."""
    return ensure_backbone(backbone_cache)


@pytest.fixture
def shapes():
    """``shapes(folder, 20)`` draws 20 seeded pictures of each of three classes that a network can learn."""

    def draw(folder: Path, each: int, *, size=48, classes=("disc", "square", "bars")) -> pd.DataFrame:
        folder.mkdir(parents=True, exist_ok=True)
        random = np.random.default_rng(7)
        rows = []
        for number in range(each * len(classes)):
            kind = number % len(classes)
            noise = Image.fromarray(random.integers(60, 120, (size, size, 3), dtype=np.uint8))
            pen, (x, y) = ImageDraw.Draw(noise), random.integers(4, size // 2, 2).tolist()
            box = (x, y, x + size // 2 - 4, y + size // 2 - 4)
            ink = tuple(random.integers(0, 60, 3).tolist())
            ink = ink[:kind] + (230,) + ink[kind + 1 :]
            if kind == 0:
                pen.ellipse(box, fill=ink)
            elif kind == 1:
                pen.rectangle(box, fill=ink)
            else:
                for across in range(box[0], box[2], 6):
                    pen.rectangle((across, box[1], across + 2, box[3]), fill=ink)
            path = folder / f"{number:04d}.png"
            noise.save(path)
            split = ("train", "train", "train", "val", "test")[(number // len(classes)) % 5]
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
            rows.append((f"{number:024x}", str(path), digest, classes[kind], split))
        return pd.DataFrame(rows, columns=list(manifest.COLUMNS)).astype(object)

    return draw


@pytest.fixture
def make_run(tmp_path, backbone_model):
    """``make_run(samples, model="cnn")`` is a run folder ready to train, in a workspace that has the backbone."""

    def make(samples: pd.DataFrame, *, classes=None, name=None, **options) -> RunPaths:
        workspace = WorkspacePaths(tmp_path / "workspace")
        workspace.cache.mkdir(parents=True, exist_ok=True)
        if not (workspace.cache / backbone_model.name).exists():
            shutil.copy(backbone_model, workspace.cache / backbone_model.name)
        classes = tuple(classes or sorted({label for label in samples["label"] if label is not None}))
        identity = manifest.identify(samples, classes)
        manifest.write(workspace.snapshot(identity), manifest.Snapshot(identity, "shapes", classes, samples))
        run = workspace.run(name or f"run-{next(_numbers)}")
        spec = {"kind": "train", "name": run.name, "dataset": "shapes", "snapshot": identity, "options": options}
        write_json(run.spec, {**spec, "classes": list(classes), "created_at": 0.0, "versions": {}})
        return run

    return make


@pytest.fixture(scope="session")
def write_shapes(draw_shape):
    """``write_shapes(folder, each=24, classes=...)`` writes class folders of drawn shapes."""

    def write(root: Path, *, each=24, classes=("circle", "square", "stripes"), seed=0) -> Path:
        for position, label in enumerate(classes):
            (root / label).mkdir(parents=True, exist_ok=True)
            for number in range(each):
                image = draw_shape(label, seed=seed + position * 10_000 + number, size=96)
                image.save(root / label / f"{number:03}.png")
        return root

    return write


@pytest.fixture(scope="module")
def workspace(tmp_path_factory, backbone_cache, write_shapes):
    """A workspace with the dataset "shapes" (three classes of 24), imported, nothing trained."""
    root = tmp_path_factory.mktemp("ws")
    shutil.copytree(backbone_cache, root / "cache")
    folder = write_shapes(tmp_path_factory.mktemp("shapes") / "images")
    with Workspace.open(root, user="ann") as opened:
        job = opened.wait(opened.start_import(folder, "shapes"), timeout=120)
        assert job.state == "succeeded", job.error
        yield opened


@pytest.fixture(scope="module")
def trained(workspace):
    """The workspace with one instant run, its labels judged."""
    view = workspace.wait(workspace.retrain("shapes", TrainOptions()), timeout=240)
    assert view.state == "succeeded", view.error + workspace.log_tail(view.name)
    until(workspace.run_paths(view.name).outlook.exists)
    return workspace
