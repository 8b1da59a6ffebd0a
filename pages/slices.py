"""Slices: where a run is weak, what gives the classes away, and how it does on each kind of source."""

import pandas as pd
import streamlit as st

from core.domain.samples import SPLITS
from core.evaluation import slices
from dashboard import charts, figures, frame, results, state, wording
from dashboard.widgets import address, empty_state, plot, run_picker, strip

SHOWN = 8
CLASSES = 20  # columns of the table of sources
VALUES = 25  # of a field

workspace, dataset = frame.begin()
st.title("Slices", anchor=False)
runs = results.finished(workspace, dataset.name) if dataset else []
if dataset is None or not runs:
    empty_state.draw(
        "No finished run yet",
        "Here you see on which images a run is weak: by folder, size, time, generator, prompt word. First train one.",
        page="train" if dataset else "import",
        label="Train" if dataset else "Import a folder",
    )
    st.stop()
with st.container(horizontal=True, vertical_alignment="bottom", key="matrix-header"):
    run = run_picker.pick(workspace, runs)
    measured = figures.of_run(workspace, run)
    splits = [split for split in reversed(SPLITS) if split in measured]
    if not splits:
        st.info(f"{run.name} has no predictions for labelled images.", icon=":material/info:")
        st.stop()
    split = address.switch("Split", "split", splits)
found = workspace.understanding.slices(run.name, split)
if found is None:
    st.info(f"No {split} image carries a label of this run's classes now.", icon=":material/info:")
    st.stop()


def open_rows(one: slices.Slice, *, wrong: bool) -> None:
    ids = [found.ids[row] for row in one.rows if not (wrong and found.right[row])]
    kind = "Wrong in" if wrong else "All of"
    state.open_queue(workspace.review.pick(ids, f"{kind} {one.name} · {run.name}, {split}"))


for shortcut in found.shortcuts:
    if shortcut.warns:
        st.warning(wording.escaped(shortcut.sentence()), icon=":material/alt_route:")

weak = [one for one in found.worst if one.worse]
st.subheader("Weakest slices", anchor=False)
if weak:
    st.caption(f"Weaker than the rest beyond chance, corrected for all {found.looks:,} slices that were looked at.")
else:
    st.caption(
        f"No slice of these {len(found.ids):,} {split} images is weaker than the rest beyond chance. The weakest, "
        "which may well be chance:"
    )
for number, one in enumerate((weak or found.worst)[:SHOWN]):
    with st.container(border=True, horizontal=True, vertical_alignment="center", key=f"slice-{number}"):
        low, high = one.accuracy.low, one.accuracy.high
        st.markdown(
            f"**{wording.escaped(one.name)}**  \n{wording.percent(one.accuracy.value)} right ({one.right:,} of "
            f"{one.samples:,}, likely {wording.percent(low)} to {wording.percent(high)}), all others "
            f"{wording.percent(one.rest.value)}",
            width="stretch",
        )
        errors = one.samples - one.right
        if st.button(
            f"{errors:,} wrong", icon=":material/grid_view:", key=f"slices.wrong-{number}", disabled=not errors
        ):
            open_rows(one, wrong=True)
        if st.button(f"All {one.samples:,}", key=f"slices.all-{number}"):
            open_rows(one, wrong=False)

if len(found.domains) > 1:
    st.subheader("By kind of source", anchor=False)
    classes = sorted({name for one in found.domains for name, _, _ in one.by_class})
    table = []
    for one in found.domains:
        cells = {name: f"{right:,} of {of:,}" for name, right, of in one.by_class}
        worst = one.confusion
        table.append(
            {
                "Source": wording.printable(one.name),
                "Images": one.samples,
                "Right": one.accuracy.value * 100,
                "Likely": f"{one.accuracy.low:.0%} to {one.accuracy.high:.0%}",
                "Most frequent error": f"{worst[0]} → {worst[1]} {worst[2] / worst[3]:.0%}" if worst else "",
                **{f"{name} right": cells.get(name, "–") for name in classes[:CLASSES]},
            }
        )
    picked = st.dataframe(
        pd.DataFrame(table),
        hide_index=True,
        key=f"slices.domains-{run.name}-{split}",
        on_select="rerun",
        selection_mode="single-row",
        column_config={"Right": st.column_config.ProgressColumn(format="%.1f%%", min_value=0, max_value=100)},
    )
    if len(classes) > CLASSES:
        st.caption(f"Columns for {CLASSES} of {len(classes):,} classes; all are in `labelloop slices --json`.")
    rows = picked["selection"]["rows"]
    if rows and rows[0] < len(found.domains):
        source = found.domains[rows[0]].name
        inside = [i for i, name in zip(found.ids, found.sources, strict=True) if name == source]
        words = f"Open the {wording.counted(len(inside), 'image')}"
        if st.button(words, icon=":material/grid_view:", key="slices.source"):
            state.open_queue(workspace.review.pick(inside, f"{source} · {run.name}, {split}"))
    else:
        st.caption("Choose a row to open its images.")

st.subheader("By field", anchor=False)
names = list(found.fields)
if not names:
    st.caption("All images agree in all that is known of them.")
    st.stop()
wanted = state.param("field")
field = wanted if wanted in names else names[0]
st.selectbox(
    "Field",
    names,
    key=address.key("field", field),
    on_change=lambda: state.set_params(field=address.picked("field")),
    width=320,
)
every = slices.by_field(found.right, found.fields[field], field)
parts = every[:VALUES]
if not parts:
    st.caption(f"{wording.escaped(field)} is the same for all of these images.")
    st.stop()
plot.show(
    charts.shares(
        [f"{one.terms[0][1]} ({one.samples:,})" for one in parts],
        [one.accuracy.value for one in parts],
        [one.accuracy.low for one in parts],
        [one.accuracy.high for one in parts],
        template=plot.template(),
    ),
    key="slices.field",
    alt=f"Accuracy on {split} by {field}, with 95% intervals",
)
if len(every) > VALUES:
    st.caption(f"The {VALUES} most frequent of {len(every):,} values.")
values = [one.terms[0][1] for one in parts]
chosen = st.selectbox(
    "Images of", values, index=None, placeholder="Choose a value", key=f"slices.value-{field}", width=320
)
if chosen in values:
    one = parts[values.index(chosen)]
    spec = workspace.review.pick([found.ids[row] for row in one.rows], f"{one.name} · {split}")
    strip.draw(dataset, workspace.queue(dataset.name, spec))
    if st.button("Open in Review", icon=":material/grid_view:", key="slices.open"):
        state.open_queue(spec)
