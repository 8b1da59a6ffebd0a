"""The same report as Markdown, which is also the model card of an export: no pictures, every name escaped."""

import re
from collections.abc import Iterable, Sequence

from core.reports.content import (
    CONFUSED,
    TITLES,
    Content,
    RunPart,
    change,
    confusions,
    domain_rows,
    judged_under,
    labels_of,
)

_SPECIAL = re.compile(r"([\\`*_{}\[\]()#+\-.!|<>~$&])")
_MATRIX = 25  # classes up to which the matrix is written out


def render(content: Content) -> str:
    """The whole file."""
    lines = [f"# {_safe(content.title)}", "", f"Made by labelloop, {_safe(content.made_at)}.", ""]
    found = content.comparison
    if found is not None:
        credit = found.credit
        lines += [
            f"**{_safe(found.old)} → {_safe(found.new)}.** {_safe(found.note)}",
            "",
            _safe(change(found)),
            "",
            *_table(
                ("", *labels_of(found)),
                (
                    (found.old, credit.old_under_old, credit.old_under_new),
                    (found.new, credit.new_under_old, credit.new_under_new),
                ),
            ),
            "",
            f"Of {credit.total * 100:+.1f} points, {credit.by_labels * 100:+.1f} come from changed labels and "
            f"{credit.by_network * 100:+.1f} from the newer network.",
            "",
        ]
    for part in content.runs:
        lines += _run(part)
    return "\n".join(lines) + "\n"


def _run(part: RunPart) -> list[str]:
    figures = [
        (TITLES.get(name, name), f"{one.value:.3f}", f"{one.low:.3f} to {one.high:.3f}")
        for name, one in part.scores.overall.items()
        if one is not None
    ]
    classes = [
        (one.name, f"{one.precision.value:.3f}", f"{one.recall.value:.3f}", f"{one.f1.value:.3f}", one.support)
        for one in part.scores.per_class
    ]
    lines = [
        f"## {_safe(part.name)}: {_safe(part.model)} on {_safe(part.dataset)}",
        "",
        f"{part.evaluation.correct:,} of {part.evaluation.samples:,} {part.split} images right.",
        *(_safe(line) for line in (judged_under(part), *part.cautions)),
        "",
        *_table(("made with", ""), part.facts),
        "",
        *_table((f"figure on {part.split}", "value", "95 % interval"), figures),
        "",
        *_table(("class", "precision", "recall", "F1", "labelled so"), classes),
        "",
    ]
    if len(part.evaluation.classes) <= _MATRIX:
        rows = [
            (name, *row) for name, row in zip(part.evaluation.classes, part.evaluation.matrix.tolist(), strict=True)
        ]
        lines += [*_table(("label \\ predicted", *part.evaluation.classes), rows), ""]
    if errors := confusions(part):
        lines += ["Most frequent errors:", "", *_table(CONFUSED, errors), ""]
    weak = [*(one.sentence() for one in part.slices), *(one.sentence() for one in part.shortcuts)]
    if weak:
        lines += ["Where it is weakest:", "", *(f"- {_safe(one)}" for one in weak), ""]
    if part.domains:
        lines += [*_table(("source", "images", "right", "most frequent error"), domain_rows(part)), ""]
    return lines


def _table(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> list[str]:
    def line(values: Sequence[object]) -> str:
        return "| " + " | ".join(_safe(value) for value in values) + " |"

    return [line(heads), "|" + " --- |" * len(heads), *(line(row) for row in rows)]


def _safe(value: object) -> str:
    text = " ".join(str(value).encode("utf-8", "replace").decode().split())
    return _SPECIAL.sub(r"\\\1", text)
