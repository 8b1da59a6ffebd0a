from core.domain.decisions import Decision
from core.domain.samples import NewSample
from core.review.queues import QueueSpec
from tests.pages.conftest import add_run


def box(app, label):
    return next(one for one in app.selectbox if one.label == label)


def test_without_images_it_names_the_next_step(open_page, empty_workspace, words):
    app = open_page(empty_workspace, "compare")
    assert not app.exception
    assert "No images yet" in words(app)


def test_without_two_runs_it_names_the_next_step(open_page, trained_workspace, words):
    app = open_page(trained_workspace, "compare", dataset="fresh")
    assert not app.exception
    assert "Nothing to compare yet" in words(app)
    assert "Two finished runs are needed on **fresh**" in words(app)


def test_newest_against_the_one_before(open_page, trained_workspace, words):
    app = open_page(trained_workspace, "compare", dataset="zoo")
    text = words(app)
    assert not app.exception
    assert (box(app, "Before").value, box(app, "After").value) == ("run-1", "run-3")
    assert "No clear difference between run-1 and run-3." in text  # 2 fixed, 0 broken: p = 0.5
    assert "**2 fixed, 0 broken**, 1 still wrong." in text
    assert "chance alone would do this or more in 50% of cases (p = 0.5)" in text
    assert "images only a difference of" in text
    assert "so all of the change is the network's" in text
    assert len(app.get("plotly_chart")) == 1  # the intervals


def test_corrected_labels_get_no_verdict_but_the_credit_is_split(open_page, corrected_workspace, words):
    app = open_page(corrected_workspace, "compare", dataset="zoo")
    text = words(app)
    total = corrected_workspace.compare("run-1", "run-2").samples
    assert not app.exception
    assert "No verdict on run-1 and run-2" in text
    assert "1 label in test changed between the two runs" in text
    # run-1 had three wrong; the corrected label gives it one, the network of run-2 the other two
    gained = [f"+{round(100 * n / total, 1):.1f}" for n in (3, 1, 2)]
    assert f"**{gained[0]} points**" in text
    assert f"**{gained[1]}** come from labels" in text
    assert f"**{gained[2]}** from the newer network" in text
    assert len(app.get("plotly_chart")) == 2  # the intervals, the timeline


def test_a_cell_of_the_difference_opens_its_images(open_page, trained_workspace, words, address):
    app = open_page(trained_workspace, "compare", dataset="zoo", true="<b>dog", pred="=bird")
    assert not app.exception
    _, went = trained_workspace.understanding.moved("run-1", "run-3", "test", ("<b>dog", "=bird"))
    assert f"{len(went)} **<b>dog** taken for **=bird** no more by run-3" in words(app)
    assert len(went) >= 1
    app.button(key="compare.cell-1").click().run()
    assert address(app)["queue"] == "picked"


def test_a_clear_difference_is_said_in_points(open_page, trained_workspace, words):
    app = open_page(trained_workspace, "compare", dataset="zoo", old="run-3", new="run-1", split="train")
    found = trained_workspace.compare("run-3", "run-1", split="train")
    assert not app.exception
    assert found.p_value == 0.125  # 0 fixed, 4 broken: 2 * (1/2)**4
    assert "p = 0.12" in words(app)
    assert "Test is the split to judge by" in words(app)


def test_the_same_run_twice_is_said(open_page, trained_workspace, words):
    app = open_page(trained_workspace, "compare", dataset="zoo", old="run-1", new="run-1")
    assert not app.exception
    assert "Choose two different runs." in words(app)


def test_fixed_images_open_in_review(open_page, trained_workspace, address):
    app = open_page(trained_workspace, "compare", dataset="zoo")
    app.button(key="compare.review-fixed").click().run()
    found = address(app)
    assert not app.exception
    assert (found["queue"], found["run"], found["other"], found["split"]) == ("fixed", "run-3", "run-1", "test")


def test_strips_escape_labels_and_paths(open_page, trained_workspace):
    app = open_page(trained_workspace, "compare", dataset="zoo")
    strips = [element.proto.body for element in app.get("html") if "<div class='ll-thumbs'" in element.proto.body]
    assert strips
    assert not any("<b>dog" in body for body in strips)
    assert any("&lt;b&gt;dog" in body for body in strips)


def test_labels_corrected_after_both_runs_get_no_verdict_but_as_trained_they_do(
    open_page, corrected_workspace, words, address
):
    add_run(corrected_workspace, "zoo", wrong={"test": 2}, ago=1)
    item = corrected_workspace.queue("zoo", QueueSpec("misclassified", run="run-3", split="test"))[0]
    decision = Decision(item.sample_id, "relabel", item.suggestion, item.label, "after")
    corrected_workspace.decide("zoo", [decision], source="grid")
    app = open_page(corrected_workspace, "compare", dataset="zoo", old="run-2", new="run-3")
    assert not app.exception
    assert "No verdict on run-2 and run-3" in words(app)
    assert "1 label in test changed after run-3" in words(app)
    app = open_page(corrected_workspace, "compare", dataset="zoo", old="run-2", new="run-3", labels="run")
    assert "No clear difference between run-2 and run-3." in words(app)
    assert "**0 fixed, 2 broken**" in words(app)
    app.button(key="compare.review-broken").click().run()
    assert address(app)["labels"] == "run"


def test_pictures_that_were_replaced_between_two_runs_are_left_out(corrected_workspace):
    frame, info = corrected_workspace.samples("zoo"), corrected_workspace.dataset("zoo")
    row = frame[frame["split"] == "test"].iloc[0]
    other = NewSample(row["filepath"], None, "test", "f" * 64, 1, 1, 8, 8, "image/png", "elsewhere")
    corrected_workspace.store.replace_file(info.id, row["sample_id"], other)
    add_run(corrected_workspace, "zoo", ago=1)
    assert corrected_workspace.understanding.replaced("run-2", "run-3") == {row["sample_id"]}
    assert corrected_workspace.understanding.replaced("run-1", "run-2") == set()
    found = corrected_workspace.compare("run-2", "run-3")
    assert (found.replaced, found.verdict) == (1, None)
    assert row["sample_id"] not in {*found.fixed, *found.broken, *found.still_wrong}
    assert "1 image in test was replaced by another picture" in found.reason
