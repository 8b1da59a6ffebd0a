"""The routes on Streamlit's own port: thumbnails, images, heat maps, decisions.

Streamlit's XSRF check does not cover them, so each looks at Host itself, and what writes looks at Origin and
Content-Type too. The port of Host may differ from ours (an SSH tunnel); Origin has to be the very address in Host.
"""

import json
import logging
import re
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from importlib.metadata import version
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from core.domain.decisions import KINDS, Decision, Outcome, of_samples
from core.domain.errors import LabelloopError, NotFound
from core.domain.samples import LABELS, SPLITS
from core.images.reading import UnreadableImage
from core.review.queues import QueueSpec
from core.workspace.explaining import Explaining
from dashboard import evidence, persons, pictures, state, uploading
from dashboard.widgets import grid

MAX_BODY = 1024 * 1024  # bytes
MAX_DECISIONS = 1000
MAX_LEASED = 200
MAX_HEATED = 24
MOST_OF_CELL = 3
JSON, UPLOAD = "application/json", "application/octet-stream"
FOREVER = "private, max-age=31536000, immutable"
_ID = re.compile(r"[0-9a-f]{24}")
_HASH = re.compile(r"[0-9a-f]{0,64}")
_RUN = re.compile(r"run-[0-9]{1,9}")
_TOKEN = re.compile(r"[0-9A-Za-z-]{8,64}")
_SECURITY = {
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Content-Security-Policy": "default-src 'none'; sandbox",
}
_log = logging.getLogger(__name__)
_Handler = Callable[[Request], Awaitable[Response]]


def routes() -> list[BaseRoute]:
    """Every route."""
    return [
        Route("/api/alive", _fenced(_alive), methods=["GET"]),
        Route("/thumb/{dataset}/{sample}", _fenced(_thumbnail), methods=["GET"]),
        Route("/image/{dataset}/{sample}", _fenced(_image), methods=["GET"]),
        Route("/api/upload/{batch}", _fenced(uploading.receive, writes=UPLOAD), methods=["POST"]),
        Route("/api/decide", _fenced(_decide, writes=JSON), methods=["POST"]),
        Route("/api/undo", _fenced(_undo, writes=JSON), methods=["POST"]),
        Route("/api/redo", _fenced(_redo, writes=JSON), methods=["POST"]),
        Route("/api/lease", _fenced(_lease, writes=JSON), methods=["POST"]),
        Route("/api/queue/{token}/{start:int}", _fenced(_queue_part), methods=["GET"]),
        Route("/api/cell/{dataset}", _fenced(_cell), methods=["GET"]),
        Route("/api/class", _fenced(_add_class, writes=JSON), methods=["POST"]),
        Route("/api/evidence/{dataset}/{sample}", _fenced(_evidence), methods=["GET"]),
        Route("/api/heat", _fenced(_have_heat, writes=JSON), methods=["POST"]),
        Route("/heat/{run}/{dataset}/{sample}", _fenced(_heat), methods=["GET"]),
    ]


