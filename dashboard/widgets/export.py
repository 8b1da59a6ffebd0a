"""Where an export goes and in which form; what it wrote, and what it left out."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Protocol

import streamlit as st

from core.domain.errors import LabelloopError
from core.snapshots.export import Exported, Form, Progress, safe_name
from dashboard import state
from dashboard.wording import counted, escaped

_FORMS: dict[Form, str] = {"folders": "Class folders", "zip": "One zip of them", "csv": "A table (CSV)"}


class Write(Protocol):
    """What writes the export."""

    def __call__(self, target: Path, form: Form, *, progress: Progress | None = None) -> Exported:
        """Write it to ``target``, telling ``progress``.

        Raises:
            LabelloopError: it cannot be.
        """


def draw(name: str, write: Write) -> None:
    """The form of a dialog; ``name`` is what the proposed file or folder is called after."""
    form = st.radio("As", list(_FORMS), format_func=_FORMS.__getitem__, horizontal=True)
    suffix = "" if form == "folders" else f".{form}"
    proposed = Path.home() / f"{safe_name(name)}-dataset{suffix}"
    target = st.text_input("To", value=str(proposed), key=f"{state.current_page()}.export-{name}-{form}")
    with st.container(horizontal=True, gap="small"):
        asked = st.button("Export", type="primary", icon=":material/folder_zip:")
        if form == "csv":
            st.download_button(
                "Download",
                lambda: table(write),
                file_name=proposed.name,
                mime="text/csv",
                icon=":material/download:",
                on_click="ignore",
            )
    if asked:
        bar = st.progress(0.0)

        def advanced(count: int, total: int) -> None:
            bar.progress(count / max(1, total))

        try:
            done = write(Path(target.strip()), form, progress=advanced)
        except LabelloopError as error:
            st.error(escaped(error))
            return
        bar.empty()
        st.success(f"{counted(done.files, 'image')} written to {escaped(done.target)}", icon=":material/check_circle:")
        if done.left_out:
            st.warning(f"{counted(len(done.left_out), 'image')} left out: {escaped(done.left_out[0][1])}.")


def table(write: Write) -> bytes:
    """The table alone, for a browser that may be on another computer."""
    with TemporaryDirectory() as folder:
        return write(Path(folder) / "labels.csv", "csv").target.read_bytes()
