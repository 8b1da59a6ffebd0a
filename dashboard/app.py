"""Entry of every page run: page config, theme, navigation. No logic."""

import streamlit as st

from dashboard import navigation, state, theme

st.set_page_config(page_title="labelloop", page_icon=str(theme.LOGO), layout="wide")
theme.apply()
st.logo(str(theme.LOGO), size="large")
page = st.navigation(navigation.pages(), expanded=True)
state.enter(page.url_path)
page.run()
