"""Processes that die while they write: the store raises ``Crash`` where they would."""

import contextlib


class Crash(Exception):
    """What a test catches in place of the process's end."""


@contextlib.contextmanager
def dying(store, step, when, turn=1):
    """The process dies before or after that step of the store, from the ``turn``-th time on that it comes there."""
    real, seen = getattr(store, step), []

    def die(*arguments, **options):
        seen.append(step)
        if len(seen) < turn or when == "after":
            found = real(*arguments, **options)
            if len(seen) < turn:
                return found
        raise Crash

    setattr(store, step, die)
    try:
        yield
    finally:
        delattr(store, step)
