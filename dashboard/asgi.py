"""The server: Streamlit's app with labelloop's own routes on the same port. ``streamlit run dashboard/asgi.py``."""

import logging
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import streamlit as st

from core.domain.errors import LabelloopError
from core.workspace import Workspace
from dashboard import api, pauses, state, undelayed

_log = logging.getLogger(__name__)


@asynccontextmanager
async def _lifespan(_: Any) -> AsyncIterator[None]:
    """Open the workspace while the browser is still loading, and let go of it at the end."""
    opened: list[Workspace] = []
    pauses.keep_short()
    undelayed.listen_undelayed()
    threading.Thread(target=_open, args=(opened,), daemon=True).start()
    yield
    for workspace in opened:
        workspace.close()


def _open(opened: list[Workspace]) -> None:
    state.serve()
    try:
        workspace = state.workspace()
        opened.append(workspace)
        workspace.watches.revive()
    except LabelloopError as error:
        _log.warning("The workspace cannot be opened yet: %s", error)  # the pages say so too, and offer to try again


app = st.App(Path(__file__).resolve().parent / "app.py", routes=api.routes(), lifespan=_lifespan)
