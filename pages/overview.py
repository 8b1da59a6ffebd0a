"""At a glance: what a dataset is made of, in charts whose bars and points open their images; and its map."""

import streamlit as st

from core.domain.samples import SPLITS
from core.workspace.overview import NO_LABEL, NOT_GENERATED
from dashboard import frame, palette, wording
from dashboard.charts import overview as charts
from dashboard.widgets import address, embedding_map, empty_state, glance, plot, prompt_rules

VIEWS = {"charts": "Charts", "map": "Map"}
WIDEST = 40  # classes shown as bars, the largest ones

workspace, dataset = frame.begin()
st.title("At a glance", anchor=False)
if dataset is None or not dataset.samples:
    empty_state.draw(
        "No images yet",
        "It shows what a dataset is made of: classes, sizes, sources, generators, prompts. First bring in images.",
        page="import",
        label="Import a folder",
    )
    st.stop()

found = workspace.overview.glance(dataset.name)
colours = {**palette.colours_of(dataset.classes), NO_LABEL: palette.NO_LABEL}
labelled = int((found.table["label"] != NO_LABEL).sum())
facts = [
    wording.counted(len(found.table), "image"),
    wording.counted(len(dataset.classes), "class", "classes"),
    f"{labelled:,} labelled",
    *(f"{dataset.splits.get(split, 0):,} {split}" for split in SPLITS if dataset.splits.get(split)),
]
if found.excluded:
    facts.append(f"{found.excluded:,} excluded and not shown")
st.caption("  ·  ".join(facts))
view = address.switch("View", "view", list(VIEWS), VIEWS.__getitem__)


def bars(title: str, column: str, *, called: str, key: str) -> None:
    """One chart of the most frequent values of a column."""
    counts = found.counts(column)
    with st.container(border=True):
        st.markdown(f"**{title}**")
        glance.clickable(
            workspace,
            charts.bars(counts, of="images", template=plot.template()),
            key=key,
            alt=f"{title}: " + ", ".join(f"{name} {count}" for name, count in counts[:5]),
            chosen=lambda data: (found.ids(**{column: data[0]}), called.format(data[0])),
        )
        if cut := found.cut(column):
            st.caption(cut)


def classes() -> None:
    """Classes by split, largest first where they are many."""
    table = found.table.groupby(["label", "split"]).size()
    names = [name for name, _ in found.counts("label", most=WIDEST)]
    if len(dataset.classes) <= WIDEST:
        names = [name for name in (*dataset.classes, NO_LABEL) if name in names]
    counts = {name: {split: int(table.get((name, split), 0)) for split in SPLITS} for name in names}
    with st.container(border=True):
        st.markdown("**Classes** by split: train, then val and test lighter")
        glance.clickable(
            workspace,
            charts.by_class_and_split(
                counts, colours={n: colours.get(n, "#888") for n in names}, template=plot.template()
            ),
            key="classes",
            alt="Images of each class in each split",
            chosen=lambda data: (found.ids(label=data[0], split=data[1]), f"{data[0]}, {data[1]}"),
        )
        if cut := found.cut("label", most=WIDEST):
            st.caption(cut)


def sizes() -> None:
    """Width against height."""
    table = found.sizes()
    with st.container(border=True):
        st.markdown("**Image sizes** in pixels")
        glance.clickable(
            workspace,
            charts.sizes(table, template=plot.template()),
            key="sizes",
            alt=f"{len(table)} image sizes, width against height",
            chosen=lambda data: (found.ids(width=data[0], height=data[1]), f"{data[0]} × {data[1]} pixels"),
        )
        if (number := len(found.table[["width", "height"]].drop_duplicates())) > len(table):
            st.caption(f"The {len(table)} most frequent of {number:,}.")


def words() -> None:
    """The prompts' most frequent words, of all or of one class."""
    with st.container(border=True):
        st.markdown("**Words in the prompts**, each counted once a prompt")
        names = [name for name in (*dataset.classes, NO_LABEL) if (found.table["label"] == name).any()]
        label = address.switch("Of", "words", ["", *names], lambda name: name or "all") if len(names) <= 8 else ""
        if len(names) > 8:
            label = st.selectbox("Of", ["", *names], format_func=lambda name: name or "all", key="overview.words-of")
        counts = found.words(label or None)
        if not counts:
            st.caption("No prompts here.")
            return
        glance.clickable(
            workspace,
            charts.bars(
                counts,
                of="prompts",
                colours=dict.fromkeys((w for w, _ in counts), colours.get(label)) if label else None,
                template=plot.template(),
            ),
            key=f"words-{names.index(label) if label else 'all'}",
            alt="The most frequent words of the prompts",
            chosen=lambda data: (found.ids(word=data[0], label=label or None), f"“{data[0]}” in the prompt"),
        )


def drawn() -> None:
    """All charts, in two columns."""
    left, right = st.columns(2, gap="medium")
    with left:
        classes()
        bars("Sources", "source", called="From {}", key="sources")
    with right:
        sizes()
        bars("File formats", "format", called="{} files", key="formats")
    if (found.table["tool"] == NOT_GENERATED).all():
        return
    st.subheader("Image generators", anchor=False)
    left, right = st.columns(2, gap="medium")
    with left:
        bars("Tools", "tool", called="Made by {}", key="tools")
        bars("Models", "model", called="Made with {}", key="models")
    with right:
        words()
    prompt_rules.card(workspace, dataset)


if view == "map":
    embedding_map.draw(workspace, dataset)
else:
    drawn()
