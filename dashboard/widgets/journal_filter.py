"""The row that chooses decisions: whose, what, which class and image, from when to when. The address keeps it."""

import os
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import streamlit as st

from core.domain.decisions import JournalEntry
from core.domain.errors import BadInput
from core.domain.samples import DatasetInfo
from core.review.journal import Filter, moment
from core.workspace import Workspace
from dashboard import state
from dashboard.widgets import address
from dashboard.wording import printable

KINDS = {
    "relabel": "Relabelled",
    "confirm": "Called right",
    "exclude": "Excluded",
    "restore": "Restored",
    "skip": "Skipped",
    "unsure": "Not sure",
    "rename": "Class renamed",
    "class": "Class list changed",
    "undo": "Undo",
}
SOURCES = {
    "grid": "Review",
    "fiftyone": "FiftyOne, by key",
    "native": "FiftyOne or a script, past labelloop",
    "cli": "Command line",
    "predict": "Predict",
    "import": "Import",
}
_OWN = "times"
_TIMES = {
    "hour": ("The last hour", timedelta(hours=1)),
    "day": ("The last day", timedelta(days=1)),
    "week": ("The last week", timedelta(days=7)),
}


def draw(workspace: Workspace, dataset: DatasetInfo, entries: Sequence[JournalEntry]) -> Filter:
    """Draw the row; what the address and the person choose."""
    runs = {view.name: view for view in workspace.runs(dataset.name)}
    since = {
        **{key: words for key, (words, _) in _TIMES.items()},
        **{name: f"Since {name} began" for name in runs},
        _OWN: "From … to …",
    }
    labels = sorted({name for entry in entries for name in (entry.old, entry.new) if name is not None})
    queues = {name: name for name in sorted({entry.queue for entry in entries if entry.queue})}
    with st.container(key="journal-filter", horizontal=True):
        who = _choice("Who", "who", {name: name for name in sorted({entry.who for entry in entries})}, "Everybody")
        kind = _choice("What", "kind", KINDS, "Everything")
        label = _choice("Class", "label", {name: name for name in labels}, "Any class")
        when = _choice("When", "since", since, "Always")
        came = _choice("Through", "source", SOURCES, "Any way")
        queue = _choice("Queue", "from", queues, "Any queue")
        file = _text("Image", "file", "File or id of an image")
        first, last = (_time("From", "after"), _time("To", "before")) if when == _OWN else (None, None)
    return Filter(
        who=who,
        kind=kind,
        label=label,
        source=came,
        queue=queue,
        batch=state.param("batch"),
        since=first
        if when in (None, _OWN)
        else datetime.now(UTC) - _TIMES[when][1]
        if when in _TIMES
        else datetime.fromtimestamp(runs[when].created_at, UTC),
        until=last,
        samples=_samples(workspace, dataset, file),
    )


def _samples(workspace: Workspace, dataset: DatasetInfo, wanted: str) -> frozenset[str] | None:
    """The images whose file's name has ``wanted`` in it, or whose id it is; None where nothing is wanted."""
    if not wanted:
        return None
    frame = workspace.samples(dataset.name)
    names = frame["filepath"].map(lambda path: os.path.basename(path).casefold())
    named = frame["sample_id"][names.str.contains(wanted.casefold(), regex=False).to_numpy(dtype=bool)]
    return frozenset([*named.tolist(), wanted.lower()])


def _text(label: str, name: str, hint: str) -> str:
    wanted = state.param(name) or ""
    st.text_input(
        label,
        key=address.key(name, wanted),
        placeholder=hint,
        label_visibility="collapsed",
        on_change=lambda: state.set_params(**{name: address.picked(name).strip() or None}),
        width=200,
    )
    return wanted


def _time(label: str, name: str) -> datetime | None:
    """A time of one's own, in this computer's zone."""
    wanted = state.param(name) or ""
    try:
        chosen = moment(wanted) if wanted else None
    except BadInput:
        chosen = None
    st.datetime_input(
        label,
        None,
        key=address.key(name, None if chosen is None else chosen.astimezone().replace(tzinfo=None)),
        on_change=lambda: _keep_time(name),
        help="In the time zone of the computer that runs labelloop",
        step=60,
        width=200,
    )
    return chosen


def _keep_time(name: str) -> None:
    picked = address.picked(name)
    state.set_params(**{name: picked.isoformat(timespec="minutes") if picked else None})


def _choice(label: str, name: str, options: dict[str, str], everything: str) -> str | None:
    wanted = state.param(name)
    chosen = wanted if wanted is not None and wanted in options else ""
    words = {"": everything, **options}
    st.selectbox(
        label,
        list(words),
        key=address.key(name, chosen),
        format_func=lambda value: printable(words[value]),
        label_visibility="collapsed",
        on_change=lambda: state.set_params(**{name: address.picked(name) or None}),
        width=168,
    )
    return chosen or None
