"""Import: a folder's path, what is in it, Import, progress, report."""

import re
import time
from pathlib import Path

import streamlit as st

from core.domain.errors import LabelloopError
from core.ingest.layouts import Preview
from core.review.queues import QueueSpec
from dashboard import frame, navigation, state, wording
from dashboard.widgets import import_preview, import_report, job_panel

workspace, dataset = frame.begin()
names = [info.name for info in workspace.datasets()]


def folder_changed() -> None:
    """A new folder proposes its own name for the dataset."""
    text = str(state.get("folder", "")).strip().strip("\"'").rstrip("/\\")
    proposed = re.sub(r"\s+", " ", Path(text).name).strip(" .")
    state.put("name", proposed)
    state.put("into", "Add to a dataset" if proposed in names else "New dataset")
    state.put("problem", "")


def look_into(folder: str) -> Preview:
    """The preview, read once a minute: each widget on the page runs the page again."""
    known, read_at, preview = state.get("preview", (None, 0.0, None))
    if known != folder or time.monotonic() - read_at > 60:
        preview = workspace.imports.preview(folder)
        state.put("preview", (folder, time.monotonic(), preview))
    return preview


def start(folder: str, name: str) -> None:
    try:
        state.put("job", workspace.start_import(folder, name))
    except LabelloopError as error:
        state.put("problem", str(error))
        return
    state.set_dataset(name)
    state.put("folder", "")


def result(name: str) -> None:
    """The report of an import that ended, or why there is none."""
    job = workspace.run(name)
    report = workspace.report(name)
    title = f"Import into {job.dataset}, {wording.ago(job.created_at)}"
    st.subheader(wording.escaped(title), anchor=False)
    if job.state == "cancelled":
        st.info("Cancelled; nothing was added.", icon=":material/info:")
    elif job.state != "succeeded":
        st.error(wording.escaped(job.error or "The import ended without a report."), icon=":material/error:")
    if report:
        import_report.draw(report, key=name)
    if job.state == "succeeded" and job.dataset in names:
        with st.container(horizontal=True, vertical_alignment="center"):
            if st.button(
                "Look at the images", icon=":material/grid_view:", type="primary", key=f"import.review-{name}"
            ):
                state.set_dataset(job.dataset)
                state.go("review", dataset=job.dataset)
            if report and report.get("duplicate"):
                st.page_link(
                    navigation.page("review"),
                    label="Review the duplicates",
                    icon=":material/content_copy:",
                    query_params={"dataset": job.dataset, **QueueSpec(kind="duplicates").to_params()},
                )
            st.page_link(navigation.page("train"), label="Train", icon=":material/model_training:")


st.title("Import images", anchor=False)
jobs = workspace.jobs()
imports = [job for job in jobs if job.kind == "import"]
running = [job for job in imports if job.active]
for job in jobs:
    if job.active:
        job_panel.draw(workspace, job.name)

folder = st.text_input(
    "Folder",
    key="import.folder",
    placeholder="/home/me/pictures/cats-and-dogs",
    help="The path of one folder a class, of train / val / test folders, or of a flat folder without labels.",
    on_change=folder_changed,
    icon=":material/folder_open:",
)
st.caption("Your files are never moved or changed: labelloop reads them where they are.")

if folder.strip():
    try:
        with st.spinner("Looking into the folder …"):
            preview = look_into(folder)
    except LabelloopError as error:
        st.error(wording.escaped(error), icon=":material/error:")
    else:
        import_preview.draw(preview)
        into = "New dataset"
        if names:
            into = st.segmented_control(
                "Into",
                ["New dataset", "Add to a dataset"],
                key="import.into",
                required=True,
                label_visibility="collapsed",
            )
        if into == "New dataset":
            name = st.text_input("Name of the dataset", key="import.name").strip()
            if name in names:
                st.caption(f"There is a dataset {wording.escaped(name)} already; this adds to it.")
        else:
            at = names.index(state.get("name")) if state.get("name") in names else 0
            name = st.selectbox("Dataset", names, index=at, key="import.dataset")
        if state.get("problem"):
            st.error(wording.escaped(state.get("problem")), icon=":material/error:")
        label = f"Import {wording.counted(len(preview.files), 'image')}"
        st.button(
            label, type="primary", icon=":material/download:", disabled=not name, on_click=start, args=(folder, name)
        )

ended = [job for job in imports if not job.active]
if ended and not running and not folder.strip():
    named = [job for job in ended if job.name == (state.param("job") or state.get("job"))]
    result((named or ended)[0].name)
elif not imports and not folder.strip():
    st.markdown(
        "**What a folder can look like**\n\n"
        "- one folder a class: `pets/cat/…`, `pets/dog/…`\n"
        "- split folders with class folders in them: `pets/train/cat/…`, `pets/val/cat/…`, `pets/test/cat/…`\n"
        "- a flat folder of images without labels, to be labelled in Review"
    )
