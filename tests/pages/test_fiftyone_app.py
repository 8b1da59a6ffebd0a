import uuid
from types import SimpleNamespace

import pytest

from core.domain.decisions import Decision
from core.domain.errors import ServiceFailed
from core.review.queues import QueueSpec
from core.services.app_client import AppClient, Selection
from core.workspace import Workspace
from dashboard.widgets import app_bar
from dashboard.wording import escaped


@pytest.fixture
def app_server(monkeypatch):
    """The client of a FiftyOne server that answers, with its selection to be set."""
    seen = SimpleNamespace(ids=(), dataset="zoo", says={}, seen={}, before=(), shown=[], told=[])
    monkeypatch.setattr(Workspace, "app_server", lambda self: AppClient(5161, "token"))
    monkeypatch.setattr(AppClient, "alive", lambda self, **_: True)
    monkeypatch.setattr(AppClient, "show", lambda self, *wanted: seen.shown.append(wanted))
    said = lambda self: Selection(seen.ids, seen.dataset, "a queue", seen.says, seen.seen, seen.before)  # noqa: E731
    monkeypatch.setattr(AppClient, "selection", said)
    monkeypatch.setattr(AppClient, "refresh", lambda self, told=(), **_: seen.told.append(list(told)))
    return seen


def test_without_images_it_names_the_next_step(open_page, empty_workspace, words):
    app = open_page(empty_workspace, "fiftyone_app")
    assert not app.exception
    assert "Nothing to look at yet" in words(app)


def test_without_a_server_it_says_what_to_do(open_page, trained_workspace, words, monkeypatch):
    monkeypatch.setattr(Workspace, "app_server", lambda self: None)
    app = open_page(trained_workspace, "fiftyone_app", dataset="zoo")
    assert not app.exception
    assert "The FiftyOne server is not running" in words(app)


def test_a_server_that_starts_is_waited_for(open_page, trained_workspace, words, monkeypatch):
    monkeypatch.setattr(Workspace, "app_server", lambda self: AppClient(1, "token"))
    app = open_page(trained_workspace, "fiftyone_app", dataset="zoo")
    assert not app.exception
    assert "The FiftyOne server is starting" in words(app)


def test_it_shows_the_queue_of_the_address_once(open_page, trained_workspace, words, app_server):
    app = open_page(trained_workspace, "fiftyone_app", dataset="zoo", queue="misclassified", run="run-1", split="test")
    assert not app.exception
    assert "Wrong in run-1, test · 3 images" in words(app).replace("*", "")
    ((dataset, ids, title, says),) = app_server.shown
    assert (dataset, len(ids), title) == ("zoo", 3, "Wrong in run-1, test")
    assert says == {one: (suggests, f"misclassified={suggests}") for one, (suggests, _) in says.items()}
    assert list(says) == ids
    app.run()
    assert len(app_server.shown) == 1
    (frame,) = app.get("iframe")
    assert frame.proto.src == "http://127.0.0.1:5161/__enter?t=token&to=%2Fdatasets%2Fzoo"


def test_what_the_app_has_on_its_screen_is_kept_from_others(open_page, trained_workspace, app_server, monkeypatch):
    monkeypatch.setenv("LABELLOOP_USER", "eve")
    workspace, info = trained_workspace, trained_workspace.dataset("zoo")
    first, second, done = workspace.samples("zoo")["sample_id"][:3]
    token = uuid.uuid4().hex
    workspace.decide(
        "zoo", [Decision(done, "confirm", None, workspace.samples("zoo")["label"][2], token)], source="cli"
    )
    app_server.before = (first, done)
    app = open_page(workspace, "fiftyone_app", dataset="zoo")
    assert not app.exception
    assert workspace.review.leased("zoo", but="") == {first: "eve"}  # what was decided on waits for nobody
    app_server.before = (second,)
    app.run()
    assert set(workspace.review.leased("zoo", but="")) == {second}
    assert workspace.review.lease(info.id, [second], who="bob", holder="a-window") == {second: "eve"}
    app_server.dataset = "another"  # the person went to another dataset in the App
    app_server.before = (first,)
    app.run()
    assert set(workspace.review.leased("zoo", but="")) == {second}


@pytest.mark.parametrize("away", [False, True])
def test_what_is_reserved_is_kept_so_while_its_person_is_there(
    open_page, trained_workspace, app_server, monkeypatch, away
):
    monkeypatch.setattr(app_bar, "_RENEW", -1.0)
    monkeypatch.setattr(app_bar, "_IDLE", -1.0 if away else 600.0)
    workspace, info = trained_workspace, trained_workspace.dataset("zoo")
    first, second = workspace.samples("zoo")["sample_id"][:2]
    app_server.before = (first,)
    app = open_page(workspace, "fiftyone_app", dataset="zoo")
    (who,) = workspace.review.leased("zoo", but="").values()
    workspace.store.lease(info.id, [first], who=who, holder="runs-out", seconds=-1)
    app.run()
    assert list(workspace.review.leased("zoo", but="")) == ([] if away else [first])
    app_server.before = (second,)  # back again
    app.run()
    assert list(workspace.review.leased("zoo", but="")) == [second]


