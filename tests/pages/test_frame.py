import pytest

from core.domain.errors import BadInput, MissingProgram
from core.domain.recipes import preset
from core.domain.runs import TrainOptions
from core.workspace import RunView, StaleMeter, Workspace
from core.workspace.training import Training
from dashboard import frame, navigation
from tests.imports import bring_in

PAGES = [line.file.removesuffix(".py") for line in navigation.TABLE]


@pytest.fixture(autouse=True)
def no_double_click(monkeypatch):
    monkeypatch.setattr(frame, "_started", {})


@pytest.mark.parametrize("page", PAGES)
def test_every_page_opens_on_an_empty_and_on_a_full_workspace(open_page, empty_workspace, trained_workspace, page):
    for workspace in (empty_workspace, trained_workspace):
        app = open_page(workspace, page)
        assert not app.exception
        assert not app.error


@pytest.mark.parametrize("page", PAGES)
def test_a_workspace_that_cannot_be_opened_is_one_sentence(open_page, empty_workspace, page, monkeypatch):
    def fail(*_, **__):
        raise MissingProgram("There is no mongod; run labelloop doctor.")

    monkeypatch.setattr(Workspace, "open", fail)
    app = open_page(empty_workspace, page)
    assert not app.exception
    assert ["There is no mongod" in error.value.replace("\\", "") for error in app.error] == [True]


def test_the_top_bar_tells_the_newest_result_and_what_changed(open_page, trained_workspace, words, monkeypatch):
    meter = StaleMeter(run="run-3", labels_changed=12, added=0, removed=0, in_test=0, touched=12)
    monkeypatch.setattr(Workspace, "stale", lambda self, dataset: meter)
    app = open_page(trained_workspace, "review", dataset="zoo")
    assert "12 labels changed since run 3" in words(app)
    labels = [link.proto.label for link in app.get("page_link")]
    assert any(label.startswith("run-3: ") and " on test, +" in label for label in labels)


@pytest.fixture
def asked(monkeypatch):
    """What was asked of Workspace.retrain, in order: dataset and options."""
    asked = []
    monkeypatch.setattr(Workspace, "retrain", lambda self, name, options: asked.append((name, options)) or "run-9")
    return asked


def test_retrain_starts_one_run_however_often_it_is_clicked(open_page, trained_workspace, asked):
    app = open_page(trained_workspace, "review", dataset="zoo")
    app.button(key="retrain-button").click().run()
    app.button(key="retrain-button").click().run()
    assert not app.exception
    assert asked == [("zoo", TrainOptions(model="instant"))]


@pytest.fixture
def warmed(monkeypatch):
    """How often a spare for networks was asked for."""
    warmed = []
    monkeypatch.setattr(Training, "warm_up", lambda self: warmed.append(1))
    return warmed


def test_a_network_is_trained_by_its_preset_and_the_next_one_starts_warm(open_page, trained_workspace, asked, warmed):
    app = open_page(trained_workspace, "review", dataset="fresh")
    assert not warmed
    assert "GB" not in app.button(key="retrain-button").help
    app.session_state["labelloop.model"] = "efficientnet-lite0"
    app.run()
    button = app.button(key="retrain-button")
    assert warmed
    assert "GB of memory" in button.help
    button.click().run()
    assert not app.exception
    assert asked == [("fresh", preset("balanced").options)]


def test_a_model_that_was_trained_before_is_trained_the_same_way(open_page, trained_workspace, asked, warmed):
    app = open_page(trained_workspace, "review", dataset="zoo")
    app.session_state["labelloop.model"] = "cnn"
    app.run().button(key="retrain-button").click().run()
    assert asked == [("zoo", TrainOptions(model="cnn", epochs=3))]


def test_a_network_that_goes_is_joined_by_one_more_once_labels_changed(
    open_page, trained_workspace, running_run, relabelled_since, asked, warmed
):
    app = open_page(trained_workspace, "review", dataset="zoo")
    app.session_state["labelloop.model"] = "cnn"
    app.run()
    assert app.button(key="retrain-button").disabled
    assert app.button(key="retrain-button").label == "Training …"
    relabelled_since(running_run)
    app.run()
    button = app.button(key="retrain-button")
    assert (button.disabled, button.label) == (False, "Retrain · Small CNN")
    assert f"{running_run} goes on, and this run waits for it" in button.help
    button.click().run()
    app.button(key="retrain-button").click().run()  # of a double click
    assert not app.exception
    assert len(asked) == 1


