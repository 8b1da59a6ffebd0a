"""The fence around the FiftyOne server, which by itself serves any file and runs operators for any web page.

Plain ASGI. Order of checks: host, fetch metadata and origin, token, path, body, media file. Everything that a
page of another site, another user of this machine or a script in the App could try is turned away here.
"""

import html
import json
import secrets
from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import parse_qs

from core.services import app_rules

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
Control = Callable[[str, dict[str, Any]], Awaitable[tuple[int, dict[str, Any]]]]

CONTROL = "/__labelloop/"
TOKEN_HEADER = "x-labelloop-token"
LOOKS = ("light", "dark")  # what the page that embeds the App may ask it to look like
LARGEST_BODY = 32_000_000  # bytes; a view of many samples names each

_FETCHED_FROM_HERE = (b"same-origin", b"none")
_POLICY = (  # the App needs eval and inline styles; nothing may be fetched from or sent to anywhere else
    "default-src 'self' data: blob:; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; "
    "style-src 'self' 'unsafe-inline'; worker-src 'self' blob:; object-src 'none'; base-uri 'self'; "
    "form-action 'self'; "
)


@dataclass(frozen=True, slots=True)
class Policy:
    """Who may come in. ``page_origins`` may show the App in a frame, as in ``http://localhost:8501``."""

    port: int
    token: str = field(repr=False)
    page_origins: Sequence[str] = ()

    @property
    def hosts(self) -> frozenset[bytes]:
        """The values of Host that are ours."""
        return frozenset(f"{name}:{self.port}".encode() for name in ("127.0.0.1", "localhost"))

    @property
    def cookie(self) -> str:
        """Cookies of one port reach all ports of a host name, so ours is named by port."""
        return f"labelloop_app_{self.port}"