class Refused(Exception):
    """A request that is turned away: status and one sentence."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


async def _alive(_: Request) -> Response:
    answer = {"product": "labelloop", "version": version("labelloop")}
    return JSONResponse(answer, headers={"Cache-Control": "no-store"})


async def _thumbnail(request: Request) -> Response:
    dataset, sample = _ids(request)
    wanted = request.query_params.get("v", "")

    def fetch() -> Response:
        try:
            data, content_hash = state.workspace().thumbnail(dataset, sample)
        except UnreadableImage as error:
            return _picture(pictures.placeholder(str(error)), "no-store")
        return _picture(data, FOREVER if wanted and content_hash.startswith(wanted) else "no-cache")

    return await run_in_threadpool(fetch)


async def _image(request: Request) -> Response:
    dataset, sample = _ids(request)
    wanted = request.query_params.get("v", "")

    def fetch() -> Response:
        found = state.workspace().sample(dataset, sample)
        try:
            data = pictures.showable(found.filepath)
        except UnreadableImage as error:
            return _picture(pictures.placeholder(str(error)), "no-store")
        return _picture(data, FOREVER if wanted and found.content_hash.startswith(wanted) else "no-cache")

    return await run_in_threadpool(fetch)


async def _decide(request: Request) -> Response:
    body = await _body(request)
    dataset, queue, batch = _id(body.get("dataset")), body.get("queue", ""), _batch(body)
    given = body.get("decisions")
    if not isinstance(queue, str) or len(queue) > 500:
        raise Refused(400, "The queue's name is not a short text.")
    if not isinstance(given, list) or not 1 <= len(given) <= MAX_DECISIONS:
        raise Refused(400, f"A request carries 1 to {MAX_DECISIONS} decisions.")
    decisions = [_decision(one) for one in given]

    def write() -> list[Outcome]:
        workspace = state.workspace()
        name, who = workspace.name_of(dataset), persons.who(request.headers, workspace.user)
        return workspace.decide(name, decisions, source="grid", queue=queue, batch=batch, who=who)

    return _outcomes(await run_in_threadpool(write))


async def _undo(request: Request) -> Response:
    body = await _body(request)
    dataset, batch, named = _id(body.get("dataset")), _batch(body), _batch(body, "named")

    def write() -> list[Outcome]:
        workspace = state.workspace()
        who = persons.who(request.headers, workspace.user)
        return workspace.review.undo(workspace.name_of(dataset), batch=batch, named=named, who=who, own=True)

    return _outcomes(await run_in_threadpool(write))


async def _redo(request: Request) -> Response:
    body = await _body(request)
    dataset, batch, named = _id(body.get("dataset")), _batch(body), _batch(body, "named")

    def write() -> list[Outcome]:
        workspace = state.workspace()
        who = persons.who(request.headers, workspace.user)
        return workspace.review.redo(workspace.name_of(dataset), batch=batch, named=named, who=who, own=True)

    return _outcomes(await run_in_threadpool(write))


async def _lease(request: Request) -> Response:
    """What one window shows is its person's for a minute; the answer names what others have."""
    body = await _body(request)
    dataset, holder, samples = _id(body.get("dataset")), body.get("holder"), body.get("samples")
    if not isinstance(holder, str) or not _TOKEN.fullmatch(holder):
        raise Refused(400, "A window is named by 8 to 64 letters, digits and hyphens.")
    if not isinstance(samples, list) or len(samples) > MAX_LEASED:
        raise Refused(400, f"A window shows {MAX_LEASED} images at most.")
    wanted = [_id(one) for one in samples]

    def write() -> dict[str, str]:
        workspace = state.workspace()
        who = persons.who(request.headers, workspace.user)
        return workspace.review.lease(dataset, wanted, who=who, holder=holder)

    return JSONResponse({"taken": await run_in_threadpool(write)}, headers={"Cache-Control": "no-store"})


async def _add_class(request: Request) -> Response:
    body = await _body(request)
    dataset, name = _id(body.get("dataset")), body.get("name")
    if not isinstance(name, str):
        raise Refused(400, "A class's name is a text.")

    def write() -> None:
        workspace = state.workspace()
        who = persons.who(request.headers, workspace.user)
        workspace.add_class(workspace.name_of(dataset), name, who=who)

    await run_in_threadpool(write)
    return JSONResponse({"name": name.strip()}, headers={"Cache-Control": "no-store"})


async def _queue_part(request: Request) -> Response:
    """The images of a queue beyond those that came with its page."""
    found = await run_in_threadpool(grid.part, request.path_params["token"], request.path_params["start"])
    if found is None:
        raise Refused(404, "This list is no longer kept: reload the page.")
    return Response(found, media_type=JSON, headers={"Cache-Control": FOREVER})


