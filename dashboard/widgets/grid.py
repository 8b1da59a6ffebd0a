"""The keyboard grid: thumbnails, keys, decisions over our own route. JavaScript and CSS lie beside this file."""

from collections.abc import Sequence

from core.domain.samples import DatasetInfo
from core.review.queues import QueueItem
from core.workspace import Workspace


def draw(
    workspace: Workspace,
    dataset: DatasetInfo,
    items: Sequence[QueueItem],
    *,
    queue_title: str,
    key: str,
    height: int | None = None,
    rail: bool = True,
) -> None:
    """Draw ``items`` as a keyboard grid. ``height`` in pixels (``None``: as tall as the window allows);
    without ``rail`` the class legend is a strip above the tiles, for narrow panels."""
