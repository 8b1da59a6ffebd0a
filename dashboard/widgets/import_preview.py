"""What an import would read: its layout, examples with the label each would get, classes, what is skipped."""

import os
from collections import defaultdict
from collections.abc import Callable
from itertools import chain, zip_longest

import pandas as pd
import streamlit as st

from core.ingest.layouts import ImageFile, Preview
from core.workspace import Workspace
from dashboard import charts, palette, wording
from dashboard.widgets import plot, strip

EXAMPLES = 12
_BARS = 20  # classes drawn as bars; more go into a table
_LISTED = 500


def draw(preview: Preview, workspace: Workspace, switches: Callable[[], None]) -> None:
    """The card of one source; ``switches`` draws what reads it otherwise."""
    with st.container(border=True):
        st.markdown(f"**{wording.escaped(preview.sentence)}**")
        st.caption(_explained(preview))
        switches()
        for note in preview.notes:
            st.info(wording.escaped(note), icon=":material/info:")
        shown = tuple((os.fsencode(file.path), wording.printable(file.label or "")) for file in examples(preview))
        with st.container(key="preview-examples"):
            strip.draw_pictures(
                _thumbnails(shown, workspace, os.fsencode(preview.folder)),
                [wording.printable(name) for name in preview.classes],
            )
        if any(file.label is not None for file in preview.files):
            _classes(preview)
        if preview.skipped_count:
            with st.expander(f"{wording.counted(preview.skipped_count, 'file')} will be skipped"):
                rows = [{"File": path, "Why": why} for path, why in preview.skipped[:_LISTED]]
                st.dataframe(pd.DataFrame(rows), hide_index=True)
                if preview.skipped_count > _LISTED:
                    st.caption(f"The first {_LISTED} of {preview.skipped_count:,}.")


def examples(preview: Preview) -> list[ImageFile]:
    """A few files, one of each class in turn."""
    by_label: dict[str | None, list[ImageFile]] = defaultdict(list)
    for file in preview.files:
        if len(by_label[file.label]) < EXAMPLES:
            by_label[file.label].append(file)
    turns = chain.from_iterable(zip_longest(*by_label.values()))
    return [file for file in turns if file is not None][:EXAMPLES]


def _explained(preview: Preview) -> str:
    if preview.tool:
        return "What the files carry of their making is read. The images come in without labels; give them in Review."
    if preview.layout == "flat folder":
        return "The images come in without labels; give them in Review."
    how = {
        "table": f"Labels come from the column {wording.escaped(preview.label_column)}."
        if preview.label_column
        else "The table has no column of labels: choose one, or label the images in Review.",
        "FiftyOne dataset": f"Labels come from the field {wording.escaped(preview.label_column or 'ground_truth')}.",
        "file names": "What a file's name begins with becomes its label.",
    }.get(preview.layout, "Each folder's name becomes the label of the images in it.")
    if preview.splits:
        return f"{how} The splits that the source brings ({', '.join(preview.splits)}) are kept."
    return f"{how} labelloop divides the images into train, val and test, the same share of each class."


def _classes(preview: Preview) -> None:
    found = preview.counts
    unlabelled = found.pop(None, 0)
    counts = {wording.printable(name): found[name] for name in sorted(found, key=str)}
    if len(counts) == 1:
        st.warning(
            "There is only one class. It can be imported and reviewed; training needs two.", icon=":material/info:"
        )
    if unlabelled and preview.layout != "flat folder":
        st.caption(f"{wording.counted(unlabelled, 'image')} outside the class folders will have no label.")
    if len(counts) <= _BARS:
        colours = list(palette.colours_of(list(counts)).values())
        figure = charts.class_counts(counts, colours=colours, template=plot.template())
        plot.show(figure, key="import-classes", alt="Images of each class")
    else:
        frame = pd.DataFrame({"Class": list(counts), "Images": list(counts.values())})
        most = max(counts.values())
        st.dataframe(
            frame,
            hide_index=True,
            height=320,
            column_config={"Images": st.column_config.ProgressColumn(format="%d", min_value=0, max_value=most)},
        )


@st.cache_data(show_spinner="Looking at a few of them …", max_entries=20, ttl=600)
def _thumbnails(files: tuple[tuple[bytes, str], ...], _workspace: Workspace, _source: bytes) -> list[tuple[bytes, str]]:
    looked = _workspace.imports.examples(os.fsdecode(_source), [os.fsdecode(path) for path, _ in files])
    return [(one.thumbnail, label) for one, (_, label) in zip(looked, files, strict=True) if one.thumbnail]
