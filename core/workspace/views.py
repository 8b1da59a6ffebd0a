"""What a folder of a run or job says, read at one moment."""

import time
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

import numpy as np
import pandas as pd

from core.domain.models import model_title
from core.domain.runs import ACTIVE_STATES, RunState
from core.runs.atomic import read_json, read_json_lines
from core.runs.layout import RunPaths
from core.runs.states import state

LOST = (
    "It was killed together with its supervisor (or the computer went down); what it had written is kept, and it goes "
    "back in the queue by itself."
)


@dataclass(frozen=True, slots=True)
class RunView:
    """A run or job as its folder tells it. ``seconds`` is how long it ran or has been running."""

    name: str
    kind: Literal["train", "import", "watch", "embed", "search", "map", "check"]
    dataset: str
    state: RunState
    spec: dict[str, Any]
    status: dict[str, Any]
    metrics: list[dict[str, Any]]
    error: str
    created_at: float
    seconds: float | None

    @property
    def active(self) -> bool:
        """Whether it waits or works."""
        return self.state in ACTIVE_STATES

    @property
    def trial(self) -> bool:
        """Whether it is one of a search's trials, which are compared with one another alone."""
        return "trial" in self.spec

    @property
    def title(self) -> str:
        """What it is, for a person."""
        if self.kind == "train":
            return model_title(str(self.options.get("model") or "Training"))
        return {"import": "Import", "search": "Search", "check": "Health check"}.get(self.kind, "Embedding")

    @property
    def options(self) -> dict[str, Any]:
        """The training options of a run; empty for a job."""
        options: dict[str, Any] = self.spec.get("options") or {}
        return options


@dataclass(frozen=True, slots=True)
class StaleMeter:
    """What changed in a dataset since its newest succeeded run (``run`` None: never trained).

    ``moved`` are in another split, the files of ``rewritten`` were imported again with other contents; a sample may
    count in several, and counts once in ``touched``. ``in_test`` counts those of all that are in the test split or
    (removed, moved) were.
    """

    run: str | None
    labels_changed: int
    added: int
    removed: int
    in_test: int
    touched: int
    moved: int = 0
    rewritten: int = 0

    @property
    def stale(self) -> bool:
        """Whether a retrain would see anything new."""
        return self.run is None or self.touched > 0


def stale_meter(run: str, frame: pd.DataFrame, frozen: pd.DataFrame) -> StaleMeter:
    """What ``frame`` holds now that the ``frozen`` samples of a run's snapshot do not; both are ordered by sample id.

    Looked at after every decision: where the samples are the same, which is nearly always, it is a comparison of four
    pairs of arrays. Excluded samples count as removed: a retrain does not see them.
    """
    excluded = frame["excluded"].to_numpy(dtype=bool)
    frame = frame[["sample_id", "label", "split", "content_hash"]]  # of all columns the others would take the time
    if excluded.any():
        frame = frame[~excluded]
    now, then = frame["sample_id"].to_numpy(), frozen["sample_id"].to_numpy()
    added = removed = frozen["split"].iloc[:0]
    kept, before = frame, frozen
    if len(now) != len(then) or not (now == then).all():
        added = frame.loc[~frame["sample_id"].isin(then), "split"]
        removed = frozen.loc[~frozen["sample_id"].isin(now), "split"]
        kept = frame[frame["sample_id"].isin(then)]  # both are ordered by sample id
        before = frozen[frozen["sample_id"].isin(now)]
    changed, moved, rewritten = (
        kept[name].to_numpy() != before[name].to_numpy() for name in ("label", "split", "content_hash")
    )
    rows = np.flatnonzero(changed | moved | rewritten)
    in_test = sum(int((split == "test").sum()) for split in (added, removed))
    in_test += int(
        ((kept["split"].iloc[rows].to_numpy() == "test") | (before["split"].iloc[rows].to_numpy() == "test")).sum()
    )
    return StaleMeter(
        run,
        labels_changed=int(changed.sum()),
        added=len(added),
        removed=len(removed),
        in_test=in_test,
        touched=len(rows) + len(added) + len(removed),
        moved=int(moved.sum()),
        rewritten=int(rewritten.sum()),
    )


def view_of(paths: RunPaths) -> RunView:
    """A run or job folder as it is now; one that has ended never changes again and is read once."""
    if paths.exit.exists():
        return _cached_view(paths, paths.exit.stat().st_mtime_ns)
    return read_view(paths)


def read_view(paths: RunPaths) -> RunView:
    """Read a run or job folder."""
    now_state = state(paths)
    spec = read_json(paths.spec) or {}
    status = read_json(paths.status) or {}
    exited = read_json(paths.exit)
    created = float(spec.get("created_at", 0.0))
    ended = exited["ended_at"] if exited else (time.time() if now_state in ACTIVE_STATES else status.get("heartbeat"))
    return RunView(
        name=paths.name,
        kind=spec.get("kind", "train"),
        dataset=spec.get("dataset", ""),
        state=now_state,
        spec=spec,
        status=status,
        metrics=read_json_lines(paths.metrics),
        error=_error(paths, now_state, exited),
        created_at=created,
        seconds=None if ended is None else max(0.0, float(ended) - created),
    )


def _error(paths: RunPaths, now_state: RunState, exited: dict[str, Any] | None) -> str:
    if now_state == "lost":
        return LOST
    if now_state != "failed":
        return ""
    written = read_json(paths.error)
    if written and written.get("sentence"):
        return str(written["sentence"])
    number = (exited or {}).get("signal")
    if number:
        reason = " (usually: out of memory)" if number == 9 else ""
        return f"Its process was killed by signal {number}{reason}."
    return "It stopped with an error; its log says more."


@lru_cache(maxsize=1024)
def _cached_view(paths: RunPaths, _: int) -> RunView:
    return read_view(paths)
