"""Attacks on the real FiftyOne server, each refused, and their honest counterparts, each answered."""

import functools
import getpass
import json
import uuid
from urllib.parse import quote

import pytest

from core.domain.decisions import Decision, Outcome
from core.domain.errors import ServiceFailed
from core.review import classes, decisions, undoing

LIST_FILES = {"operator_uri": "@voxel51/operators/list_files", "params": {"path": "/etc"}, "dataset_name": "pets"}


def media(path):
    return f"/media?filepath={quote(str(path), safe='')}"


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8501", "127.0.0.1:1", "127.0.0.1"])
def test_a_rebound_host_name_is_refused(served, host):
    assert served.request("GET", "/fiftyone", host=host)[0] == 421


def test_both_names_of_this_machine_are_served(served):
    for name in ("localhost", "127.0.0.1"):
        assert served.request("GET", "/fiftyone", host=f"{name}:{served.client.port}")[0] == 200


@pytest.mark.parametrize("path", ["/", "/datasets/pets", "/fiftyone", "/plugins", "/__labelloop/selection"])
def test_nothing_is_read_without_the_token(served, path):
    assert served.request("GET", path, cookie=False)[0] == 403


@pytest.mark.parametrize("path", ["/events", "/graphql", "/operators/execute", "/__labelloop/view"])
def test_nothing_is_done_without_the_token(served, path):
    assert served.request("POST", path, {"query": "{ version }"}, cookie=False)[0] == 403


def test_a_wrong_token_is_refused(served):
    for cookie in ("x" * 32, "", served.client.token + "x", served.client.token[:-1]):
        headers = {"Cookie": f"labelloop_app_{served.client.port}={cookie}"}
        assert served.request("GET", "/fiftyone", cookie=False, **headers)[0] == 403
    assert served.request("GET", "/__enter?t=wrong&to=/", cookie=False)[0] == 403


def test_another_page_is_refused_even_with_the_cookie(served):
    body = {"operator_uri": "@labelloop/review/label", "params": {"index": 1}, "dataset_name": "pets"}
    for origin in ("http://evil.example", "null", "http://127.0.0.1:3000", f"https://127.0.0.1:{served.client.port}"):
        assert served.request("POST", "/operators/execute", body, Origin=origin)[0] == 403
    for site in ("cross-site", "same-site"):
        headers = {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": "no-cors"}
        assert served.request("GET", media(served.images / "0.png"), **headers)[0] == 403


def test_entering_sets_a_strict_cookie_and_goes_on_inside_only(served):
    port, token = served.client.port, served.client.token
    status, headers, body = served.request("GET", f"/__enter?t={token}&to=/datasets/pets", cookie=False)
    assert status == 200
    assert headers["set-cookie"] == f"labelloop_app_{port}={token}; Path=/; HttpOnly; SameSite=Strict"
    assert b'location.replace("/datasets/pets")' in body
    for to in ("//evil.example", "http://evil.example", "/%5Cevil.example"):
        assert served.request("GET", f"/__enter?t={token}&to={to}", cookie=False)[0] == 400
    light = served.request("GET", f"/__enter?t={token}&to=/&look=light", cookie=False)[2]
    assert b"setItem('mui-mode','light')" in light
    for look in ("", "blue", "');alert(1)//"):
        assert b"mui-mode" not in served.request("GET", f"/__enter?t={token}&to=/&look={look}", cookie=False)[2]
    script = served.request("GET", f"/__enter?t={token}&to=/%3C/script%3E%3Cscript%3Ealert(1)", cookie=False)[2]
    assert b"</script><script>" not in script


def test_the_app_may_be_framed_by_the_pages_only(served):
    _, headers, body = served.request("GET", "/datasets/pets")
    assert b"<script" in body
    policy = headers["content-security-policy"]
    assert policy.endswith("frame-ancestors 'self' http://127.0.0.1:8599")
    assert "default-src 'self'" in policy


@pytest.mark.parametrize(
    "path", ["/etc/passwd", "{images}/../secret.png", "{secret}", "{images}/way out.png", "{images}", "relative.png"]
)
def test_files_outside_the_imported_folders_are_not_there(served, path):
    wanted = path.format(images=served.images, secret=served.secret)
    assert served.request("GET", media(wanted))[0] == 404


def test_only_files_that_a_dataset_holds_are_there(served):
    assert served.request("GET", media(served.images / "not in the dataset.png"))[0] == 404
    for name in ("0.png", "<script>.png"):
        status, headers, body = served.request("GET", media(served.images / name))
        assert (status, body[:4]) == (200, b"\x89PNG")
        assert headers["x-content-type-options"] == "nosniff"
    twice = media(served.images / "0.png") + "&filepath=/etc/passwd"
    assert served.request("GET", twice)[0] == 404


@pytest.mark.parametrize("route", ["execute", "execute/generator", "resolve-type", "resolve-execution-options"])
@pytest.mark.parametrize("name", ["list_files", "download_file", "delete_selected_samples", "clear_sample_field"])
def test_operators_that_are_not_ours_are_refused_on_every_route(served, route, name):
    body = {**LIST_FILES, "operator_uri": f"@voxel51/operators/{name}"}
    status, _, text = served.request("POST", f"/operators/{route}", body)
    assert status == 403
    assert b"passwd" not in text


def test_the_app_is_offered_no_operator_that_is_refused(served):
    status, _, text = served.request("POST", "/operators", {"dataset_name": "pets"})
    offered = {found["uri"] for found in json.loads(text)["operators"]}
    assert status == 200
    assert {"@labelloop/review/label", "@labelloop/review/undo", "@voxel51/operators/get_label_schemas"} <= offered
    assert "@voxel51/operators/list_files" not in offered
    assert json.loads(text)["errors"] == []


def test_the_built_in_operators_that_the_app_needs_still_exist(served):
    for name in ("list_workspaces", "get_label_schemas"):
        assert "result" in served.operate(f"@voxel51/operators/{name}")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/screenshot/x"),
        ("GET", "/runtime-assets/models/sam2/x"),
        ("GET", "/plugins/../../core.py"),
        ("POST", "/event"),
        ("POST", "/geo"),
        ("POST", "/frames"),
        ("POST", "/operators/subscribe-execution-store"),
        ("DELETE", "/graphql"),
        ("PUT", "/datasets/pets"),
        ("POST", "/dataset/{dataset}/sample/{sample}/commit-mask"),
        ("OPTIONS", "/media"),
    ],
)
def test_routes_that_the_app_does_not_need_are_not_there(served, method, path):
    filled = path.format(dataset=served.dataset_id, sample=served.ids[0])
    assert served.request(method, filled, {} if method in ("POST", "PUT") else None)[0] == 404


