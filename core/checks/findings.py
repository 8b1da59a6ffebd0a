"""From raw values and thresholds to findings. Arithmetic on frames: a slider can ask for it again at any moment."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from os.path import basename

import numpy as np
import numpy.typing as npt
import pandas as pd

from core.checks.kinds import BY_KEY, KINDS, Kind, starting_threshold
from core.domain.findings import Finding
from core.images.alike import FLAT
from core.runs.measurements import Mask, Records
from core.snapshots.groups import WHY, Groups, group

Values = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Facts:
    """What is known of a dataset's samples, rows as in ``frame`` (excluded samples are not in it).

    ``compared`` says which samples the last check compared with all others, ``embedded`` which of them by embeddings
    too, without which crops are not found. ``pairs`` are near duplicates by content hash
    (core.checks.shelf.PAIR_COLUMNS), ``distances`` how far each sample is from its nearest in usual spreads (NaN where
    unknown), ``missing`` why each file cannot be read (None: it can). ``origins`` names seed and prompt of an image
    that was generated, ``described`` says which carry anything of their making.
    """

    frame: pd.DataFrame
    records: Records
    measured: Mask
    compared: Mask
    embedded: Mask
    pairs: pd.DataFrame
    distances: Values
    missing: list[str | None]
    origins: list[str | None]
    described: Mask

    def groups(self, likeness: float) -> Groups:
        """Which samples belong together, near duplicates counted from ``likeness`` on."""
        near = self.pairs[self.pairs["likeness"] >= likeness]
        links = zip(near["left"], near["right"], strict=True)
        return group(self.frame["content_hash"].tolist(), links, self.origins)


def values(facts: Facts, key: str) -> Values:
    """The raw value of each sample for one kind; NaN where it was not measured. Empty for kinds of groups."""
    records, frame = facts.records, facts.frame
    if key == "tiny":
        return _sides(frame)[:, 0]
    if key == "odd-shape":
        sides = _sides(frame)
        return np.asarray(sides[:, 1] / np.maximum(sides[:, 0], 1))
    if key == "outlier":
        return facts.distances
    if key == "class-imbalance":
        return _shares(frame)
    fields = {"blurred": "sharpness", "dark": "highlights", "bright": "shadows", "flat": "contrast"}
    if key not in fields:
        return np.zeros(0)
    known = facts.measured
    if key == "blurred":
        known = known & (records["contrast"] >= FLAT)  # an empty picture is flat, not blurred
    return np.where(known, records[fields[key]].astype(np.float64), np.nan)


def thresholds(facts: Facts, chosen: Mapping[str, float]) -> dict[str, float]:
    """The threshold of each kind that has one: a person's, else where it starts on this dataset."""
    found = {}
    for kind in KINDS:
        start = kind.threshold
        if kind.key == "tiny":
            start = starting_threshold(kind, values(facts, kind.key))
        if start is not None:
            found[kind.key] = float(chosen.get(kind.key, start))
    return found


def find(facts: Facts, limits: Mapping[str, float]) -> dict[str, list[Finding]]:
    """All findings by kind, strongest first. ``limits`` has a threshold for each kind that takes one."""
    found = {kind.key: find_kind(facts, kind.key, limits) for kind in KINDS if not kind.grouped}
    found["class-imbalance"] = find_kind(facts, "class-imbalance", limits)
    clusters = facts.groups(limits["near-duplicate"])
    for key, look in _CLUSTERED.items():
        found[key] = look(facts, clusters, limits["near-duplicate"])
    return {kind.key: found[kind.key] for kind in KINDS}


def find_kind(facts: Facts, key: str, limits: Mapping[str, float]) -> list[Finding]:
    """The findings of one kind."""
    if key in _CLUSTERED:
        return _CLUSTERED[key](facts, facts.groups(limits["near-duplicate"]), limits["near-duplicate"])
    if key == "missing-file":
        return [
            Finding(sample_id, key, 1.0, reason)
            for sample_id, reason in zip(facts.frame["sample_id"], facts.missing, strict=True)
            if reason is not None
        ]
    kind, raw = BY_KEY[key], values(facts, key)
    beyond = np.flatnonzero(~np.isnan(raw) & kind.beyond(np.nan_to_num(raw), limits[key]))
    order = beyond[np.argsort(raw[beyond] if kind.worse == "low" else -raw[beyond], kind="stable")]
    scores, ids, labels = kind.score(raw), facts.frame["sample_id"].to_numpy(), facts.frame["label"].to_numpy()
    return [
        Finding(
            ids[row],
            key,
            float(scores[row]),
            _detail(kind, float(raw[row]), labels[row]),
            value=float(raw[row]),
            group=labels[row] if key == "class-imbalance" else None,
        )
        for row in order
    ]


