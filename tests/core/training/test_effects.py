"""What fields of a recipe do to a step, against arithmetic by hand on a network that is small enough for it."""

import copy

import numpy as np
import pytest
import torch
from torch import nn

from core.domain.runs import TrainOptions
from core.runs.layout import RunPaths
from core.runs.worker import Progress
from core.training.batches import Examples
from core.training.devices import make_fabric
from core.training.models import Network
from core.training.team import form
from core.training.trainer import Trainer

SIDE, IMAGES, RATE = 4, 12, 0.1
TARGET = np.array([0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 2])
PIXELS = np.random.default_rng(3).integers(0, 256, (IMAGES, SIDE, SIDE, 3), dtype=np.uint8)


class Tiny(nn.Module):
    """One convolution with statistics, and a head."""

    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(3, 4, 3, bias=False), nn.BatchNorm2d(4), nn.ReLU())
        self.fc = nn.Linear(4, 3)
        self.seen = []

    def forward(self, images):
        self.seen.append(images.detach().clone())
        return self.fc(self.body(images).mean(dim=(2, 3)))


@pytest.fixture
def make(tmp_path):
    """``make(mixup=0.2)``: a trainer of a tiny network, the same each time, and the network."""

    def made(**changes):
        plain = {"model": "cnn", "image_size": 16, "batch_size": IMAGES, "optimizer": "sgd", "momentum": 0.0}
        plain |= {"weight_decay": 0.0, "label_smoothing": 0.0, "augmentation": "none", "precision": "fp32"}
        options = TrainOptions(**{**plain, "device": "cpu", "warm_up": 0.0, "schedule": "constant", **changes})
        torch.manual_seed(0)
        module = Tiny()
        network = Network(module, mean=(0.0,) * 3, std=(1.0,) * 3)
        rows = np.arange(IMAGES)
        examples = Examples(
            batch=lambda part: torch.from_numpy(PIXELS[part]),
            side=SIDE,
            target=TARGET,
            train=rows,
            val=rows[:0],
            classes=3,
            mean=network.mean,
            std=network.std,
        )
        folder = tmp_path / "runs" / "run-1"
        folder.mkdir(parents=True, exist_ok=True)
        fabric = make_fabric(options)
        return Trainer(network, examples, options, fabric, Progress(RunPaths(folder)), form(fabric.device)), module

    return made


def step(trainer, rate=RATE):
    """One step on all images; its loss."""
    rows = np.arange(IMAGES)
    return float(trainer.step(rows, torch.from_numpy(PIXELS), SIDE, rate)[0])


def weights_of(module):
    return {name: value.detach().clone() for name, value in module.named_parameters()}


def logs_before(module, images=None):
    """Logarithms of the probabilities that the next step will see."""
    other = copy.deepcopy(module).train()
    images = torch.from_numpy(PIXELS).permute(0, 3, 1, 2) / 255 if images is None else images
    return other(images).log_softmax(dim=1).detach()


def moved(module, before):
    return {name: value - before[name] for name, value in weights_of(module).items()}


def one_step(make, **changes):
    """The weights before one step, and by how much it moved each."""
    trainer, module = make(**changes)
    before = weights_of(module)
    step(trainer)
    return before, moved(module, before)


@pytest.mark.parametrize("smoothing", [0.0, 0.3])
def test_label_smoothing_shares_out_a_part_of_the_label(make, smoothing):
    trainer, module = make(label_smoothing=smoothing)
    logs = logs_before(module)
    own = -logs[torch.arange(IMAGES), torch.from_numpy(TARGET)]
    expected = ((1 - smoothing) * own - smoothing * logs.mean(dim=1)).mean()
    assert step(trainer) == pytest.approx(float(expected), rel=1e-5)


def test_class_weights_let_every_class_weigh_the_same_in_the_loss(make):
    trainer, module = make(balance="weights")
    own = -logs_before(module)[torch.arange(IMAGES), torch.from_numpy(TARGET)]
    expected = np.mean([float(own[torch.from_numpy(label == TARGET)].mean()) for label in range(3)])
    assert step(trainer) == pytest.approx(expected, rel=1e-5)


