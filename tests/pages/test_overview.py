"""At a glance: what the charts count, what their bars open, hostile names and prompts as plain text."""

import numpy as np
import pandas as pd
import pytest

from core.domain.generation import Generation
from core.domain.samples import NewSample
from core.embedding import mapping
from core.review.queues import QueueSpec
from core.runs.atomic import written_aside
from core.workspace import Workspace
from core.workspace.overview import COLOURINGS, NO_LABEL, NOT_GENERATED, model_name
from dashboard.charts import overview as charts

HOSTILE = "<script>alert(1)</script> $x$ :red[dog] golden"


@pytest.fixture(scope="module")
def made(trained_workspace):
    """The dataset "zoo" with generations for its first ten samples."""
    info = trained_workspace.dataset("zoo")
    ids = trained_workspace.samples("zoo")["sample_id"].tolist()[:10]
    found = {
        sample_id: Generation(
            tool="<b>ComfyUI" if number < 6 else "Fooocus",
            prompt=HOSTILE if number < 3 else "a cat in the snow",
            model="sub/base.safetensors" if number % 2 else "base",
            seed=str(number),
        )
        for number, sample_id in enumerate(ids)
    }
    trained_workspace.store.set_generations(info.id, found)
    yield trained_workspace
    trained_workspace.store.set_generations(info.id, dict.fromkeys(ids))


def test_without_images_it_names_the_next_step(open_page, empty_workspace, words):
    app = open_page(empty_workspace, "overview")
    assert not app.exception
    assert "No images yet" in words(app)


def test_without_generators_there_are_no_charts_of_them(open_page, trained_workspace, words):
    app = open_page(trained_workspace, "overview", dataset="fresh")
    assert not app.exception
    assert len(app.get("plotly_chart")) == 4
    assert "Image generators" not in words(app)


def test_all_charts(open_page, made, words):
    app = open_page(made, "overview", dataset="zoo")
    assert not app.exception
    assert len(app.get("plotly_chart")) == 7
    assert "Image generators" in words(app)


def test_what_is_counted_and_what_a_bar_opens(made):
    found = made.overview.glance("zoo")
    assert found.counts("tool") == [(NOT_GENERATED, len(found.table) - 10), ("<b>ComfyUI", 6), ("Fooocus", 4)]
    assert dict(found.counts("model")) == {NOT_GENERATED: len(found.table) - 10, "base": 10}
    assert found.sizes().to_dict("records") == [{"width": 32, "height": 24, "images": len(found.table)}]
    assert dict(found.words(None))["snow"] == 7
    ids = found.ids(word="golden")
    assert len(ids) == 3
    queue = made.queue("zoo", made.review.pick(ids, "golden"))
    assert [item.sample_id for item in queue] == ids
    assert found.ids(word="golden", label="no such class") == []
    assert sum(len(found.ids(label=name)) for name, _ in found.counts("label")) == len(found.table)


def test_excluded_images_are_not_counted(made):
    from core.domain.decisions import Decision

    sample = made.queue("zoo", QueueSpec())[0]
    before = len(made.overview.glance("zoo").table)
    made.decide("zoo", [Decision(sample.sample_id, "exclude", None, sample.label, "overview-1")], source="grid")
    found = made.overview.glance("zoo")
    assert (len(found.table), found.excluded) == (before - 1, 1)
    made.undo("zoo")
    assert len(made.overview.glance("zoo").table) == before


def test_a_chart_that_is_cut_says_so(open_page, words, tmp_path):
    with Workspace.open(tmp_path / "many", user="ann") as opened:
        info = opened.store.create("many", [f"c{at}" for at in range(50)])
        opened.store.insert(
            info.id,
            [
                NewSample(f"/x/{at}.a{at % 30}", f"c{at % 50}", "train", f"{at:064x}", 1, 1, at, 9, "image/png", "/x")
                for at in range(1, 401)
            ],
        )
        found = opened.overview.glance("many")
        assert found.cut("format") == "The 20 most frequent of 30."
        assert found.cut("label", most=50) == ""
        text = words(open_page(opened, "overview", dataset="many"))
        assert "The 40 most frequent of 50." in text
        assert "The 300 most frequent of 400." in text
        assert "The 20 most frequent of 30." in text


def test_names_are_escaped_in_every_chart():
    bars = charts.bars([(HOSTILE, 3)], of="images")
    assert "<script>" not in bars.to_json().replace('"customdata":[["' + HOSTILE, "")
    assert "&lt;script&gt;" in bars.data[0].hovertext[0]
    points = pd.DataFrame({"x": [0.0], "y": [1.0]})
    drawn = charts.embedding_map(points, [HOSTILE], colours={HOSTILE: "#123456"})
    assert "<script>" not in drawn.data[0].name + drawn.data[0].hovertext
    stacked = charts.by_class_and_split({HOSTILE: {"train": 2}}, colours={HOSTILE: "#123456"})
    assert "<script>" not in stacked.data[0].hovertext[0]


def test_the_map_is_offered_then_shown(open_page, made, words):
    app = open_page(made, "overview", dataset="zoo", view="map")
    assert not app.exception
    assert [button.label for button in app.button if "map" in button.label] == ["Make the map"]
    frame = made.samples("zoo")
    places = pd.DataFrame({"content_hash": frame["content_hash"], "x": np.arange(len(frame)), "y": 0.0})
    with written_aside(mapping.file_of(made.paths, made.dataset("zoo").id)) as aside:
        places.to_parquet(aside, index=False)
    for how in COLOURINGS:
        app = open_page(made, "overview", dataset="zoo", view="map", colour=how)
        assert not app.exception
        assert len(app.get("plotly_chart")) == 1
        assert "Draw around images" in words(app)


@pytest.mark.parametrize(("text", "name"), [
    ("models\\sub/base.safetensors", "base"),
    ("v1-5.ckpt", "v1-5"),
    ("sd_xl_base_1.0", "sd_xl_base_1.0"),
    (None, NOT_GENERATED),
])  # fmt: skip
def test_one_model_under_the_names_of_all_tools(text, name):
    assert model_name(text) == name
    assert NO_LABEL != NOT_GENERATED
