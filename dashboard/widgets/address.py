"""Widgets whose value lies in the page's address: reload, links and the way back keep it.

The address is the truth, and other things than the widget move it: a click in a chart, a link, a newer run. For a
moment the browser then still sends the widget's old value, which would look like a choice. So a widget that something
else moved gets a new key, under which the browser has sent nothing yet. One that a person moves keeps its key, and
with it the keyboard's focus.
"""

from collections.abc import Callable, Sequence
from typing import Any

import streamlit as st

from dashboard import state


def key(name: str, value: Any, *, put: bool = True) -> str:
    """The key of the widget ``name``, which is to show ``value``. The value is set, unless ``put`` is off: for tables
    and charts, whose state cannot be.
    """
    shown, number = state.get(f"{name}-shown", (None, 0))
    if value != shown:
        number += 1
    state.put(f"{name}-shown", (value, number))
    if put:
        state.put(f"{name}-{number}", value)
    return f"{state.current_page()}.{name}-{number}"


def moved(name: str, value: Any) -> None:
    """Note that a person moved the widget ``name`` to ``value``: it keeps its key."""
    _, number = state.get(f"{name}-shown")
    state.put(f"{name}-shown", (value, number))


def picked(name: str) -> Any:
    """What a person chose in the widget ``name``; for its callback."""
    _, number = state.get(f"{name}-shown")
    value = state.get(f"{name}-{number}")
    moved(name, value)
    return value


def switch(label: str, name: str, options: Sequence[str], words: Callable[[str], str] = str) -> str:
    """A row of buttons for the parameter ``name``; the first of ``options`` unless the address names another."""
    wanted = state.param(name)
    chosen = wanted if wanted is not None and wanted in options else options[0]
    st.segmented_control(
        label,
        options,
        key=key(name, chosen),
        format_func=words,
        required=True,
        on_change=lambda: state.set_params(**{name: picked(name)}),
    )
    return chosen