def test_queries_are_answered_and_unknown_changes_refused(served):
    status, _, text = served.request("POST", "/graphql", {"query": "query { version }"})
    assert status == 200
    assert json.loads(text)["data"]["version"] == "1.22.1"
    for query in ('mutation { deleteDataset(name: "pets") }', "subscription { x }", "mutation { ...A }", "{{"):
        assert served.request("POST", "/graphql", {"query": query})[0] == 403
    assert served.request("GET", "/graphql?query={version}")[0] == 404


def test_views_cannot_write_or_run_scripts_in_the_database(served):
    query = "query A($view: BSONArray!) { version }"
    for stage in ({"$out": "datasets"}, {"$merge": "x"}, {"$match": {"$where": "sleep(9)"}}):
        mongo = {"_cls": "fiftyone.core.stages.Mongo", "kwargs": [["pipeline", [stage]]]}
        for view in ([mongo], json.dumps([mongo])):
            body = {"query": query, "variables": {"view": view}}
            assert served.request("POST", "/graphql", body)[0] == 403


def test_native_edits_reach_labels_and_tags_only(served):
    path = f"/dataset/{served.dataset_id}/sample/{served.ids[0]}"
    change = [{"op": "replace", "path": "/filepath", "value": "/etc/passwd"}]
    kind = {"Content-Type": "application/json-patch+json"}
    assert served.request("PATCH", path, change, **kind)[0] == 403
    assert served.request("PATCH", path, {"filepath": "/etc/passwd"})[0] == 403
    moved = [{"op": "move", "from": "/filepath", "path": "/ground_truth/label"}]
    assert served.request("PATCH", path, moved, **kind)[0] == 403
    relabel = [{"op": "replace", "path": "/ground_truth/label", "value": "bird"}]
    assert served.request("PATCH", path, relabel, **kind)[0] == 400  # FiftyOne's own: it wants If-Match


def test_errors_do_not_show_the_inside(served):
    status, _, text = served.request("POST", "/values", {"dataset": "no such", "path": 1})
    assert status == 500
    assert b"Traceback" not in text
    assert b".py" not in text
    assert served.request("POST", "/aggregate", b"not json")[0] == 403


def test_no_other_origin_may_read_answers(served):
    headers = served.request("GET", "/fiftyone")[1]
    assert "access-control-allow-origin" not in headers


