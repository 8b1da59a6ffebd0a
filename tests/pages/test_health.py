import shutil

import pytest

from core.checks import shelf
from core.domain.findings import Finding
from core.domain.generation import Generation
from core.runs import findings
from core.runs.layout import RunPaths
from core.runs.worker import Progress


def count(app, kind):
    """The number on a kind's button; 0 where it carries none."""
    label = app.button(key=f"health.kind-{kind}").label
    return int(label.split("**")[1]) if "**" in label else 0


def shown(app):
    return " ".join(str(element.value if hasattr(element, "value") else element) for element in app.get("html"))


def test_without_images_the_page_says_what_it_will_show(empty_workspace, open_page, words):
    assert "No images yet" in words(open_page(empty_workspace, "health"))


def test_each_kind_has_its_count(planted_workspace, open_page):
    app = open_page(planted_workspace, "health", dataset="scenes")
    assert not app.exception
    found = {kind: count(app, kind) for kind in planted_workspace.health.refresh("scenes")}
    assert {kind: number for kind, number in found.items() if number} == {
        "leak": 2,
        "label-conflict": 2,
        "exact-duplicate": 4,
        "near-duplicate": 2,
        "dark": 1,
    }


@pytest.mark.parametrize(
    "kind", ["leak", "label-conflict", "exact-duplicate", "near-duplicate", "dark", "missing-file"]
)
def test_every_kind_can_be_looked_at(planted_workspace, open_page, kind):
    app = open_page(planted_workspace, "health", dataset="scenes", kind=kind)
    assert not app.exception
    assert app.button(key=f"health.kind-{kind}")


def test_a_slider_moves_who_counts_and_goes_back(planted_workspace, open_page):
    app = open_page(planted_workspace, "health", dataset="scenes", kind="dark")
    app.slider(key="health.threshold-dark").set_value(0.0).run()
    assert count(app, "dark") == 0
    app.slider(key="health.threshold-dark").set_value(1.0).run()
    assert count(app, "dark") == 34
    app.button(key="health.usual").click().run()
    assert count(app, "dark") == 1
    assert planted_workspace.health.thresholds("scenes")["dark"] == pytest.approx(0.35)


def test_a_finding_leads_to_its_images(planted_workspace, open_page, address):
    app = open_page(planted_workspace, "health", dataset="scenes", kind="dark")
    app.button(key="health.review").click().run()
    assert address(app) == {"dataset": "scenes", "queue": "finding", "finding": "dark"}


def test_copies_are_culled_and_restored_and_files_stay(planted_workspace, open_page, words):
    app = open_page(planted_workspace, "health", dataset="scenes", kind="near-duplicate")
    assert "2 copies** would be excluded" in words(app)
    assert "clusters with two labels are left to you" in words(app)
    before = planted_workspace.samples("scenes")
    app.button(key="health.cull").click().run()
    assert not app.exception
    gone = planted_workspace.samples("scenes").query("excluded")
    assert sorted(path.rsplit("/", 1)[1] for path in gone["filepath"]) == ["copy.png", "twin.jpg"]
    assert all(path for path in gone["filepath"])
    assert count(app, "leak") == 0
    app.button(key="health.restore").click().run()
    assert planted_workspace.samples("scenes")["excluded"].sum() == 0
    assert count(app, "leak") == 2
    assert planted_workspace.samples("scenes")["filepath"].tolist() == before["filepath"].tolist()
    kinds = [entry.kind for entry in planted_workspace.journal("scenes")]
    assert kinds.count("exclude") == kinds.count("restore") == 2


def test_leaks_are_mended_and_moved_back(planted_workspace, open_page, words):
    app = open_page(planted_workspace, "health", dataset="scenes", kind="leak")
    app.button(key="health.mend").click().run()
    assert planted_workspace.splits.gate("scenes").leaks == ()
    assert "no leak is known now" in words(app)
    app.button(key="health.undo-moves").click().run()
    assert len(planted_workspace.splits.gate("scenes").leaks) == 1


def test_retrain_asks_before_it_learns_from_leaks(planted_workspace, open_page, words):
    app = open_page(planted_workspace, "home", dataset="scenes")
    app.button(key="retrain-button").click().run()
    assert planted_workspace.runs("scenes") == []
    assert "Mending moves" in words(app)
    assert app.button(key="gate-mend")
    assert app.button(key="gate-train")


