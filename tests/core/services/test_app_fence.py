"""The fence by itself: what it reads of a request before anything behind it is asked."""

import asyncio
import json

import pytest

from core.services.app_fence import Fence, Policy
from core.services.app_rules import may_operate, may_request, why_refused

TOKEN = "t" * 32


def ask(*headers, method="GET", path="/fiftyone", body=b"", app=None):
    """Status, headers and body of one request to a fence on port 5161."""
    sent = []

    async def echo(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"ok"})

    async def receive():
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message):
        sent.append(message)

    async def no_media(path):
        return False

    async def control(request, content):
        return 200, {"request": request, "content": content}

    fence = Fence(app or echo, Policy(5161, TOKEN), may_serve=no_media, control=control)
    raw = [(name.encode(), value.encode("latin-1")) for name, value in headers]
    scope = {"type": "http", "method": method, "path": path, "query_string": b"", "headers": raw}
    asyncio.run(fence(scope, receive, send))
    return sent[0]["status"], dict(sent[0]["headers"]), b"".join(m.get("body", b"") for m in sent[1:])


HOST = ("host", "127.0.0.1:5161")
COOKIE = ("cookie", f"labelloop_app_5161={TOKEN}")


def test_the_cookie_is_found_among_strangers():
    cookie = ("cookie", f"a=b; odd cookie; =; {{}}; labelloop_app_5161={TOKEN}; c=d")
    assert ask(HOST, cookie)[0] == 200
    assert ask(HOST, ("cookie", f"labelloop_app_5162={TOKEN}"))[0] == 403


def test_two_hosts_or_two_origins_do_not_slip_through():
    assert ask(HOST, ("host", "evil.example"), COOKIE)[0] == 421
    assert ask(COOKIE)[0] == 421
    twice = (("origin", "http://127.0.0.1:5161"), ("origin", "http://evil.example"))
    assert ask(HOST, COOKIE, *twice)[0] == 403


def test_the_origin_is_the_name_that_the_host_names():
    assert ask(HOST, COOKIE, ("origin", "http://localhost:5161"))[0] == 403
    assert ask(("host", "localhost:5161"), COOKIE, ("origin", "http://localhost:5161"))[0] == 200


def test_controls_want_the_header_and_not_the_cookie():
    assert ask(HOST, COOKIE, path="/__labelloop/selection")[0] == 403
    status, _, body = ask(HOST, ("x-labelloop-token", TOKEN), path="/__labelloop/view", method="POST", body=b'{"a": 1}')
    assert (status, json.loads(body)) == (200, {"request": "POST view", "content": {"a": 1}})
    assert ask(HOST, ("x-labelloop-token", TOKEN), path="/__labelloop/view", method="POST", body=b"[")[0] == 400


def test_tracebacks_of_what_is_behind_are_hidden():
    async def broken(scope, receive, send):
        headers = [(b"content-type", b"text/html"), (b"content-length", b"20")]
        await send({"type": "http.response.start", "status": 500, "headers": headers})
        await send({"type": "http.response.body", "body": b"Traceback ", "more_body": True})
        await send({"type": "http.response.body", "body": b"secrets.py"})

    status, headers, body = ask(HOST, COOKIE, app=broken)
    assert status == 500
    assert headers[b"content-length"] == str(len(body)).encode()
    assert b"Traceback" not in body
    assert b"secrets" not in body


def test_a_body_without_end_is_cut_off(monkeypatch):
    monkeypatch.setattr("core.services.app_fence.LARGEST_BODY", 10)
    assert ask(HOST, COOKIE, method="POST", path="/values", body=b'"' + b"x" * 20 + b'"')[0] == 413


def test_websockets_are_closed():
    sent = []

    async def send(message):
        sent.append(message)

    asyncio.run(Fence(None, Policy(1, TOKEN), may_serve=None, control=None)({"type": "websocket"}, None, send))
    assert sent[0]["type"] == "websocket.close"


@pytest.mark.parametrize(
    "uri", ["@labelloop/reviewer/x", "@voxel51/operators/list_files", "list_files", None, ["@labelloop/review/label"]]
)
def test_operators_are_allowed_by_name_only(uri):
    assert not may_operate(uri)
    body = json.dumps({"operator_uri": uri}).encode()
    assert why_refused("POST", "/operators/execute", body)


def test_a_key_given_twice_is_read_as_the_server_reads_it():
    body = b'{"operator_uri": "@labelloop/review/label", "operator_uri": "@voxel51/operators/list_files"}'
    assert why_refused("POST", "/operators/execute", body)


@pytest.mark.parametrize(
    "body",
    [
        {"view": [{"$out": "x"}]},
        {"view": json.dumps([{"$merge": "x"}])},
        {"view": json.dumps(json.dumps([{"\u0024function": "x"}]))},
        {"filters": {"deep": [{"er": {"$where": "1"}}]}},
    ],
)
def test_database_commands_are_found_however_they_are_wrapped(body):
    assert why_refused("POST", "/aggregate", json.dumps(body).encode())


def test_a_label_that_looks_like_a_command_is_only_a_label():
    assert why_refused("POST", "/values", json.dumps({"label": "$out", "other": "{not json $"}).encode()) is None


@pytest.mark.parametrize(
    ("query", "allowed"),
    [
        ("query { version }", True),
        ("{ version }", True),
        ("mutation A($v: BSONArray!) { setView(view: $v) }", True),
        ("mutation { setView deleteEverything }", False),
        ("mutation { harmless: deleteEverything }", False),
        ("mutation { setView: deleteEverything }", False),
        ("mutation { ...F } fragment F on Mutation { deleteEverything }", False),
        ("mutation { ... on Mutation { deleteEverything } }", False),
        ("mutation { ...F } fragment F on Mutation { ...F }", False),
        ("query { version } mutation Other { deleteEverything }", False),
        ("query { " + "a " * 30_000 + "}", False),
    ],
)
def test_changes_by_query_are_allowed_by_name_only(query, allowed):
    assert (why_refused("POST", "/graphql", json.dumps({"query": query}).encode()) is None) == allowed


@pytest.mark.parametrize(
    ("change", "allowed"),
    [
        ([{"op": "replace", "path": "/ground_truth/label", "value": "cat"}], True),
        ([{"op": "add", "path": "/tags", "value": ["x"]}], True),
        ([{"op": "replace", "path": "/filepath", "value": "/etc/passwd"}], False),
        ([{"op": "replace", "path": "/ground_truth_2", "value": 1}], False),
        ([{"op": "replace", "path": "", "value": {}}], False),
        ([{"op": "copy", "from": "/filepath", "path": "/tags/0"}], False),
        ([{"op": "replace", "value": 1}], False),
        ([["replace"]], False),
        ("replace", False),
        ({"ground_truth": {"label": "cat"}}, True),
        ({"ground_truth": {"label": "cat"}, "filepath": "x"}, False),
    ],
)
def test_native_edits_are_allowed_by_field_only(change, allowed):
    path = "/dataset/" + "0" * 24 + "/sample/" + "0" * 24
    assert may_request("PATCH", path)
    assert (why_refused("PATCH", path, json.dumps(change).encode()) is None) == allowed


@pytest.mark.parametrize("path", ["/plugins/../x", "/..", "/a\\b", "/graphql", "/operators"])
def test_reads_that_are_refused(path):
    assert not may_request("GET", path)