def test_the_view_keeps_the_order_of_the_queue(served):
    wanted = served.ids[4:1:-1]
    assert served.client.show("pets", wanted, "Wrong in run-1") == 3
    query = """query P($view: BSONArray!) { samples(dataset: "pets", view: $view, first: 9)
        { ... on SampleItemStrConnection { edges { node { ... on ImageSample { id } } } } } }"""
    view = [{"_cls": "fiftyone.core.stages.Select", "kwargs": [["sample_ids", wanted], ["ordered", True]]}]
    _, _, text = served.request("POST", "/graphql", {"query": query, "variables": {"view": view}})
    assert "errors" not in json.loads(text), text
    shown = [edge["node"]["id"] for edge in json.loads(text)["data"]["samples"]["edges"]]
    assert shown == wanted


def test_a_tab_is_told_what_to_show(served):
    """The App's own way to listen: the first event of a new tab holds the view that was set before."""
    import http.client

    served.client.show("pets", served.ids[:2], "Cell cat, dog")
    connection = http.client.HTTPConnection("127.0.0.1", served.client.port, timeout=120)
    body = {
        "subscription": "tab-1",
        "events": ["state_update", "refresh"],
        "initializer": {"dataset": "pets", "view": None},
    }
    own = f"http://127.0.0.1:{served.client.port}"
    cookie = f"labelloop_app_{served.client.port}={served.client.token}"
    connection.request(
        "POST", "/events", json.dumps(body), {"Content-Type": "application/json", "Origin": own, "Cookie": cookie}
    )
    stream = connection.getresponse()
    first = _next_event(stream)
    assert first["state"]["dataset"] == "pets"
    assert served.ids[0] in json.dumps(first["state"]["view"])
    served.client.show("pets", served.ids[2:4], "Another")
    second = _next_event(stream)
    assert served.ids[2] in json.dumps(second["state"]["view"])
    connection.sock.close()


def _next_event(stream):
    while True:
        line = stream.readline().decode()
        if line.startswith("data: {"):
            return json.loads(line[6:])


def test_the_selection_comes_back_and_showing_again_leaves_it(served):
    served.client.show("pets", served.ids[:4], "A queue")
    mutation = 'mutation S($s: [String!]!) { setSelected(subscription: "tab", session: "x", selected: $s) }'
    served.request("POST", "/graphql", {"query": mutation, "variables": {"s": served.ids[1:3]}})
    chosen = served.client.selection()
    assert (chosen.ids, chosen.dataset, chosen.queue) == (tuple(served.ids[1:3]), "pets", "A queue")
    served.client.show("pets", served.ids[:4], "A queue")
    assert served.client.selection().ids == tuple(served.ids[1:3])
    served.client.show("pets", None, "")
    assert served.client.selection().ids == ()


def test_a_dataset_that_is_not_there_is_a_sentence(served):
    with pytest.raises(ServiceFailed, match="'nothing' is not in this workspace"):
        served.client.show("nothing", None)


def test_class_keys_write_through_the_journal_and_undo_takes_back(served):
    served.client.show("pets", served.ids[:4], "Wrong in run-1")
    before = served.labels()
    chosen = served.ids[1:3]
    result = served.operate("@labelloop/review/label", selected=chosen, params={"index": 3})["result"]
    assert result == {"saved": 2, "refused": 0}
    assert [served.labels()[one] for one in chosen] == ["bird", "bird"]
    newest = served.store.journal(served.dataset_id, limit=2)
    assert {entry.sample_id for entry in newest} == set(chosen)
    assert {(e.source, e.queue, e.new, e.state) for e in newest} == {("fiftyone", "Wrong in run-1", "bird", "applied")}
    assert newest[0].batch == newest[1].batch
    assert served.operate("@labelloop/review/undo")["result"]["saved"] == 2
    assert served.labels() == before


def test_the_open_sample_is_labelled_when_none_is_ticked(served):
    served.operate("@labelloop/review/relabel", current_sample=served.ids[0], params={"label": "dog"})
    assert served.labels()[served.ids[0]] == "dog"
    served.operate("@labelloop/review/undo")


def test_keys_without_a_class_or_selection_change_nothing(served):
    before = served.labels()
    for more in ({"params": {"index": 7}, "selected": served.ids[:1]}, {"params": {"index": 1}}):
        assert served.operate("@labelloop/review/label", **more)["result"]["saved"] == 0
    body = {"operator_uri": "@labelloop/review/relabel", "dataset_name": "pets", "view": []}
    served.request("POST", "/operators/execute", {**body, "params": {"label": "x"}, "selected": served.ids[:1]})
    assert served.labels() == before


