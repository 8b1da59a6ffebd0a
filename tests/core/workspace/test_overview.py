"""The map through the workspace: a job that lays out what is embedded, excluded images left out."""

import numpy as np
import pytest

from core.domain.decisions import Decision
from core.embedding.backbone import WIDTH
from core.embedding.blocks import EmbeddingStore


@pytest.fixture
def workspace(in_memory, new_samples):
    """Dataset "zoo" of 24 images; the embeddings of two kinds of pictures for the first 20."""
    info, samples = in_memory.store.create("zoo", ["cat", "dog"]), new_samples(*["cat", "dog"] * 12)
    in_memory.store.insert(info.id, samples)
    random = np.random.default_rng(4)
    kinds = random.normal(0, 1, (2, WIDTH))
    vectors = np.stack([kinds[at % 2] + random.normal(0, 0.1, WIDTH) for at in range(20)])
    known = [sample.content_hash for sample in samples[:20]]
    EmbeddingStore(in_memory.paths.embeddings).add(known, vectors.astype(np.float16))
    return in_memory


def test_the_map_is_made_in_a_job_and_knows_its_samples(workspace):
    left_out = workspace.samples("zoo")["sample_id"].iat[3]
    workspace.decide("zoo", [Decision(left_out, "exclude", "dog", "dog", "t")], source="grid")
    assert workspace.overview.map("zoo") is None
    name = workspace.overview.start_map("zoo")
    assert workspace.overview.start_map("zoo") == name  # a map that is being made is not made twice
    job = workspace.wait(name, timeout=120)
    assert job.state == "succeeded", f"{job.error} {workspace.log_tail(name)}"
    assert workspace.report(name) == {"mapped": 19, "missing": 4}

    points = workspace.overview.map("zoo")
    ids = workspace.samples("zoo")["sample_id"].tolist()
    assert set(points["sample_id"]) == set(ids[:20]) - {left_out}
    assert workspace.overview.colours_by("zoo", points, "label", None) == points["label"].tolist()
    places = points.set_index("label")[["x", "y"]]
    cats, dogs = places.loc["cat"].to_numpy(), places.loc["dog"].to_numpy()
    apart = np.linalg.norm(cats.mean(axis=0) - dogs.mean(axis=0))
    spread = max(np.linalg.norm(part - part.mean(axis=0), axis=1).mean() for part in (cats, dogs))
    assert apart > spread  # similar pictures lie close together


def test_a_map_of_nothing_embedded_says_what_to_wait_for(workspace):
    (workspace.paths.embeddings).rename(workspace.paths.root / "away")
    job = workspace.wait(workspace.overview.start_map("zoo"), timeout=120)
    assert (job.state, job.error) == (
        "failed",
        "A map needs at least four embedded images; wait until the images are embedded.",
    )
