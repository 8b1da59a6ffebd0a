"""``labelloop import --preview``, its ways to read a source, and ``labelloop watch``."""

import contextlib
import os
import signal
import subprocess
import sys

import pytest

from tests.waiting import until


@pytest.fixture(scope="module")
def nested(tmp_path_factory, draw_shape):
    """Pictures two folders deep, with a table that names two of them otherwise."""
    root = tmp_path_factory.mktemp("nested") / "pictures"
    for number, name in enumerate(("2024/circle/cat.1.png", "2024/square/dog.1.png", "2025/circle/cat.2.png")):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        draw_shape(("circle", "square")[number % 2], seed=number).save(root / name)
    (root / "names.csv").write_text("path,label\n2024/circle/cat.1.png,tom\n2024/square/dog.1.png,rex\n")
    return root


@pytest.mark.parametrize(
    ("arguments", "layout", "classes"),
    [
        ((), "table", ["rex", "tom"]),
        (("--label-from", "folder"), "class folders", ["2024", "2025"]),
        (("--label-from", "folder", "--class-level", "2"), "nested folders", ["circle", "square"]),
        (("--layout", "nested-folders", "--class-level", "-1"), "nested folders", ["circle", "square"]),
        (("--label-from", "table", "--label-column", "label"), "table", ["rex", "tom"]),
        (("--label-from", "file-name"), "file names", ["cat", "dog"]),
        (("--label-from", "none"), "flat folder", []),
        (("--layout", "class-folders"), "class folders", ["2024", "2025"]),
    ],
)
def test_a_preview_says_how_a_source_would_be_read_and_writes_nothing(labelloop, nested, arguments, layout, classes):
    code, found, err = labelloop("import", nested, "--dataset", "new", "--preview", *arguments, "--json")
    assert code == 0, err
    assert (found["layout"], found["classes"], found["images"]) == (layout, classes, 3)
    code, listed, _ = labelloop("datasets", "--json")
    assert "new" not in str(listed)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--label-from", "elsewhere"), "Labels cannot come from"),
        (("--layout", "flat-folder", "--label-from", "table"), "does not go with"),
        (("--class-level", "7"), "deepest level here is 2"),
        (("--label-column", "breed", "--label-from", "table"), "breed"),
        (("--rule", "cat -> cat"), "--rule goes with"),
    ],
)
def test_a_wrong_way_to_read_is_one_sentence(labelloop, nested, arguments, sentence):
    code, out, err = labelloop("import", nested, "--dataset", "new", "--preview", *arguments)
    assert (code, out) == (2, "")
    assert sentence in err
    assert len(err.strip().splitlines()) == 1


@contextlib.contextmanager
def watching(workspace, folder, dataset):
    """``labelloop watch`` as a process of its own, as long as the block lasts."""
    command = [sys.executable, "-m", "core.cli", "--workspace", str(workspace.paths.root), "watch", str(folder)]
    process = subprocess.Popen(
        [*command, "--dataset", dataset],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "LABELLOOP_WORKSPACE": ""},
    )
    try:
        yield process
    finally:
        process.kill()


def test_a_watch_imports_until_ctrl_c(labelloop, workspace, tmp_path, draw_shape):
    folder = tmp_path / "outputs"
    folder.mkdir()
    draw_shape("circle", seed=71).save(folder / "first.png")
    with watching(workspace, folder, "watched") as watch:
        until(
            lambda: watch.poll() is not None or ("watched" in workspace.names() and len(workspace.samples("watched")))
        )
        assert watch.poll() is None
        code, listed, _ = labelloop("watch", "--list", "--json")
        assert (code, [one["folder"] for one in listed["watches"]]) == (0, [str(folder)])
        watch.send_signal(signal.SIGINT)
        out, _ = watch.communicate(timeout=200)
    assert "watched: 1 image" in out
    code, listed, _ = labelloop("watch", "--list", "--json")
    assert listed == {"watches": []}
    code, _, err = labelloop("watch", folder)
    assert (code, "Say with --dataset" in err) == (2, True)


def test_looking_on_at_a_lasting_watch_does_not_end_it(labelloop, workspace, tmp_path):
    folder = tmp_path / "outputs"
    folder.mkdir()
    code, _, err = labelloop("watch", folder, "--dataset", "lasting", "--background")
    assert code == 0, err
    try:
        with watching(workspace, folder, "lasting") as looking:
            assert "lasting: 0 images" in looking.stderr.readline()
            looking.send_signal(signal.SIGINT)
            looking.communicate(timeout=200)
        _, listed, _ = labelloop("watch", "--list", "--json")
        assert [(one["folder"], one["active"]) for one in listed["watches"]] == [(str(folder), True)]
    finally:
        labelloop("watch", folder, "--stop")
