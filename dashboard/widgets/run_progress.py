"""A run while it goes and after: live curves with the best epoch marked, and the end of its log."""

from typing import Any, Literal

import streamlit as st

from core.workspace import RunView, Workspace
from dashboard import charts, wording
from dashboard.widgets import plot

_EVERY = 2.0  # seconds between looks at the run's folder


def live(workspace: Workspace, name: str) -> None:
    """Curves and log of a run that goes; they refresh by themselves."""
    st.fragment(_live, run_every=_EVERY)(workspace, name)


def curves(run: RunView, *, key: str) -> None:
    """Loss and accuracy by epoch. Nothing for a model without epochs."""
    epochs = int(run.status.get("epochs") or run.options.get("epochs") or 0)
    if run.options.get("model") == "instant":
        return
    best = best_epoch(run.metrics, str(run.options.get("monitor", "accuracy")))
    columns = st.columns(2, gap="medium")
    for column, measure in zip(columns, ("loss", "accuracy"), strict=True):
        with column:
            st.markdown(f"**{measure.capitalize()}**")
            figure = charts.curve(run.metrics, measure, epochs=epochs, best=best, template=plot.template())  # type: ignore[arg-type]
            plot.show(figure, key=f"{key}-{measure}", alt=f"{measure.capitalize()} by epoch")
    if best is not None:
        so_far = " so far" if run.active else ""
        split = "train, since there is no val" if run.metrics[-1].get("val_accuracy") is None else "val"
        st.caption(f"The star marks epoch {best}, the best{so_far} on {split}: its network is kept.")


def best_epoch(metrics: list[dict[str, Any]], monitor: str = "accuracy") -> int | None:
    """The epoch whose network is kept, as core.training.choosing does it: among those at the largest image size the
    highest accuracy (or the lowest loss) on val (on train where there is no val), of equals the earliest.
    """

    def judged(line: dict[str, Any]) -> tuple[float, float, float]:
        split = "train" if line.get("val_accuracy") is None else "val"
        accuracy, loss = float(line[f"{split}_accuracy"]), -float(line[f"{split}_loss"])
        first, second = (loss, accuracy) if monitor == "loss" else (accuracy, loss)
        return float(line.get("image_size") or 0), first, second

    return int(max(metrics, key=judged)["epoch"]) if metrics else None


def corrected(run: RunView) -> str:
    """What the run is taking, against what was reckoned before it started: time in all, and memory."""
    status, parts, expected = run.status, [], run.spec.get("expected")
    if run.seconds is not None and status.get("seconds_left") and status.get("phase") == "training":
        whole = run.seconds + float(status["seconds_left"])
        before = f", {wording.duration(expected)} were expected" if expected else ""
        parts.append(f"{wording.duration(whole)} in all{before}")
    if status.get("memory"):
        parts.append(f"{float(status['memory']) / 1e9:.1f} GB of memory")
    if status.get("loss") is not None and status.get("phase") == "training":
        parts.append(f"this epoch so far: loss {float(status['loss']):.3f}, accuracy {float(status['accuracy']):.2f}")
    return " · ".join(parts)


def log(workspace: Workspace, name: str, *, lines: int = 40) -> None:
    """The end of the log, letter by letter."""
    text = workspace.log_tail(name, lines)
    height: int | Literal["content"] = 260 if text.count("\n") > 9 else "content"
    st.code(text or "Empty.", language=None, height=height, wrap_lines=True)


def _live(workspace: Workspace, name: str) -> None:
    run = workspace.run(name)
    st.caption(corrected(run))
    if run.metrics:
        curves(run, key=f"live-{name}")
        last = run.metrics[-1]
        took = f"{wording.duration(last.get('seconds'))} an epoch"
        speed = f"{last['images_per_second']:,.0f} images a second" if last.get("images_per_second") else ""
        st.caption(" · ".join(part for part in (speed, took) if part))
    with st.expander("Log", key=f"log-{name}"):
        log(workspace, name)