def test_train_asks_too(planted_workspace, open_page, words):
    app = open_page(planted_workspace, "train", dataset="scenes")
    start = next(button for button in app.button if (button.key and "start" in button.key) or button.label == "Train")
    start.click().run()
    assert planted_workspace.runs("scenes") == []
    assert "Mending moves" in words(app)


def test_a_search_asks_before_it_learns_from_leaks(planted_workspace, open_page, words):
    app = open_page(planted_workspace, "search", dataset="scenes")
    frame = planted_workspace.samples("scenes")
    held = frame[frame["split"] == "train"]["sample_id"].tail(4).tolist()
    planted_workspace.store.set_splits(planted_workspace.dataset("scenes").id, dict.fromkeys(held, "val"))
    start = next(button for button in app.button if button.label == "Start the search")
    start.click().run()
    assert not app.exception
    assert planted_workspace.searches.all("scenes") == []
    assert "Mending moves" in words(app)
    assert app.button(key="gate-train").label == "Search all the same"


def test_what_is_not_compared_yet_is_said_and_holds_nobody_up(planted_workspace, open_page, words):
    workspace = planted_workspace
    app = open_page(workspace, "health", dataset="scenes", kind="outlier")
    assert "34 images, all compared" in words(app)
    assert "None found: outliers." in words(app)
    workspace.splits.mend("scenes")
    folder = workspace.paths.checked(workspace.dataset("scenes").id)
    known = workspace.samples("scenes")["content_hash"].drop_duplicates().tolist()
    shelf.write_compared(folder, known[:-2], [False] * (len(known) - 2), asked_at=0.0)
    for page in ("health", "train", "search"):
        app = open_page(workspace, page, dataset="scenes", kind="outlier")
        assert "images are not compared with the others yet." in words(app)
        assert "None found: outliers." not in words(app)
    app.button(key="retrain-button").click().run()
    assert not app.exception
    assert any("not compared with the others yet" in toast.value.replace("\\", "") for toast in app.toast)
    (run,) = workspace.runs("scenes")
    workspace.cancel(run.name)
    workspace.wait(run.name, timeout=120)


def test_moved_files_are_found_again_from_their_finding(planted_workspace, open_page, words, tmp_path):
    workspace = planted_workspace
    before = workspace.samples("scenes")
    shutil.move(tmp_path / "images", tmp_path / "moved")
    shelf.write_missing(
        workspace.paths.checked(workspace.dataset("scenes").id), before, Progress(RunPaths(tmp_path / "job-1"))
    )
    app = open_page(workspace, "health", dataset="scenes", kind="missing-file")
    assert count(app, "missing-file") == 34
    app.text_input(key="health.relink-folder").set_value(str(tmp_path / "nowhere")).run()
    assert "There is no folder" in words(app)
    app.text_input(key="health.relink-folder").set_value(str(tmp_path / "moved")).run()
    assert "34 of 34 missing files found" in words(app)
    assert workspace.samples("scenes").equals(before)
    app.button(key="health.relink").click().run()
    assert not app.exception
    assert "34 images relinked" in words(app)
    assert count(app, "missing-file") == 0
    assert workspace.samples("scenes")["filepath"].str.contains("/moved/").all()


def test_where_images_have_prompts_prompt_and_picture_are_compared(planted_workspace, open_page, words):
    app = open_page(planted_workspace, "health", dataset="scenes")
    assert not any(button.key == "health.kind-prompt-mismatch" for button in app.button)
    dataset_id = planted_workspace.dataset("scenes").id
    sample_id = planted_workspace.samples("scenes")["sample_id"].iat[0]
    made = Generation(tool="ComfyUI", prompt="a slate roof", source="PNG text")
    planted_workspace.store.set_generations(dataset_id, {sample_id: made})
    mismatch = Finding(sample_id, "prompt-mismatch", 0.9, "the prompt names a, run-1 sees b (90%)", suggestion="b")
    findings.write(planted_workspace.paths, dataset_id, "prompt-mismatch", [mismatch])
    app = open_page(planted_workspace, "health", dataset="scenes", kind="prompt-mismatch")
    assert not app.exception
    assert count(app, "prompt-mismatch") == 1
    assert "Review the 1 picture" in words(app) or "slate" in words(app)
