"""What imports do for honest splits: what shows the same shares a split."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import pandas as pd

from core.checks.dataset import origins_of
from core.checks.kinds import BY_KEY
from core.domain.generation import Generation
from core.images import alike
from core.runs import measurements
from core.snapshots.groups import group

if TYPE_CHECKING:
    from core.workspace.facade import Workspace


class Honesty:
    """The wish ``together`` of an import into the dataset ``name`` (core.ingest.importer.Wishes)."""

    def __init__(self, workspace: "Workspace", name: str) -> None:
        self._workspace = workspace
        self._name = name

    def together(
        self, existing: pd.DataFrame, new: Sequence[tuple[str, Generation | None]]
    ) -> tuple[list[str], list[str]]:
        """A group for each row of ``existing`` and each new (content hash, generation).

        Copies, pictures whose perceptual hashes agree, and images of one seed and prompt are together. Crops need
        embeddings, which come later: the check after the import finds those.
        """
        before = existing["content_hash"].tolist()
        contents = [*before, *(content for content, _ in new)]
        distinct = list(dict.fromkeys(contents))
        found = alike.pairs(measurements.read(self._workspace.paths, distinct)[0])
        near = alike.likeness(found.bits) >= float(BY_KEY["near-duplicate"].threshold or 1)
        links = [
            (distinct[left], distinct[right])
            for left, right in zip(found.left[near].tolist(), found.right[near].tolist(), strict=True)
        ]
        made = origins_of((str(place), made) for place, (_, made) in enumerate(new) if made is not None)
        known: Mapping[str, str] = {}
        if made and len(existing):
            known = origins_of(self._workspace.store.generations(self._workspace.dataset(self._name).id))
        origins = [*(known.get(i) for i in existing["sample_id"]), *(made.get(str(place)) for place in range(len(new)))]
        groups = group(contents, links, origins).of
        return groups[: len(before)], groups[len(before) :]