async def _cell(request: Request) -> Response:
    """Some images of a cell of a run's confusion matrix; with ``old``, of those that came into it or went since."""
    dataset, asked = _id(request.path_params["dataset"]), request.query_params
    run, old, split, labels = (asked.get(name) for name in ("run", "old", "split", "labels"))
    true, pred = asked.get("true", ""), asked.get("pred", "")
    if not _RUN.fullmatch(run or "") or (old is not None and not _RUN.fullmatch(old)):
        raise Refused(400, "A run is named like run-1.")
    if split not in SPLITS or labels not in LABELS:
        raise Refused(400, "A cell is of one split, under the labels of now or of the run.")

    def look() -> list[str]:
        workspace = state.workspace()
        name = workspace.name_of(dataset)
        if any(workspace.run(one).dataset != name for one in filter(None, (run, old))):
            raise NotFound("This run is of another dataset.")
        if old is not None:
            came, went = workspace.understanding.moved(old, str(run), split, (true, pred), labels=labels)
            return [*came, *went]
        spec = QueueSpec(kind="cell", run=run, split=split, labels=labels, true=true, pred=pred)
        return workspace.queue(name, spec).ids  # what a click on the cell opens, so it is made once for both

    found = await run_in_threadpool(look)
    return JSONResponse({"samples": found[:MOST_OF_CELL]}, headers={"Cache-Control": "no-store"})


async def _evidence(request: Request) -> Response:
    dataset, sample = _ids(request)
    run = request.query_params.get("run") or None
    if run is not None and not _RUN.fullmatch(run):
        raise Refused(404, "There is no such run.")
    found = await run_in_threadpool(lambda: evidence.of(state.workspace(), dataset, sample, run))
    return JSONResponse(found, headers={"Cache-Control": "no-store"})


async def _have_heat(request: Request) -> Response:
    """Which of these images' heat maps are there; with ``start`` the others are made, the first ones first."""
    body = await _body(request)
    dataset, run, samples, start = (_id(body.get("dataset")), *(body.get(key) for key in ("run", "samples", "start")))
    if not isinstance(run, str) or not _RUN.fullmatch(run):
        raise Refused(400, "A run is named like run-1.")
    if not isinstance(samples, list) or len(samples) > MAX_HEATED:
        raise Refused(400, f"Heat maps are made of {MAX_HEATED} images at a time.")
    wanted = [_id(one) for one in samples]

    def look() -> dict[str, Any]:
        explaining = _explaining(run, dataset)
        busy = explaining.start(run, wanted) if start is True else explaining.working(run)
        return {"ready": list(explaining.known(run, wanted)), "busy": busy}

    return JSONResponse(await run_in_threadpool(look), headers={"Cache-Control": "no-store"})


async def _heat(request: Request) -> Response:
    dataset, sample = _ids(request)
    run = request.path_params["run"]
    if not _RUN.fullmatch(run):
        raise Refused(404, "There is no such run.")

    def fetch() -> Response:
        known = _explaining(run, dataset).known(run, [sample])
        if sample not in known:
            raise NotFound("There is no heat map of this image.")
        return _picture(known[sample].read_bytes(), "no-cache")

    return await run_in_threadpool(fetch)


def _explaining(run: str, dataset: str) -> Explaining:
    """Where a run of that dataset looked.

    Raises:
        NotFound: there is no such run or dataset, or the run is of another one.
    """
    workspace = state.workspace()
    if workspace.run(run).dataset != workspace.name_of(dataset):
        raise NotFound("This run is of another dataset.")
    return workspace.explaining


def _fenced(handler: _Handler, *, writes: str = "") -> _Handler:
    async def answer(request: Request) -> Response:
        try:
            _check(request, writes=writes)
            return await handler(request)
        except Refused as refusal:
            return _error(refusal.status, str(refusal))
        except NotFound as error:
            return _error(404, str(error))
        except LabelloopError as error:
            return _error(400, str(error))
        except ClientDisconnect:
            return _error(400, "The request broke off.")
        except Exception:
            _log.exception("%s %s failed", request.method, request.url.path)
            return _error(503, "The store does not answer; labelloop's log says more.")

    return answer


