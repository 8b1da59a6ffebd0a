"""Errors, one by one; the fixtures decide which images each run gets wrong."""


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


def test_one_cell_and_an_order_by_look_without_embeddings(open_page, trained_workspace, words):
    one = trained_workspace.errors.of("run-1", "test")[0]
    params = {"dataset": "zoo", "run": "run-1", "true": one.label, "pred": one.predicted, "order": "look"}
    app = open_page(trained_workspace, "gallery", **params)
    assert not app.exception
    assert "not embedded yet" in words(app)
