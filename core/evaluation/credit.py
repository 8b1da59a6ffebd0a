"""Whose merit is it? The old and the new run, each under the old and the new labels."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Right = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Credit:
    """How many of ``samples`` each run gets right under the labels of then and of now.

    ``total`` is what a person sees who reads each run's own figure: the old run under old labels, the new run under
    new ones. It is the sum of ``by_labels`` (the old run's gain when labels are put right, no merit of any network)
    and ``by_network`` (the new run's gain over the old one under the same, new labels). All are shares of ``samples``.
    """

    samples: int
    old_under_old: int
    old_under_new: int
    new_under_old: int
    new_under_new: int

    @property
    def total(self) -> float:
        """The change between the runs' own figures."""
        return self._share(self.new_under_new - self.old_under_old)

    @property
    def by_labels(self) -> float:
        """What corrected labels gave."""
        return self._share(self.old_under_new - self.old_under_old)

    @property
    def by_network(self) -> float:
        """What the newer network gave."""
        return self._share(self.new_under_new - self.old_under_new)

    def _share(self, count: int) -> float:
        return count / self.samples if self.samples else 0.0


def split_credit(
    old_predicted: npt.NDArray[np.int64],
    new_predicted: npt.NDArray[np.int64],
    old_labels: npt.NDArray[np.int64],
    new_labels: npt.NDArray[np.int64],
) -> Credit:
    """From class indices, one a sample in the same order; negative where there is none. Samples that have no label
    under either are left out.
    """
    judged = (old_labels >= 0) & (new_labels >= 0)
    predicted, labels = (old_predicted[judged], new_predicted[judged]), (old_labels[judged], new_labels[judged])
    counts = [int((p == t).sum()) for p in predicted for t in labels]
    return Credit(int(judged.sum()), *counts)
