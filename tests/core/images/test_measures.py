import io

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter

from core.images import alike
from core.images.measures import RECORD, measure
from core.images.reading import decode


def chequered(size=(320, 240), low=40, high=210, cell=16):
    ys, xs = np.mgrid[0 : size[1], 0 : size[0]]
    light = np.where((xs // cell + ys // cell) % 2, high, low).astype(np.uint8)
    return Image.fromarray(light).convert("RGB")


def random_picture(seed, cells=12):
    small = np.random.default_rng(seed).integers(0, 255, (cells, cells, 3), dtype=np.uint8)
    return Image.fromarray(small).resize((320, 240), Image.Resampling.BICUBIC)


def test_blur_lowers_sharpness_step_by_step_whatever_the_contrast():
    for low, high in ((0, 255), (100, 150)):
        image = chequered(low=low, high=high)
        values = [float(measure(image.filter(ImageFilter.GaussianBlur(r)))["sharpness"]) for r in (0, 1, 2, 4)]
        assert values == sorted(values, reverse=True)
        assert values[0] > 3 * values[2]
    strong = float(measure(chequered(low=0, high=255))["sharpness"])
    weak = float(measure(chequered(low=100, high=150))["sharpness"])
    assert weak == pytest.approx(strong, rel=0.1)


def test_a_sharp_subject_before_a_blurred_ground_is_sharp():
    image = random_picture(1).filter(ImageFilter.GaussianBlur(12))
    blurred = float(measure(image)["sharpness"])
    ImageDraw.Draw(image).rectangle((140, 100, 180, 140), fill=(255, 255, 255), outline=(0, 0, 0))
    assert float(measure(image)["sharpness"]) > 4 * blurred


@pytest.mark.parametrize(("level", "highlights", "shadows"), [(20, 0.08, 0.08), (250, 0.98, 0.98)])
def test_light_is_measured_at_both_ends(level, highlights, shadows):
    record = measure(Image.new("RGB", (64, 64), (level,) * 3))
    assert float(record["highlights"]) == pytest.approx(highlights, abs=0.01)
    assert float(record["shadows"]) == pytest.approx(shadows, abs=0.01)
    assert float(record["contrast"]) == 0


def test_contrast_sees_colours_of_the_same_light():
    pixels = np.zeros((64, 64, 3), dtype=np.uint8)
    pixels[:, :32], pixels[:, 32:] = (149, 76, 76), (76, 113, 76)  # nearly the same grey
    assert float(measure(Image.fromarray(pixels))["contrast"]) > 0.1


def test_one_pixel_and_long_strips_can_be_measured():
    for size in ((1, 1), (1, 900), (2000, 2)):
        record = measure(Image.new("RGB", size, (9, 9, 9)))
        assert (int(record["width"]), int(record["height"])) == size


def stored(image, *, size=1.0, **options):
    shape = (round(image.width * size), round(image.height * size))
    buffer = io.BytesIO()
    image.resize(shape, Image.Resampling.LANCZOS).save(buffer, **options)
    return decode(buffer.getvalue())


@pytest.mark.parametrize(
    "options",
    [
        {"format": "JPEG", "quality": 30},
        {"format": "WEBP", "quality": 50},
        {"format": "PNG", "size": 0.4},
        {"format": "JPEG", "quality": 80, "size": 1.8},
    ],
    ids=["saved again", "another format", "smaller", "larger"],
)
def test_copies_are_found_among_many_pictures_and_nothing_else_is(options):
    originals = [random_picture(seed) for seed in range(60)]
    copies = [stored(image, **options) for image in originals[:6]]
    records = np.array([measure(image) for image in originals + copies], dtype=RECORD)
    found = alike.pairs(records)
    assert sorted(zip(found.left.tolist(), found.right.tolist(), strict=True)) == [(i, 60 + i) for i in range(6)]
    assert (alike.likeness(found.bits) > 0.78).all()


def test_the_same_shape_in_another_colour_is_another_picture():
    def ball(colour):
        image = Image.new("RGB", (200, 200), (240, 240, 240))
        ImageDraw.Draw(image).ellipse((20, 20, 180, 180), fill=colour)
        return image

    records = np.array([measure(ball(c)) for c in ((200, 60, 60), (60, 90, 200), (200, 60, 60))], dtype=RECORD)
    found = alike.pairs(records)
    assert list(zip(found.left.tolist(), found.right.tolist(), strict=True)) == [(0, 2)]


def test_empty_pictures_are_not_taken_for_copies_of_one_another():
    records = np.array([measure(Image.new("RGB", (50, 50), (v,) * 3)) for v in (10, 12, 250)], dtype=RECORD)
    assert len(alike.pairs(records)) == 0


def test_no_records_have_no_pairs():
    assert len(alike.pairs(np.zeros(0, dtype=RECORD))) == 0
