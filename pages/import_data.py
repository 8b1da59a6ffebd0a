"""Import: name or drop images, see what they are, Import, progress, report."""

import time

import streamlit as st

from core.domain.errors import LabelloopError
from core.ingest.layouts import Preview
from core.ingest.readings import Reading
from core.ingest.tables import NoPathColumn
from core.review.queues import QueueSpec
from dashboard import frame, navigation, state, wording
from dashboard.widgets import (
    import_preview,
    import_reading,
    import_report,
    import_source,
    job_panel,
    prompt_rules,
    watch_folder,
)
from dashboard.widgets.import_source import Source

workspace, dataset = frame.begin()
names = [info.name for info in workspace.datasets()]


def look_into(source: Source, reading: Reading) -> Preview:
    """The preview, read once a minute: each widget on the page runs the page again."""
    known = state.get("preview")
    if known is not None and known[:2] == (source, reading) and time.monotonic() - known[2] < 60:
        return known[3]
    with st.spinner("Looking into it …"):
        preview = workspace.imports.preview(source.text, reading)
    state.put("preview", (source, reading, time.monotonic(), preview))
    return preview


def start(source: Source, name: str, reading: Reading, rules: list[str], *, hidden: bool) -> None:
    try:
        if source.batch:
            job = workspace.imports.start_upload(source.batch, name, reading=reading, rules=rules, hidden=hidden)
        else:
            job = workspace.imports.start(source.text, name, reading=reading, rules=rules, hidden=hidden)
        state.put("job", job)
    except LabelloopError as error:
        state.put("problem", str(error))
        return
    state.set_dataset(name)
    import_source.clear()


def destination() -> str:
    """The dataset that the images go into, new or not."""
    into = "New dataset"
    if names:
        choices = ["New dataset", "Add to a dataset"]
        into = st.segmented_control("Into", choices, key="import.into", required=True, label_visibility="collapsed")
    if into == "New dataset":
        name = st.text_input("Name of the dataset", key="import.name").strip()
        if name in names:
            st.caption(f"There is a dataset {wording.escaped(name)} already; this adds to it.")
        return name
    at = names.index(state.get("name")) if state.get("name") in names else 0
    return st.selectbox("Dataset", names, index=at, key="import.dataset")


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
    if job.state in ("failed", "lost"):
        st.caption("Import it again: what was read is kept, and the rest is added.")
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
    if job.active and job.kind != "watch":
        job_panel.draw(workspace, job.name)

try:
    source = import_source.draw(workspace, names)
except LabelloopError as error:
    source = None
    import_source.clear()
    st.error(wording.escaped(error), icon=":material/error:")
if source is not None:
    reading = import_reading.chosen(source.text)
    try:
        preview = look_into(source, reading)
    except LabelloopError as error:
        st.error(wording.escaped(error), icon=":material/error:")
        if isinstance(error, NoPathColumn):
            import_reading.ask_for_paths(error, source.text)
        if reading.chosen:
            st.button("Read it as recognised", on_click=import_reading.forget, icon=":material/undo:")
    else:
        import_preview.draw(preview, workspace, lambda: import_reading.draw(preview, source.text))
        rules = prompt_rules.draw(preview, workspace)
        name = destination()
        with st.expander("More"):
            hidden = st.toggle(
                "Look for prompts hidden in the pixels",
                key="import.hidden",
                help="Some generators write the prompt into the picture itself (stealth), where it outlives sites that "
                "take metadata away. Looking for it makes the import slower.",
            )
        if state.get("problem"):
            st.error(wording.escaped(state.get("problem")), icon=":material/error:")
        st.button(
            f"Import {wording.counted(len(preview.files), 'image')}",
            type="primary",
            icon=":material/download:",
            disabled=not name or rules is None,
            on_click=start,
            args=(source, name, reading, rules),
            kwargs={"hidden": hidden},
        )

ended = [job for job in imports if not job.active]
if ended and not running and source is None:
    named = [job for job in ended if job.name == (state.param("job") or state.get("job"))]
    result((named or ended)[0].name)
elif not imports and source is None:
    st.markdown(
        "**What it can look like**\n\n"
        "- one folder a class: `pets/cat/…`, `pets/dog/…`\n"
        "- split folders with class folders in them: `pets/train/cat/…`, `pets/val/cat/…`, `pets/test/cat/…`\n"
        "- deeper folders, of which you choose the level that is the class\n"
        "- a table of paths and labels: CSV, `metadata.jsonl`, Parquet\n"
        "- the output folder of an image generator\n"
        "- a flat folder of images without labels, to be labelled in Review"
    )
watch_folder.draw(workspace, names)
