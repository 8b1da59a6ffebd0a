"""Weights from elsewhere: what fits is loaded, what does not is told, nothing in them runs."""

import pickle
import urllib.error

import pytest
import safetensors.torch
import torch
import torchvision

from core.domain.errors import BadInput, Offline
from core.domain.runs import TrainOptions
from core.training.models import build
from core.training.weights import load_file

DOWNLOADED = TrainOptions(model="resnet18", image_size=32, weights="download")


@pytest.fixture(scope="module")
def donor():
    torch.manual_seed(1)
    return torchvision.models.resnet18(weights=None, num_classes=10)


def fresh(classes=3):
    torch.manual_seed(2)
    return torchvision.models.resnet18(weights=None, num_classes=classes)


@pytest.mark.parametrize("kind", ["safetensors", "pth", "pth in state_dict", "pth from DataParallel"])
def test_a_body_is_loaded_and_the_head_replaced_when_classes_differ(tmp_path, donor, kind):
    state = donor.state_dict()
    path = tmp_path / f"weights.{kind.split()[0]}"
    if kind == "safetensors":
        safetensors.torch.save_file(state, path)
    elif kind == "pth":
        torch.save(state, path)
    elif kind == "pth in state_dict":
        torch.save({"state_dict": state, "epoch": 3}, path)
    else:
        torch.save({f"module.{key}": value for key, value in state.items()}, path)
    network = fresh()
    head = network.fc.weight.clone()
    load_file(network, path, head="fc.")
    assert torch.equal(network.layer4[1].conv2.weight, donor.layer4[1].conv2.weight)
    assert torch.equal(network.bn1.running_mean, donor.bn1.running_mean)
    assert torch.equal(network.fc.weight, head)


def test_a_head_of_the_same_size_is_kept(tmp_path, donor):
    safetensors.torch.save_file(donor.state_dict(), tmp_path / "w.safetensors")
    network = fresh(classes=10)
    load_file(network, tmp_path / "w.safetensors", head="fc.")
    assert torch.equal(network.fc.weight, donor.fc.weight)


class Trap:
    """What a malicious pickle does: it names a function to be called when it is opened."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (str(self.path), "w"))


@pytest.mark.parametrize("save", ["torch", "pickle", "torch among weights"])
def test_a_pickle_with_code_does_not_run(tmp_path, donor, save):
    path, mark = tmp_path / "weights.pth", tmp_path / "it-ran"
    if save == "torch":
        torch.save(Trap(mark), path)
    elif save == "pickle":
        path.write_bytes(pickle.dumps(Trap(mark)))
    else:
        torch.save({**donor.state_dict(), "fc.bias": Trap(mark)}, path)
    mark.unlink(missing_ok=True)  # torch.save may call it, torch.load must not
    with pytest.raises(BadInput, match=r"not opened|damaged"):
        load_file(fresh(), path, head="fc.")
    assert not mark.exists()


@pytest.mark.parametrize("suffix", ["safetensors", "pth"])
@pytest.mark.parametrize("kept", [0, 10, 0.5, 0.999])
def test_a_truncated_file_is_told(tmp_path, donor, suffix, kept):
    path = tmp_path / f"weights.{suffix}"
    if suffix == "pth":
        torch.save(donor.state_dict(), path)
    else:
        safetensors.torch.save_file(donor.state_dict(), path)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * kept) if isinstance(kept, float) else kept])
    with pytest.raises(BadInput, match=r"weights\.\w+ (is damaged|holds more)"):
        load_file(fresh(), path, head="fc.")


def test_weights_of_another_network_are_told(tmp_path, donor):
    other = torchvision.models.mobilenet_v3_small(weights=None)
    safetensors.torch.save_file(other.state_dict(), tmp_path / "other.safetensors")
    with pytest.raises(BadInput, match=r"another network: it has no conv1\.weight"):
        load_file(fresh(), tmp_path / "other.safetensors", head="fc.")
    wide = {**donor.state_dict(), "conv1.weight": torch.zeros(64, 1, 7, 7)}
    safetensors.torch.save_file(wide, tmp_path / "grey.safetensors")
    with pytest.raises(BadInput, match=r"conv1\.weight has the shape"):
        load_file(fresh(), tmp_path / "grey.safetensors", head="fc.")
    broken = {**donor.state_dict(), "conv1.weight": torch.full((64, 3, 7, 7), float("nan"))}
    safetensors.torch.save_file(broken, tmp_path / "nan.safetensors")
    with pytest.raises(BadInput, match="no numbers"):
        load_file(fresh(), tmp_path / "nan.safetensors", head="fc.")


@pytest.mark.parametrize("content", [[1, 2], "text", {"conv1.weight": "text"}])
def test_a_file_of_something_else_is_told(tmp_path, content):
    torch.save(content, tmp_path / "odd.pth")
    with pytest.raises(BadInput):
        load_file(fresh(), tmp_path / "odd.pth", head="fc.")


@pytest.mark.parametrize(("name", "says"), [("gone.pth", "no weights file"), ("notes.txt", "neither")])
def test_a_path_that_is_no_weights_file_is_told(tmp_path, name, says):
    if name == "notes.txt":
        (tmp_path / name).write_text("hello")
    with pytest.raises(BadInput, match=says):
        load_file(fresh(), tmp_path / name, head="fc.")


def test_a_folder_is_no_weights_file(tmp_path):
    with pytest.raises(BadInput, match="no weights file"):
        load_file(fresh(), tmp_path, head="fc.")


@pytest.mark.parametrize(
    "failure",
    [urllib.error.URLError("Name or service not known"), TimeoutError("timed out"), RuntimeError("invalid hash value")],
)
def test_offline_names_both_ways_out(tmp_path, monkeypatch, failure):
    def unreachable(*args, **kwargs):
        raise failure

    monkeypatch.setattr(torch.hub, "download_url_to_file", unreachable)
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path / "hub"))
    with pytest.raises(Offline, match=r"\.safetensors or torchvision \.pth file.*from scratch"):
        build(DOWNLOADED, 3, cache=tmp_path)
    assert list((tmp_path / "weights").iterdir()) == []


def test_a_download_is_made_once_and_read_like_a_file(tmp_path, monkeypatch, donor):
    asked = []

    def served(url, aside, hash_prefix, progress):
        asked.append((url, hash_prefix))
        torch.save(donor.state_dict(), aside)

    monkeypatch.setattr(torch.hub, "download_url_to_file", served)
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path / "hub"))
    for _ in range(2):
        network = build(DOWNLOADED, 3, cache=tmp_path).module
        assert torch.equal(network.conv1.weight, donor.conv1.weight)
    assert asked == [("https://download.pytorch.org/models/resnet18-f37072fd.pth", "f37072fd")]


def test_what_torch_downloaded_before_is_found_without_a_network(tmp_path, monkeypatch, donor):
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path / "hub"))
    (tmp_path / "hub" / "checkpoints").mkdir(parents=True)
    torch.save(donor.state_dict(), tmp_path / "hub" / "checkpoints" / "resnet18-f37072fd.pth")
    network = build(DOWNLOADED, 3, cache=tmp_path / "cache").module
    assert torch.equal(network.conv1.weight, donor.conv1.weight)


def test_the_small_cnn_has_nothing_to_download():
    with pytest.raises(BadInput, match="no weights to take by .download."):
        TrainOptions(model="cnn", weights="download")
