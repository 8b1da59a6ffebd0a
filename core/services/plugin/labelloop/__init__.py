"""labelloop in the FiftyOne App: class buttons, class keys, confirm, exclude and so on, all through the journal.

FiftyOne loads this file by its path; nothing imports it. It runs in the server's process (core.services.app_server).
"""

import functools
import getpass
import os
import uuid
from collections.abc import Callable, Sequence
from typing import Any

import fiftyone.operators as foo
from fiftyone.operators import types

from core.domain.decisions import USER, Decision, Outcome, of_samples
from core.domain.errors import LabelloopError
from core.domain.samples import DatasetInfo
from core.review import decisions, undoing
from core.services import app_control, app_shown
from core.services.app_client import Says, Seen
from core.services.mongod import DATABASE
from core.store.mongo import MongoStore

KEYS = 9
VERDICTS = (
    ("exclude", "Exclude", "exclude the selected images from the dataset"),
    ("unsure", "Not sure", "put the selected images aside for a second look"),
    ("skip", "Skip", "skip the selected images"),
    ("restore", "", "bring the selected images back into the dataset"),
)
DONE = {"confirm": "confirmed", "exclude": "excluded", "unsure": "put aside", "skip": "skipped", "restore": "restored"}


class Label(foo.Operator):  # type: ignore[misc]  # fiftyone has no types
    """What the number keys call, with ``index`` from 1."""

    @property
    def config(self) -> foo.OperatorConfig:
        """Name and label."""
        return foo.OperatorConfig(name="label", label="labelloop: label by key", unlisted=True)

    def execute(self, ctx: Any) -> dict[str, Any]:
        """Called by FiftyOne when the operator is run."""
        return _relabel(ctx, lambda info: _class_at(info, ctx.params.get("index")))


class Relabel(foo.Operator):  # type: ignore[misc]  # fiftyone has no types
    """In the operator palette: choose from all classes."""

    @property
    def config(self) -> foo.OperatorConfig:
        """Name and label."""
        return foo.OperatorConfig(name="relabel", label="labelloop: relabel the selected images")

    def resolve_input(self, ctx: Any) -> types.Property:
        """The form of the palette."""
        inputs = types.Object()
        view = types.RadioGroup()
        classes = _info(ctx).classes
        for name in classes:
            view.add_choice(name, label=name)
        inputs.enum("label", view.values(), label="Class", required=True, view=view)
        return types.Property(inputs, view=types.View(label="Relabel the selected images"))

    def execute(self, ctx: Any) -> dict[str, Any]:
        """Called by FiftyOne when the operator is run."""
        return _relabel(ctx, lambda _: ctx.params.get("label"))


class Choose(foo.Operator):  # type: ignore[misc]  # fiftyone has no types
    """What the key / calls: the list of all classes, for those without a key."""

    @property
    def config(self) -> foo.OperatorConfig:
        """Name and label."""
        return foo.OperatorConfig(name="choose", label="labelloop: choose from all classes", unlisted=True)

    def execute(self, ctx: Any) -> None:
        """Called by FiftyOne when the operator is run."""
        ctx.prompt(f"{self.plugin_name}/relabel")


class Accept(foo.Operator):  # type: ignore[misc]  # fiftyone has no types
    """Give each selected image the class that the queue suggests for it."""

    @property
    def config(self) -> foo.OperatorConfig:
        """Name and label."""
        return foo.OperatorConfig(name="accept", label="labelloop: accept the suggestions for the selected images")

    def execute(self, ctx: Any) -> dict[str, Any]:
        """Called by FiftyOne when the operator is run."""
        return _accept(ctx)


class Confirm(foo.Operator):  # type: ignore[misc]  # fiftyone has no types
    """The label that the selected images have is right."""

    @property
    def config(self) -> foo.OperatorConfig:
        """Name and label."""
        return foo.OperatorConfig(name="confirm", label="labelloop: confirm the labels of the selected images")

    def resolve_placement(self, ctx: Any) -> types.Placement | None:
        """Its button in the grid's bar."""
        return _button("✓ Confirm") if ctx.dataset is not None else None

    def execute(self, ctx: Any) -> dict[str, Any]:
        """Called by FiftyOne when the operator is run."""
        return _decide(ctx, "confirm", lambda _: None)


