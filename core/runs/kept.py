"""Predictions kept in memory as long as there is room: a run over 1,000 classes takes hundreds of megabytes.

What the runs answered is kept beside them and takes little (equal ids of samples only once), so that comparing with
another run does not read its probabilities again.
"""

import threading
from collections import OrderedDict
from dataclasses import replace
from pathlib import Path

import numpy as np

from core.runs import predictions
from core.runs.predictions import Answers, Predictions

ROOM = 420 * 2**20  # bytes of probabilities; the run asked for last is always kept
_MOST_ANSWERS = 100  # runs
_Key = tuple[Path, int]
_whole: OrderedDict[_Key, Predictions] = OrderedDict()
_answers: OrderedDict[_Key, Answers] = OrderedDict()
_guard = threading.Lock()


def read(path: Path) -> Predictions:
    """As :func:`core.runs.predictions.read` with the rows of a split beside one another, so that judging one copies no
    probabilities; from memory where it is there. Do not write into it.
    """
    key = (path, path.stat().st_mtime_ns)
    with _guard:
        found = _whole.get(key)
        if found is None:
            _make_room(0)
            found = _whole[key] = _sharing(predictions.read(path, by_split=True))
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


def _sharing(found: Predictions) -> Predictions:
    """The same, with the columns of the run read before where they are equal: runs of a dataset have most in common."""
    if not _answers:
        return found
    before, said = next(reversed(_answers.values())), found.answers
    same = {
        name: column
        for name in ("sample_id", "split", "label")
        if np.array_equal(column := getattr(before, name), getattr(said, name))
    }
    return replace(found, **same, given=replace(said, **same))


def _make_room(least: int) -> None:
    """Drop what was asked for longest ago; before a file is read, so that it finds the room."""
    while len(_whole) > least and sum(one.probabilities.nbytes for one in _whole.values()) > ROOM * (least or 0.5):
        _whole.popitem(last=False)
