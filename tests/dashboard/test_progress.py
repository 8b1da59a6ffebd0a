import pytest

from core.workspace import RunView
from dashboard import progress


def run(kind="train", state="running", model="resnet18", metrics=(), **status):
    spec = {"options": {"model": model}} if kind == "train" else {}
    return RunView("run-7", kind, "<b>pets", state, spec, status, list(metrics), "", 0.0, 3.0)


def test_a_training_run_in_one_line():
    view = run(phase="training", epoch=4, epochs=10, seconds_left=118.0, metrics=[{"val_accuracy": 0.912}])
    assert progress.headline(view) == "ResNet-18 · epoch 4/10 · 0.91 · 2 min left"


def test_an_import_in_one_line():
    view = run(kind="import", phase="importing", done=1204, total=4000, seconds_left=30.4)
    assert progress.headline(view) == "Importing \\<b\\>pets · 1,204 of 4,000 · 30 s left"


def test_what_waits_says_so():
    assert progress.headline(run(state="queued")) == "ResNet-18 · waiting for its turn"
    assert progress.phase(run(state="queued")) == "Waiting for its turn"


@pytest.mark.parametrize(
    ("view", "share"),
    [
        (run(phase="embedding", done=50, total=200), 0.25),
        (run(phase="starting"), 0.0),
        (run(phase="training", epochs=4, done=50, total=100, metrics=[{}]), 0.375),
        (run(phase="training", epochs=4, done=100, total=100, metrics=[{}]), 0.25),
        (run(phase="training", epochs=2, metrics=[{}, {}]), 1.0),
        (run(phase="evaluating", done=300, total=100), 1.0),
        (run(state="succeeded"), 1.0),
    ],
)
def test_the_share_done(view, share):
    assert progress.share_done(view) == pytest.approx(share)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(None, ""), (0.2, "almost done"), (89, "89 s left"), (125, "2 min left"), (7200, "2.0 h left")],
)
def test_time_left(seconds, words):
    assert progress.time_left(run(seconds_left=seconds)) == words


def test_rates():
    assert progress.rate(run()) == ""
    assert progress.rate(run(rate=0.52)) == "0.5 images a second"
    assert progress.rate(run(rate=266.4)) == "266 images a second"


def test_a_search_tries_recipes_and_a_network_of_a_library_has_its_name():
    assert progress.phase(run(kind="search", phase="searching")) == "Trying recipes"
    assert progress.title(run(model="torchvision:efficientnet_b3")) == "efficientnet_b3"
