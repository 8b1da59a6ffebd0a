"""Short pauses: what keeps one person's page run from holding up another's key press.

Streamlit collects all garbage after every run of a page or fragment. With some 200,000 objects of imported libraries
that takes 0.1 s, during which no request is answered. Objects that are there to stay are therefore frozen: the
collector passes them over. They are looked through again now and then, so that no garbage is kept for ever.
"""

import gc
import threading
import time
from collections.abc import Iterator

_SOON = (3.0, 15.0, 60.0)  # seconds: pages import their libraries when they are first opened
_LATER = 600.0


def keep_short() -> None:
    """Begin; for the life of this process."""
    threading.Thread(target=_go_on, name="freeze", daemon=True).start()


def _go_on() -> None:
    for pause in _pauses():
        time.sleep(pause)
        gc.unfreeze()
        gc.collect()
        gc.freeze()


def _pauses() -> Iterator[float]:
    yield from _SOON
    while True:
        yield _LATER
