"""Networks: their parameters to the digit, their weights, and that each trains, exports and predicts alike."""

import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from torchvision.models import VisionTransformer

from core.domain.errors import BadInput, MissingProgram, Offline
from core.domain.models import MODEL_INFO
from core.domain.recipes import PRESETS
from core.domain.runs import TrainOptions
from core.runs import predictions
from core.runs.atomic import read_json
from core.runs.worker import REFUSED, SUCCEEDED
from core.serving.predictor import Predictor
from core.training.__main__ import main
from core.training.models import build, parameters_of
from core.training.optimisers import parameter_groups
from core.training.weights import fill

NETWORKS = [info for info in MODEL_INFO.values() if info.name != "instant"]


@pytest.mark.parametrize("info", NETWORKS, ids=lambda info: info.name)
def test_parameters_at_the_default_size_and_two_classes(info, tmp_path):
    options = TrainOptions(model=info.name, image_size=info.size, weights="none")
    with torch.device("meta"):  # shapes alone
        assert parameters_of(build(options, 2, cache=tmp_path).module) == info.parameters


def test_the_published_networks_have_the_published_parameters(tmp_path):
    hobby = build(TrainOptions(model="hobby-cnn", image_size=256), 2, cache=tmp_path).module
    assert parameters_of(hobby) == 896 + 18_496 + 73_856 + 295_168 + 1_180_160 + 65_538 == 1_634_114
    assert hobby.fc.in_features == 32_768
    shared = build(TrainOptions(model="shared-cnn", image_size=224), 2, cache=tmp_path).module
    assert parameters_of(shared) == 1_792 + 128 + 295_424 + 1_024 + 2_359_808 + 1_024 + 9_218 == 2_668_418
    assert len(shared.state_dict()) == 23
    assert shared.fc.in_features == 4_608


def test_the_hobby_network_pools_before_its_relu(tmp_path):
    hobby = build(TrainOptions(model="hobby-cnn", image_size=32), 2, cache=tmp_path).module
    assert [type(module) for module in hobby.blocks[0]] == [nn.Conv2d, nn.MaxPool2d, nn.ReLU]


def test_the_shared_block_is_one_block_called_four_times(tmp_path):
    shared = build(TrainOptions(model="shared-cnn", image_size=64), 2, cache=tmp_path).module.eval()
    calls = []
    shared.shared.register_forward_hook(lambda module, given, out: calls.append(out.shape[-1]))
    shared(torch.zeros(1, 3, 224, 224))
    assert calls == [28, 14, 7, 3]


@pytest.mark.parametrize("one", [one for one in PRESETS if one.name != "quick"], ids=lambda one: one.name)
def test_presets_say_how_many_parameters_they_train(one, tmp_path):
    assert parameters_of(build(one.options, 2, cache=tmp_path).module) == one.parameters


def test_a_layer_table_becomes_its_layers(tmp_path):
    table = "conv 4 5x5 /2, pool, conv 8 plain, dropout 0.5, dense 6"
    network = build(TrainOptions(model="layer-cnn", image_size=18, layers=table), 2, cache=tmp_path).module
    # 18 px: stride 2 leaves 9, the pool 5; 3*4*25 weights and 8 of BatchNorm; 4*8*9 + 8; 8*25*6 + 6; 6*2 + 2
    assert parameters_of(network) == 300 + 8 + 296 + 1206 + 14
    assert network.eval()(torch.zeros(2, 3, 18, 18)).shape == (2, 2)


@pytest.mark.parametrize("name", ["hobby-cnn", "shared-cnn"])
def test_networks_with_a_flat_end_take_smaller_images_in_early_epochs(name, tmp_path):
    network = build(TrainOptions(model=name, image_size=128), 2, cache=tmp_path).module.eval()
    assert network(torch.zeros(2, 3, 64, 64)).shape == (2, 2)


