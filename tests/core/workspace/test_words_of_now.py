"""What a snapshot is made of: native edits are journalled first, half a rename counts as one, the rest is told."""

import pytest

from core.domain.errors import BadInput
from core.domain.runs import TrainOptions
from core.review import classes
from core.snapshots.freeze import freeze
from core.workspace.requests import without_class


@pytest.fixture
def workspace(in_memory, new_samples):
    store = in_memory.store
    info = store.create("pets", ["cat", "dog"])
    store.insert(info.id, new_samples("cat", "dog", None, "cat", "horse"))
    return in_memory


def test_a_rename_that_is_half_done_leaves_no_image_without_a_class(workspace):
    info = workspace.dataset("pets")
    classes.replace_class(workspace.store, info.id, "cat", "kitten")
    fresh, frame = workspace.dataset("pets"), workspace.in_words_of_now("pets")
    frozen = freeze(workspace.paths, fresh, frame, keep=False)
    assert frozen.samples["label"].tolist() == ["kitten", "dog", None, "kitten", None]
    assert without_class(fresh, frame) == {"horse": 1}
    assert workspace.samples("pets")["label"].tolist() == ["cat", "dog", None, "cat", "horse"]


def test_where_nothing_was_renamed_the_samples_are_the_same_frame(workspace):
    workspace.add_class("pets", "horse")
    assert workspace.in_words_of_now("pets") is workspace.samples("pets")
    assert without_class(workspace.dataset("pets"), workspace.samples("pets")) == {}


def test_labels_that_are_no_class_are_told_before_a_run_and_are_no_label_of_val(workspace, new_samples):
    info = workspace.dataset("pets")
    assert workspace.labels_without_class("pets") == [
        "1 image is labelled 'horse', which is no class: a run counts it as unlabelled."
    ]
    workspace.store.insert(info.id, new_samples("horse", "horse", split="val", folder="/val"))
    (told,) = workspace.labels_without_class("pets")
    assert told.startswith("3 images are labelled 'horse'")
    with pytest.raises(BadInput, match="no image of val has a label"):
        workspace.searches.start("pets", {"model": "instant", "seed": [0, 1]})


def test_native_edits_are_journalled_before_a_run_is_trained_on_them(workspace):
    info = workspace.dataset("pets")
    workspace.store.set_natively(info.id, workspace.samples("pets")["sample_id"][1], "hound")
    with pytest.raises(BadInput, match="at least two classes"):  # the check looks at what was journalled, too
        workspace.retrain("pets", TrainOptions())
    (entry,) = workspace.journal("pets")
    assert (entry.old, entry.new, entry.source) == ("dog", "hound", "native")
