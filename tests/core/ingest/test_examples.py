"""Examples for the preview: a file that hangs or kills its decoder costs its own picture only."""

import io
import json

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from core.ingest.examples import Example, read_examples

INFOTEXT = "a dog\nNegative prompt: cat\nSteps: 20, Sampler: Euler, CFG scale: 7, Seed: 5, Size: 64x48"


@pytest.fixture
def files(tmp_path, picture):
    good = [picture(tmp_path / f"{number}.png", seed=number) for number in range(3)]
    info = PngInfo()
    info.add_text("parameters", INFOTEXT)
    Image.new("RGB", (600, 300), (9, 200, 9)).save(tmp_path / "made.png", pnginfo=info)
    bad = []
    for word in ("HANG", "DIE", "HOG"):
        bad.append(tmp_path / f"{word}.png")
        bad[-1].write_bytes(word.encode())
    return [str(path) for path in (good[0], *bad, good[1], tmp_path / "made.png", tmp_path / "gone.png", good[2])]


def test_thumbnails_and_prompts_whatever_another_file_does(files, hostile_program):
    found = read_examples(files, patience=2, program=hostile_program)
    assert [bool(one.thumbnail) for one in found] == [True, False, False, False, True, True, False, True]
    made = Image.open(io.BytesIO(found[5].thumbnail))
    assert (made.format, made.size) == ("JPEG", (256, 128))
    assert (found[5].generation.prompt, found[5].generation.seed) == ("a dog", "5")
    assert found[0].generation is None


def test_without_pixels_only_what_a_generator_wrote_is_read(files, tmp_path, hostile_program):
    (tmp_path / "0.swarm.json").write_text(json.dumps({"sui_image_params": {"prompt": "a fox"}}), encoding="utf-8")
    found = read_examples(files, pixels=False, patience=2, program=hostile_program)
    assert not any(one.thumbnail for one in found)
    assert {at: one.generation.prompt for at, one in enumerate(found) if one.generation} == {0: "a fox", 5: "a dog"}


def test_no_processes_means_no_examples_and_no_error(files):
    assert read_examples(files, program=["/bin/false"]) == [Example()] * len(files)
