"""Which epoch is kept and when it is enough, on series made by hand."""

from itertools import pairwise

import numpy as np
import pytest
import torch

from core.domain.runs import TrainOptions
from core.training.augment import Augmentation, amounts_of
from core.training.choosing import Choice, Figures
from core.training.rate_finder import steepest
from core.training.sampling import class_weights, epoch_order
from core.training.schedule import Plateau, factor_at, phase_of, side_at


def kept(accuracies, losses=None, *, sides=None, **options):
    """The epoch kept, and the one after which early stopping ends the run (None: never)."""
    options = TrainOptions(model="cnn", **options)
    losses = losses or [1 - value for value in accuracies]
    sides = sides or [128] * len(accuracies)
    choice = Choice()
    for epoch, (accuracy, loss, side) in enumerate(zip(accuracies, losses, sides, strict=True), start=1):
        choice.see(epoch, Figures(loss, accuracy), options, side=side, full=side == 128)
        if choice.enough(options):
            return choice.epoch, epoch
    return choice.epoch, None


def test_the_highest_accuracy_is_kept_and_of_equals_the_lowest_loss_then_the_earliest():
    assert kept([0.5, 0.7, 0.6]) == (2, None)
    assert kept([0.5, 0.7, 0.7], [0.9, 0.5, 0.4]) == (3, None)
    assert kept([0.7, 0.7, 0.7], [0.4, 0.5, 0.4]) == (1, None)


def test_by_loss_the_lowest_is_kept():
    assert kept([0.9, 0.5, 0.7], [0.5, 0.3, 0.4], monitor="loss") == (2, None)


def test_an_epoch_at_the_full_size_beats_any_at_a_smaller_one():
    assert kept([0.9, 0.8, 0.6, 0.7], sides=[64, 96, 128, 128]) == (4, None)


def test_early_stopping_waits_for_its_patience():
    assert kept([0.5, 0.6, 0.6, 0.6, 0.6], patience=2) == (2, 4)
    assert kept([0.5, 0.6, 0.6, 0.7, 0.6, 0.6], patience=2) == (4, 6)
    assert kept([0.5, 0.4, 0.3], patience=0) == (1, None)


def test_an_improvement_within_the_tolerance_is_kept_but_does_not_count():
    assert kept([0.50, 0.505, 0.509, 0.512], tolerance=0.01, patience=2) == (3, 3)
    assert kept([0.50, 0.52, 0.54, 0.56], tolerance=0.01, patience=2) == (4, None)


def test_epochs_on_small_images_do_not_use_up_the_patience():
    assert kept([0.5, 0.4, 0.4, 0.3], sides=[64, 64, 64, 128], patience=2) == (4, None)


def test_a_plateau_lowers_the_rate_after_its_patience():
    options = TrainOptions(model="cnn", schedule="plateau", plateau_patience=1, step_factor=0.5)
    plateau, factors = Plateau(), []
    for loss in (1.0, 0.9, 0.95, 0.95, 0.8, 0.9, 0.9):
        plateau.see(loss, options)
        factors.append(plateau.factor)
    assert factors == [1, 1, 1, 0.5, 0.5, 0.5, 0.25]


def test_schedules():
    step = TrainOptions(model="cnn", epochs=9, schedule="step", warm_up=0.0)
    assert [factor_at(step, epoch, 0.5) for epoch in range(1, 10)] == pytest.approx([1] * 3 + [0.1] * 3 + [0.01] * 3)
    every = TrainOptions(model="cnn", epochs=4, schedule="step", step_epochs=1, step_factor=0.5, warm_up=0.0)
    assert [factor_at(every, epoch, 0.9) for epoch in range(1, 5)] == [1, 0.5, 0.25, 0.125]
    constant = TrainOptions(model="cnn", epochs=4, schedule="constant", warm_up=0.25)
    assert factor_at(constant, 1, 0.0) == pytest.approx(0.05)
    assert factor_at(constant, 1, 0.5) == pytest.approx(0.525)
    assert [factor_at(constant, epoch, 0.0) for epoch in (2, 3, 4)] == [1, 1, 1]
    plateau = TrainOptions(model="cnn", epochs=4, schedule="plateau", warm_up=0.0)
    assert factor_at(plateau, 2, 0.3, plateau=0.25) == 0.25


