"""Everything that is known of a run's errors: how sure it was, groups by look, what other runs said, suspicion."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from core.domain.errors import NotFound
from core.domain.samples import Split
from core.evaluation.clusters import Cluster, clusters
from core.evaluation.scores import losses
from core.workspace.fields import words
from core.workspace.remembered import Remembered

if TYPE_CHECKING:
    from core.workspace.facade import Workspace

BEST = 3  # classes told of each error
_CHUNK = 1024  # rows at a time


@dataclass(frozen=True, slots=True)
class Wrong:
    """One error. ``loss`` is its log loss; ``best`` the most probable classes, each with its probability, the first
    first; ``suspicion`` the chance that its label is wrong, where one is known.
    """

    sample_id: str
    label: str
    predicted: str
    confidence: float
    loss: float
    best: tuple[tuple[str, float], ...]
    suspicion: float | None


class Errors:
    """The errors of a workspace's runs. Safe to share between threads."""

    def __init__(self, workspace: "Workspace") -> None:
        self._workspace = workspace
        self._known: Remembered[list[Wrong]] = Remembered(4)
        self._clusters: Remembered[list[Cluster]] = Remembered(2)

    def of(self, run: str, split: Split | None, *, cell: tuple[str, str] | None = None) -> list[Wrong]:
        """The run's errors on one split (all where ``None``) under the labels of now, most surprising (highest loss)
        first; of one cell (label, prediction) where it is given, which may also be right. Do not write into it.
        """
        dataset = self._workspace.run(run).dataset
        doubted = self._workspace.review.findings(dataset, "suspicious")
        made_of = (self._workspace.review.answers(dataset, run), self._workspace.samples(dataset), doubted)
        return self._known.of((run, split, cell), made_of, lambda: self._found(run, split, cell, doubted))

    def clusters(self, run: str, wrong: list[Wrong]) -> list[Cluster]:
        """Groups of ``wrong`` by look; empty where their pictures are not embedded. Rows are positions in ``wrong``."""
        from core.embedding.blocks import EmbeddingStore  # brings ONNX Runtime along, which other pages do without

        dataset = self._workspace.run(run).dataset
        frame, table = self._workspace.samples(dataset), self._workspace.understanding.fields(dataset)
        content = dict(zip(frame["sample_id"], frame["content_hash"], strict=True))
        known = [at for at, one in enumerate(wrong) if one.sample_id in content]
        hashes = [content[wrong[at].sample_id] for at in known]
        located = EmbeddingStore(self._workspace.paths.embeddings).locate(hashes)
        rows = np.array(known, dtype=np.intp)[located.found]
        if not len(rows):
            return []

        def made() -> list[Cluster]:
            each = [wrong[at] for at in rows]
            own = table.reindex([one.sample_id for one in each])
            values = {name: words(own[name]) for name in own.columns if name not in ("reviewed", "imported from")}
            embeddings = located.read(np.flatnonzero(located.found), np.float32)
            found = clusters(embeddings, [(one.label, one.predicted) for one in each], values)
            return [Cluster(one.name, rows[one.rows]) for one in found]

        return self._clusters.of(run, (wrong, table, located.found.tobytes()), made)

    def history(self, dataset: str, sample_id: str, *, newest: int = 8) -> list[tuple[str, str, float]]:
        """What the dataset's newest finished runs said of one sample: (run, class, confidence), newest first."""
        found = []
        for view in [view for view in self._workspace.runs(dataset) if view.state == "succeeded"][:newest]:
            try:
                said = self._workspace.review.answers(dataset, view.name)
            except NotFound:
                continue
            at = np.flatnonzero(said.sample_id == sample_id)
            if len(at):
                found.append((view.name, said.classes[said.chosen[at[0]]], float(said.confidence[at[0]])))
        return found

    def _found(self, run: str, split: Split | None, cell: tuple[str, str] | None, doubted: pd.DataFrame) -> list[Wrong]:
        judged = self._workspace.understanding.judged(run, split, labels="now")
        rows, true = judged.rows, judged.true
        cost, predicted = losses(rows, judged.given), rows.predicted
        if cell is None:
            meant = rows.chosen != true
        else:
            place = {name: at for at, name in enumerate(rows.classes)}
            meant = (true == place.get(cell[0], -2)) & (rows.chosen == place.get(cell[1], -2))
        places = np.flatnonzero(meant & (true >= 0))
        places = places[np.argsort(-cost[places], kind="stable")]
        chance = dict(zip(doubted["sample_id"], doubted["score"], strict=True))
        best = _best(rows.probabilities, places)
        found = []
        for at, classes in zip(places.tolist(), best, strict=True):
            sample_id = str(rows.sample_id[at])
            found.append(
                Wrong(
                    sample_id,
                    rows.classes[true[at]],
                    str(predicted[at]),
                    float(rows.confidence[at]),
                    float(cost[at]),
                    tuple((rows.classes[one], float(rows.probabilities[at, one])) for one in classes),
                    float(chance[sample_id]) if sample_id in chance else None,
                )
            )
        return found


def _best(probabilities: npt.NDArray[np.float32], rows: npt.NDArray[np.intp]) -> list[list[int]]:
    """The most probable classes of each of ``rows``, first first; some rows at a time, for they may be wide."""
    found: list[list[int]] = []
    for start in range(0, len(rows), _CHUNK):
        part = probabilities[rows[start : start + _CHUNK]]
        most = min(BEST, part.shape[1])
        places = np.argpartition(-part, most - 1, axis=1)[:, :most]
        chances = np.take_along_axis(part, places, axis=1)
        order = np.lexsort((places, -chances), axis=1)
        found += np.take_along_axis(places, order, axis=1).tolist()
    return found
