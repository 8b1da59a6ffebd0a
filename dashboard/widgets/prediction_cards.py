"""Images with what a run says of them: the class, and the probabilities as bars."""

import base64
import html
from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from core.images import thumbnails
from core.images.reading import UnreadableImage, decode
from dashboard import charts, palette

BARS = 5

_STYLE = """
<style>
.ll-cards { display: grid; grid-template-columns: repeat(auto-fill, minmax(220px, 1fr)); gap: .9rem; }
.ll-card { border: 1px solid color-mix(in srgb, currentColor 16%, transparent); border-radius: .5rem;
  overflow: hidden; }
.ll-card img, .ll-card .ll-none { width: 100%; height: 170px; object-fit: contain; display: block;
  background: color-mix(in srgb, currentColor 6%, transparent); }
.ll-card .ll-none { display: grid; place-items: center; opacity: .6; }
.ll-card > div { padding: .6rem .75rem .7rem; font-size: .85rem; line-height: 1.35; }
.ll-card b { font-size: 1rem; }
.ll-card .ll-name { opacity: .65; overflow: hidden; text-overflow: ellipsis; white-space: nowrap;
  margin-bottom: .3rem; }
.ll-bar { display: grid; grid-template-columns: 1fr auto; column-gap: .6rem; margin-top: .35rem;
  font-variant-numeric: tabular-nums; }
.ll-bar span:first-child { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.ll-bar i { grid-column: 1 / -1; height: .35rem; border-radius: .2rem; margin-top: .1rem;
  background: color-mix(in srgb, currentColor 10%, transparent); }
.ll-bar i i { display: block; height: 100%; margin: 0; }
</style>
"""


@dataclass(frozen=True, slots=True)
class Card:
    """One image; ``picture`` is a JPEG, empty where there is none; ``error`` says why there is no prediction;
    ``unsure`` that the run abstains; ``answer`` is what it says where that is not the most probable class.
    """

    name: str
    picture: bytes
    classes: tuple[str, ...]
    probabilities: tuple[float, ...]
    error: str = ""
    unsure: bool = False
    answer: str = ""

    @property
    def confidence(self) -> float:
        """The probability of the predicted class, 0 without one."""
        return self.probabilities[self.classes.index(self.predicted)] if self.predicted else 0.0

    @property
    def predicted(self) -> str:
        """The class it answers, "" without one."""
        if self.error or not self.probabilities:
            return ""
        return self.answer or self.classes[self.probabilities.index(max(self.probabilities))]


def draw(cards: Sequence[Card], colour_classes: Sequence[str]) -> None:
    """All of ``cards``; classes have the colours that they have in ``colour_classes``."""
    st.html(_STYLE + "<div class='ll-cards'>" + "".join(_card(card, colour_classes) for card in cards) + "</div>")


def picture(data: bytes) -> bytes:
    """A thumbnail of an uploaded file; empty if it cannot be read."""
    try:
        return thumbnails.make(decode(data, at_least=thumbnails.SIZE))
    except UnreadableImage:
        return b""


def _card(card: Card, colour_classes: Sequence[str]) -> str:
    name = html.escape(card.name)
    image = "<div class='ll-none'>no picture</div>"
    if card.picture:
        source = "data:image/jpeg;base64," + base64.b64encode(card.picture).decode()
        image = f"<img src='{source}' alt='{name}'>"
    if card.error:
        body = f"<b>Not read</b><div>{html.escape(card.error)}</div>"
    else:
        order = sorted(range(len(card.classes)), key=lambda place: -card.probabilities[place])[:BARS]
        bars = "".join(_bar(card.classes[at], card.probabilities[at], colour_classes) for at in order)
        name_of = html.escape(charts.shorten(card.predicted, 26))
        head = f"<b>Not sure</b> <span class='ll-name'>perhaps {name_of}</span>" if card.unsure else f"<b>{name_of}</b>"
        body = f"<div title='{html.escape(card.predicted)}'>{head}</div>{bars}"
    return f"<div class='ll-card'>{image}<div><div class='ll-name' title='{name}'>{name}</div>{body}</div></div>"


def _bar(name: str, probability: float, colour_classes: Sequence[str]) -> str:
    colour = palette.colour_of(name, colour_classes)
    return (
        f"<div class='ll-bar'><span title='{html.escape(name)}'>{html.escape(name)}</span>"
        f"<span>{probability:.1%}</span>"
        f"<i><i style='width:{probability:.1%};background:{colour}'></i></i></div>"
    )
