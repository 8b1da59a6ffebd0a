"""The routes, on a store in memory: what they serve and what they turn away."""

import io
import uuid

import numpy as np
import pytest
from PIL import Image
from starlette.applications import Starlette
from starlette.testclient import TestClient

from core.domain.samples import NewSample
from core.jobs import folders
from core.runs import predictions
from dashboard import api, state

URL = "http://localhost:8501"
POSTS = [route.path.replace("{batch}", "batch-01") for route in api.routes() if "POST" in route.methods]
OURS = {"Origin": URL, "Content-Type": "application/json"}


@pytest.fixture
def workspace(in_memory, tmp_path, monkeypatch):
    store = in_memory.store
    info = store.create("zoo", ["cat", "<b>dog"])
    path = tmp_path / "cat.png"
    Image.new("RGB", (60, 40), (200, 30, 30)).save(path)
    files = [str(path), str(path), str(tmp_path / "gone.png")]
    store.insert(
        info.id,
        [
            NewSample(file, "cat", "train", f"{at:064x}", 1, 1, 60, 40, "image/png", str(tmp_path))
            for at, file in enumerate(files)
        ],
    )
    monkeypatch.setattr(state, "workspace", lambda: in_memory)
    return in_memory


@pytest.fixture
def ids(workspace):
    return workspace.dataset("zoo").id, workspace.samples("zoo")["sample_id"].tolist()


@pytest.fixture
def client(workspace):
    return TestClient(Starlette(routes=api.routes()), base_url=URL)


def decision(sample, **changes):
    token = uuid.uuid4().hex
    return {"sample": sample, "kind": "relabel", "label": "<b>dog", "seen": "cat", "token": token, **changes}


def body(ids, *decisions, **changes):
    return {"dataset": ids[0], "queue": "All", "decisions": list(decisions or [decision(ids[1][0])]), **changes}


def test_it_is_alive(client):
    assert client.get("/api/alive").json()["product"] == "labelloop"


def test_a_thumbnail_may_be_kept_forever_when_asked_for_by_its_content(client, ids):
    named = client.get(f"/thumb/{ids[0]}/{ids[1][0]}?v=00000000")
    assert named.status_code == 200
    assert named.headers["content-type"] == "image/jpeg"
    assert named.headers["x-content-type-options"] == "nosniff"
    assert "immutable" in named.headers["cache-control"]
    assert Image.open(io.BytesIO(named.content)).size == (60, 40)
    for address in (f"/thumb/{ids[0]}/{ids[1][0]}", f"/thumb/{ids[0]}/{ids[1][0]}?v=ffffffff"):
        assert client.get(address).headers["cache-control"] == "no-cache"


def test_an_image_is_the_file_itself_with_the_type_of_its_content(client, ids, workspace):
    answer = client.get(f"/image/{ids[0]}/{ids[1][0]}")
    with open(workspace.sample(ids[0], ids[1][0]).filepath, "rb") as file:
        assert answer.content == file.read()
    assert answer.headers["content-type"] == "image/png"
    assert answer.headers["cross-origin-resource-policy"] == "same-origin"


@pytest.mark.parametrize("route", ["thumb", "image"])
def test_a_missing_file_is_a_picture_that_says_so(client, ids, route):
    answer = client.get(f"/{route}/{ids[0]}/{ids[1][2]}?v=00000000")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "image/png"
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("sample", ["0" * 24, "x" * 24, "0" * 23, "..%2f..%2fetc%2fpasswd", "%00"])
def test_no_other_image_is_served(client, ids, sample):
    for route in ("thumb", "image"):
        assert client.get(f"/{route}/{ids[0]}/{sample}").status_code == 404
        assert client.get(f"/{route}/{'0' * 24}/{ids[1][0]}").status_code == 404


@pytest.mark.parametrize(
    "host", ["evil.example", "localhost.evil.example", "127.0.0.1.nip.io:8501", "", "localhost:1:2"]
)
def test_other_hosts_are_turned_away(client, ids, host):
    assert client.get(f"/thumb/{ids[0]}/{ids[1][0]}", headers={"Host": host}).status_code == 421
    origin = {**OURS, "Host": host, "Origin": f"http://{host}"}
    assert client.post("/api/decide", json=body(ids), headers=origin).status_code == 421


