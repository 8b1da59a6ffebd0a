"""Estimates: arithmetic on earlier runs, and plain figures where there are none. And the preview's worker."""

import base64
import io
import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from core.domain.runs import TrainOptions
from core.training.estimate import RATE_STEPS, estimate, past_run
from core.training.preview import answer
from core.training.schedule import side_at

PLAIN = TrainOptions(model="cnn", epochs=10, progressive=False)


def run_of(options, rate, **status):
    lines = [{"epoch": n, "images_per_second": rate, "image_size": options.image_size} for n in (1, 2, 3)]
    lines[0]["images_per_second"] = rate / 10  # the first epoch waited for something
    from dataclasses import asdict

    return past_run(asdict(options), lines, {"device": "cpu", **status})


def seconds(options, past, device="cpu", train=1000):
    return estimate(options, train=train, samples=train, past=past, device=device).seconds


def test_a_run_of_the_same_model_says_how_fast_it_goes():
    """1,000 images, 10 epochs at 100 a second: 100 s of training, and a third of an epoch's work to predict."""
    past = [run_of(PLAIN, 100.0)]
    rest = seconds(replace(PLAIN, epochs=1), past) - 10
    assert seconds(PLAIN, past) == pytest.approx(100 + rest)
    assert estimate(PLAIN, train=1, samples=1, past=past, device="cpu").basis == "this model's runs"


def test_larger_images_take_as_much_longer_as_they_have_pixels():
    past = [run_of(PLAIN, 100.0)]
    per_epoch = [
        seconds(replace(PLAIN, image_size=size, epochs=11), past) - seconds(replace(PLAIN, image_size=size), past)
        for size in (128, 256)
    ]
    assert per_epoch == pytest.approx([10, 40])


def test_small_images_first_are_reckoned_with():
    past = [run_of(PLAIN, 100.0)]
    saved = seconds(PLAIN, past) - seconds(replace(PLAIN, progressive=True), past)
    shares = [(side_at(epoch, 10, 128) / 128) ** 2 for epoch in range(1, 11)]
    assert saved == pytest.approx(10 * sum(1 - share for share in shares))


def test_finding_the_rate_is_reckoned_with():
    past = [run_of(PLAIN, 100.0)]
    more = seconds(replace(PLAIN, find_rate=True), past) - seconds(PLAIN, past)
    assert more == pytest.approx(RATE_STEPS * PLAIN.batch_size / 100)


def test_another_models_run_is_better_than_none_and_another_devices_is_not_asked():
    other = TrainOptions(model="resnet18", progressive=False)
    found = estimate(PLAIN, train=9, samples=9, past=[run_of(other, 50.0)], device="cpu")
    assert found.basis == "other runs"
    assert estimate(PLAIN, train=9, samples=9, past=[run_of(other, 50.0)], device="cuda").basis == "reckoned"
    assert estimate(PLAIN, train=9, samples=9, past=[], device="cpu").seconds > 0


def test_memory_grows_with_batch_and_size_and_is_learned_from_a_run():
    memory = [
        estimate(options, train=9, samples=9, past=[], device="cpu").memory
        for options in (PLAIN, replace(PLAIN, batch_size=64), replace(PLAIN, image_size=256))
    ]
    assert memory[0] < memory[1] < memory[2]
    known = run_of(PLAIN, 100.0, memory=123_000_000)
    assert estimate(PLAIN, train=9, samples=9, past=[known], device="cpu").memory == 123_000_000
    assert estimate(replace(PLAIN, batch_size=64), train=9, samples=9, past=[known], device="cpu").memory == memory[1]


def test_runs_of_other_versions_and_instant_ones_say_nothing():
    assert past_run({"model": "cnn", "warp": 9}, [{"epoch": 1}], {}) is None
    assert past_run({"model": "instant"}, [{"epoch": 1}], {}) is None
    assert past_run({"model": "cnn"}, [], {}) is None


def test_the_previews_worker_answers_line_by_line(picture, tmp_path):
    files = [str(picture(tmp_path / f"{n}.png", n, size=(60, 40))) for n in range(2)]
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"no image")
    good = {"options": {"model": "cnn", "image_size": 48}, "files": [*files, str(broken)], "versions": 2}
    bad = {"options": {"model": "nonsense"}, "files": files, "versions": 2}
    lines = "".join(json.dumps(one) + "\n" for one in (good, bad, {"odd": 1}, good))
    command = [sys.executable, "-m", "core.training.preview"]
    done = subprocess.run(command, input=lines, capture_output=True, text=True, timeout=200, check=True)
    first, second, third, fourth = map(json.loads, done.stdout.splitlines())
    assert [len(row) for row in first["images"]] == [3, 3]
    image = np.asarray(Image.open(io.BytesIO(base64.b64decode(first["images"][0][1]))))
    assert image.shape == (48, 48, 3)
    assert first["images"][0][0] != first["images"][0][1] != first["images"][0][2]
    assert "There is no model 'nonsense'" in second["error"]
    assert "The preview failed (KeyError" in third["error"]
    assert fourth == first


@pytest.mark.parametrize("augmentation", ["standard", "trivial"])
def test_another_seed_shows_others(picture, tmp_path, augmentation):
    question = {"options": {"model": "cnn", "augmentation": augmentation}, "versions": 6}
    question["files"] = [str(picture(tmp_path / "1.png", 1))]
    first, second, again = (answer({**question, "seed": seed})["images"] for seed in (0, 1, 0))
    assert first == again
    assert first[0][0] == second[0][0]  # as it is
    assert first[0][1:] != second[0][1:]
