"""Review: the keyboard grid on a queue."""

import time

from dashboard import frame, state
from dashboard.widgets import grid

workspace, dataset = frame.begin()
if dataset is not None:
    spec = state.current_queue()
    at = time.time()
    grid.draw(
        workspace, dataset, workspace.queue(dataset.name, spec), queue_title=spec.title(), key="review.grid", read_at=at
    )
