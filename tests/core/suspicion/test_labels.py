"""Suspicious labels where the truth is known: found, with chances that mean what they say."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.suspicion.estimates import calibration_error
from core.suspicion.labels import Neighbourhood, judge, judge_unseen, other_than
from core.training.head import assign_folds
from core.training.soft_targets import SoftFolds


def world(*, each=120, classes=4, apart=1.5, seed=0, dimensions=24):
    """Overlapping clouds, one a class."""
    random = np.random.default_rng(seed)
    truth = np.repeat(np.arange(classes), each)
    centres = random.normal(size=(classes, dimensions)) * apart
    return (centres[truth] + random.normal(size=(len(truth), dimensions)) * 1.6).astype(np.float32), truth


def spoiled(truth, share, *, pair=False, seed=0):
    random = np.random.default_rng(seed + 100)
    labels, classes = truth.copy(), truth.max() + 1
    wrong = random.choice(len(truth), round(share * len(truth)), replace=False)
    labels[wrong] = (truth[wrong] + (1 if pair else random.integers(1, classes, len(wrong)))) % classes
    return labels


def models(x, labels, seed=0):
    fold = assign_folds(labels, [str(row) for row in range(len(x))], seed=seed)
    return SoftFolds(x, fold, 0.3)


def precision(chance, wrong):
    first = np.argsort(-chance, kind="stable")[: wrong.sum()]
    return wrong[first].mean()


@pytest.mark.parametrize("pair", [False, True], ids=["any class", "by pair"])
@pytest.mark.parametrize("share", [0.05, 0.2])
def test_wrong_labels_come_first_and_more_of_them_than_by_plain_confidence(share, pair):
    better = []
    for seed in range(4):
        x, truth = world(seed=seed)
        labels = spoiled(truth, share, pair=pair, seed=seed)
        wrong = labels != truth
        folds = models(x, labels)
        judged = judge(labels, 4, folds.scores)
        plain = 1 - folds.scores(np.eye(4, dtype=np.float32)[labels])[np.arange(len(x)), labels]
        better.append(precision(judged.chance, wrong) - precision(plain, wrong))
        assert precision(judged.chance, wrong) > 0.75
    assert np.mean(better) >= 0


@pytest.mark.parametrize("share", [0.05, 0.1, 0.2])
def test_the_chances_mean_what_they_say(share):
    chances, wrongs = [], []
    for seed in range(6):
        x, truth = world(seed=seed, apart=1.0)
        labels = spoiled(truth, share, seed=seed)
        chances.append(judge(labels, 4, models(x, labels).scores).chance)
        wrongs.append(labels != truth)
    chance, wrong = np.concatenate(chances), np.concatenate(wrongs)
    assert calibration_error(chance, wrong) < 0.03
    assert 0.6 < chance.sum() / wrong.sum() < 1.5


def test_nothing_is_claimed_of_clean_labels():
    claimed = []
    for seed in range(4):
        x, truth = world(seed=seed)
        claimed.append(judge(truth, 4, models(x, truth).scores).chance.sum())
    assert np.mean(claimed) < 5  # of 480


def test_noise_between_two_classes_is_seen_as_such():
    x, truth = world(each=150, classes=2, apart=1.2)
    labels = truth.copy()
    wrong = np.random.default_rng(1).choice(150, 60, replace=False)  # of class 0 alone
    labels[wrong] = 1
    judged = judge(labels, 2, models(x, labels).scores)
    assert judged.by_pair
    assert judged.noise[0, 1] == pytest.approx(0.4, abs=0.12)
    assert judged.noise[1, 0] < 0.05


def test_what_a_person_confirmed_is_not_doubted_and_teaches():
    x, truth = world()
    labels = spoiled(truth, 0.1)
    trusted = labels != truth  # confirmed against all appearance
    judged = judge(labels, 4, models(x, labels).scores, trusted=trusted)
    assert (judged.chance[trusted] == 0).all()
    assert (judged.belief[trusted].argmax(axis=1) == labels[trusted]).all()


def test_all_labels_confirmed_leaves_nothing_to_judge():
    x, truth = world(each=20)
    assert not judge(truth, 4, models(x, truth).scores, trusted=np.ones(len(truth), dtype=bool)).chance.any()


def test_labels_that_models_were_not_fitted_to_are_judged_under_the_same_noise():
    x, truth = world(each=200)
    labels = spoiled(truth, 0.1)
    train = np.arange(len(x)) % 4 != 0
    folds = models(x[train], labels[train])
    judged = judge(labels[train], 4, folds.scores)
    unseen = judge_unseen(judged, labels[~train], folds.unseen(judged.belief, x[~train]))
    wrong = (labels != truth)[~train]
    assert precision(unseen.chance, wrong) > 0.7
    assert calibration_error(unseen.chance, wrong) < 0.06


def test_the_suggestion_is_the_true_class_mostly():
    x, truth = world()
    labels = spoiled(truth, 0.1)
    judged = judge(labels, 4, models(x, labels).scores)
    found = (labels != truth) & (judged.chance > 0.5)
    assert (judged.suggestions(labels)[found] == truth[found]).mean() > 0.9


def test_votes_are_the_shares_of_the_neighbours_beliefs():
    belief = np.array([[1, 0], [0, 1], [0.5, 0.5]], dtype=np.float32)
    near = Neighbourhood(np.array([[1, 2], [0, 2], [0, 1]]), np.full((3, 2), 0.5, dtype=np.float32))
    shares = np.exp(near.votes(belief, np.array([0.5, 0.5], dtype=np.float32)))
    assert shares[0] == pytest.approx([0.95 * 0.25 + 0.025, 0.95 * 0.75 + 0.025], abs=1e-5)


@settings(max_examples=25, deadline=None)
@given(count=st.integers(4, 60), classes=st.integers(1, 6), share=st.floats(0, 0.9), seed=st.integers(0, 99))
def test_whatever_the_labels_chances_are_chances(count, classes, share, seed):
    random = np.random.default_rng(seed)
    labels = random.integers(0, classes, count)
    x = random.normal(size=(count, 8)).astype(np.float32)
    trusted = random.random(count) < share
    judged = judge(labels, classes, models(x, labels, seed).scores, trusted=trusted)
    assert ((judged.chance >= 0) & (judged.chance <= 1)).all()
    assert judged.belief.sum(axis=1) == pytest.approx(np.ones(count), abs=1e-4)
    assert judged.noise.sum(axis=1) == pytest.approx(np.ones(classes), abs=1e-4)
    if classes > 1:
        assert (other_than(judged.belief, labels) != labels).all()
