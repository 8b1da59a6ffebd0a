"""Neighbours: exact against a plain product, whatever the vectors."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.neighbours import nearest as nearest_module
from core.neighbours import pairs as pairs_module
from core.neighbours.nearest import among, nearest
from core.neighbours.pairs import pairs_above
from core.neighbours.vectors import Vectors, compress, scaled


def clustered(count, dimensions=40, *, spread=0.3, seed=0):
    random = np.random.default_rng(seed)
    centres = np.abs(random.normal(size=(max(1, count // 6), dimensions)))
    chosen = centres[random.integers(0, len(centres), count)]
    return (chosen + spread * random.normal(size=(count, dimensions))).astype(np.float32)


def cosines(x):
    unit = x / np.linalg.norm(x, axis=1, keepdims=True)
    return unit @ unit.T


@settings(max_examples=30, deadline=None)
@given(count=st.integers(2, 120), spread=st.floats(0.001, 2), threshold=st.floats(0.1, 0.999), seed=st.integers(0, 99))
def test_the_pairs_are_those_of_the_plain_product(count, spread, threshold, seed):
    x = clustered(count, dimensions=150, spread=spread, seed=seed)
    whole = cosines(x)
    found = pairs_above(Vectors.of(x), threshold)
    surely = {(i, j) for i, j in zip(*np.where(np.triu(whole, 1) >= threshold + 1e-5), strict=True)}
    perhaps = {(i, j) for i, j in zip(*np.where(np.triu(whole, 1) >= threshold - 1e-5), strict=True)}
    pairs = set(zip(found.left.tolist(), found.right.tolist(), strict=True))
    assert surely <= pairs <= perhaps
    assert (np.diff(found.similarity) <= 0).all()
    assert found.similarity == pytest.approx(whole[found.left, found.right], abs=1e-5)


def test_tiles_and_candidate_chunks_change_nothing(monkeypatch):
    x = clustered(300, spread=0.2)
    once = pairs_above(Vectors.of(x), 0.9)
    monkeypatch.setattr(pairs_module, "_TILE", 37)
    monkeypatch.setattr(pairs_module, "_TOGETHER", 5)
    monkeypatch.setattr(pairs_module, "_MANY", 2.0)
    again = pairs_above(Vectors.of(x), 0.9)
    assert len(once) > 100
    assert (again.left == once.left).all()
    assert (again.right == once.right).all()


def test_past_the_limit_the_most_alike_stay_and_the_threshold_says_so():
    x = clustered(300, spread=0.2)
    everything = pairs_above(Vectors.of(x), 0.5)
    some = pairs_above(Vectors.of(x), 0.5, limit=50)
    assert len(some) == 50
    assert some.similarity == pytest.approx(everything.similarity[:50], abs=1e-6)
    assert some.threshold == pytest.approx(float(everything.similarity[49]), abs=1e-6)
    assert everything.threshold == 0.5


def test_copies_are_found_as_one_and_unknown_vectors_as_nothing():
    x = clustered(20)
    x[7], x[3], x[11] = x[2], 0, 0
    found = pairs_above(Vectors.of(x), 0.9999)
    assert (2, 7) in set(zip(found.left.tolist(), found.right.tolist(), strict=True))
    assert not {3, 11} & {*found.left.tolist(), *found.right.tolist()}


def test_the_bound_never_lies_below_the_cosine():
    x = clustered(200, dimensions=60)
    bounding = compress(Vectors.of(x), 8).bounding
    assert (bounding @ bounding.T >= cosines(x) - 1e-5).all()


@settings(max_examples=25, deadline=None)
@given(count=st.integers(1, 60), k=st.integers(1, 12), seed=st.integers(0, 99))
def test_the_nearest_are_those_of_the_plain_product(count, k, seed):
    x = clustered(count, seed=seed)
    whole = cosines(x)
    np.fill_diagonal(whole, -3)
    found = among(Vectors.of(x), k)
    assert found.rows.shape == (count, k)
    there = min(k, count - 1)
    assert (found.rows[:, there:] == -1).all()
    best = np.sort(whole, axis=1)[:, ::-1][:, :there]
    assert found.similarity[:, :there] == pytest.approx(best, abs=1e-5)
    assert (found.rows[:, :there] != np.arange(count)[:, None]).all()


def test_chunked_reading_finds_the_same(monkeypatch):
    x = clustered(200)
    whole = nearest(Vectors.of(x), x[:30], 7)
    small = Vectors(200, lambda rows: x[rows])
    monkeypatch.setattr(Vectors, "chunks", lambda self, size=13: chunks_of(self, 13))
    monkeypatch.setattr(nearest_module, "_QUERIES", 4)
    again = nearest(small, x[:30], 7)
    assert (again.rows == whole.rows).all()


chunks_of = Vectors.chunks


def test_a_query_finds_itself_unless_left_out():
    x = clustered(50)
    assert nearest(Vectors.of(x), x[4:5], 1).rows[0, 0] == 4
    assert nearest(Vectors.of(x), x[4:5], 1, without=np.array([4])).rows[0, 0] != 4


def test_a_shortlist_finds_nearly_all_of_the_nearest(monkeypatch):
    x = clustered(400, dimensions=300, spread=0.4)
    exact = among(Vectors.of(x), 5)
    monkeypatch.setattr(nearest_module, "EXACT_UP_TO", 100)
    short = among(Vectors.of(x), 5)
    shared = np.mean([len(set(a) & set(b)) for a, b in zip(exact.rows.tolist(), short.rows.tolist(), strict=True)])
    assert shared > 4.5


def test_vectors_that_are_not_finite_become_zeros():
    x = np.array([[1, 2], [np.nan, 1], [np.inf, 1], [0, 0]], dtype=np.float32)
    assert np.isfinite(scaled(x)).all()
    assert (scaled(x)[1:] == 0).all()
