"""``labelloop health``, ``split``, ``exclude``, ``restore`` and ``relink`` as a person or a script calls them."""

import json
import os
import shutil
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image


@pytest.fixture(scope="module")
def command(tmp_path_factory, backbone_cache):
    """Runs labelloop on a workspace with "scenes": 24 pictures, one with a smaller copy of itself in test."""
    root = tmp_path_factory.mktemp("health-cli")
    shutil.copytree(backbone_cache, root / "ws" / "cache")
    random = np.random.default_rng(5)
    for number in range(24):
        folder = root / "images" / ("test" if number % 4 == 3 else "train") / "ab"[number % 2]
        folder.mkdir(parents=True, exist_ok=True)
        small = random.integers(0, 255, (10, 12, 3), dtype=np.uint8)
        image = Image.fromarray(small).resize((240, 200), Image.Resampling.BICUBIC)
        image.save(folder / f"{number:02}.png")
        if number == 0:
            (root / "images" / "test" / "a").mkdir(parents=True, exist_ok=True)
            image.resize((120, 100)).save(root / "images" / "test" / "a" / "twin.jpg")

    def run(*arguments):
        done = subprocess.run(
            [sys.executable, "-m", "core.cli", "--workspace", str(root / "ws"), *arguments],
            capture_output=True,
            text=True,
            env={**os.environ, "LABELLOOP_WORKSPACE": ""},
            check=False,
        )
        return done.returncode, done.stdout, done.stderr

    run.root, run.space = root, root / "space.json"
    run.space.write_text('{"seed": [1, 2]}', encoding="utf-8")
    code, _, error = run("import", str(root / "images"), "--dataset", "scenes")
    assert code == 0, error
    return run


def test_a_leak_is_found_refused_mended_and_moved_back(command):
    code, out, error = command("train", "--dataset", "scenes", "--refuse-leaks")  # waits for the check of the import
    assert (code, out) == (2, "")
    assert "split --mend" in error

    code, out, error = command("health", "--dataset", "scenes", "--json")
    assert code == 0, error
    document = json.loads(out)
    assert document["measured"] == document["compared"] == document["embedded"] == document["samples"] == 25
    (leak,) = document["findings"]["leak"]
    assert len(leak["sample_ids"]) == 2
    assert 0 <= leak["score"] <= 1

    code, out, error = command("search", "--dataset", "scenes", "--space", str(command.space), "--refuse-leaks")
    assert (code, out) == (2, "")
    assert "split --mend" in error

    code, out, _ = command("split", "--dataset", "scenes", "--mend", "--json")
    assert code == 0
    mended = json.loads(out)
    assert (mended["changed"], mended["leaks"]) == (1, [])
    (group,) = mended["groups"]
    assert (group["why"], len({sample["split"] for sample in group["samples"]})) == ("near duplicates", 1)
    code, out, _ = command("split", "--dataset", "scenes", "--undo", "--json")
    assert len(json.loads(out)["leaks"]) == 1


def test_copies_are_excluded_after_a_preview_and_restored(command):
    _, out, _ = command("exclude", "--dataset", "scenes", "--copies", "--preview", "--json")
    (wanted,) = json.loads(out)["would_exclude"]
    assert json.loads(command("exclude", "--dataset", "scenes", "--copies", "--json")[1])["saved"] == 1
    assert json.loads(command("exclude", "--dataset", "scenes", "--copies", "--preview", "--json")[1]) == {
        "dataset": "scenes",
        "would_exclude": [],
    }
    assert json.loads(command("restore", "--dataset", "scenes", "--sample", wanted, "--json")[1])["saved"] == 1


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("exclude", "--dataset", "scenes"), "Name the images"),
        (("exclude", "--dataset", "scenes", "--sample", "f" * 24), "There is no sample"),
        (("restore", "--dataset", "scenes"), "Name the images"),
        (("split", "--dataset", "scenes", "--mend", "--again"), "Give one of"),
        (("health", "--dataset", "nothing"), "There is no dataset"),
    ],
)
def test_a_mistake_is_one_sentence(command, arguments, sentence):
    code, out, error = command(*arguments)
    assert (code, out) == (2, "")
    assert sentence in error
    assert len(error.strip().splitlines()) == 1


def test_a_moved_folder_is_relinked_after_a_dry_run(command):
    old, new = command.root / "images", command.root / "moved"
    shutil.move(old, new)
    code, out, error = command("relink", str(old), str(new), "--dataset", "scenes", "--dry-run", "--json")
    assert code == 0, error
    planned = json.loads(out)
    assert (planned["changed"], planned["missing"], len(planned["moves"])) == (False, 25, 25)
    code, out, _ = command("relink", str(new), "--dataset", "scenes")
    assert (code, out.splitlines()[0]) == (0, f"25 of 25 missing files found in {new}.")
    code, out, _ = command("relink", str(new), "--dataset", "scenes")
    assert out == "No file is missing.\n"
    code, out, _ = command("samples", "--dataset", "scenes", "--json")
    assert all(json.loads(line)["filepath"].startswith(str(new)) for line in out.splitlines())
