"""Review at 100,000 samples: queues, decisions, bulk relabelling, four people at once, in core, over HTTP, in Chromium.

    python benchmarks/review.py [--samples 100000] [--keys 60] [--people 4] [--core]

Samples share 200 pictures, each with a content of its own; one run says something of all of them, 5,000 samples have
findings. A queue "opens" when its items and the JSON that its page sends are there after the dataset has changed (the
worst case: a decision was made), and "again" when nothing changed; in the browser when all images of its first page are
decoded. What follows in the background is given as the time of its longest answer.
Beside the time by the clock stands this process's own processor time, which other work on the machine moves less. A
decision is timed from the key press to the journalled, acknowledged label. ``--core`` leaves server and browser out.
"""

import argparse
import json
import os
import tempfile
import threading
import time
import urllib.request
import uuid
from pathlib import Path

import grid
import numpy as np
from playwright.sync_api import sync_playwright

from core.domain.decisions import Decision
from core.domain.findings import Finding
from core.jobs import folders
from core.review.queues import QueueSpec
from core.runs import findings, predictions
from core.runs.atomic import write_json
from core.snapshots.freeze import freeze
from core.workspace import Workspace
from core.workspace.frames import MARGIN
from dashboard.widgets.grid import FIRST, PART, columns

QUEUES = (
    QueueSpec(kind="all"),
    QueueSpec(kind="suspicious"),
    QueueSpec(kind="finding", finding="blurred"),
    QueueSpec(kind="merged"),
    QueueSpec(kind="class", label="class 1"),
)

_READY = """() => [...document.querySelectorAll('*')].some((one) => one.shadowRoot?.querySelector('.labelloop')
  && [...one.shadowRoot.querySelectorAll('.tile img')].slice(0, 12).every((i) => i.complete && i.naturalWidth))"""
_CHOSEN = """async (option) => {
  const roots = [...document.querySelectorAll('*')].map((one) => one.shadowRoot);
  const root = roots.find((one) => one?.querySelector('.labelloop'));
  const first = () => [...root.querySelectorAll('.tile')].slice(0, 12).map((one) => one.id).join(), was = first();
  const start = performance.now();
  option.click();
  const ready = () => first() !== was
    && [...root.querySelectorAll('.tile img')].slice(0, 12).every((one) => one.complete && one.naturalWidth);
  while (!ready()) await new Promise((done) => setTimeout(done, 4));
  await Promise.all([...root.querySelectorAll('.tile img')].slice(0, 12).map((one) => one.decode()));
  return performance.now() - start;
}"""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=int, default=100_000)
    parser.add_argument("--keys", type=int, default=60)
    parser.add_argument("--people", type=int, default=4)
    parser.add_argument("--core", action="store_true", help="no server, no browser")
    options = parser.parse_args()
    print(f"{options.samples:,} samples, load {os.getloadavg()[0]:.1f}")
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        pictures = grid.draw(root / "pictures")
        with Workspace.open(root / "workspace") as workspace:
            grid.fill(workspace, pictures, options.samples)
            _say_something(workspace)
            time.sleep(MARGIN.total_seconds() + 1)  # an import just now would have all rows read again
            _queues(workspace)
            _bulk(workspace)
            if options.core:
                return
            environment = {**os.environ, "LABELLOOP_WORKSPACE": str(root / "workspace")}
            with grid.served(grid.ROOT / "dashboard" / "asgi.py", environment) as url, sync_playwright() as playwright:
                _wait(url)
                _people(workspace, url, 1)
                _people(workspace, url, options.people)
                _browser(playwright, url, options.keys)
    print(f"load {os.getloadavg()[0]:.1f} at the end")


