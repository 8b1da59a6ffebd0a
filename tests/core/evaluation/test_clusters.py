"""Errors of three looks fall into groups of one look each, named by what they share."""

import numpy as np

from core.evaluation.clusters import clusters


def test_groups_are_of_one_look_and_named_by_it():
    random = np.random.default_rng(0)
    looks = np.repeat([0, 1, 2], [16, 12, 8])
    embeddings = (np.eye(3, 16)[looks] * 4 + random.normal(0, 0.2, (36, 16))).astype(np.float32)
    cells = [("dog", "cat") if look < 2 else ("cat", "dog") for look in looks]
    light = ["dark" if look == 1 else "bright" for look in looks]
    found = clusters(embeddings, cells, {"light": light, "nothing": [None] * 36}, most=3)
    assert [set(looks[one.rows]) for one in found] == [{0}, {1}, {2}]
    assert found[1].name == "dog → cat, light dark"
    assert found[2].name.startswith("cat → dog")
    assert sorted(np.concatenate([one.rows for one in found])) == list(range(36))


def test_no_errors_and_one_error():
    assert clusters(np.zeros((0, 4), dtype=np.float32), [], {}) == []
    (only,) = clusters(np.ones((1, 4), dtype=np.float32), [("a", "b")], {"x": ["y"]})
    assert (only.name, only.rows.tolist()) == ("a → b", [0])
