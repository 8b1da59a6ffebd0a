"""The images of findings, to see at a glance: one by one, or clusters side by side. The grid is for deciding."""

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from os.path import basename
from typing import Any, Self

import streamlit as st

from core.domain.samples import DatasetInfo
from dashboard import charts, palette
from dashboard.wording import printable

SHOWN = 36
CLUSTERS = 12
PER_CLUSTER = 10

_STYLE = """
<style>
.ll-finds { display: flex; flex-wrap: wrap; gap: .7rem; }
.ll-finds figure { margin: 0; width: 116px; font-size: .78rem; line-height: 1.35; position: relative; }
.ll-finds img { width: 116px; height: 116px; object-fit: contain; border-radius: .4rem; display: block;
  background: color-mix(in srgb, currentColor 8%, transparent); }
.ll-finds figcaption { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; margin-top: .2rem; }
.ll-finds figcaption + figcaption { margin-top: 0; opacity: .72; }
.ll-finds i { display: inline-block; width: .55em; height: .55em; border-radius: 50%; margin-right: .35em; }
.ll-finds b { position: absolute; top: .3rem; left: .3rem; padding: 0 .4rem; border-radius: .3rem; font-weight: 600;
  font-size: .7rem; background: color-mix(in srgb, var(--ll-ground) 88%, transparent); }
.ll-finds .ll-goes img { opacity: .35; }
.ll-finds .ll-stays img { outline: 2px solid var(--ll-accent); outline-offset: 1px; }
.ll-cluster { border: 1px solid var(--ll-line); border-radius: .5rem; padding: .6rem .7rem .5rem;
  margin-bottom: .7rem; }
.ll-cluster p { margin: 0 0 .45rem; font-size: .82rem; opacity: .8; }
</style>
"""


@dataclass(frozen=True, slots=True)
class Picture:
    """One image: ``note`` goes under its label, ``mark`` on it; ``fate`` is "stays" or "goes" in a cull."""

    sample_id: str
    content_hash: str
    filepath: str
    label: str | None
    note: str
    mark: str = ""
    fate: str = ""

    @classmethod
    def of(cls, row: Mapping[Any, Any], note: str = "", *, mark: str = "", fate: str = "") -> Self:
        """A row of the dataset's samples; the note is its size in pixels unless another is given."""
        note = note or f"{row['width']} × {row['height']}"
        return cls(row["sample_id"], row["content_hash"], row["filepath"], row["label"], note, mark, fate)


def draw(dataset: DatasetInfo, pictures: Sequence[Picture]) -> None:
    """The first ``SHOWN`` images."""
    st.html(f"{_STYLE}<div class='ll-finds'>{''.join(_figure(dataset, one) for one in pictures[:SHOWN])}</div>")
    if len(pictures) > SHOWN:
        st.caption(f"The first {SHOWN} of {len(pictures):,}; Review has them all.")


def draw_clusters(dataset: DatasetInfo, clusters: Mapping[str, tuple[str, Sequence[Picture]]]) -> None:
    """The first ``CLUSTERS`` clusters, each with what ties its images together."""
    parts = []
    for said, pictures in list(clusters.values())[:CLUSTERS]:
        more = f" · {len(pictures) - PER_CLUSTER} more" if len(pictures) > PER_CLUSTER else ""
        figures = "".join(_figure(dataset, one) for one in pictures[:PER_CLUSTER])
        line = html.escape(printable(f"{len(pictures)} images: {said}{more}"))
        parts.append(f"<div class='ll-cluster'><p>{line}</p><div class='ll-finds'>{figures}</div></div>")
    st.html(_STYLE + "".join(parts))
    if len(clusters) > CLUSTERS:
        st.caption(f"The first {CLUSTERS} of {len(clusters):,} groups; Review has them all.")


def _figure(dataset: DatasetInfo, one: Picture) -> str:
    label = one.label or "no label"
    dot = f"<i style='background:{palette.colour_of(one.label, dataset.classes)}'></i>" if one.label else ""
    address = html.escape(f"/thumb/{dataset.id}/{one.sample_id}?v={one.content_hash[:8]}")
    mark = f"<b>{html.escape(one.mark)}</b>" if one.mark else ""
    kind = f" class='ll-{one.fate}'" if one.fate else ""
    name = html.escape(printable(basename(one.filepath)))
    return (
        f"<figure{kind} title='{html.escape(printable(one.filepath), quote=True)}'>"
        f"<img src='{address}' alt='{name}' loading='lazy' width='116' height='116'>{mark}"
        f"<figcaption>{dot}{html.escape(charts.shorten(label))}</figcaption>"
        f"<figcaption title='{html.escape(printable(one.note), quote=True)}'>{html.escape(printable(one.note))}"
        "</figcaption></figure>"
    )
