"""The closed-form head: the right solution, honest probabilities, folds that do not leak."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import cross_val_predict

from core.training.head import PENALTIES, _Gram, _Kernel, assign_folds, fit, log_loss, softmax


def blobs(each, classes, *, width=24, apart=1.6, seed=0):
    random = np.random.default_rng(seed)
    centres = random.normal(size=(classes, width)) * apart / np.sqrt(width) * 3
    target = np.repeat(np.arange(classes), each)
    return (centres[target] + random.normal(size=(len(target), width))).astype(np.float32), target


def names(count):
    return [str(number) for number in range(count)]


def test_both_solvers_find_the_ridge_solution_that_scikit_learn_finds():
    x, target = blobs(10, 3)
    y = np.eye(3, dtype=np.float32)[target]
    fold = assign_folds(target, names(30), seed=0)
    centred = x - x.mean(axis=0)
    penalty = 0.3
    alpha = penalty * (centred**2).sum() / x.shape[1]
    expected = Ridge(alpha=alpha).fit(x, y)
    for solver in (_Gram(x, y, fold), _Kernel(x, y, fold)):
        weight, bias = solver.all(penalty)
        np.testing.assert_allclose(weight, expected.coef_.T, atol=2e-4)
        np.testing.assert_allclose(bias, expected.intercept_, atol=2e-4)


@pytest.mark.parametrize("solver", [_Gram, _Kernel])
def test_held_out_scores_come_from_a_fit_without_the_fold(solver):
    x, target = blobs(10, 3)
    y = np.eye(3, dtype=np.float32)[target]
    fold = assign_folds(target, names(30), seed=0)
    rest = fold != 1
    alpha = 1.0 * ((x[rest] - x[rest].mean(axis=0)) ** 2).sum() / x.shape[1]
    expected = Ridge(alpha=alpha).fit(x[rest], y[rest]).predict(x[~rest])
    np.testing.assert_allclose(solver(x, y, fold).held_out(1, 1.0), expected, atol=2e-4)


def test_as_accurate_as_logistic_regression_fold_by_fold():
    x, target = blobs(150, 4)
    ours = fit(x, target, 4, groups=names(len(x))).out_of_fold
    theirs = cross_val_predict(LogisticRegression(max_iter=500), x, target, cv=5, method="predict_proba")
    assert (theirs.argmax(1) == target).mean() > 0.7  # the task is neither trivial nor hopeless
    assert (ours.argmax(1) == target).mean() > (theirs.argmax(1) == target).mean() - 0.02
    assert log_loss(ours, target) < log_loss(theirs.astype(np.float32), target) + 0.05


def test_shuffled_labels_cannot_be_predicted_out_of_fold():
    """With more dimensions than samples a fit on the sample itself would score 1.0: the control for leaks."""
    random = np.random.default_rng(3)
    x = random.normal(size=(120, 300)).astype(np.float32)
    target = random.integers(0, 2, 120)
    fitted = fit(x, target, 2, groups=names(120))
    assert (fitted.head.probabilities(x).argmax(1) == target).mean() > 0.95
    assert 0.3 < (fitted.out_of_fold.argmax(1) == target).mean() < 0.7


def test_duplicates_of_a_sample_do_not_vouch_for_it():
    """Each image is there twice, with noise for content: were its twin in the fit, it would be predicted perfectly."""
    random = np.random.default_rng(4)
    once = random.normal(size=(60, 300)).astype(np.float32)
    x, target = np.repeat(once, 2, axis=0), np.repeat(random.integers(0, 2, 60), 2)
    groups = np.repeat(np.array(names(60), dtype=object), 2).tolist()
    assert (fit(x, target, 2, groups=names(120)).out_of_fold.argmax(1) == target).mean() > 0.85
    assert (fit(x, target, 2, groups=groups).out_of_fold.argmax(1) == target).mean() < 0.7


def test_folds_are_stratified_and_keep_groups_together():
    target = np.array([0] * 40 + [1] * 10 + [2])
    groups = ["twin" if number in (3, 7, 44) else str(number) for number in range(51)]
    fold = assign_folds(target, groups, seed=5)
    assert len({fold[3], fold[7], fold[44]}) == 1
    assert fold.max() == 4
    for held in range(5):
        assert 6 <= (target[fold == held] == 0).sum() <= 10
        assert 1 <= (target[fold == held] == 1).sum() <= 3
    assert (fold == assign_folds(target, groups, seed=5)).all()
    assert (fold != assign_folds(target, groups, seed=6)).any()


def test_no_more_folds_than_groups():
    assert assign_folds(np.array([0, 0, 1, 1]), ["a", "a", "b", "c"], seed=0).max() == 2


def test_a_class_of_one_sample_is_fitted_and_honestly_unlikely_out_of_fold():
    x, target = blobs(20, 2)
    x = np.concatenate([x, np.full((1, x.shape[1]), 3, np.float32)])
    fitted = fit(x, np.append(target, 2), 3, groups=names(41))
    assert fitted.head.probabilities(x)[-1].argmax() == 2
    assert fitted.out_of_fold[-1, 2] < 0.2
    assert np.isfinite(fitted.out_of_fold).all()


def test_a_class_without_samples_is_next_to_impossible():
    x, target = blobs(20, 2)
    fitted = fit(x, target, 4, groups=names(40))
    assert fitted.out_of_fold.shape == (40, 4)
    assert fitted.out_of_fold[:, 2:].max() < 1e-6
    assert fitted.head.probabilities(x)[:, 2:].max() < 1e-6


def test_identical_images_under_two_labels_leave_it_undecided():
    fitted = fit(np.ones((8, 5), np.float32), np.array([0, 1] * 4), 2, groups=names(8))
    np.testing.assert_allclose(fitted.head.probabilities(np.ones((1, 5), np.float32)), [[0.5, 0.5]], atol=0.05)


def test_a_handful_of_samples_is_not_declared_certain():
    x, target = blobs(2, 2, apart=20)
    assert 0.5 < fit(x, target, 2, groups=names(4)).head.probabilities(x).max() < 0.9999


def test_the_same_arguments_give_the_same_fit():
    x, target = blobs(30, 3)
    one, two = (fit(x.copy(), target, 3, groups=names(90), seed=2) for _ in range(2))
    assert (one.head.weight == two.head.weight).all()
    assert (one.out_of_fold == two.out_of_fold).all()
    assert one.penalty in PENALTIES


def test_softmax_of_large_logits_is_finite():
    rows = softmax(np.array([[1000, 0], [-1000, -1001]], dtype=np.float32))
    np.testing.assert_allclose(rows.sum(axis=1), 1, atol=1e-6)
    np.testing.assert_allclose(rows[1, 0], 1 / (1 + np.exp(-1)), atol=1e-6)
