"""Counts with intervals, and what decisions teach, against simulations whose truth is known."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.suspicion.estimates import DOUBT, calibration_error, errors_left, hits, learned_shift, shifted


@pytest.mark.parametrize("mean", [0.004, 0.05, 0.2])
def test_the_interval_holds_the_true_number_nineteen_times_in_twenty(mean):
    random = np.random.default_rng(0)
    held = []
    for _ in range(400):
        chances = np.clip(random.beta(0.5, 0.5 / mean - 0.5, 300), 0, 1)
        off = random.gamma(1 / DOUBT**2, DOUBT**2)  # the chances as a whole are off by as much as they have been found
        actual = (random.random(300) < np.clip(chances * off, 0, 1)).sum()
        count = errors_left(chances)
        held.append(count.low <= actual <= count.high)
    assert np.mean(held) >= 0.93


def test_nothing_suspicious_is_nearly_nothing_left():
    count = errors_left(np.zeros(1000))
    assert (count.expected, count.low) == (0, 0)
    assert count.high <= 3
    assert errors_left(np.empty(0)).high == 0


@given(st.lists(st.floats(0, 1), max_size=60))
def test_a_count_never_leaves_its_bounds(chances):
    count = errors_left(np.array(chances))
    assert 0 <= count.low <= count.high <= len(chances)


def test_decisions_move_the_chances_to_what_was_found():
    random = np.random.default_rng(0)
    said = random.uniform(0.3, 0.95, 400)
    truth = shifted(said, -1.2)  # the judge was too sure
    wrong = random.random(400) < truth
    shift = learned_shift(said, wrong)
    assert shift == pytest.approx(-1.2, abs=0.3)
    assert calibration_error(shifted(said, shift), wrong) < calibration_error(said, wrong)


def test_few_decisions_move_little_and_none_move_nothing():
    assert learned_shift(np.empty(0), np.empty(0, dtype=bool)) == 0
    assert -1.5 < learned_shift(np.array([0.9, 0.9]), np.array([False, False])) < 0


@given(st.lists(st.floats(0, 1), min_size=2, max_size=30), st.floats(-4, 4))
def test_a_shift_keeps_the_order(chances, shift):
    before = np.array(chances)
    after = shifted(before, shift)
    assert ((after >= 0) & (after <= 1)).all()
    assert (np.diff(after[np.argsort(before)]) >= -1e-9).all()


def test_calibration_error_by_hand():
    chances = np.array([0.05, 0.05, 0.95, 0.95])
    assert calibration_error(chances, np.array([False, False, True, False])) == pytest.approx(0.5 * 0.05 + 0.5 * 0.45)


def test_hits_among_the_surest_are_nearly_all_and_among_the_rest_few():
    sure, unsure = hits(np.full(20, 0.97)), hits(np.full(20, 0.03))
    assert (sure.low >= 15, sure.high, unsure.low, unsure.high <= 5) == (True, 20, 0, True)
    assert hits(np.empty(0)).high == 0
