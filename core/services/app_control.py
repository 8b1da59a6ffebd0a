"""Steering the App from outside it: which samples every tab shows, and what is ticked there.

Runs in the FiftyOne server's own process and event loop, on FiftyOne's private event functions (pinned, and
covered by a test that notices when they move).
"""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import fiftyone.core.dataset as fod
import fiftyone.core.session.events as fose
from fiftyone.core.state import build_color_scheme
from fiftyone.server.events import dispatch_event, get_state

from core.domain.decisions import Outcome
from core.services import app_shown
from core.services.app_client import LARGEST_BEFORE, Says

logger = logging.getLogger(__name__)


@dataclass
class Shown:
    """The queue that the App was told to show. ``view`` is the object in FiftyOne's state while nobody changed it.

    ``says`` is what the queue says of its samples (core.services.app_client).
    """

    dataset: str | None = None
    ids: tuple[str, ...] | None = None
    queue: str = ""
    view: Any = None
    says: dict[str, Says] = field(default_factory=dict)


shown = Shown()  # one server has one state, shared by all tabs


async def answer(request: str, content: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    """Status and JSON for one control request, as in ``"POST view"``."""
    try:
        if request == "GET alive":
            return 200, {"product": "labelloop"}
        if request == "GET selection":
            return 200, _selection()
        if request == "POST refresh":
            return await _refresh(content)
        if request == "POST view":
            return await _show(content)
    except Exception:
        logger.exception("The request %s failed", request)
        return 500, {}
    return 404, {"sentence": "The FiftyOne server has no such control."}


async def _show(content: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    name, ids, queue = content.get("dataset"), content.get("ids"), content.get("queue", "")
    says = _says(content.get("says", {}))
    if not isinstance(name, str) or not isinstance(queue, str) or not _is_ids(ids) or says is None:
        return 400, {"sentence": "The FiftyOne server was asked for a view that makes no sense."}
    chosen = None if ids is None else tuple(ids)
    state = get_state()
    current = state.dataset.name if state.dataset is not None else None
    untouched = (shown.dataset, shown.ids, shown.queue) == (name, chosen, queue)
    shown.says = says
    if untouched and current == name and state.view is shown.view:
        return 200, {"shown": await asyncio.to_thread(_count, state)}
    try:
        dataset, view = await asyncio.to_thread(_load, name, chosen)
    except fod.DatasetNotFoundError:
        return 404, {"sentence": f"The dataset {name!r} is not in this workspace."}
    if current != name:
        state.color_scheme = build_color_scheme(None, dataset, state.config)
        state.spaces = None
        state.group_slice = dataset.group_slice
    state.dataset, state.view = dataset, view
    state.group_id = state.sample_id = None
    state.selected_labels, state.selected_samples = [], []
    shown.dataset, shown.ids, shown.queue, shown.view = name, chosen, queue, view
    await dispatch_event(None, fose.StateUpdate(state=state))
    return 200, {"shown": await asyncio.to_thread(_count, state)}


def _load(name: str, ids: Sequence[str] | None) -> tuple[Any, Any]:
    dataset = fod.load_dataset(name, reload=True)
    return dataset, None if ids is None else dataset.select(list(ids), ordered=True)


def _count(state: Any) -> int:
    return int((state.view if state.view is not None else state.dataset).count())


def _selection() -> dict[str, Any]:
    state = get_state()
    current = state.dataset.name if state.dataset is not None else None
    ids = [str(chosen["id"]) for chosen in state.selected_samples or []]
    seen = {one: list(known) for one, known in app_shown.of(ids).items()}
    if current != shown.dataset:
        return {"ids": ids, "dataset": current, "queue": "", "says": {}, "seen": seen, "before": []}
    told = {one: list(shown.says[one]) for one in ids if one in shown.says}
    before = app_shown.latest(LARGEST_BEFORE, None if shown.ids is None else set(shown.ids))
    return {"ids": ids, "dataset": current, "queue": shown.queue, "says": told, "seen": seen, "before": before}


async def _refresh(content: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    told = _outcomes(content.get("told", []))
    if told is None:
        return 400, {"sentence": "The FiftyOne server was told of outcomes that make no sense."}
    app_shown.note_told(told)
    state = get_state()
    if content.get("clear") is True:
        state.selected_samples, state.selected_labels = [], []
    if state.dataset is not None:
        await asyncio.to_thread(state.dataset.reload)
        await dispatch_event(None, fose.Refresh(state=state))
    return 200, {}


def _is_ids(ids: object) -> bool:
    return ids is None or (isinstance(ids, list) and all(isinstance(one, str) and len(one) == 24 for one in ids))


def _says(given: object) -> dict[str, Says] | None:
    """What came of the queue's words, None where they make no sense."""
    if not isinstance(given, dict):
        return None
    says: dict[str, Says] = {}
    for sample_id, pair in given.items():
        if not (isinstance(pair, list) and len(pair) == 2 and isinstance(pair[1], str)):
            return None
        if not _is_label(pair[0]):
            return None
        says[sample_id] = (pair[0], pair[1])
    return says


def _outcomes(given: object) -> list[Outcome] | None:
    """What became of decisions that were made beside the App, None where it makes no sense."""
    if not isinstance(given, list):
        return None
    told: list[Outcome] = []
    for one in given:
        if not (isinstance(one, list) and len(one) == 4 and isinstance(one[0], str) and _is_label(one[2])):
            return None
        told.append(Outcome(one[0], saved=one[1] is True, label=one[2], excluded=one[3] is True))
    return told


def _is_label(given: object) -> bool:
    return given is None or isinstance(given, str)