def _say_something(workspace: Workspace) -> None:
    """A run that finished, and findings."""
    info, frame = workspace.dataset("bench"), workspace.samples("bench")
    random = np.random.default_rng(1)
    chances = random.dirichlet([0.1] * len(info.classes), len(frame)).astype(np.float32)
    frozen = freeze(workspace.paths, info, frame)
    with folders.lock_of(workspace.paths.runs):
        spec = {"kind": "train", "dataset": "bench", "options": {"model": "instant"}, "snapshot": frozen.id}
        run = folders.make(workspace.paths.runs, "run", {**spec, "classes": list(info.classes)})
    rows = predictions.make(
        classes=info.classes,
        sample_id=frame["sample_id"].tolist(),
        split=frame["split"].tolist(),
        label=frame["label"].tolist(),
        probabilities=chances,
        out_of_fold=np.ones(len(frame), dtype=bool),
    )
    predictions.write(run.predictions, rows)
    write_json(run.exit, {"returncode": 0, "signal": None, "ended_at": time.time()})
    some = random.choice(frame["sample_id"].to_numpy(), min(5_000, len(frame)), replace=False)
    found = [Finding(sample, "blurred", float(random.random()), "blurred", None, None, None) for sample in some]
    findings.write(workspace.paths, info.id, "blurred", found)


def _queues(workspace: Workspace) -> None:
    """Each queue with the JSON of its grid: after a decision, when nothing changed."""
    workspace.samples("bench")
    for spec in QUEUES:

        def opened(spec: QueueSpec = spec) -> None:
            json.dumps(columns(workspace.queue("bench", spec).part(0, FIRST), workspace.uncounted("bench")))

        first = _timed(opened)
        times, cpu = [], []
        for at in range(3):
            _decide(workspace, workspace.samples("bench")["sample_id"][at : at + 1])
            began = time.process_time()
            times.append(_timed(opened))
            cpu.append(1000 * (time.process_time() - began))
        again = _timed(lambda spec=spec: workspace.queue("bench", spec))
        items, info = workspace.queue("bench", spec), workspace.uncounted("bench")
        size = len(items)
        part = _timed(lambda items=items, info=info: json.dumps(columns(items.part(FIRST, FIRST + PART), info)))
        name = spec.finding or spec.kind
        after = f"after a decision {np.median(times):.0f} ({np.median(cpu):.0f} of processor)"
        told = f"first {first:.0f} ms, {after}, again {again:.0f}, a later part {part:.0f}"
        print(f"queue {name:<12} {size:>7,} images, JSON and all: {told}")


def _bulk(workspace: Workspace) -> None:
    ids = workspace.samples("bench")["sample_id"][1000:2000]
    began = time.process_time()
    times = [_timed(lambda: _decide(workspace, ids)) for _ in range(5)]
    cpu = 1000 * (time.process_time() - began) / len(times)
    print(f"bulk relabel of 1,000: median {np.median(times):.0f} ms, most {max(times):.0f} ({cpu:.0f} of processor)")
    taken = _timed(lambda: workspace.undo("bench"))
    print(f"undo of 1,000: {taken:.0f} ms")


def _decide(workspace: Workspace, ids) -> None:
    info = workspace.uncounted("bench")
    states = workspace.store.label_states(info.id, ids)
    decisions = [
        Decision(one, "relabel", info.classes[state.label == info.classes[0]], state.label, uuid.uuid4().hex)
        for one, state in states.items()
    ]
    workspace.decide("bench", decisions, source="cli")


