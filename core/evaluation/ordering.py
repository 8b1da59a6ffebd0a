"""In which order a matrix shows its classes. Confusions that lie beside one another form blocks that can be seen."""

from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

Order = Literal["given", "error", "clustered"]
ORDERS: tuple[Order, ...] = get_args(Order)
_OPTIMAL = 250  # classes up to which leaves are turned for the best neighbours, which takes cubic time


def order(matrix: npt.NDArray[np.int64], by: Order) -> list[int]:
    """Class indices in the order of display: as given; most errors (missed or wrongly predicted) first; or clustered,
    so that classes that are taken for one another stand together.
    """
    size = len(matrix)
    if by == "given" or size < 3:
        return list(range(size))
    errors = matrix.astype(np.float64)
    np.fill_diagonal(errors, 0)
    if by == "error":
        worst = np.argsort(-(errors.sum(axis=0) + errors.sum(axis=1)), kind="stable")
        return [int(place) for place in worst]
    return _clustered(matrix, errors)


def top_confusions(matrix: npt.NDArray[np.int64], most: int) -> list[tuple[int, int]]:
    """The ``most`` frequent errors as (label, prediction), the most frequent first."""
    errors = matrix.copy()
    np.fill_diagonal(errors, 0)
    rows, columns = np.nonzero(errors)
    best = np.argsort(-errors[rows, columns], kind="stable")[:most]
    return [(int(rows[i]), int(columns[i])) for i in best]


def _clustered(matrix: npt.NDArray[np.int64], errors: npt.NDArray[np.float64]) -> list[int]:
    from scipy.cluster.hierarchy import leaves_list, linkage  # only those who cluster wait for SciPy
    from scipy.spatial.distance import squareform

    weight = matrix.sum(axis=0) + matrix.sum(axis=1)
    mutual = errors + errors.T
    scale = np.sqrt(np.outer(np.maximum(weight, 1), np.maximum(weight, 1)))
    alike = mutual / scale
    distance = 1 - np.sqrt(alike / max(float(alike.max()), 1e-12))
    np.fill_diagonal(distance, 0)
    tree = linkage(squareform(distance, checks=False), "average", optimal_ordering=len(matrix) <= _OPTIMAL)
    return [int(place) for place in leaves_list(tree)]
