"""Near duplicates: which pictures are copies of one another. Hashes find copies that show the same, embeddings propose
crops, and pixels decide.

Embeddings alone do not tell a copy from a second photograph of the same scene, nor from the next image of the same
prompt. So a pair counts where the perceptual hashes agree, or where one picture is found inside the other by template
matching: at every size on small pictures first, and where something like it is glimpsed, closely around the size that
fitted. On 2,396 photographs no two that are different come near the starting threshold (0.66 at most); of 568 emoji one
pair reaches it, a face and the same face under a hat.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt
import pandas as pd
from PIL import Image

from core.checks.shelf import PAIR_COLUMNS
from core.images import alike
from core.images.reading import UnreadableImage
from core.neighbours.nearest import Nearest
from core.neighbours.vectors import Rows
from core.runs.measurements import Records

LEAST = 0.60  # likeness from which a pair is kept; a slider moves above it
PROPOSED = 0.50  # cosine from which pixels are asked; of crops to half of each side 95 in 100 lie above it
SETTLED = 0.90  # likeness by hash from which pixels are not asked
MIRRORED = 0.90  # cosine from which a mirrored copy is looked for too
PER_PICTURE = 5  # neighbours asked for each picture
MOST = 60_000  # pairs asked, the most alike first: some minutes
_SIDE = 96  # pixels of the longer side on which crops are looked for
_ROUGH = 2  # they are looked for at every size on a picture that many times smaller first
_GLIMPSED = 0.5  # correlation there from which it is looked at closely; 1 in 100 pairs of others is
_FINE_DETAIL = 4.0  # pixels; what changes more slowly is taken out before matching
_SHARES = np.geomspace(1.0, 0.45, 12)  # how much of the other picture's side a crop may show
_CLOSELY = np.geomspace(1 / 1.075, 1.075, 11)  # of the share that fitted best: each step of _SHARES is 7.5 %
_KEPT = 16_384  # pictures kept as they are matched: 150 MB at most
_LEAST_SIDE = 16
_LEAST_DETAIL = 1.5  # standard deviation in grey values

Grey = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Pair:
    """Two contents, by their rows. ``likeness`` is 1 for the same; ``how`` is "hash", "crop" or "mirror"."""

    left: int
    right: int
    likeness: float
    how: str
    bits: int


def by_hash(records: Records) -> list[Pair]:
    """Pairs whose perceptual hashes and colours are alike."""
    found = alike.pairs(records)
    columns = (found.left.tolist(), found.right.tolist(), alike.likeness(found.bits).tolist(), found.bits.tolist())
    return [Pair(left, right, value, "hash", bits) for left, right, value, bits in zip(*columns, strict=True)]


def proposals(near: Nearest, place: Rows, known: set[tuple[int, int]]) -> list[tuple[int, int, float]]:
    """Pairs (left < right, cosine) whose embeddings are near and that no hash has settled, the most alike first.

    There may be more of them than ``MOST``, which is for the caller to cut and to tell.

    ``place`` is the row of each embedding among the pictures; pairs name pictures.
    """
    rows = np.repeat(np.arange(len(near.rows)), near.rows.shape[1])
    others, cosine = near.rows.reshape(-1), near.similarity.reshape(-1)
    rank = np.tile(np.arange(near.rows.shape[1]), len(near.rows))
    good = (cosine >= PROPOSED) & (others >= 0) & (rank < PER_PICTURE)
    found: dict[tuple[int, int], float] = {}
    for row, other, value in zip(rows[good].tolist(), others[good].tolist(), cosine[good].tolist(), strict=True):
        first, second = int(place[row]), int(place[other])
        pair = (min(first, second), max(first, second))
        if pair not in known:
            found[pair] = value
    ordered = sorted(found.items(), key=lambda one: (-one[1], one[0]))
    return [(left, right, value) for (left, right), value in ordered]


def by_pixels(left: Grey, right: Grey, *, mirrored: bool) -> tuple[float, str]:
    """How well one picture is found inside the other, and how: "crop", or "mirror" for the other way round."""
    best = max(_inside(left, right), _inside(right, left))
    if mirrored and best < LEAST:
        turned = np.ascontiguousarray(right[:, ::-1])
        other = max(_inside(left, turned), _inside(turned, left))
        if other > best:
            return other, "mirror"
    return best, "crop"


def grey(image: Image.Image) -> Grey:
    """A picture as it is matched: grey, ``_SIDE`` pixels on the longer side."""
    small = image.convert("L")
    small.thumbnail((_SIDE, _SIDE), Image.Resampling.BOX)
    return np.asarray(small, dtype=np.float32)


def confirm(asked: list[tuple[int, int, float]], picture: Callable[[int], Image.Image]) -> Iterator[Pair | None]:
    """For each proposed pair the pair, or None where pixels say no; ``picture`` gives the picture of a row.

    A picture that cannot be read says no.
    """
    cv2.setNumThreads(1)
    known: dict[int, npt.NDArray[np.uint8] | None] = {}

    def read(row: int) -> Grey | None:
        if row not in known:
            if len(known) >= _KEPT:
                known.clear()
            try:
                known[row] = grey(picture(row)).astype(np.uint8)
            except UnreadableImage:
                known[row] = None
        found = known[row]
        return None if found is None else found.astype(np.float32)

    for left, right, cosine in asked:
        first, second = read(left), read(right)
        if first is None or second is None:
            yield None
            continue
        likeness, how = by_pixels(first, second, mirrored=cosine >= MIRRORED)
        yield Pair(left, right, min(likeness, 1.0), how, -1) if likeness >= LEAST else None


def table(pairs: list[Pair], cosines: dict[tuple[int, int], float], hashes: list[str]) -> pd.DataFrame:
    """Pairs as a frame of ``PAIR_COLUMNS`` with content hashes for rows; what is kept on disk."""
    rows = [
        (hashes[p.left], hashes[p.right], p.likeness, p.how, p.bits, cosines.get((p.left, p.right), np.nan))
        for p in pairs
    ]
    return pd.DataFrame(rows, columns=list(PAIR_COLUMNS))


def _inside(whole: Grey, part: Grey) -> float:
    """The best normalised correlation of fine detail of ``part``, at any place and scale, in ``whole``."""
    rough, share = _fitted(_smaller(whole), _smaller(part), _SHARES, detail=_FINE_DETAIL / _ROUGH)
    if rough < _GLIMPSED:
        return rough
    return _fitted(whole, part, np.minimum(share * _CLOSELY, 1.0), detail=_FINE_DETAIL)[0]


def _fitted(whole: Grey, part: Grey, shares: npt.NDArray[np.float64], *, detail: float) -> tuple[float, float]:
    """The best correlation of ``part`` in ``whole``, and at which share of its side; -1 where none can be tried."""
    fine = _detail(whole, detail)
    least = _LEAST_SIDE * detail / _FINE_DETAIL
    best = (-1.0, 1.0)
    for share in shares.tolist():
        width = whole.shape[1] * share
        height = width * part.shape[0] / part.shape[1]
        if height > whole.shape[0]:  # a crop of another shape: it fits by its height
            height = whole.shape[0] * share
            width = height * part.shape[1] / part.shape[0]
        size = (round(width), round(height))
        if size[0] > whole.shape[1] or size[1] > whole.shape[0] or min(size) < least:
            continue
        scaled = _detail(np.asarray(cv2.resize(part, size, interpolation=cv2.INTER_AREA), dtype=np.float32), detail)
        if scaled.std() >= _LEAST_DETAIL:  # what has no detail would match anything
            found = float(cv2.matchTemplate(fine, scaled, cv2.TM_CCOEFF_NORMED).max())
            if found > best[0] and np.isfinite(found):
                best = (found, share)
    return best


def _smaller(picture: Grey) -> Grey:
    size = (max(1, picture.shape[1] // _ROUGH), max(1, picture.shape[0] // _ROUGH))
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), dtype=np.float32)


def _detail(picture: Grey, detail: float) -> Grey:
    smooth = cv2.GaussianBlur(picture, (0, 0), detail)
    return np.asarray(picture - smooth, dtype=np.float32)
