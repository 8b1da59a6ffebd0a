"""The server: Streamlit's app with labelloop's own routes on the same port. ``streamlit run dashboard/asgi.py``."""

from pathlib import Path

import streamlit as st

from dashboard import api

app = st.App(Path(__file__).resolve().parent / "app.py", routes=api.routes())
