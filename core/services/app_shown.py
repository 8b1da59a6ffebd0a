"""What the App was last sent of each sample: that is what its person saw, and what a decision there is held against.

Noted where FiftyOne's server makes the samples that a tab asks for (a private function: pinned, and covered by a test).
"""

import re
from collections.abc import Awaitable, Callable, Collection, Iterable
from itertools import islice
from typing import Any

import fiftyone.server.samples as fosa

from core.domain.decisions import Outcome, of_samples
from core.services.app_client import Seen

MOST = 500_000  # samples
_PATCHED = re.compile(r"/dataset/[0-9a-f]{24}/sample/([0-9a-f]{24})")
_seen: dict[str, Seen] = {}


def watch() -> None:
    """Note from now on what is sent."""
    make = fosa._create_sample_item

    async def make_noted(dataset: Any, sample: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        if "ground_truth" in sample:  # otherwise its field is hidden, and no label was shown
            note(str(sample["_id"]), (sample["ground_truth"] or {}).get("label"), bool(sample.get("excluded")))
        return await make(dataset, sample, *args, **kwargs)

    fosa._create_sample_item = make_noted


def watching_edits(app: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
    """``app``, where an edit that was made natively (the Annotate tab) is known to who made it."""

    async def watched(scope: Any, receive: Any, send: Any) -> None:
        await app(scope, receive, send)
        edited = _PATCHED.fullmatch(scope.get("path", "")) if scope.get("method") == "PATCH" else None
        if edited is not None:
            _seen.pop(edited[1], None)

    return watched


def note(sample_id: str, label: str | None, excluded: bool) -> None:
    """The person at the App knows that the sample is this."""
    if len(_seen) >= MOST:
        _seen.clear()
    _seen.pop(sample_id, None)  # what was sent last stands last
    _seen[sample_id] = (label, excluded)


def note_told(outcomes: Iterable[Outcome]) -> None:
    """The person did what was saved, and is told of the first that was refused; the others come with the reload."""
    told = False
    for one in of_samples(outcomes):
        if one.saved or not told:
            note(one.sample_id, one.label, one.excluded)
        told = told or not one.saved


def latest(most: int, among: Collection[str] | None = None) -> list[str]:
    """What was sent last, newest first, ``most`` samples at most; ``among`` these only."""
    return list(islice((one for one in reversed(_seen) if among is None or one in among), most))


def of(sample_ids: Iterable[str]) -> dict[str, Seen]:
    """What was sent of these samples; without those of which nothing was."""
    return {one: _seen[one] for one in sample_ids if one in _seen}
