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
    assert len(app.get("plotly_chart")) == 4  # the intervals, two matrices, their difference


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
    strips = [element.proto.body for element in app.get("html") if "ll-thumbs" in element.proto.body]
    assert strips
    assert not any("<b>dog" in body for body in strips)
    assert any("&lt;b&gt;dog" in body for body in strips)