def test_what_cannot_be_trained_is_told(open_page, trained_workspace, monkeypatch):
    def refuse(self, name, options):
        raise BadInput("Training needs <b>two</b> classes.")

    monkeypatch.setattr(Workspace, "retrain", refuse)
    app = open_page(trained_workspace, "review", dataset="zoo")
    app.button(key="retrain-button").click().run()
    assert not app.exception
    assert [toast.value.replace("\\", "") for toast in app.toast] == ["Training needs <b>two</b> classes."]


def test_what_runs_is_shown_and_its_end_is_told_once(open_page, trained_workspace, monkeypatch):
    spec = {"options": {"model": "resnet18"}}
    status = {"phase": "training", "epoch": 4, "epochs": 10, "seconds_left": 118.0}
    going = RunView("run-3", "train", "zoo", "running", spec, status, [{"val_accuracy": 0.91}], "", 9e9, 3.0)
    real = Workspace.runs
    monkeypatch.setattr(
        Workspace, "runs", lambda self, name=None: [going, *[run for run in real(self, name) if run.name != "run-3"]]
    )
    app = open_page(trained_workspace, "review", dataset="zoo")
    labels = [link.proto.label for link in app.get("page_link")]
    assert "ResNet-18 · epoch 4/10 · 0.91 · 2 min left" in labels
    assert not app.toast
    monkeypatch.setattr(Workspace, "runs", real)
    app.run()
    assert [toast.value.startswith("**run-3: ") for toast in app.toast] == [True]
    app.run()
    assert not app.toast


def test_another_dataset_is_one_choice_away(open_page, trained_workspace, address):
    app = open_page(trained_workspace, "review", dataset="zoo", queue="class", label="cat")
    box = next(box for box in app.selectbox if box.label == "Dataset")
    assert box.options == ["fresh", "zoo"]
    box.select("fresh").run()
    assert not app.exception
    assert "queue" not in address(app)  # the address spoke of the other dataset
    assert next(box for box in app.selectbox if box.label == "Dataset").value == "fresh"


@pytest.mark.parametrize(
    ("meter", "sentence"),
    [
        ((None, 0, 9, 0, 0), "Never trained"),
        (("run-7", 0, 0, 0, 0), "Up to date with run 7"),
        (("run-7", 12, 0, 0, 0), "12 labels changed since run 7"),
        (("run-7", 1, 3, 0, 1), "1 label changed, 3 new since run 7; 1 of them in test"),
        (("run-7", 37, 12, 4, 9), "37 labels changed, 12 new, 4 removed since run 7; 9 of them in test"),
        (("run-7", 0, 1, 2, 0), "1 image new, 2 removed since run 7"),
        (("run-7", 0, 0, 2, 2), "2 images removed since run 7; in test"),
    ],
)
def test_the_stale_meter_in_words(meter, sentence):
    run, changed, added, removed, in_test = meter
    touched = changed + added + removed
    found = StaleMeter(run=run, labels_changed=changed, added=added, removed=removed, in_test=in_test, touched=touched)
    assert frame.stale_sentence(found) == sentence


def test_moved_and_rewritten_images_are_changes_too():
    found = StaleMeter(run="run-7", labels_changed=2, added=0, removed=0, in_test=3, touched=5, moved=3, rewritten=1)
    words = "2 labels changed, 3 in another split, 1 with new contents since run 7; 3 of them in test"
    assert frame.stale_sentence(found) == words
    found = StaleMeter(run="run-7", labels_changed=0, added=0, removed=0, in_test=0, touched=1, rewritten=1)
    assert frame.stale_sentence(found) == "1 image with new contents since run 7"


def test_an_address_finds_its_dataset_by_the_name_that_it_had_and_says_where_there_is_none(
    open_page, untrained_workspace, words, images
):
    workspace = untrained_workspace
    bring_in(workspace, "first", images)
    workspace.keeping.rename("zoo", "zebras")  # the last by name: not what is shown where nothing is found
    app = open_page(workspace, "home", dataset="zoo")
    assert "What next with zebras" in words(app)
    assert not app.toast
    app = open_page(workspace, "home", dataset="never")
    assert "What next with first" in words(app)
    assert [toast.value.replace("\\", "") for toast in app.toast] == [
        "There is no dataset 'never' here; this is 'first'."
    ]
    app.run()
    assert not app.toast  # once
    workspace.keeping.put_away("zebras")
    app = open_page(workspace, "home", dataset="zebras")
    assert "What next with first" in words(app)
    assert len(app.toast) == 1