def test_confirming_marks_as_reviewed(served):
    one = served.ids[5]
    assert served.operate("@labelloop/review/confirm", selected=[one])["result"]["saved"] == 1
    assert served.store.label_states(served.dataset_id, [one])[one].reviewed
    served.operate("@labelloop/review/undo")


@pytest.mark.parametrize("kind", ["exclude", "unsure", "skip"])
def test_every_verdict_is_journalled_with_the_queues_evidence(served, kind):
    one = served.ids[6]
    served.client.show("pets", [one], "Labels that may be wrong", {one: ("dog", "suspicious=dog")})
    assert served.operate(f"@labelloop/review/{kind}", selected=[one])["result"]["saved"] == 1
    (entry,) = served.store.journal(served.dataset_id, limit=1)
    assert (entry.kind, entry.sample_id, entry.queue) == (kind, one, "Labels that may be wrong")
    assert (entry.suggestion, entry.evidence, entry.source) == ("dog", "suspicious=dog", "fiftyone")
    assert served.store.label_states(served.dataset_id, [one])[one].excluded == (kind == "exclude")
    if kind == "exclude":
        assert served.operate("@labelloop/review/restore", selected=[one])["result"]["saved"] == 1
        assert not served.store.label_states(served.dataset_id, [one])[one].excluded


@pytest.fixture
def sent(served):
    """``sent()`` has the App load all images, as a tab does."""
    query = """query Page($view: BSONArray!) { samples(dataset: "pets", view: $view, first: 50) {
        ... on SampleItemStrConnection { edges { node { ... on ImageSample { id sample } } } } } }"""

    def load():
        status, _, text = served.request("POST", "/graphql", {"query": query, "variables": {"view": []}})
        found = json.loads(text)["data"]["samples"]["edges"]
        assert (status, len(found)) == (200, len(served.ids))
        return {edge["node"]["id"]: edge["node"]["sample"] for edge in found}

    return load


def by_bob(served, one, kind="relabel", label=None):
    """Somebody decides in another window."""
    state = served.store.label_states(served.dataset_id, [one])[one]
    wanted = Decision(one, kind, label, state.label, uuid.uuid4().hex)
    (outcome,) = decisions.decide(served.store, served.store.dataset("pets"), [wanted], who="bob", source="grid")
    assert outcome.saved


@pytest.mark.parametrize("key", ["label", "confirm", "exclude"])
def test_a_decision_on_what_changed_since_the_app_showed_it_is_refused_and_shown_again(served, sent, key):
    one, before = served.ids[3], served.labels()
    sent()
    by_bob(served, one, label="bird")
    press = functools.partial(served.operate, f"@labelloop/review/{key}", selected=[one], params={"index": 1})
    answer = press()
    assert answer["result"] == {"saved": 0, "refused": 1}
    told = json.dumps(answer["executor"], ensure_ascii=False)
    assert "Somebody changed this image since it was shown: it has “bird” now." in told
    assert "reload_dataset" in told
    assert served.labels() == before | {one: "bird"}
    assert press()["result"] == {"saved": 1, "refused": 0}  # told what it is, the person decides again
    assert press()["result"]["saved"] == 1  # and knows what it is since
    for _ in range(3 - (key == "exclude")):
        undoing.undo(served.store, served.store.dataset("pets"), who="test", source="cli")
    assert served.labels() == before


def test_an_image_that_was_excluded_since_the_app_showed_it_is_not_labelled(served, sent):
    one, label = served.ids[3], served.labels()[served.ids[3]]
    sent()
    by_bob(served, one, "exclude")
    assert served.operate("@labelloop/review/label", selected=[one], params={"index": 3})["result"]["refused"] == 1
    assert served.labels()[one] == label
    by_bob(served, one, "restore")


def test_the_bar_over_the_app_hears_what_is_shown_and_tells_what_it_did(served, sent):
    one = served.ids[3]
    label = served.labels()[one]
    sent()
    by_bob(served, one, label="bird")
    mutation = 'mutation S($s: [String!]!) { setSelected(subscription: "tab", session: "x", selected: $s) }'
    served.request("POST", "/graphql", {"query": mutation, "variables": {"s": [one]}})
    assert served.client.selection().seen == {one: (label, False)}
    served.client.refresh(told=[Outcome(one, saved=True, label="bird")])
    assert served.client.selection().seen == {one: ("bird", False)}
    by_bob(served, one, label=label)
    sent()
    assert served.client.selection().seen == {one: (label, False)}
    served.client.refresh(clear=True)


