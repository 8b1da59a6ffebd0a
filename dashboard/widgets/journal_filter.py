"""The row that chooses decisions: whose, what, which class, since when. The address keeps it."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import streamlit as st

from core.domain.decisions import JournalEntry
from core.domain.samples import DatasetInfo
from core.review.journal import Filter
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
_TIMES = {
    "hour": ("The last hour", timedelta(hours=1)),
    "day": ("The last day", timedelta(days=1)),
    "week": ("The last week", timedelta(days=7)),
}


def draw(workspace: Workspace, dataset: DatasetInfo, entries: Sequence[JournalEntry]) -> Filter:
    """Draw the row; what the address and the person choose."""
    runs = {view.name: view for view in workspace.runs(dataset.name)}
    since = {**{key: words for key, (words, _) in _TIMES.items()}, **{name: f"Since {name} began" for name in runs}}
    labels = sorted({name for entry in entries for name in (entry.old, entry.new) if name is not None})
    queues = {name: name for name in sorted({entry.queue for entry in entries if entry.queue})}
    with st.container(key="journal-filter", horizontal=True):
        who = _choice("Who", "who", {name: name for name in sorted({entry.who for entry in entries})}, "Everybody")
        kind = _choice("What", "kind", KINDS, "Everything")
        label = _choice("Class", "label", {name: name for name in labels}, "Any class")
        when = _choice("When", "since", since, "Always")
        came = _choice("Through", "source", SOURCES, "Any way")
        queue = _choice("Queue", "from", queues, "Any queue")
    return Filter(
        who=who,
        kind=kind,
        label=label,
        source=came,
        queue=queue,
        batch=state.param("batch"),
        since=None
        if when is None
        else datetime.now(UTC) - _TIMES[when][1]
        if when in _TIMES
        else datetime.fromtimestamp(runs[when].created_at, UTC),
    )


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