def test_mixup_blends_each_image_with_another_and_the_loss_alike(make):
    trainer, module = make(mixup=0.4, seed=5)
    before, plain = copy.deepcopy(module), torch.from_numpy(PIXELS).permute(0, 3, 1, 2) / 255
    loss = step(trainer)
    mixed = module.seen[0]
    own = []
    for first, image in enumerate(mixed):  # which other image, and how much of it
        pairs = []
        for second in range(IMAGES):
            way = plain[second] - plain[first]
            share = float(((image - plain[first]) * way).sum() / max(float((way**2).sum()), 1e-9))
            off = float((plain[first] + share * way - image).abs().max())
            pairs.append((off, first, second, share))
        own.append(min(pairs))
    assert max(off for off, *_ in own) < 1e-5
    shares = [share for _, first, second, share in own if first != second]
    assert shares == pytest.approx([shares[0]] * len(shares), abs=1e-4)
    assert 0 < shares[0] < 1
    partner = torch.tensor([second for _, _, second, _ in own])
    logs, target = logs_before(before, mixed), torch.from_numpy(TARGET)
    losses = [-logs[torch.arange(IMAGES), one].mean() for one in (target, target[partner])]
    assert loss == pytest.approx(float((1 - shares[0]) * losses[0] + shares[0] * losses[1]), rel=1e-4)


def test_a_gradient_is_cut_to_its_limit_and_a_short_one_is_not(make):
    def length(**changes):
        return float(sum((one**2).sum() for one in one_step(make, **changes)[1].values()) ** 0.5) / RATE

    free = length()
    for limit, expected in ((free / 3, free / 3), (free * 3, free)):
        assert length(clip=limit) == pytest.approx(expected, rel=1e-3)


def test_weight_decay_pulls_every_weight_back_by_its_share(make):
    before, free = one_step(make, weight_decay=0.0)
    _, pulled = one_step(make, weight_decay=0.5)
    for name, value in before.items():
        assert torch.allclose(pulled[name] - free[name], -RATE * 0.5 * value, atol=1e-6)


def test_adamw_decays_apart_from_the_gradient(make):
    before, free = one_step(make, weight_decay=0.0, optimizer="adamw")
    _, pulled = one_step(make, weight_decay=0.5, optimizer="adamw")
    for name, value in before.items():
        assert torch.allclose(pulled[name] - free[name], -RATE * 0.5 * value, atol=1e-5)


def test_momentum_looks_ahead_by_its_share_of_the_step(make):
    before, still = one_step(make, momentum=0.0)
    _, carried = one_step(make, momentum=0.8)
    for name in before:
        assert torch.allclose(carried[name], 1.8 * still[name], atol=1e-6)


def test_averaged_weights_follow_quickly_at_first_and_then_by_their_share(make):
    trainer, module = make(ema=0.15)
    expected = weights_of(module)
    for decay in (0.1, 0.15, 0.15):  # 1/10, then 2/11 and 3/12 would be more than is allowed
        step(trainer)
        now = weights_of(module)
        expected = {name: decay * value + (1 - decay) * now[name] for name, value in expected.items()}
    for name, value in weights_of(trainer.judged).items():
        assert torch.allclose(value, expected[name], atol=1e-6)
    assert trainer.judged is not module
    assert make()[0].judged.fc.weight.shape == module.fc.weight.shape


def test_in_the_first_of_two_phases_the_body_does_not_move_nor_do_its_statistics(make):
    trainer, module = make(weights="/of/another/run.safetensors", fine_tuning="two-phase", head_epochs=1, epochs=2)
    before = {name: value.clone() for name, value in module.state_dict().items()}
    trainer.epoch(SIDE)
    for name, value in module.state_dict().items():
        assert torch.equal(value, before[name]) is not name.startswith("fc."), name
    trainer.end_epoch()
    trainer.epoch(SIDE)
    still = [name for name, value in module.state_dict().items() if torch.equal(value, before[name])]
    assert still == []


def test_the_rate_of_the_head_is_the_body_s_times_its_factor(make):
    trainer, module = make(weights="/of/another/run.safetensors", head_factor=4.0)
    plain, same = make()
    first, second = weights_of(module), weights_of(same)
    step(trainer)
    step(plain)
    for name, value in moved(module, first).items():
        factor = 4.0 if name.startswith("fc.") else 1.0
        assert torch.allclose(value, factor * moved(same, second)[name], atol=1e-6), name