class Undo(foo.Operator):  # type: ignore[misc]  # fiftyone has no types
    """Take back the person's newest decision."""

    @property
    def config(self) -> foo.OperatorConfig:
        """Name and label."""
        return foo.OperatorConfig(name="undo", label="labelloop: undo your newest decision")

    def resolve_placement(self, ctx: Any) -> types.Placement | None:
        """Its button in the grid's bar."""
        return _button("Undo") if ctx.dataset is not None else None

    def execute(self, ctx: Any) -> dict[str, Any]:
        """Called by FiftyOne when the operator is run."""
        return _back(ctx, undoing.undo, "taken back", "There is nothing to undo.")


class Redo(foo.Operator):  # type: ignore[misc]  # fiftyone has no types
    """Do again what the person took back last."""

    @property
    def config(self) -> foo.OperatorConfig:
        """Name and label."""
        return foo.OperatorConfig(name="redo", label="labelloop: redo what you took back last")

    def execute(self, ctx: Any) -> dict[str, Any]:
        """Called by FiftyOne when the operator is run."""
        return _back(ctx, undoing.redo, "done again", "There is nothing to do again.")


class _Verdict(foo.Operator):  # type: ignore[misc]  # fiftyone has no types
    """A decision on the selected images that gives no class."""

    kind: str
    button: str
    words: str

    @property
    def config(self) -> foo.OperatorConfig:
        """Name and label."""
        return foo.OperatorConfig(name=self.kind, label=f"labelloop: {self.words}")

    def resolve_placement(self, ctx: Any) -> types.Placement | None:
        """Its button in the grid's bar."""
        return _button(self.button) if ctx.dataset is not None and self.button else None

    def execute(self, ctx: Any) -> dict[str, Any]:
        """Called by FiftyOne when the operator is run."""
        return _decide(ctx, self.kind, lambda _: None)


class _ClassButton(foo.Operator):  # type: ignore[misc]  # fiftyone has no types
    """A button in the grid's bar with a class's key and name."""

    index: int

    @property
    def config(self) -> foo.OperatorConfig:
        """Name and label."""
        return foo.OperatorConfig(name=f"class_{self.index}", label=f"labelloop: class {self.index}", unlisted=True)

    def resolve_placement(self, ctx: Any) -> types.Placement | None:
        """Its button in the grid's bar."""
        classes = _info(ctx).classes if ctx.dataset is not None else ()
        return _button(f"{self.index} {classes[self.index - 1]}") if self.index <= len(classes) else None

    def execute(self, ctx: Any) -> dict[str, Any]:
        """Called by FiftyOne when the operator is run."""
        return _relabel(ctx, lambda info: _class_at(info, self.index))


def register(plugin: Any) -> None:
    """Called by FiftyOne."""
    for index in range(1, KEYS + 1):
        plugin.register(type(f"Class{index}", (_ClassButton,), {"index": index}))
    plugin.register(Confirm)  # in the order of the buttons
    for kind, button, words in VERDICTS:
        plugin.register(type(kind.capitalize(), (_Verdict,), {"kind": kind, "button": button, "words": words}))
    for operator in (Undo, Redo, Accept, Relabel, Label, Choose):
        plugin.register(operator)


def _relabel(ctx: Any, choose: Callable[[DatasetInfo], str | None]) -> dict[str, Any]:
    return _decide(ctx, "relabel", choose)


def _back(ctx: Any, act: Callable[..., list[Outcome]], done: str, nothing: str) -> dict[str, Any]:
    try:
        outcomes = act(_store(), _info(ctx), who=_who(), source="fiftyone", only=_who())
    except LabelloopError as error:
        return _say(ctx, str(error), "error")
    if not outcomes:
        return _say(ctx, nothing, "warning")
    app_shown.note_told(outcome for outcome in outcomes if outcome.saved)
    return _report(ctx, outcomes, done)


def _accept(ctx: Any) -> dict[str, Any]:
    ids = _chosen(ctx)
    if not ids:
        return _say(ctx, "Select images first.", "warning")
    try:
        info = _info(ctx)
        queue, says = _queue_of(info)
        suggested = {one: says[one][0] for one in ids if one in says and says[one][0] is not None}
        if not suggested:
            return _say(ctx, "There is no suggestion here.", "warning")
        seen = _seen(info, list(suggested))
        wanted = [_decision(one, "relabel", label, seen.get(one), says) for one, label in suggested.items()]
        outcomes = decisions.decide(_store(), info, wanted, who=_who(), source="fiftyone", queue=queue)
    except LabelloopError as error:
        return _say(ctx, str(error), "error")
    app_shown.note_told(outcomes)
    return _report(ctx, outcomes, "labelled as suggested")


