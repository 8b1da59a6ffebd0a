"""The dashboard with many samples, in real Chromium: page switches, the click on Retrain, memory.

    python benchmarks/pages.py [--samples 20000] [--retrain-samples 10000]

A page switch is timed from the click in the navigation until Streamlit has drawn the page and runs nothing any more;
the click on Retrain until the confusion matrix of the new run is on screen. The bars: 1 s a switch, 2 s from click to
matrix at 10,000 embedded samples, 500 MB for the process that draws, with 20,000 samples.
"""

import argparse
import os
import statistics
import tempfile
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import psutil
from grid import FLAGS, ROOT, draw, fill, served
from instant import synthetic
from playwright.sync_api import Page, sync_playwright

from core.domain.decisions import Decision
from core.domain.runs import TrainOptions
from core.embedding.blocks import EmbeddingStore
from core.workspace import Workspace
from dashboard.navigation import TABLE

ROUNDS = 5
# Milliseconds until the page is the wanted one, holds something, and Streamlit runs nothing.
SWITCH = """async (title) => {
  const link = [...document.querySelectorAll('[data-testid="stSidebarNavLink"]')]
    .find((one) => one.textContent.includes(title));
  const start = performance.now();
  link.click();
  const app = () => document.querySelector('[data-testid="stApp"]');
  const idle = () => app()?.getAttribute('data-test-script-state') === 'notRunning';
  const there = () => link.getAttribute('aria-current') === 'page'
    && !document.querySelector('[data-testid="stMain"] [data-stale="true"]');
  let begun = !idle(); // on a busy machine the page still stands idle for a while after the click
  const seen = new MutationObserver(() => (begun ||= !idle()));
  seen.observe(app(), { attributes: true, attributeFilter: ['data-test-script-state'] });
  while (!(begun && idle() && there()) && performance.now() - start < 60000)
    await new Promise((done) => setTimeout(done, 4));
  seen.disconnect();
  return performance.now() - start;
}"""
# Milliseconds from the click on Retrain until a matrix stands under the name of another run.
RETRAIN = """async (before) => {
  const start = performance.now();
  document.querySelector('.st-key-retrain-button button').click();
  const main = () => document.querySelector('[data-testid="stMain"]');
  const matrix = (one) => one.shadowRoot?.querySelector('[role=application]');
  const drawn = () => [...main().querySelectorAll('*')].some(matrix);
  while (!(main().textContent.includes(before) && drawn()))
    await new Promise((done) => setTimeout(done, 4));
  return performance.now() - start;
}"""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--samples", type=int, default=20_000)
    parser.add_argument("--retrain-samples", type=int, default=10_000)
    arguments = parser.parse_args()
    print(f"load {os.getloadavg()[0]:.1f}")
    with (
        tempfile.TemporaryDirectory() as folder,
        dashboard(Path(folder), arguments.retrain_samples) as (page, workspace, _),
    ):
        print(f"{arguments.retrain_samples:,} embedded samples, click on Retrain to the new matrix:")
        times = retrain(page, workspace)
        print(f"  median {statistics.median(times):.2f} s, most {max(times):.2f} s of {len(times)} (bar 2 s)")
    with tempfile.TemporaryDirectory() as folder, dashboard(Path(folder), arguments.samples) as (page, _, server):
        print(f"{arguments.samples:,} samples, page switch (bar 1 s):")
        for title, times in switches(page).items():
            print(f"  {title:<18} median {statistics.median(times):5.2f} s, most {max(times):5.2f} s")
        print(f"the process that draws, after all of them: {memory(server) / 2**20:.0f} MB (bar 500)")


@contextmanager
def dashboard(folder: Path, samples: int):
    """A workspace with one instant run, its dashboard and a browser tab: yields page, workspace and the server."""
    pictures = draw(folder / "pictures")
    with Workspace.open(folder / "workspace") as workspace, sync_playwright() as playwright:
        fill(workspace, pictures, samples)
        frame = workspace.samples("bench")
        store = EmbeddingStore(workspace.paths.embeddings)
        classes = sorted(set(frame["label"]))
        vectors, targets = synthetic(len(frame), len(classes))
        # synthetic() draws its own targets: give each sample an embedding of its own class, one in twenty another's
        order = np.argsort(targets, kind="stable")
        wanted = np.argsort(frame["label"].map(classes.index).to_numpy(), kind="stable")
        placed = np.empty_like(vectors)
        placed[wanted] = vectors[order]
        hashes = frame["content_hash"].tolist()
        for start in range(0, len(hashes), 1024):
            store.add(hashes[start : start + 1024], placed[start : start + 1024])
        run = workspace.wait(workspace.retrain("bench", TrainOptions()), timeout=300)
        assert run.state == "succeeded", run.error
        environment = {**os.environ, "LABELLOOP_WORKSPACE": str(folder / "workspace")}
        browser = playwright.chromium.launch(
            executable_path=os.environ.get("LABELLOOP_CHROMIUM", "/usr/bin/chromium"), args=FLAGS
        )
        with served(ROOT / "dashboard" / "asgi.py", environment) as url:
            answers(url)
            page = browser.new_page(viewport={"width": 1600, "height": 1000})
            page.set_default_timeout(120_000)
            page.goto(url)
            page.locator('[data-testid="stSidebarNavLink"]').first.wait_for()
            page.locator(".st-key-retrain-button button").first.wait_for()
            server = next(one for one in psutil.Process().children() if "asgi.py" in " ".join(one.cmdline()))
            yield page, workspace, server
        browser.close()


def answers(url: str) -> None:
    """Wait until the dashboard does."""
    for _ in range(240):
        try:
            urllib.request.urlopen(url + "/api/alive", timeout=1).close()
            return
        except OSError:
            time.sleep(0.25)
    raise TimeoutError(url)


def retrain(page: Page, workspace: Workspace) -> list[float]:
    """Seconds from click to matrix, for each of several runs; a label is changed before each."""
    page.evaluate(SWITCH, "Confusion matrix")
    page.locator("[role=application]").first.wait_for()
    times = []
    for turn in range(ROUNDS + 1):
        page.wait_for_timeout(6000)  # a person looks, and the next spare process gets ready
        row = workspace.samples("bench").iloc[turn]
        other = next(name for name in workspace.dataset("bench").classes if name != row["label"])
        decision = Decision(row["sample_id"], "relabel", other, row["label"], f"bench-{turn}")
        assert workspace.decide("bench", [decision], source="grid")[0].saved
        taken = page.evaluate(RETRAIN, f"run-{turn + 2}") / 1000
        if turn:
            times.append(taken)
    return times


def switches(page: Page) -> dict[str, list[float]]:
    """Seconds to each page from Home, the first visit not counted."""
    times: dict[str, list[float]] = {}
    for entry in TABLE[1:]:
        times[entry.title] = []
        for turn in range(ROUNDS + 1):
            page.evaluate(SWITCH, TABLE[0].title)
            page.wait_for_timeout(500)
            taken = page.evaluate(SWITCH, entry.title) / 1000
            if turn:
                times[entry.title].append(taken)
            page.wait_for_timeout(500)
    return times


def memory(server: psutil.Process) -> int:
    """Bytes that the process holds in RAM."""
    return server.memory_info().rss


if __name__ == "__main__":
    main()
