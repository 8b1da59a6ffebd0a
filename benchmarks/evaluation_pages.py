"""The pages that explain a run of 100,000 predictions, in Chromium: matrix, click, threshold, comparison, slices,
errors, memory. Half of the images carry what a generator wrote: about fifty fields to slice by.

    python benchmarks/evaluation_pages.py --classes 10
    python benchmarks/evaluation_pages.py --classes 1000 --shots FOLDER

The bars: the matrix's page in 1 s warm (matrix and metrics with intervals are on it), a click on a cell to its images
in 0.5 s, a move of the threshold to the next drawn frame in 0.1 s, the process that draws under 1 GB.
"""

import argparse
import os
import statistics
import tempfile
import time
from dataclasses import asdict
from pathlib import Path

import numpy as np
import psutil
from evaluation import made
from grid import FLAGS, ROOT, draw, served
from PIL import Image
from playwright.sync_api import Page, sync_playwright

from core.domain.generation import Generation
from core.domain.runs import TrainOptions
from core.images import thumbnails
from core.jobs import folders
from core.runs import predictions
from core.runs.atomic import write_json
from core.snapshots.freeze import freeze
from core.store.base import NewSample
from core.workspace import Workspace
from pages import SWITCH, answers, memory

ROUNDS = 4
WORDS = [
    f"{first}{second}{second}"
    for first in ("red", "big", "old", "wet", "dry", "odd", "raw", "sad")
    for second in "aeiou"
]
# Milliseconds from a click on a cell of the matrix until its images are decoded.
CLICK = """async ([x, y]) => {
  const all = (root) => [...root.querySelectorAll('*')].flatMap((one) =>
    [one, ...(one.shadowRoot ? all(one.shadowRoot) : [])]);
  const main = document.querySelector(`[data-testid="stMain"]`);
  const tiles = () => all(main).filter((one) => one.classList?.contains("tile"));
  const before = tiles()[0]?.id;
  const canvas = all(document).find((one) => one.tagName === 'CANVAS');
  const start = performance.now();
  canvas.dispatchEvent(new MouseEvent('click', { clientX: x, clientY: y, bubbles: true, composed: true }));
  const ready = () => {
    const shown = tiles();
    const images = shown.slice(0, 12).flatMap((one) => [...one.querySelectorAll('img')]);
    const other = shown.length && shown[0].id !== before;
    return other && images.length && images.every((one) => one.complete && one.naturalWidth);
  };
  while (!ready() && performance.now() - start < 30000) await new Promise((done) => setTimeout(done, 4));
  return performance.now() - start;
}"""
# Milliseconds from a move of the slider until the frame after it is drawn.
SLIDE = """async (value) => {
  const all = (root) => [...root.querySelectorAll('*')].flatMap((one) =>
    [one, ...(one.shadowRoot ? all(one.shadowRoot) : [])]);
  const slider = all(document).find((one) => one.tagName === 'INPUT' && one.type === 'range');
  const start = performance.now();
  slider.value = value;
  slider.dispatchEvent(new Event('input', { bubbles: true, composed: true }));
  await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
  return performance.now() - start;
}"""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--samples", type=int, default=100_000)
    parser.add_argument("--classes", type=int, default=10)
    parser.add_argument("--shots", type=Path, help="A folder for screenshots of the matrix.")
    arguments = parser.parse_args()
    print(f"load {os.getloadavg()[0]:.1f}; {arguments.samples:,} predictions over {arguments.classes:,} classes")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        root = Path(folder)
        with Workspace.open(root / "workspace") as workspace:
            fill(workspace, draw(root / "pictures"), arguments.samples, arguments.classes)
        environment = {**os.environ, "LABELLOOP_WORKSPACE": str(root / "workspace")}
        browser = playwright.chromium.launch(
            executable_path=os.environ.get("LABELLOOP_CHROMIUM", "/usr/bin/chromium"), args=FLAGS
        )
        with served(ROOT / "dashboard" / "asgi.py", environment) as url:
            answers(url)
            page = browser.new_page(viewport={"width": 1600, "height": 1000})
            page.set_default_timeout(120_000)
            page.goto(url)
            page.locator(".st-key-retrain-button button").first.wait_for()
            server = next(one for one in psutil.Process().children() if _is_server(one))
            measure(page, server, arguments.shots)
        browser.close()


def _is_server(process: psutil.Process) -> bool:
    try:
        return "asgi.py" in " ".join(process.cmdline())
    except psutil.ZombieProcess:
        return False