def test_two_phases_each_warm_up_and_fall():
    options = TrainOptions(model="efficientnet-lite0", epochs=6, fine_tuning="two-phase", head_epochs=2)
    assert [phase_of(epoch, options).frozen for epoch in range(1, 7)] == [True, True] + [False] * 4
    assert factor_at(options, 1, 0.0) == factor_at(options, 3, 0.0) == pytest.approx(0.05)
    assert factor_at(options, 2, 1.0) == factor_at(options, 6, 1.0) == pytest.approx(0.01)
    falls = [factor_at(options, 3 + n // 10, n % 10 / 10) for n in range(8, 40)]
    assert all(later < earlier for earlier, later in pairwise(falls))
    scratch = TrainOptions(model="cnn", fine_tuning="two-phase")
    assert not phase_of(1, scratch).frozen  # nothing is known that could be kept
    head = TrainOptions(model="efficientnet-lite0", fine_tuning="head", epochs=5)
    assert phase_of(5, head).frozen


def test_sides_come_in_steps_that_the_network_takes():
    assert [side_at(epoch, 10, 224, multiple=32) for epoch in (1, 8, 10)] == [128, 192, 224]
    assert [side_at(epoch, 10, 224, multiple=0) for epoch in (1, 8, 10)] == [224, 224, 224]


def test_balanced_sampling_shows_each_class_as_often_and_repeats_itself():
    target = np.array([0] * 90 + [1] * 10)
    rows = np.arange(100)
    order = epoch_order(rows, target, seed=1, epoch=1, balanced=True)
    assert len(order) == 100
    assert 35 <= (target[order] == 1).sum() <= 65
    assert (order == epoch_order(rows, target, seed=1, epoch=1, balanced=True)).all()
    assert (order != epoch_order(rows, target, seed=1, epoch=2, balanced=True)).any()
    plain = epoch_order(rows, target, seed=1, epoch=1, balanced=False)
    assert sorted(plain.tolist()) == rows.tolist()


def test_class_weights_by_hand():
    """9, 3 and 0 of 12 images: each class that is there weighs 6 in sum."""
    target = np.array([0] * 9 + [1] * 3)
    assert class_weights(np.arange(12), target, 3).tolist() == pytest.approx([6 / 9, 6 / 3, 0])


def test_the_rate_where_the_loss_falls_fastest():
    rates = np.geomspace(1e-6, 1, 61).tolist()
    losses = [1.0 if rate < 1e-4 else 0.4 if rate < 1e-2 else 0.4 + 50 * (rate - 1e-2) for rate in rates]
    assert 1e-4 <= steepest(rates, losses) <= 1e-3
    assert steepest(rates, [1.0 + rate for rate in rates]) is None
    assert steepest(rates[:3], [3.0, 2.0, 1.0]) is None


@pytest.mark.parametrize("kind", ["light", "standard", "strong", "trivial", "custom"])
def test_augmentation_varies_each_image_and_stays_within_its_range(kind):
    options = TrainOptions(model="cnn", augmentation=kind, rotation=30, erase=0.3, flip_vertical=True)
    images = torch.rand(1, 3, 24, 24).repeat(6, 1, 1, 1)
    torch.manual_seed(0)
    varied = Augmentation(options).vary(images, torch.Generator().manual_seed(0))
    assert varied.shape == images.shape
    assert varied.min() >= 0
    assert varied.max() <= 1
    assert len({tuple(one.flatten().tolist()) for one in varied}) > 3


def test_no_augmentation_changes_nothing():
    images = torch.rand(2, 3, 8, 8)
    options = TrainOptions(model="cnn", augmentation="none")
    assert amounts_of(options) is None
    assert torch.equal(Augmentation(options).vary(images, torch.Generator()), images)


def test_a_custom_augmentation_of_nothing_but_flips_only_flips():
    nothing = {"rotation": 0, "shift": 0, "zoom": 0, "colour": 0, "erase": 0}
    options = TrainOptions(model="cnn", augmentation="custom", flip=True, flip_vertical=True, **nothing)
    images = torch.rand(1, 3, 8, 8).repeat(32, 1, 1, 1)
    varied = Augmentation(options).vary(images, torch.Generator().manual_seed(0))
    ways = [images[0], images[0].flip(-1), images[0].flip(-2), images[0].flip(-1, -2)]
    seen = {next(n for n, way in enumerate(ways) if torch.allclose(one, way, atol=1e-5)) for one in varied}
    assert seen == {0, 1, 2, 3}