@pytest.mark.parametrize(
    "origin", [None, "null", "http://evil.example", "http://localhost:3000", "http://127.0.0.1:8501"]
)
@pytest.mark.parametrize("path", POSTS)
def test_only_our_own_pages_may_write(client, ids, workspace, origin, path):
    headers = {"Content-Type": "application/json"} | ({"Origin": origin} if origin else {})
    answer = client.post(path, json=body(ids, name="wasp", holder="window-1", samples=ids[1]), headers=headers)
    assert answer.status_code == 403
    assert answer.json() == {"error": "Only labelloop's own pages may change labels."}
    assert workspace.journal("zoo") == []
    assert "wasp" not in workspace.dataset("zoo").classes


def test_both_names_of_this_machine_are_ours(ids, workspace):
    for name in ("localhost", "127.0.0.1"):
        own = TestClient(Starlette(routes=api.routes()), base_url=f"http://{name}:9000")
        headers = {**OURS, "Origin": f"http://{name}:9000"}
        assert own.post("/api/undo", json={"dataset": ids[0]}, headers=headers).status_code == 200


def test_a_proxys_address_and_the_person_that_it_names(ids, workspace, monkeypatch):
    monkeypatch.setenv("LABELLOOP_PUBLIC_ADDRESS", "https://labels.example.org")
    monkeypatch.setenv("LABELLOOP_USER_HEADER", "X-Forwarded-User")
    client = TestClient(Starlette(routes=api.routes()), base_url="http://labels.example.org")
    headers = {"Origin": "https://labels.example.org", "X-Forwarded-User": "bob"}
    reply = client.post("/api/decide", json=body(ids), headers=headers)
    assert reply.json()["outcomes"][0]["saved"]
    assert workspace.journal("zoo", limit=1)[0].who == "bob"
    elsewhere = {"Origin": "https://evil.example.org", "X-Forwarded-User": "bob"}
    assert client.post("/api/decide", json=body(ids), headers=elsewhere).status_code == 403
    assert client.get("/api/alive", headers={"Host": "evil.example.org"}).status_code == 421


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "application/json; charset=x", ""])
@pytest.mark.parametrize("path", POSTS)
def test_other_content_types_are_turned_away(client, ids, kind, path):
    assert client.post(path, json=body(ids), headers={**OURS, "Content-Type": kind}).status_code == 415


def test_what_a_run_says_of_an_image_is_asked_for_by_the_runs_name(client, ids):
    address = f"/api/evidence/{ids[0]}/{ids[1][0]}"
    assert client.get(address).json()["probabilities"] == []
    for run in ("run-9", "../run-1", "run-"):
        assert client.get(address, params={"run": run}).status_code == 404


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b'"text"', b"[" * 100_000, b"\xff\xfe", b"{}"],
)
def test_a_body_that_makes_no_sense_is_turned_away(client, content):
    assert client.post("/api/decide", content=content, headers=OURS).status_code == 400


def test_a_large_body_is_turned_away(client):
    assert client.post("/api/decide", content=b" " * (api.MAX_BODY + 1), headers=OURS).status_code == 413


@pytest.mark.parametrize(
    "changes",
    [
        {"sample": "../etc"},
        {"sample": 7},
        {"kind": "delete"},
        {"label": "wasp"},
        {"label": 7},
        {"label": ["cat"]},
        {"label": "x" * 1001},
        {"seen": {}},
        {"content": "no hash"},
        {"token": ""},
        {"token": "a b c d e f g h"},
        {"token": None},
    ],
)
def test_a_decision_that_makes_no_sense_is_turned_away_whole(client, ids, workspace, changes):
    bad = {**decision(ids[1][1]), **changes}
    answer = client.post("/api/decide", json=body(ids, decision(ids[1][0]), bad), headers=OURS)
    assert answer.status_code == 400
    assert answer.json()["error"].endswith(".")
    assert workspace.journal("zoo") == []
    assert workspace.dataset("zoo").labels["cat"] == 3