def measure(page: Page, server: psutil.Process, shots: Path | None) -> None:
    """All bars, each the median of some rounds after a first that is not counted."""
    times = [switched(page, "Confusion matrix") for _ in range(ROUNDS + 1)][1:]
    print(f"  matrix page            median {statistics.median(times):.2f} s, most {max(times):.2f} s (bar 1)")
    if shots is not None:
        page.locator("[role=application]").first.wait_for()
        page.screenshot(path=shots / "matrix.png", full_page=True)
    matrix = page.locator("[role=application]").first
    times = []
    for at in range(ROUNDS + 1):
        place = matrix.evaluate("(it, at) => it.labelloopPlace(at, at)", at)
        times.append(page.evaluate(CLICK, [place["x"], place["y"]]) / 1000)
        page.wait_for_timeout(1500)
    print(f"  click to images        median {statistics.median(times[1:]):.2f} s, most {max(times[1:]):.2f} (bar 0.5)")
    for title in ("Thresholds", "Calibration", "Compare", "Slices", "Errors"):
        first, *times = [switched(page, title) for _ in range(3)]
        print(f"  {title:<22} median {statistics.median(times):.2f} s, for the first time {first:.2f}")
        if title in ("Thresholds", "Calibration"):
            moves = [page.evaluate(SLIDE, value) for value in (100, 300, 420, 510, 650, 777, 900)]
            print(f"  slider there           median {statistics.median(moves):.0f} ms, most {max(moves):.0f} (bar 100)")
    print(f"  the process that draws, after all of them: {memory(server) / 2**20:.0f} MB (bar 1,024)")


def switched(page: Page, title: str) -> float:
    """Seconds from Home to a page."""
    page.evaluate(SWITCH, "Home")
    page.wait_for_timeout(500)
    taken = page.evaluate(SWITCH, title) / 1000
    page.wait_for_timeout(300)
    return taken


def fill(workspace: Workspace, pictures: Path, count: int, classes: int) -> None:
    """A dataset whose samples all lie in test, and two runs on it that differ by chance."""
    runs = [made(count, classes, seed) for seed in (0, 1)]
    names, shown, random = list(runs[0].classes), 200, np.random.default_rng(5)
    days, sizes = random.integers(0, 50, count) * 86_400 * 10**9, random.integers(300, 1200, (count, 2)).tolist()
    info = workspace.store.create("bench", names)
    samples = []
    for number, label in enumerate(runs[0].label):
        path = pictures / f"{number % shown}.jpg"
        content = f"{number:064x}"
        made_by = _generation(random) if number % 2 else None
        read = (content, 50_000 + number, 1 + int(days[number]), *sizes[number], "image/jpeg", str(pictures), made_by)
        samples.append(NewSample(str(path), label, "test", *read))
    for number in range(count):  # as an import leaves them
        path = thumbnails.path_of(workspace.paths.thumbnails, f"{number:064x}")
        if number < shown:
            thumbnails.store(workspace.paths.thumbnails, f"{number:064x}", Image.open(pictures / f"{number}.jpg"))
        else:
            os.link(thumbnails.path_of(workspace.paths.thumbnails, f"{number % shown:064x}"), path)
    for start in range(0, count, 5000):
        workspace.store.insert(info.id, samples[start : start + 5000])
    frame = workspace.samples("bench")
    number = np.array([int(content, 16) for content in frame["content_hash"]])
    snapshot = freeze(workspace.paths, workspace.dataset("bench"), frame).id
    for ago, rows in zip((60, 30), runs, strict=True):
        spec = {
            "kind": "train",
            "dataset": "bench",
            "snapshot": snapshot,
            "classes": names,
            "options": asdict(TrainOptions(model="cnn")),
            "versions": {},
        }
        with folders.lock_of(workspace.paths.runs):
            run = folders.make(workspace.paths.runs, "run", spec)
        write_json(run.spec, {**spec, "name": run.name, "created_at": time.time() - ago})
        run.lock.touch()
        table = predictions.make(
            classes=names,
            sample_id=frame["sample_id"].tolist(),
            split=["test"] * count,
            label=frame["label"].tolist(),
            probabilities=rows.probabilities[number],
        )
        predictions.write(run.predictions, table)
        write_json(run.exit, {"returncode": 0, "signal": None, "ended_at": time.time()})


def _generation(random: np.random.Generator) -> Generation:
    """What a generator writes, with a dozen words of forty."""
    words = [WORDS[at] for at in random.integers(0, len(WORDS), 12)]
    model, sampler = (
        kinds[int(random.integers(len(kinds)))] for kinds in (("sd_xl", "sd_15", "flux"), ("Euler", "DDIM"))
    )
    made = {
        "model": model,
        "sampler": sampler,
        "steps": int(random.integers(10, 60)),
        "cfg": float(random.random() * 9),
    }
    return Generation(tool="ComfyUI", prompt=" ".join(words), **made)


if __name__ == "__main__":
    main()
