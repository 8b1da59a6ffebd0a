"""Calibration by hand and by simulation; curves equal to scikit-learn's."""

import numpy as np
import pytest
from sklearn import metrics as sk

from core.evaluation import calibration, thresholds
from core.evaluation.intervals import wilson
from core.runs import calibration as files
from core.runs.layout import RunPaths


def softmax(logits):
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return (powers / powers.sum(axis=1, keepdims=True)).astype(np.float32)


def test_ece_by_hand():
    # two bins: sure 0.9 and right 1 of 2, sure 0.6 and right 2 of 2
    found = calibration.reliability([0.9, 0.9, 0.6, 0.6], [True, False, True, True], bins=10)
    assert found.ece.value == pytest.approx(0.5 * 0.4 + 0.5 * 0.4)
    assert found.confidence.tolist() == pytest.approx([0.6, 0.9])
    assert found.accuracy.tolist() == [1.0, 0.5]
    assert (found.low[1], found.high[1]) == pytest.approx(wilson(1, 2))
    assert found.ece.low <= found.ece.value <= found.ece.high


def test_ece_equals_its_definition_on_random_answers():
    """Guo et al. 2017, equations 2 to 5, as written: bins ((m - 1) / M, m / M], gaps weighted by the bin's size."""
    random = np.random.default_rng(8)
    for samples in (1, 7, 400):
        sure, right = random.random(samples).astype(np.float32), random.random(samples) < 0.7
        expected = 0.0
        for m in range(1, 16):
            members = [i for i in range(samples) if (m - 1) / 15 < sure[i] <= m / 15]
            if members:
                accuracy = sum(bool(right[i]) for i in members) / len(members)
                confidence = sum(float(sure[i]) for i in members) / len(members)
                expected += len(members) / samples * abs(accuracy - confidence)
        assert calibration.reliability(sure, right).ece.value == pytest.approx(expected)


def test_ece_at_the_ends_and_without_samples():
    assert calibration.reliability([0.0, 1.0, 1.0], [False, True, True]).ece.value == 0
    assert calibration.reliability([], []).ece.high == 1.0


@pytest.mark.parametrize("gap", [0.0, 0.03, 0.1])
def test_ece_interval_covers(gap):
    """Simulated, 93 to 97 of 100; the simulation's own error is a point."""
    random = np.random.default_rng(4)
    inside = 0
    for _ in range(300):
        sure = 0.55 + 0.45 * random.beta(3, 1.2, 1000)
        ece = calibration.reliability(sure, random.random(1000) < sure - gap).ece
        inside += ece.low <= gap <= ece.high
    assert 0.92 <= inside / 300 <= 0.98


@pytest.mark.parametrize("gap", [lambda sure: 0.1 + 0 * sure, lambda sure: 0.4 * (sure - 0.5)], ids=["even", "growing"])
def test_ece_interval_covers_where_confidences_are_spread(gap):
    """As above, the gap in all bins alike, or of one sign above and another below a half."""
    random = np.random.default_rng(0)
    inside, true = 0, float(np.abs(gap(np.linspace(0.3, 0.95, 100_001))).mean())
    for _ in range(400):
        sure = random.uniform(0.3, 0.95, 1000)
        ece = calibration.reliability(sure, random.random(1000) < sure - gap(sure)).ece
        inside += ece.low <= true <= ece.high
    assert 0.93 <= inside / 400 <= 0.975


def test_temperature_is_found_again():
    random = np.random.default_rng(0)
    honest = softmax(random.normal(size=(20_000, 5)) * 1.5)
    label = (honest.cumsum(axis=1) > random.random((len(honest), 1))).argmax(axis=1)
    loud = softmax(np.log(honest) * 2.5)
    temperature, before, after = calibration.fit_temperature(loud, label)
    assert temperature == pytest.approx(2.5, rel=0.05)
    assert after == pytest.approx(sk.log_loss(label, honest.astype(float), labels=range(5)), abs=0.01)
    assert before > after
    soft = files.softened(loud, temperature)
    assert np.allclose(soft.sum(axis=1), 1, atol=1e-5)
    assert (soft.argmax(axis=1) == loud.argmax(axis=1)).all()


def test_probabilities_of_0_and_1_can_be_softened():
    certain = np.eye(3, dtype=np.float32)
    assert np.isfinite(files.softened(certain, 3.0)).all()
    assert np.isfinite(calibration.fit_temperature(certain, np.array([0, 1, 0]))).all()


