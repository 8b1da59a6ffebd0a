"""Images are decoded once per size; the cache stays within its bounds."""

import os
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from core.domain.errors import LabelloopError
from core.embedding.pictures import squeezed
from core.training import pixels
from core.training.augment import Amounts, augment, move, recolour
from core.training.batches import as_images, normalised, shrunk
from core.training.models import MEAN, STD

torch = pytest.importorskip("torch")


def files_of(samples):
    return samples["filepath"].tolist(), samples["content_hash"].tolist()


def decode(samples, cache, size=24, seen=None):
    counts = [] if seen is None else seen
    located, _ = pixels.decoded(*files_of(samples), cache, size, started=counts.append, advanced=lambda images: None)
    return located


def test_pixels_are_those_of_the_images_in_order(shapes, tmp_path):
    samples = shapes(tmp_path / "images", 4)
    found = decode(samples, tmp_path / "cache").read(np.array([7, 0, 7]), np.uint8)
    for place, row in enumerate((7, 0, 7)):
        assert (found[place] == squeezed(Path(samples["filepath"][row]), 24)).all()


def test_a_second_run_decodes_only_what_is_new(shapes, tmp_path):
    samples, seen = shapes(tmp_path / "images", 4), []
    decode(samples.iloc[:9], tmp_path / "cache", seen=seen)
    for path in samples["filepath"][:9]:
        Path(path).unlink()
    located = decode(samples, tmp_path / "cache", seen=seen)
    assert seen == [9, 3]
    assert located.found.all()
    decode(samples, tmp_path / "cache", seen=seen)
    assert seen == [9, 3]


def test_unreadable_files_are_just_not_found(shapes, tmp_path):
    samples = shapes(tmp_path / "images", 2)
    Path(samples["filepath"][1]).write_bytes(b"GIF89a broken")
    assert decode(samples, tmp_path / "cache").found.tolist() == [True, False, True, True, True, True]


def test_a_file_that_was_changed_is_left_out_and_never_kept_under_the_old_hash(shapes, tmp_path):
    samples, cache = shapes(tmp_path / "images", 2), tmp_path / "cache"
    first, second = Path(samples["filepath"][0]), Path(samples["filepath"][1])
    whole = second.read_bytes()
    second.write_bytes(first.read_bytes())

    def found():
        return pixels.decoded(*files_of(samples), cache, 24, started=lambda total: None, advanced=lambda images: None)

    located, changed = found()
    assert located.found.tolist() == [True, False, True, True, True, True]
    assert changed == {samples["content_hash"][1]}
    second.write_bytes(whole)  # and when it is itself again, it is taken
    located, changed = found()
    assert located.found.all()
    assert not changed
    assert (located.read(np.array([1]), np.uint8)[0] == squeezed(second, 24)).all()


def test_of_two_files_of_one_content_the_one_that_still_holds_it_is_taken(shapes, tmp_path):
    samples = shapes(tmp_path / "images", 2)
    copy = tmp_path / "copy.png"
    copy.write_bytes(Path(samples["filepath"][0]).read_bytes())
    twice = pd.concat([samples, samples.iloc[:1].assign(filepath=str(copy))], ignore_index=True)
    Path(samples["filepath"][0]).unlink()
    assert decode(twice, tmp_path / "cache").found.all()


def _age(cache, size, seconds):
    for path in (cache / "pixels" / str(size)).glob("block-*.npy"):
        os.utime(path, (time.time() - seconds,) * 2)


def _record(size):
    return size * size * 3 + 64


def test_pixels_that_nobody_asked_for_longest_go_when_the_cache_is_full(shapes, tmp_path, monkeypatch):
    samples, cache = shapes(tmp_path / "images", 4), tmp_path / "cache"
    for size, age in ((16, 30), (20, 20), (28, 10)):
        decode(samples, cache, size)
        _age(cache, size, age)
    decode(samples, cache, 16)  # asked for again
    monkeypatch.setattr(pixels, "LIMIT_BYTES", 12 * (_record(16) + _record(28) + _record(24)) + 3 * 500)
    decode(samples, cache, 24)
    assert {path.parent.name for path in (cache / "pixels").glob("*/block-*.npy")} == {"16", "24", "28"}


