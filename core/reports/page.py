"""A report as one HTML file: styles, plots and pictures inside, every name escaped, nothing loaded, nothing run."""

import base64
import html
from collections.abc import Iterable, Sequence

from core.evaluation.comparison import Comparison
from core.evaluation.intervals import Estimate
from core.reports import drawings
from core.reports.content import (
    CONFUSED,
    TITLES,
    Content,
    Picture,
    RunPart,
    change,
    confusions,
    difference,
    domain_rows,
    judged_under,
    labels_of,
)

_STYLE = """
:root { color-scheme: light dark; --ink: light-dark(#1e2024, #e8e6e1); --ground: light-dark(#fcfbf9, #141518);
  --quiet: light-dark(#6c6f76, #a3a6ad); --line: light-dark(#dfdcd5, #33363d); --right: light-dark(#2170a8, #5aa9dd);
  --wrong: light-dark(#c9531a, #f08a55); --accent: light-dark(#3457d5, #8aa2ff); }
body { font: 15px/1.55 system-ui, sans-serif; color: var(--ink); background: var(--ground); margin: 0 auto;
  max-width: 1080px; padding: 2rem 1.2rem 4rem; font-variant-numeric: tabular-nums; }
h1 { font-size: 1.9rem; letter-spacing: -.02em; margin: 0 0 .2rem; } h2 { margin: 2.6rem 0 .4rem; font-size: 1.35rem; }
h3 { margin: 1.6rem 0 .4rem; font-size: 1.05rem; } p { margin: .4rem 0; } .quiet-text { color: var(--quiet); }
.verdict { border: 1px solid var(--line); border-radius: .6rem; padding: 1rem 1.2rem; margin: 1rem 0;
  font-size: 1.1rem; }
.wide { overflow-x: auto; } table { border-collapse: collapse; font-size: .9rem; }
th, td { text-align: left; padding: .3rem .9rem .3rem 0; border-bottom: 1px solid var(--line); white-space: nowrap; }
td.n, th.n { text-align: right; } th { font-weight: 600; color: var(--quiet); }
svg { width: 100%; height: auto; font: 11px system-ui, sans-serif; } svg text { fill: var(--ink); }
svg .right { fill: var(--right); } svg .wrong { fill: var(--wrong); }
svg .ground { fill: var(--line); fill-opacity: .35; }
svg .middle { text-anchor: middle; } svg .end { text-anchor: end; } svg text.light { fill: var(--ground); }
svg .line { fill: none; stroke: var(--accent); stroke-width: 1.5; } svg .dot { fill: var(--accent); }
svg .quiet { stroke: var(--quiet); }
.pictures { display: grid; grid-template-columns: repeat(auto-fill, minmax(128px, 1fr)); gap: .8rem; }
figure { margin: 0; font-size: .8rem; } figure img { width: 100%; aspect-ratio: 1; object-fit: cover;
  border-radius: .4rem; display: block; } figcaption { overflow-wrap: anywhere; }
.columns { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 380px), 1fr)); gap: 1.5rem; }
@media print { body { max-width: none; } h2 { break-after: avoid; } figure { break-inside: avoid; } }
"""


def render(content: Content) -> str:
    """The whole file."""
    body = [
        f"<h1>{_safe(content.title)}</h1>",
        f"<p class='quiet-text'>Made by labelloop, {_safe(content.made_at)}. Numbers in brackets are 95 % intervals: "
        "where the figure likely lies on new images like these.</p>",
    ]
    if content.comparison is not None:
        body.append(_comparison(content.comparison, content.fixed, content.broken))
    body += [_run(part) for part in content.runs]
    policy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
    return (
        "<!doctype html>\n<html lang='en'><head><meta charset='utf-8'>"
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        "<meta name='viewport' content='width=device-width, initial-scale=1'>"
        f"<title>{_safe(content.title)}</title><style>{_STYLE}</style></head><body>{''.join(body)}</body></html>\n"
    )