def _check(request: Request, *, writes: str) -> None:
    hosts = request.headers.getlist("host")
    host = hosts[0] if len(hosts) == 1 else ""
    if not persons.known_host(host):
        raise Refused(421, "labelloop answers on this computer's own address only.")
    if not writes:
        return
    origins = request.headers.getlist("origin")
    if len(origins) != 1 or not persons.own_origin(origins[0], host):
        raise Refused(403, "Only labelloop's own pages may change labels.")
    if request.headers.getlist("content-type") != [writes]:  # what no form of another page can send
        raise Refused(415, f"The body has to be {writes}.")


async def _body(request: Request) -> dict[str, Any]:
    data = bytearray()
    async for chunk in request.stream():
        data += chunk
        if len(data) > MAX_BODY:
            raise Refused(413, f"The body is larger than {MAX_BODY // 1024} kB.")
    try:
        body = json.loads(data)
    except (ValueError, RecursionError):
        raise Refused(400, "The body is not JSON.") from None
    if not isinstance(body, dict):
        raise Refused(400, "The body is not a JSON object.")
    return body


def _ids(request: Request) -> tuple[str, str]:
    dataset, sample = request.path_params["dataset"], request.path_params["sample"]
    if not (_ID.fullmatch(dataset) and _ID.fullmatch(sample)):
        raise Refused(404, "There is no such image.")
    return dataset, sample


def _id(value: object) -> str:
    if not isinstance(value, str) or not _ID.fullmatch(value):
        raise Refused(400, "An id is 24 hexadecimal digits.")
    return value


def _batch(body: dict[str, Any], key: str = "batch") -> str | None:
    value = body.get(key)
    if value is not None and not (isinstance(value, str) and _TOKEN.fullmatch(value)):
        raise Refused(400, "A batch is named by 8 to 64 letters, digits and hyphens.")
    return value


def _decision(value: object) -> Decision:
    if not isinstance(value, dict):
        raise Refused(400, "A decision is a JSON object.")
    kind, label, seen, token = (value.get(key) for key in ("kind", "label", "seen", "token"))
    if kind not in KINDS:
        raise Refused(400, f"A decision is of one of the kinds {', '.join(KINDS)}.")
    if not isinstance(token, str) or not _TOKEN.fullmatch(token):
        raise Refused(400, "A token is 8 to 64 letters, digits and hyphens.")
    if not all(text is None or (isinstance(text, str) and len(text) <= 1000) for text in (label, seen)):
        raise Refused(400, "A label is a text or null.")
    suggestion, evidence, seen_excluded = (value.get(key) for key in ("suggestion", "evidence", "excluded"))
    if not all(text is None or (isinstance(text, str) and len(text) <= 1000) for text in (suggestion, evidence)):
        raise Refused(400, "Suggestion and evidence are texts or null.")
    content = value.get("content") or ""
    if not isinstance(content, str) or not _HASH.fullmatch(content):
        raise Refused(400, "A content is up to 64 hexadecimal digits.")
    return Decision(
        sample_id=_id(value.get("sample")),
        kind=kind,
        label=label if kind == "relabel" else seen,
        seen=seen,
        token=token,
        suggestion=suggestion,
        evidence=evidence or "",
        seen_excluded=seen_excluded if isinstance(seen_excluded, bool) else None,
        seen_content=content,
    )


def _outcomes(outcomes: list[Outcome]) -> Response:
    """What became of each sample, and how many changes of the ``classes``, which concern no tile, were made."""
    named = {"sample_id": "sample", "entry_id": "entry"}
    shown = of_samples(outcomes)
    return JSONResponse(
        {
            "outcomes": [{named.get(key, key): value for key, value in asdict(one).items()} for one in shown],
            "classes": sum(one.saved for one in outcomes) - sum(one.saved for one in shown),
            "at": time.time(),
        },
        headers={"Cache-Control": "no-store"},
    )


def _picture(data: bytes, cache: str) -> Response:
    return Response(data, media_type=pictures.type_of(data), headers={**_SECURITY, "Cache-Control": cache})


def _error(status: int, sentence: str) -> Response:
    return JSONResponse({"error": sentence}, status_code=status, headers={"Cache-Control": "no-store"})
