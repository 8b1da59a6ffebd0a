"""Areas under curves equal scikit-learn's, and their intervals hold the truth as often as they say."""

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from core.evaluation import areas as measuring
from core.evaluation.areas import Areas, areas, of_class


def test_equal_to_scikit_learn_with_ties_and_classes_without_samples():
    random = np.random.default_rng(0)
    for _ in range(100):
        size = int(random.integers(2, 5))
        true = random.integers(0, size, int(random.integers(3, 50)))
        rows = np.round(random.dirichlet(np.ones(size), len(true)), 1).astype(np.float32)
        found, there = areas(rows, true), []
        for place in range(size):
            own = true == place
            if not own.any() or own.all():
                assert found.roc_auc[place] is None
                assert found.average_precision[place] is None
                continue
            there.append((roc_auc_score(own, rows[:, place]), average_precision_score(own, rows[:, place])))
            assert found.roc_auc[place].value == pytest.approx(there[-1][0])
            assert found.average_precision[place].value == pytest.approx(there[-1][1])
            assert of_class(rows[:, place], own) == (found.roc_auc[place], found.average_precision[place])
        if there:
            means = (found.macro_roc_auc.value, found.macro_average_precision.value)
            assert means == pytest.approx(np.mean(there, axis=0))
        else:
            assert found.macro_roc_auc is None


def test_rows_without_a_label_are_left_out_and_perfection_is_not_certain():
    rows = np.array([[0.9, 0.1]] * 20 + [[0.2, 0.8]] * 20 + [[0.5, 0.5]], dtype=np.float32)
    found = areas(rows, np.array([0] * 20 + [1] * 20 + [-1]))
    assert found.macro_roc_auc.value == found.macro_average_precision.value == 1
    assert 0.85 < found.macro_roc_auc.low < 0.98
    assert found.macro_roc_auc.high == 1


@pytest.mark.parametrize(("samples", "share", "shift"), [(100, 0.5, 1.0), (200, 0.3, 1.5), (300, 0.2, 2.0)])
def test_the_intervals_cover(samples, share, shift):
    random = np.random.default_rng(3)

    def draw(count):
        own = random.random(count) < share
        return random.normal(size=count) + shift * own, own

    score, own = draw(200_000)
    truth = roc_auc_score(own, score), average_precision_score(own, score)
    inside = np.zeros(2)
    for _ in range(600):
        found = of_class(*draw(samples))
        inside += [one.low <= true <= one.high for one, true in zip(found, truth, strict=True)]
    assert ((inside / 600 > 0.92) & (inside / 600 < 0.985)).all(), inside / 600


def test_beyond_so_many_probabilities_there_are_none(monkeypatch):
    true = np.array([0, 1, 0, 1])
    chances = np.array([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4], [0.7, 0.3]], dtype=np.float32)
    assert areas(chances, true).macro_roc_auc is not None
    monkeypatch.setattr(measuring, "MOST", 7)
    assert areas(chances, true) == Areas((None, None), (None, None), None, None)
