"""The table of pages: section, file, title, icon, address."""

from dataclasses import dataclass
from pathlib import Path

import streamlit as st
from streamlit.navigation.page import StreamlitPage

PAGES = Path(__file__).resolve().parent.parent / "pages"


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the table. ``key`` is the address under the server's root ("" for Home)."""

    key: str
    section: str
    file: str
    title: str
    icon: str

    @property
    def path(self) -> Path:
        """The page's file."""
        return PAGES / self.file


TABLE = (
    Entry("", "Data", "home.py", "Home", "home"),
    Entry("import", "Data", "import_data.py", "Import", "create_new_folder"),
    Entry("health", "Data", "health.py", "Data health", "health_and_safety"),
    Entry("overview", "Data", "overview.py", "At a glance", "insights"),
    Entry("review", "Label", "review.py", "Review", "grid_view"),
    Entry("fiftyone", "Label", "fiftyone_app.py", "FiftyOne", "travel_explore"),
    Entry("journal", "Label", "journal.py", "Journal", "history_edu"),
    Entry("progress", "Label", "progress.py", "Progress", "trending_up"),
    Entry("train", "Train", "train.py", "Train", "model_training"),
    Entry("runs", "Train", "runs.py", "Runs", "history"),
    Entry("search", "Train", "search.py", "Search", "manage_search"),
    Entry("matrix", "Understand", "confusion_matrix.py", "Confusion matrix", "apps"),
    Entry("calibration", "Understand", "calibration.py", "Calibration", "thermostat"),
    Entry("thresholds", "Understand", "thresholds.py", "Thresholds", "tune"),
    Entry("errors", "Understand", "gallery.py", "Errors", "broken_image"),
    Entry("slices", "Understand", "slices.py", "Slices", "content_cut"),
    Entry("compare", "Understand", "compare.py", "Compare", "compare_arrows"),
    Entry("predict", "Use", "predict.py", "Predict", "image_search"),
)


def entry(key: str) -> Entry:
    """The line of one page; "home" is "".

    Raises:
        KeyError: there is no such page.
    """
    wanted = "" if key == "home" else key
    for line in TABLE:
        if line.key == wanted:
            return line
    raise KeyError(key)


def page(key: str) -> StreamlitPage:
    """What ``st.switch_page`` and ``st.page_link`` take."""
    line = entry(key)
    return st.Page(
        line.path,
        title=line.title,
        icon=f":material/{line.icon}:",
        url_path=line.key or "home",
        default=not line.key,
    )


def pages() -> dict[str, list[StreamlitPage]]:
    """All pages by section, as ``st.navigation`` takes them."""
    sections: dict[str, list[StreamlitPage]] = {}
    for line in TABLE:
        sections.setdefault(line.section, []).append(page(line.key))
    return sections