def test_what_the_app_was_sent_last_is_what_its_person_has_before_them(served, sent):
    served.client.show("pets", None, "")
    last = list(reversed(sent()))
    assert list(served.client.selection().before) == last
    served.client.show("pets", served.ids[:4], "Wrong in run-1")
    assert list(served.client.selection().before) == [one for one in last if one in served.ids[:4]]
    served.client.show("pets", None, "")


def test_who_edits_natively_in_the_app_knows_of_it(served, sent):
    one = served.ids[3]
    label = served.labels()[one]
    changed_at = sent()[one]["last_modified_at"]["datetime"] / 1000
    version = {"Content-Type": "application/json-patch+json", "If-Match": repr(changed_at)}
    patch = [{"op": "replace", "path": "/ground_truth/label", "value": "bird"}]
    path = f"/dataset/{served.store.dataset('pets').id}/sample/{one}"
    status, _, text = served.request("PATCH", path, patch, **version)
    assert status == 200, text
    assert served.operate("@labelloop/review/confirm", selected=[one])["result"] == {"saved": 1, "refused": 0}
    by_bob(served, one, label=label)


def test_suggestions_are_accepted_and_what_was_taken_back_is_done_again(served):
    one, two, three = served.ids[:3]
    before = served.labels()
    served.client.show("pets", [one, two, three], "Worth a look", {one: ("bird", "suspicious=bird"), two: (None, "x=")})
    assert served.operate("@labelloop/review/accept", selected=[one, two])["result"] == {"saved": 1, "refused": 0}
    assert served.labels() == before | {one: "bird"}
    (entry,) = served.store.journal(served.dataset_id, limit=1)
    assert (entry.kind, entry.suggestion, entry.evidence) == ("relabel", "bird", "suspicious=bird")
    assert served.operate("@labelloop/review/accept", selected=[two, three])["result"]["saved"] == 0
    for _ in range(2):
        assert served.operate("@labelloop/review/undo")["result"]["saved"] == 1
        assert served.labels() == before
        assert served.operate("@labelloop/review/redo")["result"]["saved"] == 1
        assert served.labels() == before | {one: "bird"}
    served.operate("@labelloop/review/undo")


def test_a_class_that_is_taken_back_is_no_image(served):
    classes.add(served.store, served.store.dataset("pets"), "eel", who=getpass.getuser())
    assert served.operate("@labelloop/review/undo")["result"] == {"saved": 0, "refused": 0}
    assert "eel" not in served.store.classes(served.dataset_id)


def test_undo_in_the_app_leaves_other_peoples_decisions(served):
    one = served.ids[7]
    label = served.labels()[one]
    other = next(name for name in ("cat", "dog") if name != label)
    by_bob(served, one, label=other)
    served.operate("@labelloop/review/undo")
    assert served.labels()[one] == other
    by_bob(served, one, label=label)


def test_class_buttons_bear_the_names_of_the_classes_of_now(served):
    served.store.set_classes(served.dataset_id, ["cat", "dog", "bird", "<b>fish"])
    _, _, text = served.request("POST", "/operators/resolve-placements", {"dataset_name": "pets"})
    served.store.set_classes(served.dataset_id, ["cat", "dog", "bird"])
    labels = [found["placement"]["view"]["label"] for found in json.loads(text)["placements"]]
    assert labels == ["1 cat", "2 dog", "3 bird", "4 <b>fish", "✓ Confirm", "Exclude", "Not sure", "Skip", "Undo"]


def test_the_plugin_and_its_keys_are_served(served):
    listed = json.loads(served.request("GET", "/plugins")[2])["plugins"]
    assert "@labelloop/review" in [plugin["name"] for plugin in listed]
    ours = next(plugin for plugin in listed if plugin["name"] == "@labelloop/review")
    script = f"{ours['server_path']}/{ours['js_bundle']}"
    status, _, body = served.request("GET", script)
    assert status == 200
    assert b"__foo__" in body


def test_the_client_speaks_plainly_when_nobody_answers(served):
    from core.services.app_client import AppClient

    nobody = AppClient(1, "x" * 20)
    assert not nobody.alive()
    with pytest.raises(ServiceFailed, match="does not answer"):
        nobody.selection()
    with pytest.raises(ServiceFailed, match="refused"):
        AppClient(served.client.port, "x" * 20).selection()
    with pytest.raises(ValueError, match=r"evil\.example"):
        nobody.url("evil.example")
    assert nobody.url("localhost", "a/b?c").endswith("to=%2Fdatasets%2Fa%252Fb%253Fc")