def _detail(kind: Kind, value: float, label: str | None) -> str:
    if kind.key == "class-imbalance":
        return f"{label}: {value:.0%} of the largest class"
    number = f"{value:.0f}" if kind.step >= 1 else f"{value:.2f}"
    return f"{kind.value.lower()} {number} {kind.unit}".strip()


def _sides(frame: pd.DataFrame) -> Values:
    return np.sort(frame[["width", "height"]].to_numpy(dtype=np.float64), axis=1)


def _shares(frame: pd.DataFrame) -> Values:
    counts = frame["label"].value_counts()
    largest = int(counts.max()) if len(counts) else 1
    return frame["label"].map(counts).astype(float).to_numpy() / largest


def _exact(facts: Facts, _: Groups, __: float) -> list[Finding]:
    names, ids = [basename(path) for path in facts.frame["filepath"]], facts.frame["sample_id"].tolist()
    copies = group(facts.frame["content_hash"].tolist()).members()
    found = []
    for key, rows in sorted(copies.items()):
        for row in rows:
            other = names[rows[0] if row != rows[0] else rows[1]]
            found.append(Finding(ids[row], "exact-duplicate", 1.0, f"the same contents as {other}", group=key))
    return found


def _near(facts: Facts, _: Groups, likeness: float) -> list[Finding]:
    """Clusters of confirmed pairs. Exact copies of a member are in its cluster; a cluster of them alone is not."""
    near = facts.pairs[facts.pairs["likeness"] >= likeness]
    contents = facts.frame["content_hash"].tolist()
    clusters = group(contents, zip(near["left"], near["right"], strict=True))
    names = dict(zip(contents, (basename(path) for path in facts.frame["filepath"]), strict=True))
    best: dict[str, tuple[float, str, str]] = {}
    for left, right, likeness_, how in near[["left", "right", "likeness", "how"]].itertuples(index=False):
        for one, other in ((left, right), (right, left)):
            if other in names and likeness_ > best.get(one, (0.0, "", ""))[0]:
                best[one] = (likeness_, other, how)
    kind, ids, found = BY_KEY["near-duplicate"], facts.frame["sample_id"].tolist(), []
    for key, rows in clusters.members().items():
        if "likeness" not in clusters.why[key]:
            continue
        for row in rows:
            value, other, how = best.get(contents[row], (0.0, "", ""))
            if not other:
                continue
            detail = f"{_HOW[how]} {names[other]} ({value:.0%} alike)"
            score = float(kind.score(np.array([value]))[0])
            found.append(Finding(ids[row], kind.key, score, detail, value=value, group=key))
    return _strongest_groups(found)


def _conflicts(facts: Facts, _: Groups, likeness: float) -> list[Finding]:
    """Copies, exact or near, under two labels. Seed and prompt do not make a conflict: such pictures may differ."""
    near = facts.pairs[facts.pairs["likeness"] >= likeness]
    links = zip(near["left"], near["right"], strict=True)
    clusters = group(facts.frame["content_hash"].tolist(), links)
    labels, ids = facts.frame["label"].tolist(), facts.frame["sample_id"].tolist()
    found = []
    for key, rows in clusters.members().items():
        given = sorted({labels[row] for row in rows if labels[row] is not None})
        if len(given) < 2:
            continue
        exact = "likeness" not in clusters.why[key]
        detail = f"{'the same contents' if exact else 'near copies'} labelled {' and '.join(given)}"
        found += [Finding(ids[row], "label-conflict", 1.0 if exact else 0.9, detail, group=key) for row in rows]
    return _strongest_groups(found)


def _leaks(facts: Facts, clusters: Groups, _: float) -> list[Finding]:
    """Groups that lie in more than one split; every member is shown, so that a person sees both sides."""
    splits, ids = facts.frame["split"].tolist(), facts.frame["sample_id"].tolist()
    found = []
    for key, rows in clusters.members().items():
        where = sorted({splits[row] for row in rows}, key=("train", "val", "test").index)
        if len(where) < 2:
            continue
        why = " and ".join(WHY[reason] for reason in clusters.why[key])
        score = 1.0 if "test" in where else 0.7
        detail = f"in {' and '.join(where)}: {why}"
        found += [Finding(ids[row], "leak", score, detail, group=key) for row in rows]
    return _strongest_groups(found)


def _strongest_groups(found: list[Finding]) -> list[Finding]:
    """Groups stay whole, that with the strongest finding first."""
    best: dict[str | None, float] = {}
    for finding in found:
        best[finding.group] = max(best.get(finding.group, 0.0), finding.score)
    return sorted(found, key=lambda finding: (-best[finding.group], finding.group or "", -finding.score))


_HOW = {"hash": "shows the same as", "crop": "a crop of, or around,", "mirror": "the mirrored picture of"}
_CLUSTERED: dict[str, Callable[[Facts, Groups, float], list[Finding]]] = {
    "exact-duplicate": _exact,
    "near-duplicate": _near,
    "label-conflict": _conflicts,
    "leak": _leaks,
}
