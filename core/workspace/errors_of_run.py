"""Everything that is known of a run's errors: how sure it was, groups by look, what other runs said, suspicion."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from core.domain.errors import NotFound
from core.domain.samples import Split
from core.evaluation.clusters import Cluster, clusters
from core.evaluation.scores import losses
from core.workspace.fields import fields

if TYPE_CHECKING:
    from core.workspace.facade import Workspace


@dataclass(frozen=True, slots=True)
class Wrong:
    """One error. ``loss`` is its log loss; ``suspicion`` the chance that its label is wrong, where one is known."""

    sample_id: str
    label: str
    predicted: str
    confidence: float
    loss: float
    probabilities: tuple[float, ...]
    suspicion: float | None


class Errors:
    """The errors of a workspace's runs."""

    def __init__(self, workspace: "Workspace") -> None:
        self._workspace = workspace

    def of(self, run: str, split: Split | None, *, cell: tuple[str, str] | None = None) -> list[Wrong]:
        """The run's errors on one split (all where ``None``) under the labels of now, most surprising (highest loss)
        first; of one cell (label, prediction) where it is given, which may also be right.
        """
        rows, labels = self._workspace.understanding.judged(run, split, labels="now")
        dataset = self._workspace.run(run).dataset
        doubted = self._workspace.review.findings(dataset, "suspicious")
        chance = dict(zip(doubted["sample_id"], doubted["score"], strict=True))
        cost, predicted, confidence = losses(rows, labels), rows.predicted.tolist(), rows.confidence
        found = []
        for at in np.argsort(-np.nan_to_num(cost, nan=-1.0), kind="stable").tolist():
            label = labels[at]
            if label is None or np.isnan(cost[at]):
                continue
            if (label, predicted[at]) != cell if cell is not None else label == predicted[at]:
                continue
            sample_id = str(rows.sample_id[at])
            found.append(
                Wrong(
                    sample_id,
                    label,
                    predicted[at],
                    float(confidence[at]),
                    float(cost[at]),
                    tuple(rows.probabilities[at].tolist()),
                    float(chance[sample_id]) if sample_id in chance else None,
                )
            )
        return found

    def clusters(self, run: str, wrong: list[Wrong]) -> list[Cluster]:
        """Groups of ``wrong`` by look; empty where their pictures are not embedded. Rows are positions in ``wrong``."""
        from core.embedding.blocks import EmbeddingStore  # brings ONNX Runtime along, which other pages do without

        dataset = self._workspace.run(run).dataset
        frame = self._workspace.samples(dataset)
        content = dict(zip(frame["sample_id"], frame["content_hash"], strict=True))
        known = [at for at, one in enumerate(wrong) if one.sample_id in content]
        store = EmbeddingStore(self._workspace.paths.embeddings)
        embeddings, there = store.load([content[wrong[at].sample_id] for at in known])
        rows = np.array(known, dtype=np.intp)[there]
        if not len(rows):
            return []
        table = fields(self._workspace, dataset).reindex([wrong[at].sample_id for at in rows])
        values = {
            name: [value if isinstance(value, str) else None for value in table[name].tolist()]
            for name in table.columns
            if name not in ("reviewed", "imported from")
        }
        cells = [(wrong[at].label, wrong[at].predicted) for at in rows]
        found = clusters(embeddings[there], cells, values)
        return [Cluster(one.name, rows[one.rows]) for one in found]

    def history(self, dataset: str, sample_id: str, *, newest: int = 8) -> list[tuple[str, str, float]]:
        """What the dataset's newest finished runs said of one sample: (run, class, confidence), newest first."""
        found = []
        for view in [view for view in self._workspace.runs(dataset) if view.state == "succeeded"][:newest]:
            try:
                said = self._workspace.answers(view.name)
            except NotFound:
                continue
            at = np.flatnonzero(said.sample_id == sample_id)
            if len(at):
                found.append((view.name, said.classes[said.chosen[at[0]]], float(said.confidence[at[0]])))
        return found
