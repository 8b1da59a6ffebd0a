"""Files beside the image, and the tools' output folders."""

import json
import os
from pathlib import PurePosixPath
from urllib.parse import quote

import pytest

from core.generators import folders, read_beside, read_image

INFOTEXT = "a dog\nNegative prompt: cat\nSteps: 20, Sampler: Euler, CFG scale: 7, Seed: 5, Size: 64x48"


@pytest.fixture
def image(write, tmp_path):
    path = tmp_path / "00001.png"
    path.write_bytes(write.png())
    return path


def test_a_text_file_of_the_same_name(image):
    image.with_suffix(".txt").write_text(INFOTEXT, encoding="utf-8")
    found = read_image(image.read_bytes(), image)
    assert (found.tool, found.prompt, found.seed, found.source) == ("AUTOMATIC1111", "a dog", "5", "side file")
    assert found.raw == {"00001.txt": INFOTEXT}


def test_a_caption_for_training_is_no_generation(image):
    image.with_suffix(".txt").write_text("a photo of a dog, sitting, outdoors", encoding="utf-8")
    assert read_beside(image) is None


def test_easy_diffusion_beside(image):
    fields = {"prompt": "a fox", "seed": 9, "use_stable_diffusion_model": "sd-v1-5", "num_inference_steps": 25}
    image.with_suffix(".json").write_text(json.dumps(fields), encoding="utf-8")
    found = read_beside(image)
    assert (found.tool, found.prompt, found.seed, found.steps) == ("Easy Diffusion", "a fox", "9", 25)
    image.with_suffix(".json").unlink()
    lines = "Prompt: a fox: the red one\nSeed: 9\nStable Diffusion model: sd-v1-5\nSteps: 25"
    image.with_suffix(".txt").write_text(lines, encoding="utf-8")
    found = read_beside(image)
    assert (found.tool, found.prompt, found.seed) == ("Easy Diffusion", "a fox: the red one", "9")


def test_swarmui_beside(image):
    meta = {"sui_image_params": {"prompt": "a fox", "seed": 9}}
    image.with_name("00001.swarm.json").write_text(json.dumps(meta), encoding="utf-8")
    assert (read_beside(image).tool, read_beside(image).seed) == ("SwarmUI", "9")


def test_the_log_of_fooocus_is_the_record_where_nothing_is_embedded(write, tmp_path):
    items = []
    for number in (1, 2):
        name = f"2026-11-22_10-00-00_000{number}.png"
        (tmp_path / name).write_bytes(write.png())
        meta = quote(json.dumps({"Prompt": f"fox {number}", "Seed": str(number), "Base Model": "jugger"}), safe="")
        items.append(
            f'<div id="{name.replace(".", "_")}" class="image-container"><hr><table><tr>\n'
            f'<td><a href="{name}" target="_blank"><img src=\'{name}\'/></a><div>{name}</div></td>'
            f"<td></br><button onclick=\"to_clipboard('{meta}')\">Copy to Clipboard</button></td></tr></table></div>\n"
        )
    (tmp_path / "log.html").write_text("<html>" + "".join(items) + "</html>", encoding="utf-8")
    found = read_beside(tmp_path / "2026-11-22_10-00-00_0002.png")
    assert (found.tool, found.prompt, found.seed, found.model) == ("Fooocus", "fox 2", "2", "jugger")
    assert read_beside(tmp_path / "2026-11-22_10-00-00_0003.png") is None


def test_a_pipe_or_a_folder_beside_is_no_side_file(image):
    os.mkfifo(image.with_suffix(".txt"))
    image.with_suffix(".json").mkdir()
    assert read_beside(image) is None


UUID = "0a1b2c3d-0000-1111-2222-333344445555"


def split(*names):
    return [PurePosixPath(name).parts for name in names]


