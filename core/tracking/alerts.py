"""Alerts by rule: accuracy below, loss rising, run failed. Each is told once a run: page, webhook, command."""

import json
import logging
import shlex
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any
from urllib.request import HTTPRedirectHandler, Request, build_opener

from filelock import FileLock

from core.runs.atomic import append_json_line, read_json_lines
from core.runs.layout import WorkspacePaths
from core.tracking.settings import Settings

TIMEOUT = 10.0  # seconds, of a webhook or a command
_SHOWN = 100

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Alert:
    """``rule`` is "accuracy-below", "loss-rising" or "run-failed"; ``sentence`` is for people; ``at`` a Unix time."""

    rule: str
    run: str
    dataset: str
    sentence: str
    at: float


def rising(metrics: Sequence[Mapping[str, Any]], epochs: int) -> bool:
    """Whether the loss on val (on train where there is none) rose in each of the last ``epochs`` epochs."""
    judged = (line["val_loss"] if line.get("val_loss") is not None else line.get("train_loss") for line in metrics)
    last = [float(loss) for loss in judged if loss is not None][-(epochs + 1) :]
    return epochs > 0 and len(last) == epochs + 1 and all(b > a for a, b in pairwise(last))


def while_it_goes(settings: Settings, run: str, dataset: str, metrics: Sequence[Mapping[str, Any]]) -> list[Alert]:
    """The alerts that a run gives before its end."""
    if not rising(metrics, settings.loss_rising):
        return []
    sentence = f"The loss of {run} rose {settings.loss_rising} epochs in a row."
    return [Alert("loss-rising", run, dataset, sentence, time.time())]


def at_its_end(
    settings: Settings, run: str, dataset: str, state: str, accuracy: tuple[str, float] | None, error: str = ""
) -> list[Alert]:
    """The alerts that a run gives at its end; ``accuracy`` is (split, share)."""
    found = []
    if settings.run_failed and state in ("failed", "lost"):
        found.append(Alert("run-failed", run, dataset, f"{run} failed: {error}".rstrip(": "), time.time()))
    if accuracy is not None and accuracy[1] < settings.accuracy_below:
        split, share = accuracy
        sentence = f"{run} reached {share:.1%} on {split}, below {settings.accuracy_below:.1%}."
        found.append(Alert("accuracy-below", run, dataset, sentence, time.time()))
    return found


def tell(workspace: WorkspacePaths, settings: Settings, alerts: Sequence[Alert]) -> list[Alert]:
    """Write down and send out those that were not told yet; returns them. A way that fails is noted, not raised."""
    told = []
    for alert in alerts:
        with FileLock(workspace.root / ".alerts.lock", timeout=30):
            lines = read_json_lines(workspace.alerts)
            if any((line.get("rule"), line.get("run")) == (alert.rule, alert.run) for line in lines):
                continue
            append_json_line(workspace.alerts, asdict(alert))
        told.append(alert)
        for way, send in ((settings.webhook, _post), (settings.command, _run)):
            if way and (problem := send(way, alert)):
                log.warning("the alert %r could not be sent: %s", alert.sentence, problem)
    return told


def told(workspace: WorkspacePaths) -> list[Alert]:
    """The alerts so far, newest first."""
    known = set(Alert.__slots__)
    lines = [line for line in read_json_lines(workspace.alerts)[-_SHOWN:] if isinstance(line, dict)]
    return [Alert(**line) for line in reversed(lines) if set(line) == known]


def in_background(workspace: WorkspacePaths, settings: Settings, alerts: Sequence[Alert]) -> None:
    """As :func:`tell`, without waiting for the network."""
    if alerts:
        threading.Thread(target=tell, args=(workspace, settings, alerts), daemon=True).start()


class _NoRedirect(HTTPRedirectHandler):
    """An address that somebody typed may be asked; where it sends us on to may not."""

    def redirect_request(self, *_: Any) -> None:
        """Follow nothing."""


def _post(address: str, alert: Alert) -> str:
    body = json.dumps({**asdict(alert), "text": alert.sentence}).encode()
    request = Request(address, data=body, headers={"Content-Type": "application/json"}, method="POST")
    try:
        with build_opener(_NoRedirect).open(request, timeout=TIMEOUT):
            return ""
    except (OSError, ValueError) as error:
        return str(error)


def _run(command: str, alert: Alert) -> str:
    """The alert is the command's standard input, as JSON, and its last argument, as a sentence; no shell reads it."""
    try:
        done = subprocess.run(
            [*shlex.split(command), alert.sentence],
            input=json.dumps(asdict(alert)),
            text=True,
            capture_output=True,
            timeout=TIMEOUT,
            check=False,
        )
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        return str(error)
    return "" if done.returncode == 0 else f"it ended with {done.returncode}: {done.stderr[:200]}"
