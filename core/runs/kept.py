"""Predictions kept in memory as long as there is room: a run over 1,000 classes takes hundreds of megabytes.

What the runs answered is kept beside them and takes little, so that comparing with another run does not read its
probabilities again.
"""

import threading
from collections import OrderedDict
from pathlib import Path

import pyarrow as pa

from core.runs import predictions
from core.runs.predictions import Answers, Predictions

ROOM = 420 * 2**20  # bytes of probabilities; the run asked for last is always kept
_MOST_ANSWERS = 100  # runs
_Key = tuple[Path, int]
_whole: OrderedDict[_Key, Predictions] = OrderedDict()
_answers: OrderedDict[_Key, Answers] = OrderedDict()
_guard = threading.Lock()


def read(path: Path) -> Predictions:
    """As :func:`core.runs.predictions.read`, from memory where it is there. Do not write into it."""
    key = (path, path.stat().st_mtime_ns)
    with _guard:
        found = _whole.get(key)
        if found is None:
            _make_room(0)
            found = _whole[key] = predictions.read(path)
            _make_room(1)
        _whole.move_to_end(key)
        _answers[key] = found.answers
        _answers.move_to_end(key)
        while len(_answers) > _MOST_ANSWERS:
            _answers.popitem(last=False)
        return found


def read_answers(path: Path) -> Answers:
    """Only what the run answered."""
    with _guard:
        found = _answers.get((path, path.stat().st_mtime_ns))
    return read(path).answers if found is None else found


def _make_room(least: int) -> None:
    """Drop what was asked for longest ago; before a file is read, so that it finds the room."""
    before = len(_whole)
    while len(_whole) > least and sum(one.probabilities.nbytes for one in _whole.values()) > ROOM * (least or 0.5):
        _whole.popitem(last=False)
    if len(_whole) < before:
        pa.default_memory_pool().release_unused()