@pytest.mark.parametrize(
    "changes",
    [{"dataset": "zoo"}, {"decisions": []}, {"decisions": {}}, {"decisions": [1]}, {"queue": 7}, {"batch": "a b"}],
)
def test_a_request_that_makes_no_sense_is_turned_away(client, ids, changes):
    assert client.post("/api/decide", json=body(ids, **changes), headers=OURS).status_code == 400


def test_too_many_decisions_are_turned_away(client, ids):
    many = [decision(ids[1][0]) for _ in range(api.MAX_DECISIONS + 1)]
    assert client.post("/api/decide", json=body(ids, *many), headers=OURS).status_code == 400


def test_another_dataset_is_not_found(client, ids):
    assert client.post("/api/decide", json=body(ids, dataset="0" * 24), headers=OURS).status_code == 404


def test_a_decision_is_saved_and_taken_back(client, ids, workspace):
    answer = client.post("/api/decide", json=body(ids, batch="my-batch-1"), headers=OURS)
    assert answer.status_code == 200
    (outcome,) = answer.json()["outcomes"]
    assert outcome["sample"] == ids[1][0]
    assert (outcome["saved"], outcome["label"], outcome["reason"]) == (True, "<b>dog", "")
    (entry,) = workspace.journal("zoo")
    assert (entry.id, entry.batch, entry.queue, entry.source) == (outcome["entry"], "my-batch-1", "All", "grid")
    answer = client.post("/api/undo", json={"dataset": ids[0], "batch": "my-batch-1"}, headers=OURS)
    assert answer.json()["outcomes"][0]["label"] == "cat"
    assert workspace.dataset("zoo").labels["cat"] == 3


def test_a_change_of_the_classes_alone_is_taken_back_and_done_again(client, ids, workspace):
    workspace.add_class("zoo", "eel", who=workspace.user)
    for route, there in (("undo", False), ("redo", True)):
        answer = client.post(f"/api/{route}", json={"dataset": ids[0]}, headers=OURS).json()
        assert (answer["outcomes"], answer["classes"]) == ([], 1)
        assert ("eel" in workspace.dataset("zoo").classes) == there
    assert client.post("/api/decide", json=body(ids), headers=OURS).json()["classes"] == 0


def test_the_same_token_twice_is_one_decision(client, ids, workspace):
    one = body(ids)
    first = client.post("/api/decide", json=one, headers=OURS).json()["outcomes"]
    assert client.post("/api/decide", json=one, headers=OURS).json()["outcomes"] == first
    assert len(workspace.journal("zoo")) == 1


def test_a_stale_decision_is_refused_with_the_label_now(client, ids):
    client.post("/api/decide", json=body(ids), headers=OURS)
    answer = client.post("/api/decide", json=body(ids, decision(ids[1][0], label="cat")), headers=OURS)
    (outcome,) = answer.json()["outcomes"]
    assert (outcome["saved"], outcome["label"]) == (False, "<b>dog")
    assert outcome["reason"]


def test_a_decision_on_the_picture_that_was_there_before_is_refused(client, ids):
    sent = decision(ids[1][0], content="ffffffff")
    (outcome,) = client.post("/api/decide", json=body(ids, sent), headers=OURS).json()["outcomes"]
    assert (outcome["saved"], outcome["content"]) == (False, "0" * 64)
    sent = decision(ids[1][0], content="00000000")
    (outcome,) = client.post("/api/decide", json=body(ids, sent), headers=OURS).json()["outcomes"]
    assert outcome["saved"]


def test_confirm_keeps_the_label_whatever_the_request_names(client, ids, workspace):
    sent = decision(ids[1][0], kind="confirm", label="<b>dog")
    (outcome,) = client.post("/api/decide", json=body(ids, sent), headers=OURS).json()["outcomes"]
    assert (outcome["saved"], outcome["label"]) == (True, "cat")
    assert workspace.samples("zoo")["reviewed"].sum() == 1


