"""The frame of every page: the top bar with dataset, job and Retrain."""

import streamlit as st

from core.domain.errors import LabelloopError
from core.domain.samples import DatasetInfo
from core.workspace import Workspace
from dashboard import state


def begin() -> tuple[Workspace, DatasetInfo | None]:
    """Draw the top bar; every page calls this first. The dataset is ``None`` while there is none.

    Where the workspace cannot be opened, the page says why and ends here.
    """
    try:
        workspace = state.workspace()
        name = state.dataset_name()
        dataset = workspace.dataset(name) if name else None
    except LabelloopError as error:
        st.error(str(error), icon=":material/error:")
        st.stop()
    return workspace, dataset
