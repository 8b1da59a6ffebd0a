import itertools

import numpy as np
import pytest

from dashboard import palette

# Machado, Oliveira & Fernandes 2009, severity 1, on linear RGB
SIGHT = {
    "full": np.eye(3),
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}


def linear(colour):
    value = np.array([int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)])
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)


def lab(colour, sight):
    seen = np.clip(np.array(SIGHT[sight]) @ linear(colour), 0, 1)
    to_xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    x, y, z = np.cbrt(np.maximum(to_xyz @ seen / np.array([0.9505, 1.0, 1.089]), 1e-6))
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def contrast(one, other):
    light = sorted((float(linear(c) @ [0.2126, 0.7152, 0.0722]) + 0.05 for c in (one, other)), reverse=True)
    return light[0] / light[1]


@pytest.mark.parametrize("sight", SIGHT)
def test_the_first_colours_stay_apart_for_every_eye(sight):
    for one, other in itertools.combinations(palette.CLASS_COLOURS[:8], 2):
        assert np.linalg.norm(lab(one, sight) - lab(other, sight)) > 20, (one, other)


@pytest.mark.parametrize("sight", SIGHT)
def test_right_and_wrong_are_far_apart_for_every_eye(sight):
    assert np.linalg.norm(lab(palette.RIGHT, sight) - lab(palette.WRONG, sight)) > 40


@pytest.mark.parametrize("ground", ["#fcfbf9", "#141518"])
def test_every_colour_can_be_seen_on_both_grounds(ground):
    for colour in (*palette.CLASS_COLOURS, palette.NO_LABEL, palette.RIGHT, palette.WRONG):
        assert contrast(colour, ground) > 2, colour


def test_a_class_keeps_its_colour_when_classes_are_added():
    before = palette.colours_of(["cat", "dog"])
    after = palette.colours_of(["cat", "dog", "bird"])
    assert before.items() <= after.items()
    assert palette.colour_of("dog", ["cat", "dog", "bird"]) == after["dog"]


def test_what_is_no_class_is_grey():
    assert palette.colour_of(None, ["cat"]) == palette.colour_of("dog", ["cat"]) == palette.NO_LABEL


def test_past_twelve_classes_colours_begin_again():
    names = [f"class {number}" for number in range(30)]
    colours = palette.colours_of(names)
    assert colours["class 12"] == colours["class 0"]
    assert len(colours) == 30
