"""Files named on the command line are those that the person means, though runs and mirrors work in another folder."""

import pytest
import safetensors.torch

from core.domain.runs import TrainOptions
from core.runs.atomic import read_json
from core.tracking import settings
from core.training.convnets import SmallCNN
from core.workspace import Workspace
from core.workspace.searches import Searches


@pytest.fixture
def here(tmp_path, monkeypatch):
    """The folder that the person is in."""
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def test_a_run_starts_from_the_file_of_weights_beside_the_person(labelloop, workspace, here):
    safetensors.torch.save_file(SmallCNN(3, image_size=16).state_dict(), here / "w.safetensors")
    flags = ("--model", "cnn", "--epochs", 1, "--image-size", 16, "--weights", "./w.safetensors")
    code, shown, err = labelloop("train", "-d", "shapes", *flags, "--wait", "--json")
    assert code == 0, err
    spec = read_json(workspace.run_paths(shown["run"]).spec)
    assert spec["options"]["weights"] == str(here / "w.safetensors")


def test_recipes_and_spaces_name_files_from_there_too(labelloop, workspace, here, monkeypatch):
    asked, searched = [], []
    monkeypatch.setattr(Workspace, "retrain", lambda self, dataset, options, **_: asked.append(options) or "run-0")
    monkeypatch.setattr(Searches, "start", lambda self, dataset, space, **_: searched.append(space) or "search-0")
    (here / "mine.toml").write_text('model = "resnet18"\nweights = "kept/w.pth"\n', encoding="utf-8")
    labelloop("train", "-d", "shapes", "--recipe", "mine.toml")
    labelloop("train", "-d", "shapes", "--model", "resnet18", "--weights", "download")
    assert [options.weights for options in asked] == [str(here / "kept" / "w.pth"), "download"]
    (here / "space.json").write_text('{"model": "resnet18", "weights": ["none", "a.pth", "/b.pth"]}', encoding="utf-8")
    labelloop("search", "-d", "shapes", "--space", "space.json")
    assert searched[0]["weights"] == ["none", str(here / "a.pth"), "/b.pth"]


def test_what_a_page_names_is_in_the_home_folder(workspace, here, monkeypatch):
    monkeypatch.setenv("HOME", str(here))
    monkeypatch.setattr(workspace._launcher, "start", lambda *_, **__: None)
    name = workspace.retrain("shapes", TrainOptions(model="resnet18", weights="w.pth"))
    assert workspace.run(name).options["weights"] == str(here / "w.pth")
    workspace.cancel(name)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (("--mlflow", "sqlite:///mlflow.db"), {"mlflow": "sqlite:///{here}/mlflow.db"}),
        (("--mlflow", "sqlite:////srv/mlflow.db?timeout=9"), {"mlflow": "sqlite:////srv/mlflow.db?timeout=9"}),
        (("--mlflow", "./mlruns"), {"mlflow": "{here}/mlruns"}),
        (("--mlflow", "https://mlflow.example.org"), {"mlflow": "https://mlflow.example.org"}),
        (("--mlflow", "databricks"), {"mlflow": "databricks"}),
        (("--comet", "experiments"), {"comet": "{here}/experiments"}),
        (("--comet", "online"), {"comet": "online"}),
        (("--tensorboard", "../board"), {"tensorboard": "{up}/board"}),
        (("--tensorboard", ""), {"tensorboard": ""}),
        (("--command", "./tell.sh --loud 'two words'"), {"command": "{here}/tell.sh --loud 'two words'"}),
        (("--command", "notify-send alert"), {"command": "notify-send alert"}),
    ],
)
def test_mirrors_and_the_command_of_alerts(labelloop, workspace, here, given, kept):
    assert labelloop("tracking", *given)[0] == 0
    found = settings.read(workspace.paths)
    expected = {name: value.format(here=here, up=here.parent) for name, value in kept.items()}
    assert {name: getattr(found, name) for name in kept} == expected
    settings.write(workspace.paths, settings.Settings())


def test_the_files_of_an_mlflow_of_one_file_lie_beside_it():
    pytest.importorskip("mlflow")
    from core.tracking.mlflow_mirror import _beside

    assert _beside("sqlite:////srv/mlflow.db") == "file:///srv/mlruns"
    assert _beside("https://mlflow.example.org") is None
