"""What goes for good goes after a question: the body of the dialogs that ask it."""

from collections.abc import Callable

import streamlit as st

from core.domain.errors import LabelloopError
from dashboard.wording import escaped


def ask(sentence: str, delete: Callable[[], object], *, key: str) -> None:
    """Say in ``sentence`` (Markdown) what goes, and delete it or keep it; either closes the dialog."""
    st.markdown(sentence)
    with st.container(horizontal=True, gap="small"):
        gone = st.button(
            "Delete for good",
            type="primary",
            icon=":material/delete_forever:",
            key=f"{key}-go",
            on_click=_deleted,
            args=(delete,),
        )
        if st.button("Keep it", key=f"{key}-not") or gone:
            st.rerun()


def _deleted(delete: Callable[[], object]) -> None:
    try:
        delete()
    except LabelloopError as error:  # somebody was faster, or something needs it yet
        st.toast(escaped(error), icon=":material/error:", duration="long")
