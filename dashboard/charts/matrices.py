"""Matrices side by side."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Counts = npt.NDArray[np.integer[Any]]


def aligned(
    classes: Sequence[str], matrix: Counts, other_classes: Sequence[str], other: Counts
) -> tuple[tuple[str, ...], Counts, Counts]:
    """Two matrices over the classes of both, so that they can be laid side by side."""
    names = tuple(dict.fromkeys([*other_classes, *classes]))
    found = []
    for own, counts in ((classes, matrix), (other_classes, other)):
        places = [names.index(name) for name in own]
        wide = np.zeros((len(names), len(names)), dtype=np.int64)
        wide[np.ix_(places, places)] = counts
        found.append(wide)
    return names, found[0], found[1]
