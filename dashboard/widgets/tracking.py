"""Alerts, and the settings of mirrors and alerts."""

import streamlit as st

from core.domain.errors import LabelloopError
from core.workspace import Workspace
from dashboard import state
from dashboard.wording import ago, escaped

_SHOWN = 3


def alerts(workspace: Workspace, dataset: str) -> None:
    """The alerts that this person has not put aside in this session."""
    found = [one for one in workspace.tracking.alerts(dataset) if one.at > state.get("alerts-seen", 0.0)]
    if not found:
        return
    with st.container(border=True, key="alerts"):
        for one in found[:_SHOWN]:
            st.markdown(f":material/notifications_active: {escaped(one.sentence)} :gray[{ago(one.at)}]")
        more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
        st.button(f"Put aside{more}", key="alerts-aside", on_click=state.put, args=("alerts-seen", found[0].at))


def settings(workspace: Workspace) -> None:
    """The fold-out; what is set holds for every run that ends from then on."""
    with st.expander("Mirrors and alerts", icon=":material/notifications:"):
        found = workspace.tracking.settings()
        with st.form("tracking", border=False):
            left, right = st.columns(2, gap="large")
            with left:
                st.markdown("**Mirrors**, written when a run has ended")
                mlflow = st.text_input("MLflow", found.mlflow, placeholder="sqlite:////home/me/mlflow.db or http://…")
                comet = st.text_input("Comet", found.comet, placeholder="a folder for offline experiments, or online")
                board = st.text_input("TensorBoard", found.tensorboard, placeholder="a folder for event files")
                desktop = st.toggle("Desktop notice when a network has ended", found.desktop)
            with right:
                st.markdown("**Alerts**, once a run")
                below = st.number_input(
                    "Accuracy below (percent; 0 is off)", 0.0, 100.0, found.accuracy_below * 100, 1.0
                )
                rising = st.number_input("Loss rising, epochs in a row (0 is off)", 0, 1000, found.loss_rising)
                failed = st.toggle("A run failed", found.run_failed)
                webhook = st.text_input("Webhook", found.webhook, placeholder="https://…")
                command = st.text_input("Command", found.command, placeholder="a program and its arguments")
            saved = st.form_submit_button("Save", icon=":material/check:")
        if saved:
            try:
                workspace.tracking.change(
                    mlflow=mlflow.strip(),
                    comet=comet.strip(),
                    tensorboard=board.strip(),
                    accuracy_below=below / 100,
                    loss_rising=int(rising),
                    run_failed=failed,
                    webhook=webhook.strip(),
                    command=command.strip(),
                    desktop=desktop,
                )
            except LabelloopError as error:
                st.error(escaped(error))
            else:
                st.caption("Saved.")
