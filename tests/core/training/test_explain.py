"""Heat maps: equal to the closed form where there is one, on the subject where it is known, for transformers too."""

import io
import json
import subprocess
import sys

import numpy as np
import pytest
import torch
import torchvision
from PIL import Image
from torch import nn

from core.training import explain
from core.training.convnets import SmallCNN


def test_equals_the_class_activation_map_of_an_averaged_network():
    torch.manual_seed(0)
    network = SmallCNN(3, image_size=64).eval()
    images = torch.randn(2, 3, 64, 64)
    heat, chosen = explain.grad_cam(network, images)
    with torch.inference_mode():
        features = network.stages(network.stem(images))
        cam = torch.einsum("nchw,nc->nhw", features, network.fc.weight[chosen]).clamp(min=0).numpy()
    top = cam.max(axis=(1, 2), keepdims=True)
    assert np.allclose(heat, cam / np.maximum(top, 1e-12), atol=1e-4)


def test_finds_the_place_that_decides():
    class Spot(nn.Module):
        def __init__(self):
            super().__init__()
            self.look = nn.Conv2d(3, 2, 1, bias=False)
            nn.init.zeros_(self.look.weight)
            self.look.weight.data[1, 0] = 1.0  # the second class is red

        def forward(self, images):
            return self.look(images).mean(dim=(2, 3))

    images = torch.zeros(1, 3, 8, 8)
    images[0, 0, 2, 5] = 1.0
    heat, chosen = explain.grad_cam(Spot().eval(), images)
    assert chosen.tolist() == [1]
    assert np.unravel_index(heat[0].argmax(), heat[0].shape) == (2, 5)
    assert heat[0].sum() == pytest.approx(1.0)


def test_transformers_have_tokens_for_places():
    torch.manual_seed(0)
    network = torchvision.models.VisionTransformer(
        image_size=32, patch_size=8, num_layers=2, num_heads=2, hidden_dim=16, mlp_dim=32, num_classes=3
    ).eval()
    nn.init.normal_(network.heads.head.weight)
    heat, _ = explain.grad_cam(network, torch.randn(2, 3, 32, 32))
    assert heat.shape == (2, 4, 4)
    assert heat.max() <= 1.0


def test_a_network_without_places_says_so():
    with pytest.raises(ValueError, match="keeps places apart"):
        explain.grad_cam(nn.Sequential(nn.Flatten(), nn.Linear(12, 2)).eval(), torch.randn(1, 3, 2, 2))


def test_overlay_colours_only_where_it_is_hot():
    pixels = np.full((16, 16, 3), 128, dtype=np.uint8)
    heat = np.zeros((4, 4), dtype=np.float32)
    heat[0, 0] = 1.0
    shown = np.asarray(Image.open(io.BytesIO(explain.overlay(pixels, heat, width=64, height=32))).convert("RGB"))
    assert shown.shape == (32, 64, 3)
    assert np.abs(shown[-4:, -4:].astype(int) - 128).max() < 12
    assert np.abs(shown[2, 4].astype(int) - 128).max() > 40


@pytest.mark.slow
@pytest.mark.parametrize("model", ["instant", "cnn"])
def test_the_worker_writes_a_picture_for_each_image_that_can_be_read(make_run, shapes, tmp_path, model):
    samples = shapes(tmp_path / "images", 8)
    options = {"model": "instant"} if model == "instant" else {"model": "cnn", "epochs": 1, "image_size": 48}
    run = make_run(samples, **options)
    command = [sys.executable, "-m", "core.training"]
    subprocess.run([*command, str(run.folder)], check=True, capture_output=True, timeout=200)
    request = tmp_path / "request.json"
    todo = [*samples[["sample_id", "filepath"]].head(3).to_numpy().tolist(), ["gone", str(tmp_path / "no.png")]]
    request.write_text(json.dumps({"out": str(tmp_path / "out"), "samples": todo}))
    subprocess.run([*command[:2], "core.training.explain", str(run.folder), str(request)], check=True, timeout=200)
    written = sorted(path.stem for path in (tmp_path / "out").glob("*.jpg"))
    assert written == sorted(sample_id for sample_id, _ in todo[:3])
    with Image.open(tmp_path / "out" / f"{written[0]}.jpg") as picture:
        assert max(picture.size) == 256


@pytest.mark.slow
def test_a_worker_that_fails_leaves_the_reason(make_run, shapes, tmp_path, monkeypatch):
    monkeypatch.delattr(explain.os, "nice")  # it is this process here
    samples = shapes(tmp_path / "images", 2)
    run = make_run(samples, model="instant")
    run.model_card.write_text(json.dumps({"input": "embedding", "backbone": "something-else"}))
    request, out = tmp_path / "request.json", tmp_path / "out"
    out.mkdir()
    request.write_text(json.dumps({"out": str(out), "samples": [["a", str(samples["filepath"][0])]]}))
    with pytest.raises(ValueError, match="another backbone"):
        explain.main([str(run.folder), str(request)])
    assert json.loads((out / explain.ERROR).read_text())["sentence"] == (
        f"{run.name[:1].upper()}{run.name[1:]} was trained on another backbone."
    )
