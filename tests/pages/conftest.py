"""Workspaces for the page tests: an empty one, and one with images and runs whose every figure is known."""

import shutil
import time
from pathlib import Path

import numpy as np
import pytest
import streamlit as st
from filelock import FileLock
from PIL import Image
from streamlit.testing.v1 import AppTest

from core.checks import likeness, shelf
from core.domain.decisions import Decision
from core.domain.generation import Generation
from core.domain.runs import TrainOptions
from core.images.measures import measure
from core.images.reading import decode
from core.review.queues import QueueSpec
from core.runs import measurements
from core.runs.atomic import append_json_line, read_json, write_json
from core.snapshots.freeze import freeze
from core.workspace import Workspace
from tests.imports import bring_in
from tests.runs import finished_run

ROOT = Path(__file__).resolve().parents[2]
CLASSES = ("<b>dog", "=bird", "cat")  # in the order that import gives them
EACH = 20
HOSTILE = ("<script>alert(1)<\u2215script>", "$x$ :red[dog] |`*_")  # class names, of the dataset "made"


def write_images(root: Path, classes=CLASSES, each=EACH, seed=0) -> Path:
    """One folder a class; no two pictures alike."""
    random = np.random.default_rng(seed)
    for name in classes:
        folder = root / name
        folder.mkdir(parents=True)
        for number in range(each):
            pixels = random.integers(0, 255, (24, 32, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / f"{number:02d}.png")
    return root


def add_run(
    workspace: Workspace, dataset: str, *, model="instant", wrong=None, only=(), error="", ago=60.0, **options
) -> str:
    """A finished run. In each split the first ``wrong[split]`` samples get the next class at 90%, all others their
    label at 80%; so do the samples ``only``. With an ``error`` it has failed."""
    frame, classes, wrong = workspace.samples(dataset), workspace.dataset(dataset).classes, dict(wrong or {})
    rows = np.full((len(frame), len(classes)), 0.2 / (len(classes) - 1), dtype=np.float32)
    for place, (split, label) in enumerate(zip(frame["split"], frame["label"], strict=True)):
        true = classes.index(label)
        missed = wrong.get(split, 0) > 0 or frame["sample_id"].iat[place] in only
        wrong[split] = wrong.get(split, 0) - 1
        rows[place, (true + 1) % len(classes) if missed else true] = 0.9 if missed else 0.8
    run = finished_run(workspace, dataset, rows, options=TrainOptions(model=model, **options), error=error, ago=ago)
    run.log.write_text("epoch 1\n<script>alert(1)</script>\n", encoding="utf-8")
    if model != "instant" and not error:
        for epoch, loss in enumerate((0.9, 0.4, 0.5), start=1):
            line = {"epoch": epoch, "train_loss": loss / 2, "train_accuracy": 0.5 + epoch / 10, "val_loss": loss}
            append_json_line(run.metrics, {**line, "val_accuracy": 1 - loss, "seconds": 2.0, "images_per_second": 50.0})
    return run.name


@pytest.fixture(scope="session")
def empty_workspace(tmp_path_factory):
    """A workspace with nothing in it. Tests read it."""
    with Workspace.open(tmp_path_factory.mktemp("empty"), user="ann") as opened:
        yield opened


@pytest.fixture(scope="session")
def images(tmp_path_factory):
    """A folder of 3 x 20 pictures."""
    return write_images(tmp_path_factory.mktemp("pictures") / "zoo")


@pytest.fixture(scope="session")
def trained_workspace(tmp_path_factory, images):
    """Dataset "zoo" (60 images, 3 classes) with run-1 (instant), run-2 (failed) and run-3 (CNN); and "fresh", which is
    the same without runs. Tests read it."""
    with Workspace.open(tmp_path_factory.mktemp("trained"), user="ann") as opened:
        bring_in(opened, "zoo", images)
        bring_in(opened, "fresh", images)
        add_run(opened, "zoo", wrong={"test": 3, "val": 1, "train": 4}, ago=7200)
        add_run(opened, "zoo", model="resnet18", error="The graphics card ran out of memory.", ago=3600)
        add_run(opened, "zoo", model="cnn", wrong={"test": 1}, epochs=3, ago=60)
        yield opened


@pytest.fixture
def untrained_workspace(tmp_path, images):
    """Dataset "zoo" without runs, for tests that train."""
    with Workspace.open(tmp_path / "untrained", user="ann") as opened:
        bring_in(opened, "zoo", images)
        yield opened


@pytest.fixture
def corrected_workspace(tmp_path, images):
    """Dataset "zoo" with run-1 (three test images wrong), one of these three given the class that run-1 saw in it, and
    run-2, which gets everything right."""
    with Workspace.open(tmp_path / "corrected", user="ann") as opened:
        bring_in(opened, "zoo", images)
        first = add_run(opened, "zoo", wrong={"test": 3}, ago=60)
        item = opened.queue("zoo", QueueSpec("misclassified", run=first, split="test"))[0]
        opened.decide("zoo", [Decision(item.sample_id, "relabel", item.suggestion, item.label, "t")], source="grid")
        add_run(opened, "zoo", ago=5)
        yield opened


@pytest.fixture(scope="session")
def generated_workspace(tmp_path_factory):
    """Dataset "made": two classes with hostile names; 40 photographs of each, which run-1 gets right, and images by two
    models: "turbo" made 40 of the first class only (a shortcut), "base" 40 of each, of which run-1 takes 30 of the
    first for the second. All lie in test; run-2 gets everything right. Tests read it.
    """
    root = tmp_path_factory.mktemp("generated")
    random = np.random.default_rng(9)
    makers = {}
    for name, by, count in (
        (HOSTILE[0], None, 40), (HOSTILE[1], None, 40), (HOSTILE[0], "turbo", 40), (HOSTILE[0], "base", 40),
        (HOSTILE[1], "base", 40),
    ):  # fmt: skip
        folder = root / "images" / "test" / name
        folder.mkdir(parents=True, exist_ok=True)
        for number in range(count):
            level = 40 if by == "base" else 200  # the weak ones are dark
            pixels = random.integers(level - 30, level + 30, (24, 32, 3), dtype=np.uint8)
            path = folder / f"{by or 'photo'}-{number:02d}.png"
            Image.fromarray(pixels).save(path)
            makers[str(path)] = by
    with Workspace.open(root / "workspace", user="ann") as opened:
        bring_in(opened, "made", root / "images")
        frame, info = opened.samples("made"), opened.dataset("made")
        made = {
            sample_id: Generation(tool="<b>ComfyUI", model=by, prompt=f"a {by} <script>alert(1)</script>", seed="1")
            for sample_id, path in zip(frame["sample_id"], frame["filepath"], strict=True)
            if (by := makers[path])
        }
        opened.store.set_generations(info.id, made)
        hashes = frame["content_hash"].tolist()
        pictures = [measure(decode(Path(path).read_bytes())) for path in frame["filepath"]]
        measurements.add(opened.paths, hashes, pictures)
        weak = [
            sample_id
            for sample_id, path, label in zip(frame["sample_id"], frame["filepath"], frame["label"], strict=True)
            if makers[path] == "base" and label == HOSTILE[0]
        ][:30]
        add_run(opened, "made", only=weak, ago=120)
        add_run(opened, "made", ago=60)
        yield opened


@pytest.fixture
def running_run(trained_workspace):
    """A CNN on "zoo" in its second of three epochs: its lock is held, as a supervisor would."""
    name = add_run(trained_workspace, "zoo", model="cnn", epochs=3, ago=5)
    run = trained_workspace.run_paths(name)
    run.exit.unlink()
    run.predictions.unlink()
    run.metrics.write_text(run.metrics.read_text(encoding="utf-8").splitlines()[0] + "\n", encoding="utf-8")
    status = {"phase": "training", "epoch": 1, "epochs": 3, "done": 60, "total": 120, "rate": 50.0, "seconds_left": 9.0}
    write_json(run.status, {**status, "message": "", "device": "cpu", "heartbeat": time.time()})
    with FileLock(run.lock):
        yield name
    shutil.rmtree(run.folder)


@pytest.fixture
def relabelled_since(trained_workspace):
    """``relabelled_since(run)`` has the run on "zoo" look as if one label had changed since it was started."""

    def make(name: str) -> None:
        info, frame = trained_workspace.dataset("zoo"), trained_workspace.samples("zoo").copy()
        label = frame["label"].iat[0]
        frame.loc[frame.index[0], "label"] = next(other for other in info.classes if other != label)
        spec = trained_workspace.run_paths(name).spec
        then = freeze(trained_workspace.paths, info, frame)
        write_json(spec, {**read_json(spec), "snapshot": then.id})

    return make


@pytest.fixture
def planted_workspace(tmp_path):
    """Dataset "scenes": 24 pictures in train, 6 in test; twin.jpg in train is picture 25 of test made smaller, copy.png
    is picture 0 once more, other.png is picture 1 under the other label, dark.png is dark. All of it was checked."""
    random, root = np.random.default_rng(3), tmp_path / "images"

    def scene() -> Image.Image:
        small = random.integers(0, 255, (10, 12, 3), dtype=np.uint8)
        image = Image.fromarray(small).resize((240, 200), Image.Resampling.BICUBIC)
        for x, y in random.integers(20, 160, (4, 2)).tolist():  # sharp edges
            image.paste((255, 255, 255), (x, y, x + 20, y + 14))
            image.paste((0, 0, 0), (x, y + 14, x + 20, y + 28))
        return image

    def put(image: Image.Image, split: str, label: str, name: str) -> None:
        (root / split / label).mkdir(parents=True, exist_ok=True)
        image.save(root / split / label / name)

    scenes = [scene() for _ in range(30)]
    for number, image in enumerate(scenes):
        put(image, "test" if number >= 24 else "train", "ab"[number % 2], f"{number:02}.png")
    put(scenes[25].resize((120, 100)), "train", "b", "twin.jpg")
    put(scenes[0], "train", "a", "copy.png")
    put(scenes[1], "train", "a", "other.png")
    put(scene().point(lambda value: value // 8), "train", "a", "dark.png")
    with Workspace.open(tmp_path / "planted", user="ann") as opened:
        bring_in(opened, "scenes", root)
        frame, dataset_id = opened.samples("scenes"), opened.dataset("scenes").id
        hashes = frame["content_hash"].drop_duplicates().tolist()
        files = dict(zip(frame["content_hash"], frame["filepath"], strict=True))
        records = [measure(decode(Path(files[content]).read_bytes())) for content in hashes]
        measurements.add(opened.paths, hashes, records)
        pairs = likeness.by_hash(measurements.read(opened.paths, hashes)[0])
        shelf.write_pairs(opened.paths.checked(dataset_id), likeness.table(pairs, {}, hashes))
        shelf.write_compared(opened.paths.checked(dataset_id), hashes, [True] * len(hashes), asked_at=0.0)
        opened.health.refresh("scenes")
        yield opened


@pytest.fixture
def open_page(monkeypatch, tmp_path):  # a temporary workspace stays until the page's own view of it is closed
    """``open_page(workspace, "runs", run="run-1")`` runs a page through the entry, as a browser would ask for it."""

    def run(workspace: Workspace, page: str, **params: str) -> AppTest:
        monkeypatch.setenv("LABELLOOP_WORKSPACE", str(workspace.paths.root))
        st.cache_resource.clear()
        st.cache_data.clear()
        app = AppTest.from_file(ROOT / "dashboard" / "app.py", default_timeout=120).run()
        for name, value in params.items():
            app.query_params[name] = value
        app.switch_page(f"../pages/{page}.py").run()
        return app

    yield run
    st.cache_resource.clear()


@pytest.fixture
def address():
    """``address(app)`` is the query of the page's address, one value a name."""

    def read(app: AppTest) -> dict[str, str]:
        return {name: value if isinstance(value, str) else value[0] for name, value in app.query_params.items()}

    return read


@pytest.fixture
def words():
    """``words(app)`` is all the text on the page, with Markdown's escapes taken back."""
    kinds = ("title", "header", "subheader", "markdown", "caption", "text", "info", "warning", "error", "success")

    def read(app: AppTest) -> str:
        text = "\n".join(str(element.value) for kind in kinds for element in getattr(app, kind))
        return text.replace("\\", "").replace("\u2060", "")

    return read
