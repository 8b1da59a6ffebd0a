"""A strip of thumbnails: to see at a glance, not to decide on. The grid does that."""

import base64
import html
from collections.abc import Sequence

import streamlit as st

from core.domain.samples import DatasetInfo
from core.review.queues import QueueItem
from dashboard import charts, palette

SHOWN = 24

STYLE = """
<style>
.ll-thumbs { display: flex; flex-wrap: wrap; gap: .6rem; }
.ll-thumbs figure { margin: 0; width: 104px; font-size: .78rem; line-height: 1.3; }
.ll-thumbs img { width: 104px; height: 104px; object-fit: cover; border-radius: .4rem; display: block;
  background: color-mix(in srgb, currentColor 8%, transparent); }
.ll-thumbs figcaption { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; margin-top: .25rem; }
.ll-thumbs i { display: inline-block; width: .55em; height: .55em; border-radius: 50%; margin-right: .35em; }
</style>
"""


def draw(dataset: DatasetInfo, items: Sequence[QueueItem], *, shown: int = SHOWN, rest: bool = True) -> None:
    """The first ``shown`` of ``items``: picture, label, below it what the run says; ``rest`` counts the others."""
    figures = "".join(_figure(dataset, item) for item in items[:shown])
    st.html(f"{STYLE}<div class='ll-thumbs'>{figures}</div>")
    if rest and len(items) > shown:
        st.caption(f"{shown} of {len(items):,}")


def draw_pictures(pictures: Sequence[tuple[bytes, str]], classes: Sequence[str]) -> None:
    """JPEGs that are in no dataset yet, each with the label it would get ("" for none)."""
    figures = []
    for picture, label in pictures:
        source = "data:image/jpeg;base64," + base64.b64encode(picture).decode()
        name = html.escape(charts.shorten(label or "no label"))
        figures.append(
            f"<figure title='{html.escape(label)}'><img src='{source}' alt='{name}' width='104' height='104'>"
            f"<figcaption>{_dot(label or None, classes)}{name}</figcaption></figure>"
        )
    st.html(f"{STYLE}<div class='ll-thumbs'>{''.join(figures)}</div>")


def _figure(dataset: DatasetInfo, item: QueueItem) -> str:
    label = item.label or "no label"
    said = item.suggestion or ""
    sure = "" if item.confidence is None else f" {item.confidence:.0%}"
    address = f"/thumb/{dataset.id}/{item.sample_id}?v={item.content_hash[:8]}"
    return (
        f"<figure title='{html.escape(item.filepath)}'>"
        f"<img src='{html.escape(address)}' alt='{html.escape(label)}' loading='lazy' width='104' height='104'>"
        f"<figcaption>{_dot(item.label, dataset.classes)}{html.escape(charts.shorten(label))}</figcaption>"
        f"<figcaption>{_dot(item.suggestion, dataset.classes)}{html.escape(charts.shorten(said))}{sure}</figcaption>"
        "</figure>"
    )


def _dot(name: str | None, classes: Sequence[str]) -> str:
    return f"<i style='background:{palette.colour_of(name, classes)}'></i>" if name else ""
