import numpy as np
import pytest
from PIL import Image, ImageOps

from core.checks import likeness
from core.checks.kinds import BY_KEY
from core.images.reading import UnreadableImage
from core.neighbours.nearest import Nearest

LIMIT = BY_KEY["near-duplicate"].threshold


def matched(left, right, **options):
    return likeness.by_pixels(likeness.grey(left), likeness.grey(right), **options)


@pytest.mark.parametrize("share", [0.95, 0.85, 0.7, 0.55])
def test_a_crop_is_found_inside_its_picture_from_either_side(scene, share):
    whole = scene(1)
    w, h = round(320 * share), round(240 * share)
    crop = whole.crop((20, 8, 20 + min(w, 300), 8 + min(h, 232))).resize((500, 375))
    for pair in ((whole, crop), (crop, whole)):
        value, how = matched(*pair, mirrored=False)
        assert value >= LIMIT
        assert how == "crop"


def test_a_square_crop_of_a_wide_picture_is_found(scene):
    whole = scene(2)
    value, _ = matched(whole, whole.crop((60, 10, 280, 230)), mirrored=False)
    assert value >= LIMIT


def test_a_crop_of_any_size_is_looked_at_closely_enough(scene):
    shares = np.linspace(0.5, 0.98, 25)
    values = []
    for seed, share in enumerate(shares):
        whole = scene(40 + seed)
        width, height = round(320 * share), round(240 * share)
        left, top = (320 - width) // 3, (240 - height) // 2
        crop = whole.crop((left, top, left + width, top + height))
        values.append(matched(whole, crop.resize((400, 300), Image.Resampling.LANCZOS), mirrored=False)[0])
    assert min(values) >= LIMIT, dict(zip(shares.round(2).tolist(), values, strict=True))
    assert np.median(values) > 0.93


def test_pairs_that_only_the_embedding_finds_distant_are_asked_of_pixels_too():
    near = Nearest(np.array([[1], [0]]), np.array([[0.51], [0.51]], dtype=np.float32))
    assert len(likeness.proposals(near, np.array([0, 1]), set())) == 1  # as of a crop to half of each side


def test_different_pictures_do_not_match(scene):
    values = [matched(scene(seed), scene(seed + 1), mirrored=True)[0] for seed in range(10, 20)]
    assert max(values) < LIMIT


def test_a_mirrored_copy_is_found_where_embeddings_are_very_near(scene):
    picture, turned = scene(3), ImageOps.mirror(scene(3))
    assert matched(picture, turned, mirrored=True)[1] == "mirror"
    assert matched(picture, turned, mirrored=False)[0] < LIMIT


def test_flat_and_tiny_pictures_match_nothing():
    flat, dot = Image.new("RGB", (90, 90), (5, 5, 5)), Image.new("RGB", (4, 4), (200, 5, 5))
    assert matched(flat, flat, mirrored=False)[0] < LIMIT
    assert matched(flat, dot, mirrored=False)[0] < LIMIT


def test_proposals_name_each_pair_once_and_leave_out_what_hashes_settled():
    near = Nearest(
        np.array([[1, 2], [0, 2], [1, 0]]), np.array([[0.95, 0.8], [0.95, 0.4], [0.4, 0.8]], dtype=np.float32)
    )
    place = np.array([4, 7, 9])
    assert likeness.proposals(near, place, set()) == [(4, 7, pytest.approx(0.95)), (4, 9, pytest.approx(0.8))]
    assert likeness.proposals(near, place, {(4, 7)}) == [(4, 9, pytest.approx(0.8))]


def test_a_picture_that_cannot_be_read_confirms_nothing(scene):
    def picture(row):
        if row == 1:
            raise UnreadableImage("the file is gone")
        return scene(row)

    found = list(likeness.confirm([(0, 1, 0.99), (0, 0, 0.99)], picture))
    assert found[0] is None
    assert found[1].likeness > 0.9
