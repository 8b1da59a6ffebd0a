"""Errors, one by one; the fixtures decide which images each run gets wrong."""

import shutil

from core.domain.decisions import Decision
from core.review.queues import QueueSpec
from core.runs.atomic import write_json


def test_without_a_run_it_names_the_next_step(open_page, trained_workspace, words):
    app = open_page(trained_workspace, "gallery", dataset="fresh")
    assert not app.exception
    assert "No finished run yet" in words(app)


def test_every_error_is_there_and_can_be_looked_at(open_page, trained_workspace, address, words):
    wrong = trained_workspace.errors.of("run-1", "test")
    assert len(wrong) == 3
    app = open_page(trained_workspace, "gallery", dataset="zoo", run="run-1")
    assert not app.exception
    keys = [one.key for one in app.button if str(one.key).startswith("gallery.closer-")]
    assert keys == [f"gallery.closer-{one.sample_id}" for one in wrong]
    app.button(key=keys[0]).click().run()
    assert address(app)["sample"] == wrong[0].sample_id
    assert "Labelled" in words(app)
    assert [name for name, _, _ in trained_workspace.errors.history("zoo", wrong[0].sample_id)] == ["run-3", "run-1"]


def test_where_a_run_abstains_the_errors_it_answers_stand_apart(open_page, corrected_workspace, words):
    errors = {one.sample_id for one in corrected_workspace.errors.of("run-1", "test")}
    assert len(errors) == 2

    def shown(**params):
        app = open_page(corrected_workspace, "gallery", dataset="zoo", run="run-1", **params)
        assert not app.exception
        return {str(one.key).partition("-")[2] for one in app.button if str(one.key).startswith("gallery.closer-")}, app

    assert shown(answers="given")[0] == errors  # it never says "not sure": there is nothing to choose
    corrected_workspace.understanding.abstain("run-1", 0.81)  # of errors it is surer than that, of all else it is not
    assert shown(answers="given")[0] == shown()[0] == errors
    none, app = shown(answers="unsure")
    assert none == set()
    assert "No errors among those on test" in words(app)
    corrected_workspace.understanding.abstain("run-1", 0.95)
    assert shown(answers="unsure")[0] == errors


def test_one_cell_and_an_order_by_look_without_embeddings(open_page, trained_workspace, words):
    one = trained_workspace.errors.of("run-1", "test")[0]
    params = {"dataset": "zoo", "run": "run-1", "true": one.label, "pred": one.predicted, "order": "look"}
    app = open_page(trained_workspace, "gallery", **params)
    assert not app.exception
    assert "not embedded yet" in words(app)


def test_an_error_knows_its_likeliest_classes_and_is_found_once_while_nothing_changes(corrected_workspace):
    errors, rows = corrected_workspace.errors, corrected_workspace.predictions("run-1")
    wrong = errors.of("run-1", "test")
    place = {sample_id: at for at, sample_id in enumerate(rows.sample_id)}
    for one in wrong:
        chances = rows.probabilities[place[one.sample_id]]
        best = sorted(range(len(chances)), key=lambda at, seen=chances: -seen[at])[:3]
        assert one.best == tuple((rows.classes[at], float(chances[at])) for at in best)
    assert errors.of("run-1", "test") is wrong
    first = wrong[0]
    made = Decision(first.sample_id, "relabel", first.predicted, first.label, "better")
    assert corrected_workspace.decide("zoo", [made], source="grid")[0].saved
    assert [one.sample_id for one in errors.of("run-1", "test")] == [one.sample_id for one in wrong[1:]]


def test_errors_of_every_order_open_in_review(open_page, trained_workspace, address):
    wrong = trained_workspace.errors.of("run-1", "test")
    app = open_page(trained_workspace, "gallery", dataset="zoo", run="run-1", order="sure")
    app.button(key="gallery.all").click().run()
    assert not app.exception
    shown = trained_workspace.queue("zoo", QueueSpec.from_params(address(app))).ids
    assert set(shown) == {one.sample_id for one in wrong}


def test_a_heat_map_that_failed_says_why(open_page, trained_workspace, words):
    one = trained_workspace.errors.of("run-1", "test")[0]
    folder = trained_workspace.paths.cache / "explain" / "run-1"
    write_json(folder / "request.json", {"out": str(folder), "samples": [[one.sample_id, "x.png"]]})
    write_json(folder / "error.json", {"sentence": "No layer of this network keeps places <b>apart."})
    try:
        app = open_page(trained_workspace, "gallery", dataset="zoo", run="run-1", sample=one.sample_id)
        assert "Where it looked cannot be shown. No layer of this network keeps places <b>apart." in words(app)
        assert app.button(key="gallery.explain").label == "Try again"
        (folder / "error.json").unlink()
        assert trained_workspace.explaining.problem("run-1", one.sample_id) == "Its file cannot be read."
        assert trained_workspace.explaining.problem("run-1", "another") == ""
    finally:
        shutil.rmtree(folder)
