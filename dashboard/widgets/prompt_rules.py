"""Labels from prompts: rules to edit and how far they reach, before an import and for a dataset."""

from collections import Counter
from collections.abc import Sequence

import streamlit as st

from core.domain.errors import BadInput, LabelloopError
from core.domain.generation import Generation
from core.domain.samples import DatasetInfo
from core.generators import prompt_rules
from core.generators.prompt_rules import Matched
from core.ingest.layouts import Preview
from core.review.queues import QueueSpec
from core.workspace import Workspace
from core.workspace.prompts import MISMATCH, peek
from dashboard import navigation, results, state, wording
from dashboard.widgets import strip

_WORDS = 16
_SHOWN = 8
SPEC = QueueSpec(kind="finding", finding=MISMATCH)
_KEPT = "as they are"
_PROMPTS = "prompts"


def draw(preview: Preview, workspace: Workspace) -> list[str] | None:
    """Draw the card where the files carry prompts; returns the rules by which to label.

    An empty list means that labels are not taken from prompts, ``None`` that they are to be but no rule can be used.
    """
    made = _looked_into(preview, workspace)
    prompts = ["" if one is None else one.prompt for one in made]
    if not any(prompts):
        return []
    with st.container(border=True, key="prompt-rules"):
        st.markdown(f":material/auto_awesome: **{_said(made)}**")
        source = st.segmented_control(
            "Labels",
            [_KEPT, _PROMPTS],
            default=_KEPT,
            key="import.label-source",
            format_func={
                _KEPT: "From the folders" if preview.classes else "None yet",
                _PROMPTS: "From the prompts",
            }.__getitem__,
            required=True,
        )
        if source != _PROMPTS:
            return []
        return _rules(prompts)


def card(workspace: Workspace, dataset: DatasetInfo) -> None:
    """Rules for a dataset that is there: label what has no label, and find where prompt and picture disagree."""
    known = workspace.prompts.rules(dataset.name)
    with st.container(border=True, key="prompt-card"):
        st.markdown("**Prompt against picture**")
        st.caption("Rules say which class a prompt names. A run then tells where the picture shows another one.")
        lines = _rules(list(workspace.prompts.frame(dataset.name)["prompt"]), key="overview.rules", value=known)
        run = next(iter(results.finished(workspace, dataset.name)), None)
        with st.container(horizontal=True, vertical_alignment="center"):
            st.button(
                "Label what has no label",
                icon=":material/sell:",
                disabled=not lines,
                key="overview.label",
                on_click=lambda: _label(workspace, dataset.name, lines or []),
            )
            st.button(
                "Find disagreements",
                icon=":material/compare:",
                disabled=not lines or run is None,
                help=None if run else "Needs a finished run; click Retrain.",
                key="overview.mismatch",
                on_click=lambda: _compare(workspace, dataset.name, lines or []),
            )
        _disagreements(workspace, dataset)


def _label(workspace: Workspace, dataset: str, lines: list[str]) -> None:
    try:
        outcomes = workspace.prompts.label(dataset, lines, source="grid")
    except LabelloopError as error:
        st.toast(wording.escaped(error), icon=":material/info:")
        return
    saved = sum(one.saved for one in outcomes)
    st.toast(f"{wording.counted(saved, 'image')} labelled; undo in Review.", icon=":material/check_circle:")


def _compare(workspace: Workspace, dataset: str, lines: list[str]) -> None:
    try:
        workspace.prompts.keep_rules(dataset, lines)
        workspace.prompts.find_mismatches(dataset)
    except LabelloopError as error:
        st.toast(wording.escaped(error), icon=":material/error:")


def _disagreements(workspace: Workspace, dataset: DatasetInfo) -> None:
    found_at = workspace.review.finding_kinds(dataset.name).get(MISMATCH)
    if found_at is None:
        return
    queue = workspace.queue(dataset.name, SPEC)
    if not queue:
        said = "Prompt and picture agree everywhere"
        if differ := len(workspace.review.findings(dataset.name, MISMATCH)):
            one = "1 picture shows another class than its prompt names, and its label follows the picture"
            many = (
                f"{differ:,} pictures show another class than their prompt names, and their labels follow the picture"
            )
            said = one if differ == 1 else many
        st.caption(f"{said}, as of {wording.ago(found_at)}.")
        return
    st.page_link(
        navigation.page("review"),
        label=f"Review the {wording.counted(len(queue), 'picture')} that show another class than their prompt names",
        icon=":material/grid_view:",
        query_params={"dataset": dataset.name, **SPEC.to_params()},
    )
    strip.draw(dataset, queue[:_SHOWN])


def _rules(prompts: list[str], *, key: str = "import.rules", value: Sequence[str] = ()) -> list[str] | None:
    words = prompt_rules.frequent_words(prompts, _WORDS)
    if words:
        shown = "  ".join(f"`{_code(word)}` {count}" for word, count in words)
        st.caption(f"Frequent words: {shown}")
    text = st.text_area(
        "Rules, one a line",
        value="\n".join(value),
        key=key,
        placeholder="dog, puppy -> dog\ncat, kitten, !caterpillar -> cat",
        height=120,
        help="Words on the left, the class on the right; the first rule that holds gives the label. "
        "A word counts whole, with or without a plural's s; `pupp*` is any word that begins so; "
        "`!hot dog` keeps a rule off prompts that hold it.",
    )
    try:
        rules = prompt_rules.parse(text.splitlines())
    except BadInput as error:
        (st.warning if text.strip() else st.caption)(wording.escaped(error))
        return None
    _reach(rules.match(prompts))
    return text.splitlines()


def _reach(found: Matched) -> None:
    share = wording.percent(found.matched / max(1, found.with_prompt))
    by_class = ", ".join(f"{wording.escaped(name)} {count:,}" for name, count in found.labels.most_common())
    st.markdown(f"The rules match **{share}** of the prompts looked into" + (f": {by_class}." if by_class else "."))
    if found.both:
        st.caption(f"For {wording.counted(found.both, 'prompt')} rules of several classes hold; the first rule counts.")
    if found.unmatched:
        with st.expander("Prompts that no rule matches; their images come in without a label"):
            st.dataframe({"Prompt": [prompt[:300] for prompt in found.unmatched]}, hide_index=True)


def _said(made: list[Generation | None]) -> str:
    tools = Counter(one.tool for one in made if one is not None)
    named = ", ".join(wording.escaped(tool) for tool, _ in tools.most_common(3))
    prompts = sum(one is not None and bool(one.prompt) for one in made)
    return f"Made by {named}: {prompts:,} of {wording.counted(len(made), 'file')} looked into carry their prompt"


def _looked_into(preview: Preview, workspace: Workspace) -> list[Generation | None]:
    """Read once a source: each widget on the page runs the page again."""
    source = (str(preview.folder), len(preview.files))
    known, made = state.get("looked-into", (None, []))
    if known != source:
        made = peek(workspace, preview)
        state.put("looked-into", (source, made))
    found: list[Generation | None] = made
    return found


def _code(word: str) -> str:
    return wording.printable(word).replace("`", "'")
