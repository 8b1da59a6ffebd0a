"""Where networks train: this machine or a Ray cluster, by how many workers. Most people have one machine."""

import streamlit as st

from core.cluster.place import Place
from core.domain.errors import LabelloopError
from core.workspace import Workspace
from dashboard import state
from dashboard.wording import counted, escaped

_HERE, _RAY = "This machine", "A Ray cluster"


def draw(workspace: Workspace) -> None:
    """The folded options; what is chosen is the workspace's setting, for every network from then on."""
    try:
        kept = workspace.cluster.place
    except LabelloopError as error:
        st.error(escaped(error), icon=":material/error:")
        return
    with st.expander(f"Where it runs: {kept.words}", icon=":material/dns:", key="train.where"):
        st.caption("Several workers share every batch, one a GPU. Instant retrains are always made here.")
        if kept.ray and state.get("cluster-said"):
            st.success(state.get("cluster-said"), icon=":material/check_circle:")
        machine = st.radio(
            "Train on", (_HERE, _RAY), index=1 if kept.ray else 0, horizontal=True, key="train.where-machine"
        )
        address = kept.ray
        if machine == _RAY:
            address = st.text_input(
                "Address of the cluster",
                value=kept.ray,
                placeholder="10.0.0.1:6379",
                key="train.where-ray",
                help="A cluster that somebody has started, with token authentication; labelloop starts none.",
            ).strip()
        workers = st.number_input("Workers", 1, 64, value=min(kept.workers, 64), step=1, key="train.where-workers")
        if st.button("Use this from now on", icon=":material/check:", key="train.where-keep"):
            _keep(workspace, address if machine == _RAY else "", int(workers), cluster=machine == _RAY)


def _keep(workspace: Workspace, address: str, workers: int, *, cluster: bool) -> None:
    try:
        if cluster and not address:
            st.error("A Ray cluster needs its address, such as 10.0.0.1:6379.", icon=":material/error:")
            return
        where = Place(address, workers)
        if cluster:
            with st.spinner("Asking the cluster what it has"):
                found = workspace.cluster.look(where)
            token = "" if found.token else " It asks for no token: anybody on its network can run programs on it."
            nodes = f"{counted(found.nodes, 'node')}, {counted(found.cpus, 'core')} and {counted(found.gpus, 'GPU')}"
            state.put("cluster-said", f"The cluster answers: {nodes}.{token}")
        else:
            state.put("cluster-said", "")
        workspace.cluster.keep(where)
    except LabelloopError as error:
        st.error(escaped(error), icon=":material/error:")
        return
    st.rerun()