def _people(workspace: Workspace, url: str, count: int) -> None:
    """Everybody sends one decision after the other; nothing may be lost."""
    frame, info = workspace.samples("bench"), workspace.dataset("bench")
    before = len(workspace.review.entries("bench"))
    times: list[float] = []

    def label(number: int) -> None:
        rows = frame.iloc[10_000 + number * 200 : 10_100 + number * 200]
        for sample, seen in zip(rows["sample_id"], rows["label"], strict=True):
            wanted = next(name for name in info.classes if name != seen)
            one = {"sample": sample, "kind": "relabel", "label": wanted, "seen": seen, "token": uuid.uuid4().hex}
            body = {"dataset": info.id, "queue": "", "batch": uuid.uuid4().hex, "decisions": [one]}
            times.append(_timed(lambda body=body: _post(url, body)))

    threads = [threading.Thread(target=label, args=(number + 10 * count,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    kept = len(workspace.review.entries("bench")) - before
    p50, p95 = np.percentile(times, [50, 95])
    print(f"{count} people over HTTP, {len(times)} decisions, {kept} journalled: median {p50:.0f} ms, p95 {p95:.0f}")
    assert kept == len(times)


def _browser(playwright, url: str, keys: int) -> None:
    browser = playwright.chromium.launch(
        executable_path=os.environ.get("LABELLOOP_CHROMIUM", "/usr/bin/chromium"), args=grid.FLAGS
    )
    page = browser.new_page(viewport={"width": 1600, "height": 1000})
    page.set_default_timeout(120_000)
    for name in ("all", "suspicious", "merged"):
        for visit in ("first", "again"):
            began = time.perf_counter()
            page.goto(f"{url}/review?dataset=bench&queue={name}")
            page.locator(".tile.focus").wait_for()
            page.wait_for_function(_READY)
            taken = 1000 * (time.perf_counter() - began)
            print(f"browser: {name}, {visit} time, whole page loaded: {taken:.0f} ms")
    for words in 2 * ("Blurred", "Labels that may be wrong", "All images"):
        print(f"browser: {words} chosen in the open page, images there after {_chosen(page, words):.0f} ms")
    print(f"browser: next page of 100 thumbnails {grid.turn(page):.0f} ms")
    measured = grid.keys(page, keys)
    p50, p95 = np.percentile(measured, [50, 95])
    print(f"browser: {keys} keys to acknowledged labels: median {p50:.0f} ms, p95 {p95:.0f}, most {max(measured):.0f}")
    print(f"browser: next image in the single view, from the key: {_next_image(page):.0f} ms")
    browser.close()


def _chosen(page, words: str) -> float:
    """Milliseconds from the click on a queue's name to its first images decoded, by the page's own clock: the robot
    takes up to 0.2 s from its order to the click itself.
    """
    title = page.locator(".stSelectbox", has=page.get_by_label("Queue")).first
    title.click()
    option = page.get_by_role("option").filter(has_text=words).first
    option.wait_for()
    page.wait_for_timeout(500)
    return option.evaluate(_CHOSEN)


def _next_image(page) -> float:
    page.keyboard.press("z")
    page.wait_for_timeout(1500)
    script = """async () => {
      const root = [...document.querySelectorAll('*')].map((one) => one.shadowRoot)
        .find((one) => one?.querySelector('.labelloop'));
      const image = root.querySelector('dialog.zoom .stage img');
      const before = image.src, start = performance.now();
      const key = new KeyboardEvent('keydown', { key: 'ArrowRight', bubbles: true, composed: true });
      root.querySelector('dialog.zoom').dispatchEvent(key);
      const ready = () => image.src !== before && image.complete && image.naturalWidth;
      while (!ready()) await new Promise((done) => setTimeout(done, 2));
      await image.decode();
      return performance.now() - start;
    }"""
    times = []
    for _ in range(12):
        times.append(page.evaluate(script))
        page.wait_for_timeout(400)
    return float(np.median(times))


def _post(url: str, body: dict) -> None:
    request = urllib.request.Request(
        f"{url}/api/decide", json.dumps(body).encode(), {"Content-Type": "application/json", "Origin": url}
    )
    with urllib.request.urlopen(request, timeout=30) as reply:
        assert all(outcome["saved"] for outcome in json.loads(reply.read())["outcomes"])


def _wait(url: str) -> None:
    for _ in range(480):
        try:
            urllib.request.urlopen(url + "/api/alive", timeout=1).close()
            return
        except OSError:
            time.sleep(0.25)


def _timed(act) -> float:
    began = time.perf_counter()
    act()
    return 1000 * (time.perf_counter() - began)


if __name__ == "__main__":
    main()
