"""Reading images: a corpus of good and bad files made by code, each with its verdict."""

import hashlib
import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.images import thumbnails
from core.images.reading import UnreadableImage, decode, mime_type, open_image, read_bytes


def _bytes(image, form, **options):
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()


def _noise(mode="RGB", size=(64, 48)):
    channels = {"RGB": 3, "RGBA": 4, "L": 1, "CMYK": 4}[mode]
    pixels = np.random.default_rng(0).integers(0, 255, (size[1], size[0], channels), dtype=np.uint8)
    return Image.fromarray(pixels.squeeze(), mode)


def _bomb():
    """A PNG header that claims 30,000 by 30,000 pixels over hardly any data."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 30_000, 30_000, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 100)) + chunk(b"IEND", b"")
    )


JPEG = _bytes(_noise(), "JPEG")
PNG = _bytes(_noise(), "PNG")

BAD = {
    "text": (b"hello, I am a text file", "not an image"),
    "web page saved as .jpg": (b"<!DOCTYPE html><html><body>404</body></html>", "web page"),
    "svg with a script": (b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>', "SVG"),
    "truncated jpeg": (JPEG[: len(JPEG) // 2], "damaged"),
    "truncated png": (PNG[: len(PNG) // 2], "damaged"),
    "jpeg header only": (JPEG[:20], "not an image|broken"),
    "eps": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n", "not an image"),
    "decompression bomb": (_bomb(), "pixels"),
    "zeros": (bytes(1000), "not an image"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_files_have_a_reason(name):
    data, reason = BAD[name]
    with pytest.raises(UnreadableImage, match=reason):
        decode(data)


@pytest.mark.parametrize(
    ("form", "image"),
    [
        ("JPEG", _noise()),
        ("JPEG", _noise("CMYK")),
        ("JPEG", _noise("L")),
        ("PNG", _noise("RGBA")),
        ("PNG", _noise("L").convert("P")),
        ("PNG", _noise("L").convert("1")),
        ("PNG", _noise("L").convert("LA")),
        ("WEBP", _noise("RGBA")),
        ("GIF", _noise("L")),
        ("BMP", _noise()),
        ("TIFF", _noise("CMYK")),
    ],
)
def test_every_mode_becomes_upright_rgb(form, image):
    decoded = decode(_bytes(image, form))
    assert (decoded.mode, decoded.size) == ("RGB", (64, 48))


def test_exif_rotation_is_applied():
    image = Image.new("RGB", (60, 20), "red")
    exif = image.getexif()
    exif[274] = 6  # rotated by 90 degrees
    assert decode(_bytes(image, "JPEG", exif=exif)).size == (20, 60)


WIDE = {
    "fractions": (np.linspace(0, 1, 256, dtype=np.float32), 255),
    "floats up to 255": (np.linspace(0, 255, 256, dtype=np.float32), 255),
    "floats up to 65535": (np.linspace(0, 65535, 256, dtype=np.float32), 255),
    "heights in metres": (np.linspace(-400, 8848, 256, dtype=np.float32), 255),
    "32 bits": (np.linspace(0, 2**31 - 1, 256).astype(np.int32), 255),
    "16 bits in 32": (np.linspace(0, 65535, 256).astype(np.int32), 255),
    "one value": (np.full(256, -7, dtype=np.int32), 0),
}


@pytest.mark.parametrize("kind", WIDE)
def test_wide_greys_come_in_as_a_person_sees_them(kind):
    row, brightest = WIDE[kind]
    data = _bytes(Image.fromarray(row.reshape(1, 256).repeat(4, axis=0)), "TIFF")
    image = decode(data)
    assert image.mode == "RGB"
    shades = np.array(image)[0, :, 0].astype(int)
    assert np.abs(shades - np.linspace(0, brightest, 256)).max() <= 2


@pytest.mark.parametrize("number", [np.nan, np.inf])
def test_a_picture_whose_pixels_are_no_numbers_is_refused(number):
    pixels = np.full((4, 4), number, dtype=np.float32)
    with pytest.raises(UnreadableImage, match="no numbers"):
        decode(_bytes(Image.fromarray(pixels), "TIFF"))


def test_sixteen_bits_are_scaled_and_not_clipped():
    ramp = np.linspace(0, 65535, 256, dtype=np.uint16).reshape(1, 256).repeat(4, axis=0)
    data = _bytes(Image.fromarray(ramp), "PNG")
    grey = np.asarray(decode(data))[0, :, 0].astype(int)
    assert grey[0] == 0
    assert abs(grey[128] - 128) <= 1
    assert grey[-1] == 255


def test_transparency_lies_on_white():
    clear = Image.new("RGBA", (4, 4), (255, 0, 0, 0))
    assert decode(_bytes(clear, "PNG")).getpixel((0, 0)) == (255, 255, 255)


def test_the_type_is_by_content():
    assert mime_type(open_image(PNG)) == "image/png"
    assert mime_type(open_image(JPEG)) == "image/jpeg"


def test_a_draft_is_large_enough():
    data = _bytes(_noise(size=(1600, 1200)), "JPEG")
    image = decode(data, at_least=256)
    assert min(image.size) >= 256
    assert image.width < 1600


def test_empty_and_missing_files(tmp_path):
    (tmp_path / "empty.png").touch()
    with pytest.raises(UnreadableImage, match="empty"):
        read_bytes(tmp_path / "empty.png")
    with pytest.raises(UnreadableImage, match="gone"):
        read_bytes(tmp_path / "none.png")


def test_a_thumbnail_is_made_once_and_a_damaged_one_again(tmp_path):
    data = _bytes(_noise(size=(800, 400)), "PNG")
    (tmp_path / "x.png").write_bytes(data)
    digest = hashlib.sha256(data).hexdigest()
    made = thumbnails.fetch(tmp_path / "thumbs", digest, str(tmp_path / "x.png"))
    image = Image.open(io.BytesIO(made))
    assert (image.format, image.size) == ("JPEG", (256, 128))
    stored = thumbnails.path_of(tmp_path / "thumbs", digest)
    stored.write_bytes(made[:50])  # what a crash may leave
    assert thumbnails.fetch(tmp_path / "thumbs", digest, str(tmp_path / "x.png")) == made
    Path(tmp_path / "x.png").unlink()
    assert thumbnails.fetch(tmp_path / "thumbs", digest, str(tmp_path / "x.png")) == made


def test_a_changed_file_does_not_take_the_old_ones_thumbnail(tmp_path):
    (tmp_path / "x.png").write_bytes(PNG)
    thumbnails.fetch(tmp_path / "thumbs", "0" * 64, str(tmp_path / "x.png"))
    assert not thumbnails.path_of(tmp_path / "thumbs", "0" * 64).exists()
