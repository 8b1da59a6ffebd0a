from core.domain.errors import BadInput
from core.domain.runs import TrainOptions
from core.workspace import Workspace


def test_without_images_it_names_the_next_step(open_page, empty_workspace, words):
    app = open_page(empty_workspace, "train")
    assert not app.exception
    assert "No images yet" in words(app)


def test_cards_say_what_each_model_gave_last_time(open_page, trained_workspace, words):
    app = open_page(trained_workspace, "train", dataset="zoo")
    text = words(app)
    assert not app.exception
    assert "60 of 60 images have a label" in text
    assert "chooses nothing" in text
    assert text.count("Last time:") == 2
    assert text.count("Not trained on this dataset yet.") == 1  # the only ResNet-18 run failed
    assert "in 3.0 s · run-3, " in text


def test_one_click_starts_with_the_options_on_the_page(open_page, trained_workspace, monkeypatch):
    asked = []
    monkeypatch.setattr(
        Workspace, "retrain", lambda self, dataset, options: asked.append((dataset, options)) or "run-3"
    )
    app = open_page(trained_workspace, "train", dataset="zoo")
    app.number_input(key="train.epochs").set_value(3).run()
    app.number_input(key="train.image_size").set_value(64).run()
    app.button(key="train.start-cnn").click().run()
    assert not app.exception
    assert asked == [("zoo", TrainOptions(model="cnn", epochs=3, image_size=64))]
    app.button(key="train.start-instant").click().run()
    assert asked[1] == ("zoo", TrainOptions(model="instant"))


def test_weights_are_for_resnet_only(open_page, trained_workspace, monkeypatch):
    asked = []
    monkeypatch.setattr(Workspace, "retrain", lambda self, dataset, options: asked.append(options) or "run-3")
    app = open_page(trained_workspace, "train", dataset="zoo")
    app.radio(key="train.weights").set_value("file").run()
    app.button(key="train.start-resnet18").click().run()
    assert [error.value.replace("\\", "") for error in app.error] == [
        "Name the file of weights, or choose another start for ResNet-18."
    ]
    app.text_input(key="train.weights_file").set_value(' "/tmp/w.safetensors" ').run()
    app.button(key="train.start-resnet18").click().run()
    app.button(key="train.start-cnn").click().run()
    assert [options.weights for options in asked] == ["/tmp/w.safetensors", "none"]


def test_what_cannot_be_trained_is_one_sentence(open_page, trained_workspace, monkeypatch):
    def refuse(self, dataset, options):
        raise BadInput("Training needs <b>two</b> classes.")

    monkeypatch.setattr(Workspace, "retrain", refuse)
    app = open_page(trained_workspace, "train", dataset="zoo")
    app.button(key="train.start-instant").click().run()
    assert not app.exception
    assert [error.value.replace("\\", "") for error in app.error] == ["Training needs <b>two</b> classes."]


def test_a_finished_run_says_how_it_went(open_page, trained_workspace, monkeypatch, words):
    monkeypatch.setattr(Workspace, "retrain", lambda self, dataset, options: "run-3")
    app = open_page(trained_workspace, "train", dataset="zoo")
    app.button(key="train.start-cnn").click().run()
    total = trained_workspace.evaluation("run-3", "test").samples
    assert f"**{total - 1} of {total}** test images right" in words(app)
    assert "Did it help?" in [element.proto.label for element in app.get("page_link")]


def test_a_run_that_goes_is_found_again(open_page, trained_workspace, running_run, words):
    app = open_page(trained_workspace, "train", dataset="zoo")
    assert not app.exception
    assert app.button(key="train.start-cnn").label == "Training …"
    assert app.button(key="train.start-cnn").disabled
    assert not app.button(key="train.start-instant").disabled
    assert len(app.get("plotly_chart")) == 2
    assert "The star marks epoch 1, the best so far on val" in words(app)
    assert "epoch 1\n<script>alert(1)</script>" in [code.value for code in app.code]
