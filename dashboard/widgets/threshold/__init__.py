"""A threshold moved live in the browser: curves, counts, the images on either side. JavaScript and CSS lie beside."""

import base64
import json
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import streamlit as st

from dashboard import state

_HERE = Path(__file__).parent
Opened = Callable[[float, str], None]


def draw(
    ids: Sequence[str],
    scores: npt.ArrayLike,
    hits: npt.NDArray[np.bool_],
    *,
    kind: Literal["class", "abstain"],
    words: dict[str, str],
    threshold: float,
    dataset_id: str,
    identity: str,
    key: str,
    used: Callable[[float], None] | None = None,
    opened: Opened,
) -> None:
    """``scores`` (float32) in [0, 1] of the samples ``ids``; ``hits`` are those that belong above the threshold.

    ``words`` names what is seen: ``score``, ``hit`` and ``miss`` (one image of either kind), ``above`` and ``below``
    (the two sides), ``use`` (the button; none where it is left out). ``used`` is told the threshold when that is
    clicked, ``opened`` the threshold and the side ("above", "below") whose images are to be reviewed. Where
    ``identity`` changes, the slider goes to ``threshold``.
    """
    name = f"{state.current_page()}.{key}"
    value = np.clip(np.asarray(scores, dtype=np.float32), 0, 1)
    order = np.argsort(-value, kind="stable")
    payload = {
        **{"use": "", **words},
        "kind": kind,
        "ids": "".join(ids[i] for i in order),
        "scores": base64.b64encode(value[order].astype("<f4").tobytes()).decode(),
        "hits": base64.b64encode(hits[order].astype(np.uint8).tobytes()).decode(),
        "threshold": threshold,
        "dataset": dataset_id,
        "identity": identity,
    }

    def on_used() -> None:
        chosen = (state.chosen(name) or {}).get("used")
        if chosen and used is not None:
            used(float(chosen["threshold"]))

    def on_opened() -> None:
        chosen = (state.chosen(name) or {}).get("opened")
        if chosen:
            opened(float(chosen["threshold"]), str(chosen["side"]))

    _component()(key=name, data=json.dumps(payload).encode(), on_used_change=on_used, on_opened_change=on_opened)


@cache
def _component() -> Any:
    return st.components.v2.component(
        "labelloop-threshold",
        js=(_HERE / "threshold.js").read_text(encoding="utf-8"),
        css=(_HERE / "threshold.css").read_text(encoding="utf-8"),
        html="<div></div>",
    )