def test_a_store_that_fails_is_a_503_so_that_the_grid_tries_again(client, ids, workspace, monkeypatch):
    def fail(*_, **__):
        raise OSError("no mongod")

    monkeypatch.setattr(workspace.store, "journal_add", fail)
    answer = client.post("/api/decide", json=body(ids), headers=OURS)
    assert answer.status_code == 503
    assert "mongod" not in answer.text


def test_heat_maps_are_served_to_the_runs_own_dataset_only(client, ids, workspace):
    dataset, (first, second, _) = ids
    workspace.store.create("other", ["a"])
    spec = {"kind": "train", "options": {"model": "instant"}, "snapshot": "none", "classes": ["cat"]}
    with folders.lock_of(workspace.paths.runs):
        run = folders.make(workspace.paths.runs, "run", {**spec, "dataset": "zoo"}).name
        foreign = folders.make(workspace.paths.runs, "run", {**spec, "dataset": "other"}).name
    for name in (run, foreign):
        heat = workspace.paths.cache / "explain" / name / f"{first}.jpg"
        heat.parent.mkdir(parents=True)
        Image.new("RGB", (8, 8)).save(heat)
    asked = {"dataset": dataset, "run": run, "samples": [first, second], "start": False}
    assert client.post("/api/heat", json=asked, headers=OURS).json() == {"ready": [first], "busy": False}
    assert client.get(f"/heat/{run}/{dataset}/{first}").headers["content-type"] == "image/jpeg"
    assert client.get(f"/heat/{run}/{dataset}/{second}").status_code == 404
    assert client.get(f"/heat/{foreign}/{dataset}/{first}").status_code == 404
    assert client.post("/api/heat", json={**asked, "run": foreign}, headers=OURS).status_code == 404
    for wrong in ({"run": "../run-1"}, {"run": None}, {"samples": [first] * 25}, {"samples": ["x"]}):
        assert client.post("/api/heat", json={**asked, **wrong}, headers=OURS).status_code == 400
    assert client.post("/api/heat", json=asked, headers={**OURS, "Origin": "http://evil.example"}).status_code == 403


def test_a_list_that_is_no_longer_kept_is_said_to_be_gone(client):
    reply = client.get(f"/api/queue/{'0' * 32}/1000")
    assert reply.status_code == 404
    assert "reload" in reply.json()["error"]
    assert client.get("/api/queue/../secret/0").status_code == 404


def test_images_of_a_cell_are_asked_of_a_run_of_that_dataset(client, ids, workspace):
    dataset, samples = ids
    workspace.store.create("other", ["a"])
    spec = {"kind": "train", "options": {"model": "cnn"}, "snapshot": "none", "classes": ["cat", "<b>dog"]}
    with folders.lock_of(workspace.paths.runs):
        runs = [
            folders.make(workspace.paths.runs, "run", {**spec, "dataset": name}) for name in ("zoo", "zoo", "other")
        ]
    for run, sure in zip(runs, (0.2, 0.8, 0.2), strict=True):
        chances = np.array([[sure, 1 - sure]] * 3, dtype=np.float32)
        table = predictions.make(
            classes=["cat", "<b>dog"],
            sample_id=samples,
            split=["train"] * 3,
            label=["cat"] * 3,
            probabilities=chances,
        )
        predictions.write(run.predictions, table)
    old, new, foreign = (run.name for run in runs)
    asked = {"run": old, "split": "train", "labels": "now", "true": "cat", "pred": "<b>dog"}
    assert set(client.get(f"/api/cell/{dataset}", params=asked).json()["samples"]) == set(samples)
    assert client.get(f"/api/cell/{dataset}", params={**asked, "pred": "cat"}).json()["samples"] == []
    moved = {**asked, "run": new, "old": old}
    assert set(client.get(f"/api/cell/{dataset}", params=moved).json()["samples"]) == set(samples)
    assert client.get(f"/api/cell/{dataset}", params={**moved, "old": foreign}).status_code == 404
    assert client.get(f"/api/cell/{dataset}", params={**asked, "run": foreign}).status_code == 404
    for wrong in ({"run": "../run-1"}, {"old": "x"}, {"split": "all"}, {"labels": "then"}):
        assert client.get(f"/api/cell/{dataset}", params={**asked, **wrong}).status_code == 400
