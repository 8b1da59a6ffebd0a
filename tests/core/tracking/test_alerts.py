"""When an alert is due, that it is told once, and by which ways."""

import http.server
import json
import threading

import pytest

from core.domain.errors import BadInput
from core.runs.layout import WorkspacePaths
from core.tracking import alerts, settings
from core.tracking.settings import Settings


def _losses(*values, name="val_loss"):
    return [{"epoch": place, name: value} for place, value in enumerate(values, start=1)]


@pytest.mark.parametrize(
    ("metrics", "epochs", "expected"),
    [
        (_losses(0.5, 0.6, 0.7), 2, True),
        (_losses(0.9, 0.5, 0.6, 0.7), 2, True),
        (_losses(0.5, 0.6, 0.6), 2, False),
        (_losses(0.5, 0.6), 2, False),
        (_losses(0.5, 0.6, 0.7, 0.1), 2, False),
        (_losses(1, 2, 3, name="train_loss"), 2, True),
        (_losses(1, 2, 3), 0, False),
        ([], 1, False),
    ],
)
def test_rising_loss(metrics, epochs, expected):
    assert alerts.rising(metrics, epochs) is expected


def test_what_is_due_at_the_end():
    on = Settings(accuracy_below=0.8, run_failed=True)
    (low,) = alerts.at_its_end(on, "run-1", "pets", "succeeded", ("test", 0.75))
    assert (low.rule, low.sentence) == ("accuracy-below", "run-1 reached 75.0% on test, below 80.0%.")
    assert alerts.at_its_end(on, "run-1", "pets", "succeeded", ("test", 0.8)) == []
    (failed,) = alerts.at_its_end(on, "run-2", "pets", "failed", None, "The disk is full.")
    assert failed.sentence == "run-2 failed: The disk is full."
    assert alerts.at_its_end(on, "run-3", "pets", "cancelled", None) == []
    assert alerts.at_its_end(Settings(), "run-2", "pets", "failed", ("val", 0.0)) == []


@pytest.fixture
def receiver():
    """A web server that keeps what was posted; /away redirects to it."""
    posted = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.path == "/away":
                self.send_response(307)
                self.send_header("Location", "/")
            else:
                posted.append(json.loads(body))
                self.send_response(200)
            self.end_headers()

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}", posted
    server.shutdown()
    server.server_close()


def test_an_alert_is_told_once_by_every_way_and_a_broken_way_stops_no_other(tmp_path, receiver):
    address, posted = receiver
    script, heard = tmp_path / "heard.sh", tmp_path / "heard"
    script.write_text(f'#!/bin/sh\ncat > {heard}; echo "$1" >> {heard}.words\n')
    workspace = WorkspacePaths(tmp_path)
    alert = alerts.Alert("run-failed", "run-1", "$(touch gone); pets", "run-1 failed: `no`", 1.0)
    chosen = Settings(webhook=f"{address}/", command=f"sh {script}")
    assert alerts.tell(workspace, chosen, [alert, alert]) == [alert]
    assert alerts.tell(workspace, chosen, [alert]) == []
    assert [(one["rule"], one["text"]) for one in posted] == [("run-failed", "run-1 failed: `no`")]
    assert json.loads(heard.read_text())["dataset"] == "$(touch gone); pets"
    assert heard.with_suffix(".words").read_text() == "run-1 failed: `no`\n"
    other = alerts.Alert("loss-rising", "run-1", "pets", "rises", 2.0)
    alerts.tell(workspace, Settings(webhook="http://127.0.0.1:9/", command="no-such-program"), [other])
    alerts.tell(workspace, Settings(webhook=f"{address}/away"), [alerts.Alert("run-failed", "run-2", "pets", "x", 3.0)])
    assert len(posted) == 1  # a redirect is not followed
    assert [found.run for found in alerts.told(workspace)] == ["run-2", "run-1", "run-1"]


def test_settings_are_kept_and_spoilt_ones_are_off(tmp_path):
    workspace = WorkspacePaths(tmp_path)
    assert settings.read(workspace) == Settings()
    settings.write(workspace, Settings(mlflow="sqlite:///x", loss_rising=3))
    assert settings.read(workspace) == Settings(mlflow="sqlite:///x", loss_rising=3)
    for text in ("[", "[1]", '{"loss_rising": "many", "odd": 1}', '{"accuracy_below": 7}'):
        workspace.tracking.write_text(text)
        assert settings.read(workspace) == Settings()
    with pytest.raises(BadInput, match="webhook"):
        Settings(webhook="file:///etc/passwd")