CASES = {
    "cnn": {"image_size": 32},
    "cnn, single logit": {"model": "cnn", "image_size": 32, "head": "single-logit"},
    "cnn, averaged": {"model": "cnn", "image_size": 32, "ema": 0.9},
    "resnet18": {"image_size": 32},
    "resnet34": {"image_size": 32},
    "resnet50": {"image_size": 32},
    "efficientnet-lite0": {"image_size": 64, "fine_tuning": "two-phase", "head_epochs": 1, "epochs": 2},
    "efficientnet-b0": {"image_size": 64, "learning_rate": 1e-4},
    "vit-b-16": {"image_size": 32},
    "hobby-cnn": {"image_size": 64, "normalise": "none", "optimizer": "adam"},
    "shared-cnn": {"image_size": 64, "augmentation": "trivial", "normalise": "none"},
    "layer-cnn": {"image_size": 32, "layers": "conv 8, pool, conv 16, dropout 0.1, dense 8"},
    "block-resnet": {"image_size": 32, "blocks": 1, "optimizer": "sgd", "learning_rate": 0.01},
    "torchvision:shufflenet_v2_x0_5": {"image_size": 64},
    "timm:resnet10t": {"image_size": 64},
}


@pytest.mark.parametrize("case", CASES)
def test_every_network_trains_exports_and_predicts_as_it_did(make_run, shapes, tmp_path, case):
    """The served model, fed the files, says what the run's predictions say of them."""
    if case.startswith("timm:"):
        pytest.importorskip("timm")
    samples = shapes(tmp_path / "images", 4, classes=("disc", "square"))
    run = make_run(samples, **{"model": case, "epochs": 1, "batch_size": 4, **CASES[case]})
    assert main(run.folder) == SUCCEEDED, read_json(run.error)
    table = predictions.read(run.predictions)
    served = Predictor(run).predict([Path(path) for path in samples["filepath"]])
    assert np.isfinite(table.probabilities).all()
    np.testing.assert_allclose([one.probabilities for one in served], table.probabilities, atol=2e-3)
    np.testing.assert_allclose(table.probabilities.sum(axis=1), 1, atol=1e-5)


def test_a_single_logit_is_one_number_and_its_loss_the_binary_one(tmp_path):
    options = TrainOptions(model="hobby-cnn", image_size=32, head="single-logit")
    module = build(options, 2, cache=tmp_path).module.eval()
    images = torch.rand(4, 3, 32, 32)
    logits = module(images)
    assert module.fc.out_features == 1
    assert logits[:, 0].tolist() == [0, 0, 0, 0]
    target = torch.tensor([0, 1, 1, 0])
    binary = nn.functional.binary_cross_entropy_with_logits(logits[:, 1], target.float())
    assert nn.functional.cross_entropy(logits, target).item() == pytest.approx(binary.item(), abs=1e-6)
    with pytest.raises(BadInput, match="two classes apart, not 3"):
        build(options, 3, cache=tmp_path)


def test_the_bundled_network_comes_with_its_weights_and_another_head(tmp_path):
    options = TrainOptions(model="efficientnet-lite0", image_size=64)
    one, two = (build(options, 3, cache=tmp_path).module for _ in range(2))
    assert torch.equal(one._conv_stem.weight, two._conv_stem.weight)
    scratch = build(TrainOptions(model="efficientnet-lite0", image_size=64, weights="none"), 3, cache=tmp_path).module
    assert not torch.equal(one._conv_stem.weight, scratch._conv_stem.weight)
    assert one._fc.weight.shape == (3, 1280)


def test_a_head_learns_faster_than_the_body_and_each_stage_slower_than_the_next(tmp_path):
    weights = tmp_path / "w.pth"
    network = build(TrainOptions(model="resnet18", image_size=32), 2, cache=tmp_path)
    torch.save(network.module.state_dict(), weights)
    options = TrainOptions(model="resnet18", image_size=32, weights=str(weights), learning_rate=1.0, layer_decay=0.5)
    factors = [group["factor"] for group in parameter_groups(network, options)]
    assert factors == [0.5**n for n in range(len(factors) - 2, -1, -1)] + [10.0]
    assert sum(len(group["params"]) for group in parameter_groups(network, options)) == len(
        list(network.module.parameters())
    )
    plain = parameter_groups(network, TrainOptions(model="resnet18", image_size=32))
    assert [group["factor"] for group in plain] == [1.0, 1.0]


