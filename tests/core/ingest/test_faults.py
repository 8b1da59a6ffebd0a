"""One folder with every kind of file that people have, good, strange and bad: each comes in right or is one line."""

import io
import os
import struct

import numpy as np
import pytest
from PIL import Image

from core.images import thumbnails
from core.images.reading import mime_type, open_image

RED, BLUE = (200, 30, 40), (20, 40, 210)


def _bytes(image, form, **options):
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()


def _turned():
    image = Image.new("RGB", (90, 30), RED)
    exif = image.getexif()
    exif[274] = 6
    return _bytes(image, "JPEG", exif=exif)


def _sixteen_bits(form):
    return _bytes(Image.fromarray(np.full((30, 40), 0x8000, dtype=np.uint16)), form)


def _animation():
    first, second = Image.new("RGB", (40, 30), RED), Image.new("RGB", (40, 30), BLUE)
    return _bytes(first, "GIF", save_all=True, append_images=[second], duration=50)


def _see_through():
    image = Image.new("RGBA", (40, 30), (*RED, 255))
    image.paste((*BLUE, 0), (0, 0, 20, 30))
    return _bytes(image, "PNG")


def _palette():
    image = Image.new("RGB", (40, 30), RED)
    return _bytes(image.convert("P", palette=Image.Palette.ADAPTIVE), "PNG")


NOISE = _bytes(Image.effect_noise((64, 48), 60).convert("RGB"), "JPEG")
PLAIN = _bytes(Image.new("RGB", (40, 30), RED), "JPEG", quality=95)

# name -> bytes, size upright, type by content, (place, colour) that the thumbnail shows there
GOOD = {
    "plain.jpg": (PLAIN, (40, 30), "image/jpeg", ((20, 15), RED)),
    "cmyk.jpg": (
        _bytes(Image.new("RGB", (40, 30), RED).convert("CMYK"), "JPEG", quality=95),
        (40, 30),
        "image/jpeg",
        ((20, 15), RED),
    ),
    "cmyk.tif": (
        _bytes(Image.new("RGB", (40, 30), RED).convert("CMYK"), "TIFF"),
        (40, 30),
        "image/tiff",
        ((5, 5), RED),
    ),
    "sixteen.png": (_sixteen_bits("PNG"), (40, 30), "image/png", ((20, 15), (128, 128, 128))),
    "sixteen.tif": (_sixteen_bits("TIFF"), (40, 30), "image/tiff", ((20, 15), (128, 128, 128))),
    "palette.png": (_palette(), (40, 30), "image/png", ((20, 15), RED)),
    "animation.gif": (_animation(), (40, 30), "image/gif", ((20, 15), RED)),
    "turned.jpg": (_turned(), (30, 90), "image/jpeg", ((15, 80), RED)),
    "see-through.png": (_see_through(), (40, 30), "image/png", ((5, 15), (255, 255, 255))),
    "one-pixel.png": (_bytes(Image.new("RGB", (1, 1), RED), "PNG"), (1, 1), "image/png", ((0, 0), RED)),
    "png-by-content.jpg": (
        _bytes(Image.new("RGB", (40, 30), BLUE), "PNG"),
        (40, 30),
        "image/png",
        ((20, 15), BLUE),
    ),
}

BAD = {
    "zero-bytes.jpg": (b"", "empty"),
    "page.jpg": (b"<!doctype html><title>404</title>", "web page"),
    "drawing.png": (b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>', "SVG"),
    "half.jpg": (NOISE[: len(NOISE) // 2], "damaged"),
    "postscript.jpg": (b"%!PS-Adobe-3.0 EPSF-3.0\n", "not an image"),
    "photoshop.png": (b"8BPS\0\1" + bytes(200), "not an image"),
    "flic.gif": (struct.pack("<IH", 1000, 0xAF11) + bytes(200), "not an image"),
}

SKIPPED = {
    "page.html": "not an image by its name",
    "drawing.svg": "not an image by its name",
    "pipe.jpg": "not a regular file",
    "circle.jpg": "a link that leads nowhere",
    "out.jpg": "a link that leads out of the folder",
}


@pytest.fixture
def corpus(tmp_path):
    folder = tmp_path / "corpus"
    folder.mkdir()
    for name, (data, *_) in {**GOOD, **BAD}.items():
        (folder / name).write_bytes(data)
    for name in ("page.html", "drawing.svg"):
        (folder / name).write_bytes(b"x")
    os.mkfifo(folder / "pipe.jpg")
    os.symlink("circle.jpg", folder / "circle.jpg")
    (tmp_path / "elsewhere.jpg").write_bytes(PLAIN)
    os.symlink(tmp_path / "elsewhere.jpg", folder / "out.jpg")
    os.symlink(folder, folder / "round-and-round")
    return folder


def test_each_good_file_comes_in_as_a_person_sees_it_and_each_bad_one_is_a_line(corpus, bring_in, tmp_path):
    report, frame = bring_in(corpus)
    rows = {os.path.basename(row["filepath"]): row for row in frame.to_dict("records")}
    assert set(rows) == set(GOOD)
    for name, (_, size, mime, (place, colour)) in GOOD.items():
        row = rows[name]
        assert (row["width"], row["height"]) == size, name
        small = Image.open(thumbnails.path_of(tmp_path / "thumbs", row["content_hash"]))
        assert (small.mode, small.size) == ("RGB", size), name
        assert np.abs(np.array(small.getpixel(place), int) - colour).max() <= 12, name
        assert mime_type(open_image((corpus / name).read_bytes())) == mime
    reasons = {os.path.basename(bad["path"]): bad["reason"] for bad in report["quarantine"]}
    assert set(reasons) == set(BAD)
    for name, (_, words) in BAD.items():
        assert words in reasons[name], name
    left = {os.path.basename(one["path"]): one["reason"] for one in report["skipped_files"]}
    assert {name: left[name] for name in SKIPPED} == SKIPPED
    assert "link" in left["round-and-round"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_files_and_folders_without_rights_are_lines(bring_in, tmp_path, picture):
    for number in range(3):
        picture(tmp_path / "some" / "cats" / f"{number}.png", seed=number)
    picture(tmp_path / "some" / "closed" / "1.png", seed=9)
    (tmp_path / "some" / "cats" / "0.png").chmod(0)
    (tmp_path / "some" / "closed").chmod(0)
    try:
        report, frame = bring_in(tmp_path / "some")
    finally:
        (tmp_path / "some" / "closed").chmod(0o755)
    assert len(frame) == 2
    assert [one["reason"] for one in report["quarantine"]] == ["no permission to read the file"]
    assert "cannot be read" in report["skipped_files"][0]["reason"]


def test_a_file_that_vanishes_during_the_import_is_a_line(bring_in, tmp_path, picture):
    root = tmp_path / "images"
    for number in range(40):
        picture(root / "cats" / f"{number:02}.png", seed=number)

    def vanish(done, _total):
        if done == 1:
            (root / "cats" / "39.png").unlink()

    report, frame = bring_in(root, progress=vanish)
    assert (report["added"], report["quarantined"], len(frame)) == (39, 1, 39)
    assert report["quarantine"][0]["reason"] == "the file is gone"
