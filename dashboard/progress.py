"""How far a run or job is, in words and as a share. Plain functions on a RunView, no streamlit."""

from core.domain.models import model_title
from core.workspace import RunView, StaleMeter
from dashboard.wording import counted, escaped

_PHASES = {
    "starting": "starting",
    "queued": "waiting",
    "preparing": "preparing",
    "embedding": "embedding",
    "laying out": "laying out",
    "reading embeddings": "reading embeddings",
    "training": "training",
    "looking for files": "looking for files",
    "measuring": "measuring",
    "waiting for embeddings": "waiting for embeddings",
    "comparing": "comparing",
    "evaluating": "evaluating",
    "exporting": "exporting",
    "searching": "trying recipes",
    "the best recipe, with test": "training the best recipe once more, with test",
    "done": "finishing",
}
_KINDS = {
    "import": "Importing",
    "watch": "Watching for",
    "embed": "Embedding",
    "search": "Searching",
    "map": "Mapping",
    "check": "Checking",
}


def title(run: RunView) -> str:
    """What runs: "ResNet-18", "Importing pets"."""
    if run.kind == "train":
        return model_title(str(run.options.get("model") or run.name))
    return f"{_KINDS[run.kind]} {escaped(run.dataset)}"


def headline(run: RunView) -> str:
    """One line for the top bar: "ResNet-18 · epoch 4/10 · 0.91 · 2 min left"."""
    status = run.status
    parts = [title(run)]
    if run.state == "queued":
        parts.append("waiting for its turn")
    elif status.get("phase") == "training" and status.get("epochs"):
        parts.append(f"epoch {status.get('epoch', 0)}/{status['epochs']}")
        if run.metrics and run.metrics[-1].get("val_accuracy") is not None:
            parts.append(f"{run.metrics[-1]['val_accuracy']:.2f}")
    elif run.kind == "train":
        parts.append(_PHASES.get(str(status.get("phase", "")), "starting"))
    elif status.get("total"):
        parts.append(f"{status.get('done', 0):,} of {status['total']:,}")
    left = time_left(run)
    return " · ".join(parts + ([left] if left else []))


def changes(meter: StaleMeter) -> str:
    """What a dataset holds that a run has not: "37 labels changed, 12 new, 4 removed"; empty where there is nothing."""
    parts = (
        (meter.labels_changed, "label", "changed"),
        (meter.added, "image", "new"),
        (meter.removed, "image", "removed"),
        (meter.moved, "image", "in another split"),
        (meter.rewritten, "image", "with new contents"),
    )
    said: list[str] = []
    for count, noun, what in parts:
        if count:
            said.append(f"{count:,} {what}" if said else f"{counted(count, noun)} {what}")
    return ", ".join(said)


def phase(run: RunView) -> str:
    """The phase as a word with a capital."""
    if run.state == "queued":
        return "Waiting for its turn"
    return _PHASES.get(str(run.status.get("phase", "")), "starting").capitalize()


def share_done(run: RunView) -> float:
    """In [0, 1]: epochs while it trains, images otherwise."""
    status = run.status
    if run.state == "succeeded":
        return 1.0
    epochs, total = status.get("epochs") or 0, status.get("total") or 0
    within = min(1.0, (status.get("done") or 0) / total) if total else 0.0
    if status.get("phase") == "training" and epochs:
        finished = len(run.metrics)
        return min(1.0, max(finished, (finished + within) if within < 1 else finished) / epochs)
    return within


def time_left(run: RunView) -> str:
    """In words, as "2 min left"; empty where nobody knows."""
    seconds = run.status.get("seconds_left")
    if seconds is None or run.state != "running":
        return ""
    if seconds < 1:
        return "almost done"
    if seconds < 90:
        return f"{round(seconds)} s left"
    if seconds < 5400:
        return f"{round(seconds / 60)} min left"
    return f"{seconds / 3600:.1f} h left"


def rate(run: RunView) -> str:
    """In words, as "266 images a second"; empty where nothing is measured yet."""
    value = run.status.get("rate")
    if not value:
        return ""
    return f"{value:,.1f} images a second" if value < 10 else f"{counted(round(value), 'image')} a second"
