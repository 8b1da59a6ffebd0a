import io

import pytest
from PIL import Image

from core.images.reading import UnreadableImage
from dashboard import pictures


@pytest.mark.parametrize(
    ("kind", "media"),
    [("JPEG", "image/jpeg"), ("PNG", "image/png"), ("WEBP", "image/webp"), ("GIF", "image/gif"), ("BMP", "image/bmp")],
)
def test_a_file_that_browsers_know_goes_out_as_it_is(tmp_path, kind, media):
    path = tmp_path / "misleading.txt"
    Image.new("RGB", (8, 8), (1, 2, 3)).save(path, kind)
    data = pictures.showable(str(path))
    assert data == path.read_bytes()
    assert pictures.type_of(data) == media


def test_a_tiff_is_made_a_jpeg(tmp_path):
    path = tmp_path / "scan.tif"
    Image.new("RGB", (30, 20), (10, 200, 30)).save(path)
    data = pictures.showable(str(path))
    assert pictures.type_of(data) == "image/jpeg"
    assert Image.open(io.BytesIO(data)).size == (30, 20)


@pytest.mark.parametrize(
    "content",
    [b"<svg xmlns='http://www.w3.org/2000/svg'><script/></svg>", b"<html>", b"BM but not really", b"", b"GIF89a"],
)
def test_what_is_no_image_is_not_shown(tmp_path, content):
    path = tmp_path / "picture.png"
    path.write_bytes(content)
    with pytest.raises(UnreadableImage):
        pictures.showable(str(path))


def test_script_never_has_a_type_that_runs():
    for content in (b"<svg onload=alert(1)>", b"<!doctype html>", b"%PDF-1.4"):
        assert pictures.type_of(content) == "application/octet-stream"


def test_the_placeholder_is_a_picture():
    assert Image.open(io.BytesIO(pictures.placeholder("the file is gone"))).size == (256, 256)