def test_the_size_in_use_is_bounded_too_and_what_the_run_needs_stays(shapes, tmp_path, monkeypatch):
    cache = tmp_path / "cache"
    sets = [shapes(tmp_path / name, 4, size=side) for name, side in (("a", 40), ("b", 44), ("c", 48))]
    monkeypatch.setattr(pixels, "LIMIT_BYTES", 24 * _record(24) + 2 * 500)
    for number, samples in enumerate(sets):
        decode(samples, cache)
        for path in (cache / "pixels" / "24").glob("block-*.npy"):
            os.utime(path, (path.stat().st_mtime - 100,) * 2)
        assert len(list((cache / "pixels" / "24").glob("block-*.npy"))) == min(number + 1, 2)
    both = pd.concat(sets, ignore_index=True)  # needs more than the limit, and is given it
    seen = []
    assert decode(both, cache, seen=seen).found.all()
    assert seen == [12]


def test_what_another_run_deletes_while_this_one_decodes_is_not_lost(shapes, tmp_path):
    samples, cache, seen = shapes(tmp_path / "images", 4), tmp_path / "cache", []
    decode(samples.iloc[:6], cache)

    def advanced(images):
        for path in (cache / "pixels" / "24").glob("block-*.npy"):
            path.unlink()

    located, _ = pixels.decoded(*files_of(samples), cache, 24, started=seen.append, advanced=advanced)
    assert located.found.all()
    assert seen == [6]
    assert (located.read(np.array([0]), np.uint8)[0] == squeezed(Path(samples["filepath"][0]), 24)).all()


def test_the_half_written_block_of_a_killed_run_goes_one_day(shapes, tmp_path):
    samples, folder = shapes(tmp_path / "images", 2), tmp_path / "cache" / "pixels" / "24"
    folder.mkdir(parents=True)
    old, young = folder / ".block-1.npy.9.abc.part", folder / ".block-2.npy.9.abc.part"
    old.touch()
    young.touch()
    os.utime(old, (time.time() - 100_000,) * 2)
    decode(samples, tmp_path / "cache")
    assert (old.exists(), young.exists()) == (False, True)


def test_a_full_disk_is_told_before_the_work(shapes, tmp_path, monkeypatch):
    monkeypatch.setattr(pixels.shutil, "disk_usage", lambda folder: type("Usage", (), {"free": 1000})())
    with pytest.raises(LabelloopError, match="make room"):
        decode(shapes(tmp_path / "images", 2), tmp_path / "cache")


def some_images(count=6, size=20):
    return torch.rand(count, 3, size, size, generator=torch.Generator().manual_seed(0))


def test_augmentation_is_seeded_and_another_for_each_image():
    same = some_images(1).repeat(6, 1, 1, 1)
    one = augment(same.clone(), torch.Generator().manual_seed(1))
    two = augment(same.clone(), torch.Generator().manual_seed(1))
    assert torch.equal(one, two)
    assert one.shape == same.shape
    assert one.min() >= 0
    assert one.max() <= 1
    for first in range(6):
        for second in range(first):
            assert not torch.allclose(one[first], one[second], atol=0.02)


def test_about_half_of_the_images_are_flipped():
    ramp = torch.linspace(0, 1, 20).expand(400, 3, 20, 20).contiguous()
    moved = move(ramp, torch.Generator().manual_seed(0), Amounts())
    flipped = (moved[:, 0, 10, 4] > moved[:, 0, 10, 15]).float().mean()
    assert 0.4 < flipped < 0.6


def test_recolouring_keeps_grey_grey_and_changes_brightness():
    grey = torch.full((50, 3, 4, 4), 0.5)
    changed = recolour(grey, torch.Generator().manual_seed(0), Amounts())
    assert torch.allclose(changed[:, 0], changed[:, 2], atol=1e-5)
    assert changed[:, 0, 0, 0].std() > 0.02


def test_pixels_become_normalised_images():
    black_and_white = torch.tensor([0, 255], dtype=torch.uint8).view(2, 1, 1, 1).expand(2, 4, 4, 3)
    images = normalised(as_images(black_and_white, torch.device("cpu")))
    assert images.shape == (2, 3, 4, 4)
    for channel in range(3):
        assert images[0, channel, 0, 0] == pytest.approx(-MEAN[channel] / STD[channel], abs=1e-6)
        assert images[1, channel, 0, 0] == pytest.approx((1 - MEAN[channel]) / STD[channel], abs=1e-6)


def test_shrinking_averages():
    checks = (torch.arange(16 * 16).view(16, 16) // 1 % 2).float().expand(1, 3, 16, 16)
    small = shrunk(checks, 8)
    assert small.shape == (1, 3, 8, 8)
    assert torch.allclose(small[..., 1:-1], torch.tensor(0.5), atol=0.1)
    assert shrunk(checks, 16) is checks