@pytest.mark.parametrize(
    ("name", "parameters", "head"),
    [
        ("efficientnet_b1", 6_515_746, "classifier.1."),
        ("mobilenet_v3_small", 1_519_906, "classifier.3."),
        (
            "vit_b_32",
            87_446_786,
            "heads.head.",
        ),  # 36 places instead of the 49 at 224 px: 13 x 768 less
        ("squeezenet1_1", 723_522, "classifier.1."),
        ("maxvit_t", 30_408_648, "classifier.5."),
    ],
)
def test_any_network_of_torchvision_by_its_name(name, parameters, head, tmp_path):
    size = 224 if name == "maxvit_t" else 192
    with torch.device("meta"):  # shapes alone
        network = build(TrainOptions(model=f"torchvision:{name}", image_size=size), 2, cache=tmp_path)
    assert (parameters_of(network.module), network.head) == (parameters, head)


@pytest.mark.parametrize(
    ("name", "size", "sentence"),
    [
        ("resnet_of_doom", 224, "torchvision knows no network 'resnet_of_doom'"),
        ("inception_v3", 224, "more than one last layer"),
        ("fasterrcnn_resnet50_fpn", 224, "knows no network"),
        ("maxvit_t", 100, "does not take images of 100 px"),
        ("vit_b_32", 100, "does not take images of 100 px"),
    ],
)
def test_what_torchvision_cannot_give_is_told(name, size, sentence, tmp_path):
    with pytest.raises(BadInput, match=sentence):
        build(TrainOptions(model=f"torchvision:{name}", image_size=size), 2, cache=tmp_path)


def test_a_transformers_weights_fit_images_of_another_size():
    small, large = (
        VisionTransformer(size, 16, num_layers=1, num_heads=2, hidden_dim=8, mlp_dim=8, num_classes=2)
        for size in (64, 96)
    )
    fill(large, small.state_dict(), "small", head="heads.head.")
    ours, theirs = large.encoder.pos_embedding, small.encoder.pos_embedding
    assert ours.shape == (1, 37, 8)
    assert torch.equal(ours[:, 0], theirs[:, 0])  # the token of the class has no place
    torch.testing.assert_close(ours[0, 1], theirs[0, 1], atol=0.02, rtol=0)  # corners lie where they lay
    torch.testing.assert_close(ours[0, -1], theirs[0, -1], atol=0.02, rtol=0)
    moved = theirs.detach() + 1
    fill(small, small.state_dict() | {"encoder.pos_embedding": moved}, "same size", head="heads.head.")
    assert torch.equal(small.encoder.pos_embedding, moved)


def test_timm_that_is_not_installed_is_told(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "timm", None)
    with pytest.raises(MissingProgram, match=r"labelloop\[timm\]"):
        build(TrainOptions(model="timm:resnet10t"), 2, cache=tmp_path)


def test_a_name_that_timm_does_not_know_is_told(tmp_path):
    pytest.importorskip("timm")
    with pytest.raises(BadInput, match="knows no network 'resnet_of_doom'"):
        build(TrainOptions(model="timm:resnet_of_doom"), 2, cache=tmp_path)


def test_timm_weights_offline_are_told(monkeypatch, tmp_path):
    timm = pytest.importorskip("timm")
    create = timm.create_model

    def offline(name, pretrained=False, **kwargs):
        if pretrained:
            raise ConnectionError("no route to host")
        return create(name, pretrained=False, **kwargs)

    monkeypatch.setattr(timm, "create_model", offline)
    with pytest.raises(Offline, match="no route to host"):
        build(TrainOptions(model="timm:resnet10t", weights="download"), 2, cache=tmp_path)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"device": "cuda:7"}, "sees no GPU 'cuda:7'"),
        ({"precision": "fp16", "device": "cpu"}, "cannot train with fp16"),
        ({"head": "single-logit"}, "two classes apart, not 3"),
        ({"weights": "/nowhere/w.safetensors"}, "no weights file"),
    ],
)
def test_what_this_machine_cannot_do_is_told_before_anything_is_decoded(make_run, shapes, tmp_path, options, sentence):
    run = make_run(shapes(tmp_path / "images", 4), model="cnn", image_size=32, epochs=1, **options)
    assert main(run.folder) == REFUSED
    assert sentence in read_json(run.error)["sentence"]
    assert not (run.workspace.cache / "pixels").exists()
