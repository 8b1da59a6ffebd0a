"""The same task twice: relabel 100 images one by one, in labelloop's grid and in the FiftyOne App.

    python benchmarks/review_app.py [--images 100]

One browser robot does both, as fast as each lets it: it goes on when the label that it gave is in the database. In the
grid an image is labelled by one key, and the focus moves on by itself. In the App an image is ticked, then the class's
number is pressed (labelloop's own keys there: without them it takes a menu and a form more), and the robot goes on when
the App has read its samples again. Scrolling and drawing in the App are left out of its time.
"""

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

import grid
from playwright.sync_api import sync_playwright

from core.review.queues import QueueSpec
from core.runs.layout import WorkspacePaths
from core.services.app_client import AppClient
from core.services.stack import running
from core.workspace import Workspace

CLASSES = 9


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=100)
    parser.add_argument("--samples", type=int, default=2_000)
    options = parser.parse_args()
    print(f"{options.images} images of {options.samples:,}, load {os.getloadavg()[0]:.1f}")
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        pictures = grid.draw(root / "pictures")
        with Workspace.open(root / "workspace") as workspace, sync_playwright() as playwright:
            grid.fill(workspace, pictures, options.samples)
            workspace.store.add_root(workspace.dataset("bench").id, str(pictures))
            with _started(root / "workspace") as url:
                browser = playwright.chromium.launch(
                    executable_path=os.environ.get("LABELLOOP_CHROMIUM", "/usr/bin/chromium"), args=grid.FLAGS
                )
                page = browser.new_page(viewport={"width": 1600, "height": 1000})
                page.set_default_timeout(120_000)
                ours = _in_grid(workspace, page, url, options.images)
                by_key = _in_app(workspace, page, url, options.images)
                browser.close()
    print(f"load {os.getloadavg()[0]:.1f} at the end")
    print(f"grid:                        {ours:6.1f} s, {1000 * ours / options.images:5.0f} ms an image")
    print(f"FiftyOne App, tick and key:  {by_key:6.1f} s, {1000 * by_key / options.images:5.0f} ms an image")
    print(f"ratio: {by_key / ours:.1f}")


@contextmanager
def _started(workspace: Path):
    """All of labelloop on a workspace; yields the dashboard's address once the FiftyOne server answers."""
    command = [sys.executable, "-m", "core.cli", "--workspace", str(workspace), "--no-browser", "--port", "8733"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, start_new_session=True)
    try:
        deadline = time.monotonic() + 240
        while not ((up := running(WorkspacePaths(workspace))) and AppClient(up.app_port, up.app_token).alive()):
            if time.monotonic() > deadline or process.poll() is not None:
                raise TimeoutError("labelloop did not start")
            time.sleep(0.5)
        yield "http://127.0.0.1:8733"
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(60)


def _in_grid(workspace: Workspace, page, url: str, count: int) -> float:
    page.goto(f"{url}/review?dataset=bench&queue=all")
    page.locator(".tile.focus").wait_for()
    page.wait_for_timeout(2000)
    ids = workspace.queue("bench", QueueSpec(kind="all")).ids[:count]
    began = time.perf_counter()
    for at, sample in enumerate(ids):
        place = (at + 4) % CLASSES
        page.keyboard.press(str(place + 1))
        _until(workspace, sample, place)
    return time.perf_counter() - began


def _in_app(workspace: Workspace, page, url: str, count: int) -> float:
    page.goto(f"{url}/fiftyone?dataset=bench")
    app = page.frame_locator("iframe").first
    tiles = app.locator("[data-cy=looker]")
    tiles.first.wait_for()
    client = workspace.app_server()
    page.wait_for_timeout(5000)
    ids = workspace.queue("bench", QueueSpec(kind="all")).ids
    seconds, done, clicks = 0.0, 0, 0
    while done < count:  # two rows at a time, so that nobody has to scroll
        batch = ids[done : done + 8]
        client.show("bench", batch, f"images from {done}")
        app.get_by_text(f"{len(batch)} samples").first.wait_for()
        page.wait_for_timeout(3000)
        for at in range(min(len(batch), count - done)):
            box = _wait(page, lambda at=at: tiles.nth(at).bounding_box())
            place = (done + at + 5) % CLASSES
            began = time.perf_counter()
            picked = ()
            while not picked:  # a click that the App lost while it was drawing is made again, as a person would
                page.mouse.move(box["x"] + 40, box["y"] + 40)
                page.mouse.click(box["x"] + 13, box["y"] + 13)
                clicks += 1
                picked = _wait(page, lambda: client.selection().ids, seconds=2)
            page.keyboard.press(str(place + 1))
            _until(workspace, picked[0], place)
            seconds += time.perf_counter() - began
            _wait(page, lambda: not client.selection().ids)
            page.wait_for_timeout(500)  # while it draws its tiles anew, clicks are lost; that is not timed
        done += len(batch)
    print(f"{clicks} clicks in the App for {count} images")
    return seconds


def _wait(page, condition, seconds: float = 60):
    """What ``condition`` returns, once that is something or the time is over; asked in the page's own loop."""
    deadline = time.monotonic() + seconds
    while not (found := condition()) and time.monotonic() < deadline:
        page.wait_for_timeout(20)
    return found


def _until(workspace: Workspace, sample: str, place: int) -> None:
    info = workspace.uncounted("bench")
    deadline = time.monotonic() + 60
    while workspace.store.label_states(info.id, [sample])[sample].label != info.classes[place]:
        if time.monotonic() > deadline:
            raise TimeoutError(sample)
        time.sleep(0.003)


if __name__ == "__main__":
    main()