def test_what_others_have_before_them_comes_last_in_the_app(open_page, trained_workspace, app_server):
    workspace, info = trained_workspace, trained_workspace.dataset("zoo")
    ids = list(workspace.queue("zoo", QueueSpec("misclassified", run="run-1", split="test")).ids)
    workspace.review.lease(info.id, ids[:1], who="bob", holder="a-window")
    app = open_page(workspace, "fiftyone_app", dataset="zoo", queue="misclassified", run="run-1", split="test")
    ((_, shown, _, says),) = app_server.shown
    assert shown == [*ids[1:], ids[0]]
    assert set(says) == set(ids)
    assert [toast.value for toast in app.toast] == [
        "Others have some of these images before them (bob): those come last."
    ]


def test_a_class_button_labels_what_is_selected_in_the_app(open_page, trained_workspace, app_server, monkeypatch):
    asked = []
    monkeypatch.setattr(Workspace, "decide", lambda self, *given, **named: asked.append((given, named)) or [])
    ids = tuple(trained_workspace.samples("zoo")["sample_id"][:2])
    app_server.ids, app_server.says = ids, {ids[0]: ("cat", "suspicious=cat")}
    app_server.seen = {ids[0]: ("wolf", False)}  # what the App shows is older than what the label is
    app = open_page(trained_workspace, "fiftyone_app", dataset="zoo")
    app.button(key="app-class-3").click().run()
    assert not app.exception
    (((name, decisions), named),) = asked
    assert (name, named["source"], named["queue"]) == ("zoo", "fiftyone", "a queue")
    assert [one.sample_id for one in decisions] == list(ids)
    assert {one.label for one in decisions} == {"cat"}
    assert [(one.suggestion, one.evidence) for one in decisions] == [("cat", "suspicious=cat"), (None, "")]
    label = trained_workspace.samples("zoo")["label"][1]
    assert [(one.seen, one.seen_excluded) for one in decisions] == [("wolf", False), (label, None)]
    assert app_server.told == [[]]


def test_what_changed_since_the_app_showed_it_is_refused_and_said(open_page, trained_workspace, app_server):
    one = trained_workspace.samples("zoo")["sample_id"][0]
    now = trained_workspace.samples("zoo")["label"][0]
    shown, asked = (name for name in trained_workspace.dataset("zoo").classes if name != now)
    app_server.ids, app_server.seen = (one,), {one: (shown, False)}
    app = open_page(trained_workspace, "fiftyone_app", dataset="zoo")
    place = trained_workspace.dataset("zoo").classes.index(asked) + 1
    app.button(key=f"app-class-{place}").click().run()
    sentence = f"1 not saved: Somebody changed this image since it was shown: it has “{escaped(now)}” now"
    assert app.toast[0].value.startswith(sentence)
    assert trained_workspace.samples("zoo")["label"][0] == now
    (told,) = app_server.told
    assert [(outcome.sample_id, outcome.saved) for outcome in told] == [(one, False)]


def test_a_change_of_the_classes_that_is_taken_back_is_no_image(open_page, trained_workspace, app_server, monkeypatch):
    monkeypatch.setenv("LABELLOOP_USER", "bob")
    trained_workspace.add_class("zoo", "eel", who="bob")
    app = open_page(trained_workspace, "fiftyone_app", dataset="zoo")
    app.button(key="app-undo").click().run()
    assert [toast.value for toast in app.toast] == ["Change of the classes taken back"]
    assert "eel" not in trained_workspace.dataset("zoo").classes


def test_nothing_selected_nothing_to_label(open_page, trained_workspace, app_server):
    app_server.ids, app_server.dataset = ("0" * 24,), "another"
    app = open_page(trained_workspace, "fiftyone_app", dataset="zoo")
    assert all(button.disabled for button in app.button if (button.key or "").startswith("app-class-"))


def test_a_server_that_goes_away_is_one_sentence(open_page, trained_workspace, words, app_server, monkeypatch):
    def fail(self):
        raise ServiceFailed("The FiftyOne server does not answer; it may still be starting.")

    monkeypatch.setattr(AppClient, "selection", fail)
    app = open_page(trained_workspace, "fiftyone_app", dataset="zoo")
    assert not app.exception
    assert "does not answer" in words(app)
