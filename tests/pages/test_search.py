import shutil

import pytest

from core.domain.recipes import preset
from core.domain.runs import FIELDS
from core.runs.atomic import write_json
from core.search.space import read_space
from core.workspace.searches import Searches
from tests.pages.conftest import add_run

VALUES = "search.space-{}-small-cnn-values"


@pytest.fixture
def asked(monkeypatch):
    """What was asked of Searches.start: the space and the rest."""
    asked = []
    monkeypatch.setattr(
        Searches, "start", lambda self, dataset, space, **rest: asked.append((space, rest)) or "search-1"
    )
    return asked


@pytest.fixture
def searched(trained_workspace):
    """A search on "zoo" as it lies on disk after its end: four trials, of which one failed, and the last run."""
    paths = trained_workspace.paths.run("search-1")
    spec = {"kind": "search", "name": "search-1", "dataset": "zoo", "objective": "accuracy", "created_at": 1.0}
    write_json(paths.spec, {**spec, "trials": 4, "space": {}})
    values = (0.5, 0.75, 0.625, None)
    trials = [
        {
            "trial": number,
            "run": f"run-{number + 10}",
            "state": "fail" if value is None else "complete",
            "value": value,
            "params": {"learning_rate": 10.0 ** (number - 4), "model": ("cnn", "resnet18")[number % 2]},
            "steps": {"1": 0.5, "2": 0.6},
            "seconds": 3.0,
            "error": "" if value is not None else "<b>no</b> memory",
        }
        for number, value in enumerate(values)
    ]
    shares = {"learning_rate": 0.75, "model": 0.25}
    write_json(paths.folder / "trials.json", {"trials": trials, "best": 1, "importance": shares})
    write_json(paths.folder / "result.json", {"best_trial": 1, "value": 0.75, "params": {}, "run": "run-3"})
    paths.lock.touch()
    write_json(paths.exit, {"returncode": 0, "signal": None, "ended_at": 20.0})
    yield trained_workspace
    shutil.rmtree(paths.folder)


def test_without_images_it_names_the_next_step(open_page, empty_workspace, words):
    app = open_page(empty_workspace, "search")
    assert not app.exception
    assert "No images yet" in words(app)


def test_what_stands_in_the_form_can_be_searched_by_each_method(open_page, trained_workspace, asked, words):
    app = open_page(trained_workspace, "search", dataset="zoo")
    assert "20 trials: about " in words(app)
    for method, count in (("tpe", 20), ("random", 20), ("grid", 9)):
        app.selectbox(key="search.method").set_value(method).run()
        app.button(key="search.start").click().run()
        assert not app.exception
        space, rest = asked[-1]
        assert (rest["method"], rest["trials"]) == (method, count)
        options = read_space(space).example()
        assert (options.model, options.epochs, options.image_size) == ("cnn", 5, 128)
    assert "9 trials: every point of the grid, about " in words(app)
    assert space["learning_rate"] == [0.0001, 0.001, 0.01]  # by factors, as the field is
    app.text_input(key=VALUES.format("weight_decay")).set_value(" 0.05 ").run()
    assert "3 trials: every point of the grid" in words(app)
    app.button(key="search.start").click().run()
    assert asked[-1][0]["weight_decay"] == [0.05]


def test_every_field_of_a_recipe_can_vary(open_page, trained_workspace, asked):
    app = open_page(trained_workspace, "search", dataset="zoo")
    box = app.multiselect(key="search.space-varied")
    for method in ("tpe", "grid"):
        app.selectbox(key="search.method").set_value(method).run()
        for place in range(0, len(box.options), 8):
            names = list(FIELDS)[place : place + 8]
            app.multiselect(key="search.space-varied").set_value(names).run()
            assert not app.exception, names
            assert not app.error, names
            app.button(key="search.start").click().run()
            assert {one.name for one in read_space(asked[-1][0]).dimensions} == set(names)


def test_an_earlier_runs_recipe_is_begun_with_and_fields_are_set(open_page, trained_workspace, asked):
    app = open_page(trained_workspace, "search", dataset="zoo")
    app.selectbox(key="search.space-base").set_value("run-3").run()
    app.multiselect(key="search.space-varied").set_value(["seed", "layers", "model"]).run()
    app.multiselect(key="search.space-set").set_value(["epochs", "optimizer", "weights"]).run()
    app.selectbox(key="search.space-optimizer-set-run-3").set_value("sgd").run()
    app.selectbox(key="search.space-weights-set-run-3").set_value("none").run()
    app.multiselect(key="search.space-model-run-3").set_value(["cnn", "layer-cnn"]).run()
    app.text_area(key="search.space-layers-run-3").set_value("conv 8, average\n\nconv 4, average\n").run()
    app.number_input(key="search.space-seed-run-3-low").set_value(1).run()
    app.number_input(key="search.space-seed-run-3-high").set_value(4).run()
    app.button(key="search.start").click().run()
    assert not app.exception
    assert asked[0][0] == {
        "model": ["cnn", "layer-cnn"],
        "epochs": 3,  # the run's own
        "optimizer": "sgd",
        "weights": "none",
        "seed": {"low": 1, "high": 4, "log": False},
        "layers": ["conv 8, average", "conv 4, average"],
    }


