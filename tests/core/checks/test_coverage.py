"""What was compared is what a check that has ended compared: not what was measured, nor what a page has looked at."""

import os
import shutil

import pytest

from core.checks import shelf
from core.domain.generation import CLAIM, Generation
from core.ingest.importer import Wishes
from core.jobs import folders
from core.runs import measurements
from core.runs.atomic import read_json, write_json
from tests import imports

SECONDS = 120


@pytest.fixture
def workspace(in_memory):
    return in_memory


@pytest.fixture
def images(tmp_path, scene):
    """Nine pictures in train, three in test."""
    for number in range(12):
        folder = tmp_path / "images" / ("test" if number % 4 == 3 else "train") / "ab"[number % 2]
        folder.mkdir(parents=True, exist_ok=True)
        scene(number).save(folder / f"{number:02}.png")
    return tmp_path / "images"


def bring_in(workspace, folder):
    """What an import does up to the check: pixels are measured."""
    measured = Wishes(measured=lambda hashes, values: measurements.add(workspace.paths, hashes, values))
    return imports.bring_in(workspace, "scenes", folder, measured)


def checked(workspace, **options):
    job = workspace.wait(workspace.health.start_check("scenes", **options), timeout=SECONDS)
    assert job.state == "succeeded", f"{job.error} {workspace.log_tail(job.name)}"
    return job


def counts(workspace):
    seen = workspace.health.coverage("scenes")
    return seen.samples, seen.measured, seen.compared, seen.embedded


def test_what_an_import_measured_is_not_compared_before_a_check_has_ended(workspace, images, scene):
    bring_in(workspace, images)
    workspace.health.refresh("scenes")
    assert counts(workspace) == (12, 12, 0, 0)
    assert workspace.health.coverage("scenes").checked_at is None
    gate = workspace.splits.gate("scenes")
    assert (gate.unseen, gate.shut) == (12, False)
    assert gate.pending.startswith("12 images are not compared with the others yet. ")
    assert gate.sentence == "No leak is known."

    job = checked(workspace)
    assert counts(workspace) == (12, 12, 12, 0)
    gate = workspace.splits.gate("scenes")
    assert (gate.unseen, gate.pending) == (0, "")
    assert gate.sentence == "No leak is known: no picture lies in two splits."

    report = workspace.run_paths(job.name).report
    assert workspace.health.coverage("scenes").unasked == read_json(report)["unasked"] == 0
    write_json(report, {**read_json(report), "unasked": 7})
    assert workspace.health.coverage("scenes").unasked == 7

    scene(3).resize((160, 120)).save(images / "train" / "b" / "twin.jpg")
    bring_in(workspace, images)
    assert counts(workspace) == (13, 13, 12, 0)
    gate = workspace.splits.gate("scenes")
    assert (gate.unseen, gate.leaks) == (1, ())
    assert gate.pending.startswith("1 image is not compared with the others yet.")

    checked(workspace)
    gate = workspace.splits.gate("scenes")
    assert (gate.unseen, len(gate.leaks), gate.shut) == (0, 1, True)


def test_making_the_findings_anew_does_not_move_the_time_of_the_check(workspace, images):
    bring_in(workspace, images)
    checked(workspace)
    folder = workspace.paths.checked(workspace.dataset("scenes").id)
    os.utime(folder / "compared.parquet", (1000, 1000))
    workspace.health.set_threshold("scenes", "dark", 0.9)
    workspace.health.refresh("scenes")
    assert workspace.health.coverage("scenes").checked_at == 1000


def test_a_check_of_just_these_images_is_not_doubled_and_one_of_more_images_is_another(workspace, images, scene):
    bring_in(workspace, images)
    with folders.lock_of(workspace.paths.jobs):
        embedding = folders.make(workspace.paths.jobs, "job", {"kind": "embed", "dataset": "scenes"})
    first = workspace.health.start_check("scenes", after=embedding.name)  # nobody works on that: the check waits
    assert workspace.health.start_check("scenes", after=embedding.name) == first
    assert workspace.health.coverage("scenes").checking == first
    assert "; the check is running." in workspace.splits.gate("scenes").pending
    scene(50).save(images / "train" / "a" / "50.png")
    bring_in(workspace, images)
    second = workspace.health.start_check("scenes")
    assert second != first
    assert workspace.wait(second, timeout=SECONDS).state == "succeeded"
    assert counts(workspace) == (13, 13, 13, 0)
    write_json(embedding.exit, {"returncode": 2, "signal": None, "ended_at": 1.0})
    assert workspace.wait(first, timeout=SECONDS).state == "succeeded"
    assert counts(workspace) == (13, 13, 13, 0)  # what the newer check compared stays


def test_what_the_embedding_did_not_know_of_is_embedded_by_the_check(workspace, images, backbone_cache):
    shutil.copytree(backbone_cache, workspace.paths.cache)
    bring_in(workspace, images)
    with folders.lock_of(workspace.paths.jobs):
        earlier = folders.make(workspace.paths.jobs, "job", {"kind": "embed", "dataset": "scenes"})
    write_json(earlier.exit, {"returncode": 0, "signal": None, "ended_at": 1.0})
    checked(workspace, after=earlier.name)
    assert counts(workspace) == (12, 12, 12, 12)


def test_a_picture_that_changes_is_not_compared_any_more(workspace, images, scene):
    bring_in(workspace, images)
    checked(workspace)
    scene(70).save(images / "train" / "a" / "00.png")
    bring_in(workspace, images)
    assert counts(workspace) == (12, 12, 11, 0)
    assert shelf.checked_at(workspace.paths.checked(workspace.dataset("scenes").id)) is not None


@pytest.mark.parametrize(
    ("made", "stays"),
    [
        (Generation("Fooocus", model="base"), "second"),  # neither seed nor prompt
        (Generation(CLAIM, claims=("claim generator: x",)), "first"),  # nothing that a person could use
        (None, "first"),
    ],
)
def test_of_two_copies_the_one_that_says_how_it_was_made_stays(workspace, images, made, stays):
    shutil.copy(images / "train" / "a" / "00.png", images / "train" / "a" / "zz.png")
    bring_in(workspace, images)
    frame = workspace.samples("scenes")
    first, second = frame[frame["content_hash"].duplicated(keep=False)]["sample_id"].tolist()
    workspace.store.set_generations(workspace.dataset("scenes").id, {second: made})
    (cluster,) = workspace.health.plan_cull("scenes", near=False, rules=["metadata"]).clusters
    assert cluster.keep == {"first": first, "second": second}[stays]