def _run(part: RunPart) -> str:
    overall = [
        (TITLES.get(name, name), f"{one.value:.3f}", f"{one.low:.3f} to {one.high:.3f}")
        for name, one in part.scores.overall.items()
        if one is not None
    ]
    classes = [
        (one.name, *(_with_interval(each) for each in (one.precision, one.recall, one.f1)), one.support, one.predicted)
        for one in part.scores.per_class
    ]
    accuracy = part.scores.overall.get("accuracy")
    headline = (
        f"<p><b>{part.evaluation.correct:,} of {part.evaluation.samples:,} {_safe(part.split)} images right: "
        f"{_with_interval(accuracy)}.</b></p>"
        if accuracy is not None
        else ""
    )
    slices = "".join(f"<li>{_safe(one.sentence())}</li>" for one in part.slices)
    warnings = "".join(f"<p>⚠ {_safe(one.sentence())}</p>" for one in part.shortcuts)
    curve = ""
    if part.reliability is not None:
        ece = part.reliability.ece
        curve = (
            f"<div><h3>Calibration</h3>{drawings.reliability(part.reliability)}<p>Calibration error "
            f"{ece.value:.3f} ({ece.low:.3f} to {ece.high:.3f}): how far confidence and accuracy differ.</p></div>"
        )
    return "".join(
        [
            f"<h2>{_safe(part.name)} · {_safe(part.model)}</h2>{headline}",
            "".join(f"<p class='quiet-text'>{_safe(line)}</p>" for line in (judged_under(part), *part.cautions)),
            "<h3>How it was made</h3>",
            _table(("", ""), part.facts),
            "<h3>Confusion matrix</h3><p class='quiet-text'>Rows are labels, columns predictions.</p>",
            f"<div class='wide'>{drawings.matrix(part.evaluation.classes, part.evaluation.matrix)}</div>",
            "<h3>Most frequent errors</h3>" + _table(CONFUSED, errors) if (errors := confusions(part)) else "",
            "<div class='columns'><div><h3>Figures</h3>",
            _table(("Figure", "Value", "Likely"), overall),
            f"</div>{curve}</div><h3>Classes</h3>",
            _table(("Class", "Precision", "Recall", "F1", "Labelled so", "Predicted so"), classes),
            f"<h3>Where it is weakest</h3><ul>{slices}</ul>" if slices else "",
            warnings,
            "<h3>By kind of source</h3>" if part.domains else "",
            _table(("Source", "Images", "Right", "Most frequent error"), domain_rows(part)) if part.domains else "",
            _pictures("Its surest errors", part.errors),
        ]
    )


def _comparison(found: Comparison, fixed: Sequence[Picture], broken: Sequence[Picture]) -> str:
    credit = found.credit
    classes, moved = difference(found)
    rows = (
        (found.old, f"{credit.old_under_old:,} right", f"{credit.old_under_new:,} right"),
        (found.new, f"{credit.new_under_old:,} right", f"{credit.new_under_new:,} right"),
    )
    return "".join(
        [
            f"<div class='verdict'><b>{_safe(found.old)} → {_safe(found.new)}.</b> {_safe(found.note)}</div>",
            f"<p>{_safe(change(found))}</p>",
            "<h3>Better network, or better labels?</h3>",
            _table(("", *labels_of(found)), rows),
            f"<p>Of {credit.total * 100:+.1f} points, {credit.by_labels * 100:+.1f} come from labels that were changed "
            f"and {credit.by_network * 100:+.1f} from the newer network.</p>",
            "<h3>What changed in the matrix</h3><p class='quiet-text'>Rows are labels, columns predictions; the newer "
            "run minus the older, blue where that is better.</p>",
            f"<div class='wide'>{drawings.difference(classes, moved)}</div>",
            _pictures(f"Fixed ({len(found.fixed):,})", fixed),
            _pictures(f"Broken ({len(found.broken):,})", broken),
        ]
    )


def _pictures(title: str, shown: Iterable[Picture]) -> str:
    figures = []
    for one in shown:
        source = "data:image/jpeg;base64," + base64.b64encode(one.jpeg).decode()
        said = f"{_safe(one.label)} → {_safe(one.predicted)} {one.confidence:.0%}"
        figures.append(f"<figure><img src='{source}' alt='{said}'><figcaption>{said}</figcaption></figure>")
    return f"<h3>{_safe(title)}</h3><div class='pictures'>{''.join(figures)}</div>" if figures else ""


def _table(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    head = "".join(f"<th>{_safe(one)}</th>" for one in heads) if any(heads) else ""
    lines = "".join(
        "<tr>" + "".join(f"<td{' class=n' if isinstance(v, int) else ''}>{_safe(v)}</td>" for v in row) + "</tr>"
        for row in rows
    )
    return f"<div class='wide'><table><tr>{head}</tr>{lines}</table></div>"


def _with_interval(one: Estimate) -> str:
    return f"{one.value:.1%} ({one.low:.1%} to {one.high:.1%})"


def _safe(value: object) -> str:
    text = f"{value:,}" if isinstance(value, int) else str(value)
    return html.escape(text.encode("utf-8", "replace").decode())
