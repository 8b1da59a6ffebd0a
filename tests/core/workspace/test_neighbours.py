"""The neighbours of one sample, over real embeddings in a real workspace."""

import numpy as np
import pytest

from core.domain.errors import NotFound
from core.embedding.blocks import EmbeddingStore


def test_neighbours_are_the_nearest_with_their_labels(trained):
    workspace = trained
    frame = workspace.samples("shapes")
    embeddings, found = EmbeddingStore(workspace.paths.embeddings).load(frame["content_hash"].tolist())
    assert found.all()
    unit = embeddings / np.linalg.norm(embeddings, axis=1, keepdims=True)
    for place in (0, 30, len(frame) - 1):
        neighbours = workspace.neighbours.of("shapes", frame["sample_id"].iloc[place], k=4)
        cosines = unit @ unit[place]
        cosines[place] = -2
        best = np.argsort(-cosines)[:4]
        assert [one.sample_id for one in neighbours] == frame["sample_id"].iloc[best].tolist()
        assert [one.label for one in neighbours] == frame["label"].iloc[best].tolist()
        assert [one.distance for one in neighbours] == pytest.approx((1 - cosines[best]).tolist(), abs=1e-4)


def test_more_neighbours_than_samples_are_all_others_once(trained):
    frame = trained.samples("shapes")
    neighbours = trained.neighbours.of("shapes", frame["sample_id"].iloc[0], k=1000)
    assert {one.sample_id for one in neighbours} == set(frame["sample_id"].iloc[1:])


def test_an_unknown_sample_is_not_found(trained):
    with pytest.raises(NotFound, match="no sample"):
        trained.neighbours.of("shapes", "f" * 24)