@pytest.mark.parametrize(("tool", "names"), [
    ("AUTOMATIC1111", ["txt2img-images/2026-11-22/00000-123.png", "txt2img-grids/2026-11-22/grid-0000.png"]),
    ("AUTOMATIC1111", ["2026-11-22/00000-123.png", "2026-11-22/00001-124-a dog.png"]),
    ("ComfyUI", ["ComfyUI_00001_.png", "ComfyUI_00002_.png", "other.png"]),
    ("ComfyUI", ["tools/ComfyUI/output/ComfyUI_00001_.png", "tools/ComfyUI/output/2026-11-22/ComfyUI_00002_.png"]),
    (None, ["ComfyUI/output/dog/ComfyUI_00001_.png", "ComfyUI/output/cat/ComfyUI_00002_.png"]),
    ("InvokeAI", ["images/0a1b2c3d-0000-1111-2222-333344445555.png"]),
    ("Fooocus", ["2026-11-22/2026-11-22_10-00-00_0002.png"]),
    ("InvokeAI", ["img-samples/000001.8a3f0c11.3735928559.png", "img-samples/000002.17.png"]),
    ("AUTOMATIC1111", ["img2img-images/2026-11-22/00000-123-a dog.png"]),  # Forge: the same folders
    ("SD.Next", ["text/00001-sd_xl_base-a dog.jpg", "image/00002-sd_xl_base-a cat.jpg", "save/a.jpg"]),
    ("SD.Next", ["outputs/control/2026-11-22/00001-2026-11-22-flux.jpg"]),
    (None, ["text/page one.jpg", "image/photo.jpg"]),
    (None, ["dog/00001-sd_xl_base-a dog.jpg", "text/00002-sd_xl_base-a cat.jpg"]),
    ("SwarmUI", ["local/raw/2026-11-22/1030001-a dog-model.png"]),
    ("SwarmUI", ["alice/raw/2026-11-22/1030001-a dog-model.png", "bob/Starred/raw/2026-11-22/2359002-a cat-m.jpg"]),
    ("SwarmUI", ["Output/alice/raw/2026-11-22/1030-a dog-model-17.png"]),
    ("SwarmUI", ["2026-11-22/1030001-a dog-model.png", "2026-11-23/0001014-a cat-model.png"]),
    (None, ["wedding/raw/2026-11-22/IMG_0001.jpg"]),
    (None, ["wedding/2026-11-22/1030001-a dog-model.png"]),
    ("NovelAI", ["1girl, fox ears s-3735928559.png"]),
    ("Easy Diffusion", ["1700000000000/a_fox_sk4lz0a1.png"]),
    (None, ["dog/ComfyUI_00001_.png", "cat/ComfyUI_00002_.png"]),
    (None, ["dog/1.jpg", "cat/2.jpg"]),
    (None, ["IMG_0001.jpg"]),
    (None, []),
])  # fmt: skip
def test_whose_folder_it_is(tool, names):
    assert folders.tool_of(split(*names)) == tool


def test_a_folder_named_raw_is_known_by_its_own_name():
    names = split("2026-11-22/1030-a dog-model-17.png")  # as older versions of SwarmUI named them
    assert (folders.tool_of(names, "raw"), folders.tool_of(names, "photos")) == ("SwarmUI", None)


@pytest.mark.parametrize(("names", "left"), [
    (["grids/00003-grid.jpg", "inputs/a.png", "text/00001-sdxl-dog.jpg", "text/00002-sdxl-dog.jpg",
      "text/00003-sdxl-cat.jpg"], ["grids/00003-grid.jpg", "inputs/a.png"]),
    (["sdnext/outputs/grids/00003-grid.jpg", "sdnext/outputs/text/00001-sdxl-dog.jpg"],
     ["sdnext/outputs/grids/00003-grid.jpg"]),
    (["custom_nodes/x/a.png", "input/example.png", "output/ComfyUI_00001_.png"],
     ["custom_nodes/x/a.png", "input/example.png"]),
    (["ComfyUI/input/example.png", "ComfyUI/output/dogs/dog_00001_.png"], ["ComfyUI/input/example.png"]),
    (["input/1.png", "output/1.png"], []),
    (["cats/1.png", "input/2.png", "output/ComfyUI_00001_.png"], []),
    (["grids/1.jpg", "text/2.jpg"], []),
    ([], []),
])  # fmt: skip
def test_what_only_its_neighbours_give_away(names, left):
    assert [name for name, _ in folders.left_out(names)] == left


@pytest.mark.parametrize(("skipped", "name"), [
    (True, "txt2img-grids/2026-11-22/grid-0000.png"),
    (True, "outputs/init-images/2026-11-22/a.png"),
    (True, "2026-11-22/grid-0001-123.png"),
    (True, "ComfyUI_temp_abcde_00001_.png"),
    (True, "outputs/images/thumbnails/0a1b2c3d.webp"),
    (True, f"thumbnails/{UUID}.webp"),  # InvokeAI's outputs/images, named itself
    (True, "img-samples/thumbnails/000001.8a3f0c11.3735928559.webp"),
    (False, f"thumbnails/{UUID}.png"),
    (True, "raw/2026-11-22/a.swarmpreview.jpg"),
    (False, "txt2img-images/2026-11-22/00000-1.png"),
    (False, "grid/grid-0001.png"),
    (False, "cat/thumbnails/1.jpg"),
])  # fmt: skip
def test_what_is_no_image_of_its_own(skipped, name):
    (parts,) = split(name)
    assert (folders.why_skipped(parts) is not None) == skipped