def test_a_recipe_keeps_what_is_not_named(open_page, trained_workspace, asked):
    app = open_page(trained_workspace, "search", dataset="zoo")
    app.selectbox(key="search.space-base").set_value("best").run()
    app.multiselect(key="search.space-set").set_value([]).run()
    app.button(key="search.start").click().run()
    found = read_space(asked[0][0]).options({"learning_rate": 0.0, "weight_decay": 0.02})
    assert found == preset("best").options


def test_large_whole_numbers_are_offered_as_they_are_typed(open_page, untrained_workspace):
    add_run(untrained_workspace, "zoo", model="cnn", epochs=777)
    app = open_page(untrained_workspace, "search", dataset="zoo")
    app.selectbox(key="search.space-base").set_value("run-1").run()
    app.selectbox(key="search.method").set_value("grid").run()
    app.multiselect(key="search.space-varied").set_value(["epochs"]).run()
    assert not app.exception
    assert not app.error
    assert app.text_input(key="search.space-epochs-run-1-values").value.split(", ")[-1] == "1554"


@pytest.mark.parametrize(
    ("said", "sentence"),
    [("0.01, fast", "must be a number, not 'fast'"), ("99", "must lie between"), (" , ", "is empty")],
)
def test_what_cannot_be_tried_is_one_sentence_and_no_button(open_page, trained_workspace, asked, said, sentence):
    app = open_page(trained_workspace, "search", dataset="zoo")
    app.selectbox(key="search.method").set_value("grid").run()
    app.text_input(key=VALUES.format("learning_rate")).set_value(said).run()
    assert not app.exception
    assert [sentence in error.value.replace("\\", "") for error in app.error] == [True]
    assert app.button(key="search.start").disabled


def test_a_finished_search_shows_its_trials_what_matters_and_the_one_look_at_test(open_page, searched, words):
    app = open_page(searched, "search", dataset="zoo")
    assert not app.exception
    table = app.dataframe[0].value
    assert table["Trial"].tolist() == ["0", "★ 1", "2", "3"]
    assert table["State"].tolist() == ["✓ done"] * 3 + ["✕ failed"]
    assert table["Accuracy on val"].tolist()[:3] == [0.5, 0.75, 0.625]
    assert table["Model"].tolist() == ["Small CNN", "ResNet-18"] * 2
    assert table["Note"].iloc[3] == "<b>no</b> memory"
    assert len(app.get("plotly_chart")) == 2  # a line a trial; what matters
    assert "Trial 1 was best on val (0.7500). Its recipe was trained once more as **run-3**" in words(app)


def test_a_search_is_started_goes_and_ends(open_page, untrained_workspace, words):
    workspace = untrained_workspace
    app = open_page(workspace, "search", dataset="zoo")
    app.selectbox(key="search.method").set_value("grid").run()
    app.selectbox(key="search.objective").set_value("loss").run()
    app.multiselect(key="search.space-varied").set_value(["learning_rate"]).run()
    app.multiselect(key="search.space-set").set_value(["model", "layers", "image_size", "epochs"]).run()
    app.selectbox(key="search.space-model-set-small-cnn").set_value("layer-cnn").run()
    app.text_input(key="search.space-layers-set-small-cnn").set_value("conv 4, average").run()
    app.number_input(key="search.space-image_size-set-small-cnn").set_value(16).run()
    app.number_input(key="search.space-epochs-set-small-cnn").set_value(1).run()
    app.text_input(key=VALUES.format("learning_rate")).set_value("0.001, 0.01, 0.03, 0.1").run()
    app.button(key="search.start").click().run()
    assert not app.exception
    assert not app.error
    (view,) = workspace.searches.all("zoo")
    assert view.active
    assert "Pause" in [button.label for button in app.button]
    ended = workspace.wait(view.name, timeout=300)
    assert ended.state == "succeeded", ended.error + workspace.log_tail(view.name)
    app.run()
    assert not app.exception
    table = app.dataframe[0].value
    assert table["State"].tolist() == ["✓ done"] * 4
    assert table["Learning rate"].tolist() == [0.001, 0.01, 0.03, 0.1]
    assert len(app.get("plotly_chart")) == 2
    result = workspace.searches.read(view.name).result
    assert f"trained once more as **{result['run']}**, the one look at test" in words(app)
    assert [run.name for run in workspace.runs("zoo")] == [result["run"]]