def _decide(ctx: Any, kind: Any, choose: Callable[[DatasetInfo], str | None]) -> dict[str, Any]:
    ids = _chosen(ctx)
    if not ids:
        return _say(ctx, "Select images first.", "warning")
    try:
        info = _info(ctx)
        label = choose(info)
        if kind == "relabel" and label is None:
            return _say(ctx, "There is no class with this number.", "warning")
        seen = _seen(info, ids)
        queue, says = _queue_of(info)
        wanted = [_decision(one, kind, label, seen.get(one), says) for one in ids]
        outcomes = decisions.decide(_store(), info, wanted, who=_who(), source="fiftyone", queue=queue)
    except LabelloopError as error:
        return _say(ctx, str(error), "error")
    app_shown.note_told(outcomes)
    return _report(ctx, outcomes, DONE[kind] if label is None else f"→ {label}")


def _chosen(ctx: Any) -> list[str]:
    """The selected images, or the one that is open."""
    return list(ctx.selected or ([ctx.current_sample] if ctx.current_sample else []))


def _queue_of(info: DatasetInfo) -> tuple[str, dict[str, Says]]:
    """The title of the queue that is shown, and what it says of its images."""
    shown = app_control.shown
    return (shown.queue, shown.says) if shown.dataset == info.name else ("", {})


def _seen(info: DatasetInfo, ids: Sequence[str]) -> dict[str, Seen]:
    """What the App shows of the images; what they are now where it was sent nothing of them."""
    seen = app_shown.of(ids)
    unsent = _store().label_states(info.id, [one for one in ids if one not in seen])
    return seen | {one: (state.label, state.excluded) for one, state in unsent.items()}


def _decision(one: str, kind: Any, label: str | None, seen: Seen | None, says: dict[str, Says]) -> Decision:
    """With what the queue that is shown says of the image, so that the journal knows what led there."""
    suggestion, evidence = says.get(one, (None, ""))
    shown, excluded = seen or (None, None)
    token = uuid.uuid4().hex
    return Decision(one, kind, label, shown, token, suggestion=suggestion, evidence=evidence, seen_excluded=excluded)


def _report(ctx: Any, outcomes: Sequence[Outcome], done: str) -> dict[str, Any]:
    saved = [outcome for outcome in of_samples(outcomes) if outcome.saved]
    refused = [outcome for outcome in outcomes if not outcome.saved]
    ctx.ops.clear_selected_samples()
    ctx.ops.reload_dataset()  # reload_samples leaves the old labels on the tiles
    if len(outcomes) > len(refused):
        images = f"{len(saved)} image{'' if len(saved) == 1 else 's'}"
        ctx.ops.notify(f"{images if saved else 'Change of the classes'} {done}", variant="success")
    if refused:
        ctx.ops.notify(f"{len(refused)} not saved: {refused[0].reason}", variant="error")
    return {"saved": len(saved), "refused": len(refused)}


def _say(ctx: Any, sentence: str, variant: str) -> dict[str, Any]:
    ctx.ops.notify(sentence, variant=variant)
    return {"saved": 0, "refused": 0}


def _button(label: str) -> types.Placement:
    return types.Placement(types.Places.SAMPLES_GRID_SECONDARY_ACTIONS, types.Button(label=label, prompt=False))


def _class_at(info: DatasetInfo, index: object) -> str | None:
    return info.classes[index - 1] if isinstance(index, int) and 1 <= index <= len(info.classes) else None


def _info(ctx: Any) -> DatasetInfo:
    """Read anew: other processes add classes, and FiftyOne's own copy does not notice."""
    return _store().dataset(ctx.dataset.name)


def _who() -> str:
    named = os.environ.get(USER, "").strip()
    if named:
        return named
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "someone"


@functools.cache
def _store() -> MongoStore:
    return MongoStore(os.environ["LABELLOOP_DATABASE_URI_NOW"], DATABASE)
