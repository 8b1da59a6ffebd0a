"""What more work brings, against simulations whose truth is known."""

import numpy as np
import pytest

from core.suspicion.learning import Curve, accuracy, corrections, corrections_by_class, more_images

SHARES = np.array([0.125, 0.25, 0.5, 1.0])


def simulated(random, *, level, power, each=200, classes=3):
    """Errors that fall as a power of the size; one hardness a sample, so that sizes agree as real ones do."""
    truth = np.repeat(np.arange(classes), each)
    hardness = random.random(len(truth))
    right = np.stack([hardness >= level * share**-power for share in SHARES])
    flips = random.random(right.shape) < 0.02
    return Curve(SHARES, right ^ flips, truth)


@pytest.mark.parametrize(("level", "power"), [(0.1, 0.5), (0.2, 0.3), (0.3, 0.1)])
def test_the_interval_holds_the_true_gain_of_more_images(level, power):
    random = np.random.default_rng(0)
    held = []
    for _ in range(40):
        gains = more_images(simulated(random, level=level, power=power), 3, more=60)
        rate = [level * share**-power + 0.02 * (1 - 2 * level * share**-power) for share in (1.0, 1 + 60 / 200)]
        held += [gain.low - 1e-3 <= rate[0] - rate[1] <= gain.high + 1e-3 for gain in gains]
    assert np.mean(held) >= 0.85


def test_a_flat_curve_promises_nothing_and_a_steep_one_something():
    random = np.random.default_rng(0)
    flat = more_images(simulated(random, level=0.2, power=0.0), 3)
    steep = more_images(simulated(random, level=0.2, power=0.5), 3)
    assert max(gain.expected for gain in flat) < 0.01
    assert min(gain.expected for gain in steep) > 0.005
    assert all(gain.low <= gain.expected <= gain.high for gain in [*flat, *steep])


def test_a_class_without_images_has_no_estimate():
    random = np.random.default_rng(0)
    assert more_images(simulated(random, level=0.2, power=0.3), 4)[3] is None


def test_accuracy_is_the_share_that_was_right():
    curve = Curve(np.array([0.5, 1.0]), np.array([[True, False], [True, True]]), np.array([0, 1]))
    assert accuracy(curve) == [0.5, 1.0]


def test_corrections_bring_their_share_of_what_errors_cost():
    random = np.random.default_rng(0)
    before, after = random.random(4000) > 0.10, np.ones(4000, dtype=bool)
    after[random.choice(4000, 200, replace=False)] = False
    chances = np.concatenate([np.ones(50), np.zeros(950)])  # fifty errors, surely
    gain = corrections(before, after, chances, np.ones(10))
    assert gain.expected == pytest.approx(0.05 * 10 / 50, abs=0.003)
    assert gain.low < gain.expected < gain.high


def test_corrections_are_told_by_class_and_a_class_without_a_change_keeps_an_interval():
    random = np.random.default_rng(0)
    truth = np.repeat([0, 1], 2000)
    before = np.where(truth == 0, random.random(4000) > 0.10, True)  # wrong labels cost the first class alone
    after = np.ones(4000, dtype=bool)
    chances = np.concatenate([np.ones(50), np.zeros(950)])
    first, second, third = corrections_by_class(before, after, truth, 3, chances, np.ones(10))
    assert first.expected == pytest.approx(0.10 * 10 / 50, abs=0.004)
    assert first.low < first.expected < first.high
    assert second.expected < first.low
    assert second.low <= second.expected < second.high
    assert third is None  # it has no image
    few = corrections_by_class(before[:5], before[:5], truth[:5], 1, chances, np.ones(10))[0]
    assert (few.expected, few.low, few.high) == (0, 0, 0)  # no label that is believed costs anything
    assert corrections_by_class(before, after, truth, 2, np.zeros(9), np.zeros(9))[0].high == 0


def test_the_interval_by_class_holds_what_the_corrections_bring():
    """Forty samples of one class among a thousand: ten of fifty wrong labels are corrected, again and again."""
    random = np.random.default_rng(1)
    truth = np.repeat([0, 1], [40, 960])
    chances, held = np.concatenate([np.ones(50), np.zeros(950)]), 0
    for _ in range(60):
        before = np.where(truth == 0, random.random(1000) > 0.15, random.random(1000) > 0.10)
        gain = corrections_by_class(before, np.ones(1000, dtype=bool), truth, 2, chances, np.ones(10))[0]
        held += gain.low <= 0.15 * 10 / 50 <= gain.high
    assert held >= 54


def test_without_errors_there_is_nothing_to_correct():
    right = np.ones(100, dtype=bool)
    gain = corrections(right, right, np.zeros(100), np.zeros(20))
    assert (gain.expected, gain.low, gain.high) == (0, 0, 0)
