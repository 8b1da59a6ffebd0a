"""What a folder is recognised as, by its names."""

import os

import pytest

from core.domain.errors import BadInput
from core.ingest.listing import folder_of
from core.ingest.sources import recognise


@pytest.fixture
def tree(tmp_path):
    """``tree("a/1.png", ...)`` makes empty files: recognising reads names only."""

    def make(*names):
        for name in names:
            path = tmp_path / "images" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
        return tmp_path / "images"

    return make


def _read(preview):
    base = preview.folder
    return {str(f.path.relative_to(base)): (f.split, f.label) for f in preview.files}


def test_one_folder_a_class(tree):
    found = recognise(tree("cats/1.jpg", "cats/deep/er/2.JPG", "dogs/1.png", "stray.webp", "notes.txt"))
    assert found.layout == "class folders"
    assert found.classes == ("cats", "dogs")
    assert _read(found) == {
        "cats/1.jpg": (None, "cats"),
        "cats/deep/er/2.JPG": (None, "cats"),
        "dogs/1.png": (None, "dogs"),
        "stray.webp": (None, None),
    }
    assert [reason for _, reason in found.skipped] == ["not an image by its name"]
    assert found.sentence == "One folder a class, 2 classes, 4 images"


def test_split_folders_by_any_of_their_names(tree):
    found = recognise(tree("Training/cats/1.jpg", "valid/cats/2.jpg", "test/dogs/3.jpg"))
    assert found.layout == "split folders"
    assert set(_read(found).values()) == {("train", "cats"), ("val", "cats"), ("test", "dogs")}
    assert found.splits == ("train", "test", "val")


def test_split_folders_without_classes_are_unlabelled(tree):
    assert set(_read(recognise(tree("train/1.jpg", "test/2.jpg"))).values()) == {("train", None), ("test", None)}


@pytest.mark.parametrize(("folders", "empty"), [
    (("train/bird", "test/cats"), ("bird",)), (("bird/train",), ("bird",)), (("train/cats/more", "val"), ()),
])  # fmt: skip
def test_an_empty_class_in_split_folders_is_a_class_and_told(tree, folders, empty):
    inside = (
        ("cats/train/1.jpg", "dogs/test/2.jpg")
        if folders[0] == "bird/train"
        else ("train/cats/1.jpg", "test/dogs/2.jpg")
    )
    root = tree(*inside)
    for folder in folders:
        (root / folder).mkdir(parents=True, exist_ok=True)
    found = recognise(root)
    assert (found.layout, found.empty) == ("split folders", empty)
    assert [note for note in found.notes if "empty" in note] == [f"1 class folder is empty: {one!r}." for one in empty]


def test_flat(tree):
    found = recognise(tree("1.jpg", "2.jpg"))
    assert found.layout == "flat folder"
    assert set(_read(found).values()) == {(None, None)}


@pytest.mark.parametrize("inner", ["cats/1.jpg dogs/2.jpg", "train/cats/1.jpg val/dogs/2.jpg"])
def test_a_lone_wrapper_folder_is_stepped_into(tree, inner):
    found = recognise(tree(*(f"pets-v2/data/{name}" for name in inner.split())))
    assert found.classes == ("cats", "dogs")


def test_a_lone_class_folder_is_a_class(tree):
    assert recognise(tree("cats/1.jpg", "cats/2.jpg")).classes == ("cats",)


def test_a_lone_train_folder_is_a_split(tree):
    found = recognise(tree("train/cats/1.jpg", "train/dogs/2.jpg"))
    assert (found.layout, found.splits) == ("split folders", ("train",))


def test_rubbish_is_left_alone(tree):
    found = recognise(
        tree("cats/1.jpg", ".ipynb_checkpoints/1.jpg", "__MACOSX/cats/1.jpg", "cats/.hidden.jpg", "cats/Thumbs.db")
    )
    assert set(_read(found)) == {"cats/1.jpg"}
    assert found.classes == ("cats",)
    assert {os.path.basename(path) for path, _ in found.skipped} == {".ipynb_checkpoints", "__MACOSX"}


@pytest.mark.parametrize(
    "name",
    ["кошки", "猫", "a b", "q\"uo'te", "new\nline", "; echo", "<script>alert(1)</script>", "🐈", "$(rm)", "a..b"],
)
def test_class_names_of_any_kind(tree, name):
    safe = name.replace("/", "∕")
    assert recognise(tree(f"{safe}/1.jpg", f"other/{safe}.jpg")).classes == tuple(sorted([safe, "other"]))


def test_links_out_of_the_folder_are_skipped_and_loops_end(tree, tmp_path):
    root = tree("cats/1.jpg")
    (tmp_path / "secret.jpg").touch()
    (root / "cats" / "out.jpg").symlink_to(tmp_path / "secret.jpg")
    (root / "cats" / "in.jpg").symlink_to(root / "cats" / "1.jpg")
    (root / "cats" / "loop").symlink_to(root)
    (root / "cats" / "round.jpg").symlink_to(root / "cats" / "round.jpg")
    os.mkfifo(root / "cats" / "pipe.jpg")
    found = recognise(root)
    assert set(_read(found)) == {"cats/1.jpg", "cats/in.jpg"}
    assert sorted(reason for _, reason in found.skipped) == [
        "a link that leads nowhere",
        "a link that leads out of the folder",
        "a link to a folder",
        "not a regular file",
    ]


def test_what_a_person_may_paste(tree, monkeypatch):
    root = tree("cats/1.jpg")
    assert folder_of(f'"{root}"') == root
    assert folder_of(f"  {root}/ ") == root
    monkeypatch.setenv("HOME", str(root.parent))
    assert folder_of("~/images") == root


@pytest.mark.parametrize(
    ("text", "sentence"),
    [("", "Name the folder"), ("/no/such/folder", "no folder"), ("a\0b", "null character"), ("''", "Name the folder")],
)
def test_no_folder(text, sentence):
    with pytest.raises(BadInput, match=sentence):
        folder_of(text)


def test_a_file_is_no_folder(tree):
    with pytest.raises(BadInput, match="is a file"):
        recognise(tree("1.jpg") / "1.jpg")


def test_no_images(tree):
    with pytest.raises(BadInput, match="no images"):
        recognise(tree("readme.txt"))


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such names")
def test_names_that_are_no_text_are_skipped_and_the_rest_is_read(tree):
    """One such name used to end the whole import, since the database refuses it."""
    root = tree("a/1.png", "b/1.png")
    os.mkdir(os.fsencode(root) + b"/caf\xe9")
    for name in (b"/caf\xe9/1.png", b"/a/\xff.png"):
        open(os.fsencode(root) + name, "wb").close()
    found = recognise(root)
    assert found.classes == ("a", "b")
    assert len(found.files) == 2
    assert {reason for _, reason in found.skipped} == {"its path is not valid UTF-8; rename the file or its folder"}
    assert any("caf�" in path for path, _ in found.skipped)