def test_rows_without_a_label_are_left_out_and_confidence_is_that_of_softened():
    random = np.random.default_rng(2)
    rows, label = softmax(random.normal(size=(3000, 4))), random.integers(0, 4, 3000)
    known = np.flatnonzero(random.random(3000) < 0.9)
    some = np.full(3000, -1)
    some[known] = label[known]
    assert calibration.fit_temperature(rows, some) == calibration.fit_temperature(rows[known], label[known])
    sure = calibration.calibrated(rows, 1.7, known)
    assert (sure == files.softened(rows, 1.7)[known].max(axis=1)).all()
    assert len(calibration.calibrated(rows, 1.7, known[:0])) == 0


def test_coverage_by_hand():
    curve = calibration.coverage([0.9, 0.8, 0.8, 0.5], [True, True, False, False])
    assert curve.threshold.tolist() == [0.9, 0.8, 0.5]
    assert (curve.covered.tolist(), curve.right.tolist()) == ([1, 3, 4], [1, 2, 2])
    assert curve.at(0.8) == (3, 2)
    assert curve.at(0.85) == (1, 1)
    assert curve.at(0.95) == (0, 0)
    assert curve.at(0) == (4, 2)


def test_the_threshold_for_an_accuracy_is_sure_of_it():
    random = np.random.default_rng(0)
    sure = random.random(4000)
    curve = calibration.coverage(sure, random.random(4000) < sure)
    at = calibration.threshold_for(curve, 0.9)
    covered, right = curve.at(at)
    assert wilson(right, covered)[0] >= 0.9
    assert 0.75 < at < 0.9
    assert calibration.threshold_for(calibration.coverage([0.9, 0.9], [True, True]), 0.99) is None


def test_kept_with_the_run(tmp_path):
    run = RunPaths(tmp_path)
    assert files.read(run) == files.Calibration()
    kept = files.Calibration(1.7, 0.6, "val", 80, 0.5, 0.4)
    files.write(run, kept)
    assert files.read(run) == kept
    run.calibration.write_text('{"temperature": -1}')
    assert files.read(run) == files.Calibration()
    run.calibration.write_text('{"temperature": "hot"}')
    assert files.read(run) == files.Calibration()


@pytest.mark.parametrize("seed", range(8))
def test_curves_equal_scikit_learn(seed):
    random = np.random.default_rng(seed)
    own = random.random(120) < 0.3
    score = np.round(random.random(120) * 0.6 + own * 0.3, seed % 4 + 1)  # with ties
    found = thresholds.curves(score, own)
    assert found.auc == pytest.approx(sk.roc_auc_score(own, score))
    assert found.average_precision == pytest.approx(sk.average_precision_score(own, score))
    false, true, at = sk.roc_curve(own, score, drop_intermediate=False)
    assert np.allclose(found.threshold, at[1:])
    assert np.allclose(found.true_positive / own.sum(), true[1:])
    assert np.allclose(found.false_positive / (~own).sum(), false[1:])


def test_curves_of_one_kind_have_no_area():
    assert thresholds.curves([0.2, 0.3], [True, True]).auc is None
    assert thresholds.curves([0.2, 0.3], [False, False]).average_precision is None
    assert thresholds.curves([], []).positives == 0


def test_costs_by_hand():
    probabilities = np.array([[0.6, 0.4], [0.9, 0.1]], dtype=np.float32)
    assert thresholds.cheapest(probabilities, 1.0 - np.eye(2)).tolist() == [0, 0]
    costs = np.array([[0.0, 1.0], [5.0, 0.0]])  # to miss the second class costs five
    assert thresholds.cheapest(probabilities, costs).tolist() == [1, 0]  # 0.6 * 1 < 0.4 * 5; 0.9 > 0.5
    assert thresholds.total_cost(np.array([[3, 2], [1, 4]]), costs) == 7.0


@pytest.mark.parametrize("told", [0, 3, 380])
def test_the_cheapest_class_of_many_is_that_of_the_whole_product(told):
    random = np.random.default_rng(told)
    probabilities = random.dirichlet(np.full(20, 0.3), 500).astype(np.float32)
    costs = 1.0 - np.eye(20)
    places = random.permutation(np.argwhere(costs > 0))[:told]
    costs[tuple(places.T)] = random.uniform(0, 9, told)
    whole = probabilities.astype(np.float64) @ costs
    assert thresholds.cheapest(probabilities, costs).tolist() == whole.argmin(axis=1).tolist()
