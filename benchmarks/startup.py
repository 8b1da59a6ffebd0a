"""How long until something answers: mongod, the address, the first page in Chromium, FiftyOne; and the stop.

    python benchmarks/startup.py [--rounds 3] [--no-browser]

The first round starts an empty workspace, the others are warm. The bar: a warm start to an interactive first
page in 15 s at most, on 2 cores with nothing else running.
"""

import argparse
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from core.runs.layout import WorkspacePaths
from core.services import mongod, stack
from core.services.app_client import AppClient

BAR = 15.0  # seconds, warm start to an interactive first page


def main() -> int:
    """Measure and print; exit status 1 when the bar is missed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--no-browser", action="store_true", help="do not open the page in Chromium")
    given = parser.parse_args()
    load = os.getloadavg()[0]
    if load > 0.5:
        print(f"The machine is busy (load {load:.1f}): read what follows as an upper bound.")
    with tempfile.TemporaryDirectory() as folder:
        paths = WorkspacePaths(Path(folder) / "ws")
        rounds = [_round(paths, browser=not given.no_browser) for _ in range(given.rounds)]
    print(f"{'seconds':24}{'first':>8}{'warm':>8}")
    for name in rounds[0]:
        warm = statistics.median(one[name] for one in rounds[1:]) if len(rounds) > 1 else float("nan")
        print(f"{name:24}{rounds[0][name]:8.2f}{warm:8.2f}")
    page = "page interactive" if "page interactive" in rounds[0] else "address announced"
    slowest = max(one[page] for one in rounds[1:] or rounds)
    print(f"{page}: {slowest:.1f} s at most when warm; the bar is {BAR:.0f} s")
    return 0 if slowest <= BAR else 1


def _round(paths: WorkspacePaths, *, browser: bool) -> dict[str, float]:
    took: dict[str, float] = {}
    began = time.perf_counter()
    connection = mongod.attach_or_start(paths)
    took["mongod started"] = time.perf_counter() - began
    began = time.perf_counter()
    mongod.attach_or_start(paths).stop()
    took["mongod attached"] = time.perf_counter() - began
    connection.stop()

    command = [sys.executable, "-m", "core.cli", "--workspace", str(paths.root), "up", "--no-browser"]
    began = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT)
    try:
        while (up := stack.running(paths)) is None:
            if process.poll() is not None:
                raise SystemExit("labelloop ended at once")
            time.sleep(0.02)
        took["address announced"] = time.perf_counter() - began
        if browser:
            _open(up.url)
            took["page interactive"] = time.perf_counter() - began
        app = AppClient(up.app_port, up.app_token)
        while not app.alive():
            time.sleep(0.05)
        took["FiftyOne answers"] = time.perf_counter() - began
    finally:
        began = time.perf_counter()
        process.send_signal(signal.SIGINT)
        process.wait(60)
        took["stopped"] = time.perf_counter() - began
    return took


def _open(url: str) -> None:
    """Until the page's script has run once; includes the start of Chromium, as for a person whose browser is closed."""
    from playwright.sync_api import sync_playwright

    program = os.environ.get("LABELLOOP_CHROMIUM") or "/usr/bin/chromium"
    flags = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=program, args=flags)
        page = chromium.new_page()
        page.goto(url)
        page.wait_for_selector("[data-testid=stAppViewContainer] h1, [data-testid=stHeading]", timeout=60_000)
        page.wait_for_selector("[data-testid=stStatusWidget]", state="detached", timeout=60_000)
        chromium.close()


if __name__ == "__main__":
    sys.exit(main())
