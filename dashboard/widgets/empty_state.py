"""What a page shows while it has nothing: what will be here, and the step that fills it."""

import streamlit as st

from dashboard import navigation


def draw(title: str, text: str, *, page: str | None = None, label: str = "", icon: str = "inbox") -> None:
    """A quiet card. ``page`` is the page of the next step, ``label`` its link's text."""
    with st.container(key=f"empty-{page or 'none'}", border=True):
        st.markdown(f":material/{icon}:")
        st.subheader(title, anchor=False)
        st.markdown(text)
        if page is not None:
            st.page_link(
                navigation.page(page), label=label or navigation.entry(page).title, icon=":material/arrow_forward:"
            )