class Fence:
    """Lets through to ``app`` what ``policy`` and :mod:`~core.services.app_rules` allow.

    ``may_serve`` says whether a file path may be sent; ``control`` answers our own requests (token in a header).
    """

    def __init__(
        self, app: App, policy: Policy, *, may_serve: Callable[[str], Awaitable[bool]], control: Control
    ) -> None:
        self._app = app
        self._policy = policy
        self._may_serve = may_serve
        self._control = control

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif scope["type"] == "http":
            await self._http(scope, receive, _sealed(send, self._policy))
        else:
            await send({"type": "websocket.close", "code": 1008})

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = _Headers(scope["headers"])
        path, method = scope["path"], scope["method"]
        host = headers.only(b"host")
        if host not in self._policy.hosts:
            return await _reply(send, 421, "This address is not served here.")
        if not _from_here(headers, host, method):
            return await _reply(send, 403, "Requests from other pages are not answered.")
        if path == "/__enter" and method == "GET":
            return await self._enter(scope, send)
        by_header = self._is_token(headers.only(TOKEN_HEADER.encode()).decode("latin-1"))
        if path.startswith(CONTROL):
            if not by_header:
                return await _reply(send, 403, "The token is missing.")
            return await self._answer_control(path, method, receive, send)
        if not by_header and not self._is_token(_cookie(headers, self._policy.cookie)):
            return await _reply(send, 403, "Open FiftyOne from labelloop's FiftyOne page.")
        if not app_rules.may_request(method, path) or (path == "/media" and not await self._is_media(scope)):
            return await _reply(send, 404, "There is nothing here.")
        if method in ("GET", "HEAD"):
            return await self._app(scope, receive, send)
        return await self._with_body(scope, receive, send)

    async def _with_body(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = await _body(receive)
        if body is None:
            return await _reply(send, 413, "The request is too large.")
        why = app_rules.why_refused(scope["method"], scope["path"], body)
        if why is not None:
            return await _reply(send, 403, why)
        return await self._app(scope, _replay(body, receive), send)

    async def _is_media(self, scope: Scope) -> bool:
        wanted = parse_qs(scope["query_string"].decode("latin-1")).get("filepath", [])
        return len(wanted) == 1 and await self._may_serve(wanted[0])

    def _is_token(self, given: str) -> bool:
        return secrets.compare_digest(given.encode(), self._policy.token.encode())

    async def _enter(self, scope: Scope, send: Send) -> None:
        query = parse_qs(scope["query_string"].decode("latin-1"))
        to = query.get("to", ["/"])[-1]
        if not self._is_token(query.get("t", [""])[-1]):
            return await _reply(send, 403, "Open FiftyOne from labelloop's FiftyOne page.")
        if not to.startswith("/") or to.startswith(("//", "/\\")) or any(ord(sign) < 32 for sign in to):
            return await _reply(send, 400, "That is no place in the App.")
        cookie = f"{self._policy.cookie}={self._policy.token}; Path=/; HttpOnly; SameSite=Strict"
        where = json.dumps(to).replace("<", "\\u003c")
        look = query.get("look", [""])[-1]
        mode = f"try{{localStorage.setItem('mui-mode','{look}')}}catch(e){{}}" if look in LOOKS else ""
        page = (
            "<!doctype html><meta charset=utf-8><title>FiftyOne</title><script>"
            "try{localStorage.setItem('fiftyone-enterprise-tooltip-seen','true')}catch(e){}"
            f"{mode}location.replace({where})</script>"
            f'<noscript><a href="{html.escape(to)}">FiftyOne</a></noscript>'
        )
        return await _send(send, 200, page.encode(), "text/html; charset=utf-8", {"set-cookie": cookie})

    async def _answer_control(self, path: str, method: str, receive: Receive, send: Send) -> None:
        content: Any = {}
        if method == "POST":
            body = await _body(receive)
            try:
                content = json.loads(body or b"{}")
            except ValueError:
                content = None
        if method not in ("GET", "POST") or not isinstance(content, dict):
            return await _reply(send, 400, "The request cannot be read.")
        status, answer = await self._control(f"{method} {path.removeprefix(CONTROL)}", content)
        return await _send(send, status, json.dumps(answer).encode(), "application/json", {})


class _Headers:
    def __init__(self, raw: Sequence[tuple[bytes, bytes]]) -> None:
        self._raw = raw

    def all(self, name: bytes) -> list[bytes]:
        return [value for key, value in self._raw if key.lower() == name]

    def only(self, name: bytes) -> bytes:
        """The value, or nothing where the header is absent or given twice."""
        values = self.all(name)
        return values[0] if len(values) == 1 else b""


def _from_here(headers: _Headers, host: bytes, method: str) -> bool:
    """Sent by the App itself, by a person's browser bar or frame, or by a program that is no browser."""
    if any(origin != b"http://" + host for origin in headers.all(b"origin")):
        return False
    site = headers.only(b"sec-fetch-site")
    if site and site not in _FETCHED_FROM_HERE:
        return site == b"same-site" and method == "GET" and headers.only(b"sec-fetch-mode") == b"navigate"
    return True


def _cookie(headers: _Headers, name: str) -> str:
    for raw in headers.all(b"cookie"):
        for part in raw.decode("latin-1").split(";"):  # one by one: a stranger's odd cookie spoils only itself
            try:
                morsel = SimpleCookie(part.strip()).get(name)
            except CookieError:
                continue
            if morsel is not None:
                return morsel.value
    return ""


def _sealed(send: Send, policy: Policy) -> Send:
    """``send`` with our headers, and with the insides of errors (tracebacks) left out."""
    hidden = False
    ancestors = " ".join(["frame-ancestors 'self'", *policy.page_origins])

    async def sealed(message: Message) -> None:
        nonlocal hidden
        if message["type"] == "http.response.start":
            hidden = message["status"] >= 500
            ours = {
                b"content-security-policy": (_POLICY + ancestors).encode("latin-1"),
                b"x-content-type-options": b"nosniff",
                b"referrer-policy": b"same-origin",
                b"cross-origin-resource-policy": b"same-origin",
            }
            dropped = {*ours, b"access-control-allow-origin", *((b"content-length", b"content-type") if hidden else ())}
            kept = [(key, value) for key, value in message.get("headers", []) if key.lower() not in dropped]
            if hidden:
                kept += [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(_HIDDEN))]
            message = {**message, "headers": [*kept, *ours.items()]}
        elif message["type"] == "http.response.body" and hidden:
            last = not message.get("more_body", False)
            message = {**message, "body": _HIDDEN if last else b""}
        await send(message)

    return sealed


_HIDDEN = json.dumps({"kind": "Server Error", "stack": "See app-server.log in the workspace's logs."}).encode()


async def _body(receive: Receive) -> bytes | None:
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return b"".join(parts)
        part = message.get("body", b"")
        size += len(part)
        if size > LARGEST_BODY:
            return None
        parts.append(part)
        if not message.get("more_body", False):
            return b"".join(parts)


def _replay(body: bytes, receive: Receive) -> Receive:
    given = False

    async def replay() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay


async def _reply(send: Send, status: int, sentence: str) -> None:
    await _send(send, status, sentence.encode(), "text/plain; charset=utf-8", {})


async def _send(send: Send, status: int, body: bytes, kind: str, more: Mapping[str, str]) -> None:
    headers = {"content-type": kind, "content-length": str(len(body)), "cache-control": "no-store", **more}
    raw = [(key.encode(), value.encode("latin-1")) for key, value in headers.items()]
    await send({"type": "http.response.start", "status": status, "headers": raw})
    await send({"type": "http.response.body", "body": body})
