"""A network's run from spec to predictions: real training on small pictures."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import onnxruntime
import psutil
import pytest
import torch

from core.domain.errors import BadInput, Cancelled
from core.domain.runs import TrainOptions
from core.runs import predictions, used
from core.runs.atomic import read_json, read_json_lines, write_json
from core.runs.layout import RunPaths
from core.runs.members import Member
from core.runs.worker import CRASHED, REFUSED, SUCCEEDED, Progress
from core.training.__main__ import main
from core.training.batches import Examples, batches
from core.training.convnets import SmallCNN
from core.training.devices import make_fabric
from core.training.loop import evaluate, fit
from core.training.models import Network
from core.training.schedule import factor_at, side_at, still_to_come
from core.training.team import Team, form
from core.training.trainer import Trainer

SMALL = {"image_size": 32, "batch_size": 16}


def test_a_cnn_learns_and_leaves_a_whole_run(make_run, shapes, tmp_path):
    samples = shapes(tmp_path / "images", 30)
    run = make_run(samples, model="cnn", epochs=8, **SMALL)

    assert main(run.folder) == SUCCEEDED

    lines = read_json_lines(run.metrics)
    assert [line["epoch"] for line in lines] == list(range(1, 9))
    assert lines[-1]["train_loss"] < lines[0]["train_loss"]
    assert all(line["images_per_second"] > 0 and 0 <= line["val_accuracy"] <= 1 for line in lines)
    table = predictions.read(run.predictions)
    assert table.sample_id.tolist() == samples["sample_id"].tolist()
    assert not table.out_of_fold.any()
    test = table.where("test")
    assert (test.predicted == test.label).mean() > 0.8
    val = table.where("val")
    best = read_json(run.checkpoints / "best.json")
    assert best["accuracy"] == pytest.approx((val.predicted == val.label).mean())
    assert best["accuracy"] == max(line["val_accuracy"] for line in lines)
    assert (run.checkpoints / "last.safetensors").exists()
    status = read_json(run.status)
    assert (status["phase"], status["epoch"], status["epochs"], status["device"]) == ("done", 8, 8, "cpu")


def test_the_onnx_file_computes_the_predictions(make_run, shapes, tmp_path):
    run = make_run(shapes(tmp_path / "images", 8), model="cnn", epochs=1, **SMALL)
    assert main(run.folder) == SUCCEEDED
    card = read_json(run.model_card)
    assert (card["input"], card["size"], card["classes"]) == ("image", 32, ["bars", "disc", "square"])
    from core.embedding.pictures import squeezed

    samples = tmp_path / "images"
    pixels = np.stack([squeezed(path, 32) for path in sorted(samples.iterdir())])
    images = ((pixels / 255 - np.array(card["mean"])) / np.array(card["std"])).transpose(0, 3, 1, 2)
    session = onnxruntime.InferenceSession(str(run.model), providers=["CPUExecutionProvider"])
    (logits,) = session.run(None, {"images": images.astype(np.float32)})
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    np.testing.assert_allclose(
        powers / powers.sum(axis=1, keepdims=True), predictions.read(run.predictions).probabilities, atol=1e-3
    )


def test_a_resnet_trains_from_scratch_and_from_its_own_checkpoint(make_run, shapes, tmp_path):
    """The checkpoint of one run is a weights file for the next, with another number of classes."""
    samples = shapes(tmp_path / "images", 8)
    run = make_run(samples, model="resnet18", epochs=1, **SMALL)
    assert main(run.folder) == SUCCEEDED
    two = samples[samples["label"] != "bars"].reset_index(drop=True)
    weights = str(run.checkpoints / "best.safetensors")
    finer = make_run(two, model="resnet18", epochs=1, weights=weights, **SMALL)
    assert main(finer.folder) == SUCCEEDED
    assert predictions.read(finer.predictions).probabilities.shape == (16, 2)


def test_the_same_seed_gives_the_same_run_and_another_seed_another(make_run, shapes, tmp_path):
    samples = shapes(tmp_path / "images", 10)
    runs = [make_run(samples, model="cnn", epochs=2, seed=seed, **SMALL) for seed in (5, 5, 6)]
    for run in runs:
        assert main(run.folder) == SUCCEEDED
    one, two, three = (predictions.read(run.predictions).probabilities for run in runs)
    assert (one == two).all()
    assert (one != three).any()


def test_the_small_cnn_is_small():
    """A convolution has 9 weights a pair of channels and no bias, a BatchNorm two a channel, the head a bias."""
    stem = 9 * 3 * 32 + 2 * 32
    stages = sum(9 * a * b + 2 * 9 * b * b + 3 * 2 * b for a, b in ((32, 64), (64, 128), (128, 224)))
    assert sum(parameter.numel() for parameter in SmallCNN(10, image_size=128).parameters()) == stem + stages + 2250
    assert stem + stages + 2250 < 2_000_000


@pytest.mark.parametrize("size", [16, 17, 48, 49, 224])
def test_the_small_cnn_takes_every_image_size(size):
    assert SmallCNN(3, image_size=size).eval()(torch.zeros(2, 3, size, size)).shape == (2, 3)


def test_vanished_files_are_left_out_and_told(make_run, shapes, tmp_path):
    samples = shapes(tmp_path / "images", 8)
    Path(samples["filepath"][4]).unlink()
    run = make_run(samples, model="cnn", epochs=1, **SMALL)
    assert main(run.folder) == SUCCEEDED
    assert predictions.read(run.predictions).sample_id.tolist() == samples["sample_id"].drop(4).tolist()
    assert "1 images" in read_json(run.status)["message"]


def test_a_picture_that_was_overwritten_is_left_out_and_told(make_run, shapes, tmp_path):
    samples = shapes(tmp_path / "images", 8)
    Path(samples["filepath"][4]).write_bytes(Path(samples["filepath"][5]).read_bytes())
    Path(samples["filepath"][6]).unlink()
    for model in ("cnn", "instant"):
        run = make_run(samples, model=model, epochs=1, **SMALL)
        assert main(run.folder) == SUCCEEDED
        assert predictions.read(run.predictions).sample_id.tolist() == samples["sample_id"].drop([4, 6]).tolist()
        said = read_json(run.status)["message"]
        assert "1 images could not be read" in said
        assert "1 images were changed after the import and left out" in said


def test_a_run_that_began_on_a_gpu_and_finds_none_says_so(make_run, shapes, tmp_path):
    run = make_run(shapes(tmp_path / "images", 8), model="cnn", epochs=1, device="cpu", **SMALL)
    used.note(run, device="cuda:0")
    assert main(run.folder) == SUCCEEDED
    assert "It began on a GPU" in read_json(run.status)["message"]
    assert used.read(run)["device"] == "cpu"


def test_no_val_split_and_unlabelled_samples(make_run, shapes, tmp_path):
    samples = shapes(tmp_path / "images", 8)
    samples = samples[samples["split"] != "val"].reset_index(drop=True)
    samples.loc[:2, "label"] = None
    run = make_run(samples, model="cnn", epochs=2, **SMALL)
    assert main(run.folder) == SUCCEEDED
    assert len(predictions.read(run.predictions)) == len(samples)
    assert read_json(run.checkpoints / "best.json")["on"] == "train"
    assert all(line["val_loss"] is None for line in read_json_lines(run.metrics))


def test_a_class_absent_from_val(make_run, shapes, tmp_path):
    samples = shapes(tmp_path / "images", 8)
    samples = samples[(samples["split"] != "val") | (samples["label"] == "disc")].reset_index(drop=True)
    run = make_run(samples, model="cnn", epochs=1, **SMALL)
    assert main(run.folder) == SUCCEEDED


@pytest.mark.parametrize("batch_size", [1, 7, 4096])
def test_odd_batch_sizes(make_run, shapes, tmp_path, batch_size):
    """15 images in batches of 7 would leave one alone, which BatchNorm refuses at one pixel."""
    run = make_run(shapes(tmp_path / "images", 7), model="cnn", epochs=1, image_size=16, batch_size=batch_size)
    assert main(run.folder) == SUCCEEDED


def test_batches_never_leave_one_sample_alone_and_lose_none():
    for count in range(2, 30):
        for size in range(2, 12):
            parts = list(batches(np.arange(count), size))
            assert np.concatenate(parts).tolist() == list(range(count))
            assert min(map(len, parts)) >= 2
            assert max(map(len, parts)) <= size + 1


def test_the_learning_rate_rises_then_falls():
    one = TrainOptions(model="cnn", epochs=1)
    rates = [factor_at(one, 1, share) for share in np.linspace(0, 1, 101)]
    assert rates[0] == pytest.approx(0.05)
    assert max(rates) == rates[20] == pytest.approx(1.0)
    assert rates[-1] == pytest.approx(0.01)
    assert all(later < earlier for earlier, later in pairwise(rates[20:]))


def test_early_epochs_train_at_half_the_side_and_the_last_at_the_whole():
    assert [side_at(epoch, 10, 128) for epoch in range(1, 11)] == [64] * 6 + [96] * 2 + [128] * 2
    assert [side_at(epoch, 3, 128) for epoch in range(1, 4)] == [64, 96, 128]
    assert side_at(1, 1, 128) == 128
    assert side_at(1, 10, 64) == 48
    assert side_at(1, 10, 32) == 32


def test_time_left_counts_that_later_epochs_cost_more():
    """Of three epochs the first has a quarter of the pixels: 100 images then are worth 225 and 400 of its own."""
    assert still_to_come(1, 3, 128, 100) == pytest.approx(125 + 300)
    assert still_to_come(3, 3, 128, 100) == 0


def test_the_best_epoch_is_one_that_saw_the_whole_image(make_run, shapes, tmp_path):
    run = make_run(shapes(tmp_path / "images", 10, size=64), model="cnn", epochs=4, image_size=64)
    assert main(run.folder) == SUCCEEDED
    assert [line["image_size"] for line in read_json_lines(run.metrics)] == [48, 48, 48, 64]
    assert read_json(run.checkpoints / "best.json")["epoch"] == 4


@pytest.fixture
def paths(tmp_path):
    folder = tmp_path / "ws" / "runs" / "run-1"
    folder.mkdir(parents=True)
    return RunPaths(folder)


@pytest.fixture
def examples():
    """24 pictures of noise around two levels of grey, 16 to learn from."""
    random = np.random.default_rng(0)
    target = np.arange(24) % 2
    pixels = (random.integers(0, 100, (24, 16, 16, 3)) + 120 * target[:, None, None, None]).astype(np.uint8)
    return Examples(
        batch=lambda rows: torch.from_numpy(pixels[rows]),
        side=16,
        target=target,
        train=np.arange(16),
        val=np.arange(16, 24),
        classes=2,
    )


def run_fit(network, examples, paths, **changes):
    plain = {"model": "cnn", "image_size": 16, "epochs": 1, "batch_size": 16, "learning_rate": 1e-3}
    options = TrainOptions(**{**plain, **changes})
    progress = Progress(paths)
    fabric = make_fabric(options)
    fit(Network(network), examples, options, fabric=fabric, team=form(fabric.device), paths=paths, progress=progress)
    return progress


def small(seed=0):
    torch.manual_seed(seed)
    return SmallCNN(2, image_size=16)


def test_a_team_with_more_workers_than_images_is_told(examples, paths):
    options, cpu = TrainOptions(model="cnn", image_size=16), torch.device("cpu")
    team = Team(Member(size=9), cpu)
    with pytest.raises(BadInput, match="9 workers need at least 18 train images; take fewer workers"):
        fit(
            Network(small()),
            examples,
            options,
            fabric=make_fabric(options),
            team=team,
            paths=paths,
            progress=Progress(paths),
        )


def test_shares_of_a_batch_are_all_of_it_and_alike():
    for size in range(1, 6):
        for least in range(2 * size, 40):
            shares = [Team(Member(rank, size), torch.device("cpu")).share(np.arange(least)) for rank in range(size)]
            assert np.concatenate(shares).tolist() == list(range(least))
            assert min(map(len, shares)) >= 2


@pytest.mark.parametrize("images", range(8, 60))
def test_a_last_batch_too_small_for_all_workers_joins_the_one_before(images):
    parts = list(batches(np.arange(images), 8, least=6))
    assert np.concatenate(parts).tolist() == list(range(images))
    assert min(map(len, parts)) >= 6


def test_one_batch_makes_one_optimiser_step(examples, paths, monkeypatch):
    steps = []
    step = torch.optim.AdamW.step
    monkeypatch.setattr(torch.optim.AdamW, "step", lambda self, *args, **kw: steps.append(1) or step(self, *args, **kw))
    network = small()
    before = {name: value.clone() for name, value in network.named_parameters()}
    run_fit(network, examples, paths)
    assert len(steps) == 1
    moved = {name for name, value in network.named_parameters() if not torch.equal(value, before[name])}
    assert {name for name, value in before.items() if value.ndim > 1} <= moved


def test_training_and_validation_see_what_they_should(examples, paths):
    seen = []
    watched = Examples(
        batch=lambda rows: seen.append(rows.tolist()) or examples.batch(rows),
        side=16,
        target=examples.target,
        train=examples.train,
        val=examples.val,
        classes=2,
    )
    run_fit(small(), watched, paths, batch_size=8)
    assert sorted(seen[0] + seen[1]) == list(range(16))
    assert seen[2:] == [list(range(16, 24))]


def test_cancel_stops_within_an_epoch_and_keeps_whole_checkpoints(examples, paths):
    class Impatient(SmallCNN):
        calls = 0

        def forward(self, images):
            Impatient.calls += 1
            if Impatient.calls == 7:  # in the second epoch: each has two steps and one evaluation
                paths.cancel.touch()
            return super().forward(images)

    with pytest.raises(Cancelled):
        run_fit(Impatient(2, image_size=16), examples, paths, epochs=50, batch_size=8)
    assert Impatient.calls <= 9
    assert read_json(paths.checkpoints / "last.json")["epoch"] == 2
    assert [path.name for path in paths.checkpoints.iterdir() if path.suffix == ".part"] == []


class Poisoned(SmallCNN):
    """Gives numbers that are none from its third epoch on (each: one step, one evaluation)."""

    def __init__(self, good):
        super().__init__(2, image_size=16)
        self.good = good

    def forward(self, images):
        self.good -= 1
        return super().forward(images) if self.good >= 0 else super().forward(images) * float("nan")


def test_a_loss_that_is_no_number_stops_and_keeps_the_last_good(examples, paths):
    network = Poisoned(good=4)
    run_fit(network, examples, paths, epochs=9)
    assert len(read_json_lines(paths.metrics)) == 2
    assert all(torch.isfinite(value).all() for value in network.state_dict().values())
    network.good = 99
    kept = read_json(paths.checkpoints / "best.json")
    fabric = make_fabric(TrainOptions(model="cnn"))
    again = evaluate(network, examples, examples.val, 8, side=16, fabric=fabric)
    assert again.loss == pytest.approx(kept["loss"], abs=1e-5)


def test_divergence_from_the_start_is_told_with_advice(make_run, shapes, tmp_path, monkeypatch):
    monkeypatch.setattr("core.training.network.build", lambda *args, **kw: Network(Poisoned(good=0)))
    run = make_run(shapes(tmp_path / "images", 4, classes=("disc", "square")), model="cnn", epochs=1, image_size=16)
    assert main(run.folder) == REFUSED
    assert "lower learning rate" in read_json(run.error)["sentence"]


class Hungry(SmallCNN):
    """A network on a machine whose memory holds ``most`` images at once while it trains."""

    def __init__(self, most):
        super().__init__(2, image_size=16)
        self.most = most

    def forward(self, images):
        if self.training and len(images) > self.most:
            raise torch.OutOfMemoryError("out of memory")
        return super().forward(images)


@pytest.mark.parametrize("most", [8, 3])
def test_too_large_a_batch_is_halved_until_it_fits_and_no_image_is_seen_twice(examples, paths, most):
    progress = run_fit(Hungry(most=most), examples, paths)
    (line,) = read_json_lines(paths.metrics)
    assert line["batch_size"] == (8 if most == 8 else 2)
    progress.write()
    status = read_json(paths.status)
    assert status["done"] == 16
    assert f"batches of {line['batch_size']}" in status["message"]


class Narrow(SmallCNN):
    """A network on a machine whose memory holds ``most`` images at once while it looks; learning is no matter."""

    def __init__(self, most):
        super().__init__(2, image_size=16)
        self.most, self.seen = most, []

    def forward(self, images):
        if not self.training:
            self.seen.append(len(images))
            if len(images) > self.most:
                raise RuntimeError("CUDA out of memory. Tried to allocate 20.00 MiB")
        return super().forward(images)


def test_a_batch_too_large_for_the_rate_finder_is_halved_there_and_for_the_run(examples, paths):
    progress = run_fit(Hungry(most=5), examples, paths, find_rate=True, learning_rate=0.0, epochs=2)
    assert [line["batch_size"] for line in read_json_lines(paths.metrics)] == [4, 4]
    tried = read_json(paths.folder / "rate.json")
    assert len(tried["losses"]) > 8
    assert tried["rates"][0] == pytest.approx(1e-6)
    progress.write()
    assert read_json(paths.status)["batch_size"] == 4


def test_validation_in_a_memory_too_small_for_the_batch_gives_the_same_figures(examples, paths):
    torch.manual_seed(0)
    wide = Narrow(most=99)
    torch.manual_seed(0)
    narrow = Narrow(most=3)
    fabric = make_fabric(TrainOptions(model="cnn"))
    found = [evaluate(one, examples, examples.val, 8, side=16, fabric=fabric) for one in (wide, narrow)]
    assert narrow.seen == [8, 4, 2, 2, 2, 2]
    assert found[0].accuracy == found[1].accuracy
    assert found[0].loss == pytest.approx(found[1].loss, abs=1e-3)
    run_fit(narrow, examples, paths)
    assert read_json_lines(paths.metrics)[0]["batch_size"] == 16  # what learns had room


@pytest.mark.parametrize(("most", "ends"), [(5, SUCCEEDED), (0, REFUSED)])
def test_predictions_in_a_memory_too_small_for_the_batch(make_run, shapes, tmp_path, monkeypatch, most, ends):
    network = Narrow(most=99)
    real = network.forward

    def forward(images):
        network.most = 99 if not read_json(run.checkpoints / "last.json") else most
        return real(images)

    network.forward = forward
    monkeypatch.setattr("core.training.network.build", lambda *args, **kw: Network(network))
    monkeypatch.setattr("core.training.network.export", lambda paths, *_: paths.model.touch())
    samples = shapes(tmp_path / "images", 15, classes=("disc", "square"))
    run = make_run(samples, model="cnn", epochs=1, image_size=16, batch_size=16)
    assert main(run.folder) == ends
    if ends == SUCCEEDED:
        assert predictions.read(run.predictions).sample_id.tolist() == samples["sample_id"].tolist()
        assert network.seen[-1] <= 4
    else:
        assert "memory is too small" in read_json(run.error)["sentence"]


def test_predictions_take_no_larger_batch_than_the_run_had_room_for(make_run, shapes, tmp_path, monkeypatch):
    network = Narrow(most=99)
    monkeypatch.setattr("core.training.network.build", lambda *args, **kw: Network(network))
    monkeypatch.setattr("core.training.network.export", lambda paths, *_: paths.model.touch())
    run = make_run(shapes(tmp_path / "images", 15, classes=("disc", "square")), model="cnn", epochs=1, image_size=16)
    write_json(run.smaller_batch, {"size": 4, "killed": True})
    assert main(run.folder) == SUCCEEDED
    assert max(network.seen) == 4
    assert "killed, most likely because memory ran out" in read_json(run.status)["message"]


def test_a_cpu_without_memory_is_told_apart_from_a_bug(examples, paths):
    class Full(Hungry):
        def forward(self, images):
            if self.training and len(images) > self.most:
                raise RuntimeError("[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory")
            return SmallCNN.forward(self, images)

    run_fit(Full(most=8), examples, paths)
    assert read_json_lines(paths.metrics)[0]["batch_size"] == 8


def test_a_batch_that_never_fits_is_told(make_run, shapes, tmp_path, monkeypatch):
    monkeypatch.setattr("core.training.network.build", lambda *args, **kw: Network(Hungry(most=1)))
    run = make_run(shapes(tmp_path / "images", 10), model="cnn", epochs=1, image_size=16, batch_size=16)
    assert main(run.folder) == REFUSED
    assert "memory is too small" in read_json(run.error)["sentence"]


def test_a_bug_is_told_as_one(make_run, shapes, tmp_path, monkeypatch, capfd):
    def broken(*args, **kwargs):
        raise ZeroDivisionError("planted")

    monkeypatch.setattr("core.training.network.fit", broken)
    run = make_run(shapes(tmp_path / "images", 4), model="cnn", epochs=1, image_size=16)
    assert main(run.folder) == CRASHED
    assert "planted" in read_json(run.error)["sentence"]
    assert "Traceback" in capfd.readouterr().err


def test_files_that_vanish_while_it_trains_do_no_harm(make_run, shapes, tmp_path, monkeypatch):
    samples = shapes(tmp_path / "images", 6)
    real = Trainer.step

    def step(self, *args):
        for path in (tmp_path / "images").glob("*.png"):
            path.unlink()
        return real(self, *args)

    monkeypatch.setattr(Trainer, "step", step)
    run = make_run(samples, model="cnn", epochs=1, **SMALL)
    assert main(run.folder) == SUCCEEDED
    assert len(predictions.read(run.predictions)) == len(samples)


def test_training_has_no_loader_processes(make_run, shapes, tmp_path, monkeypatch):
    """So none can be left behind, hang in a fork, or find too little shared memory."""
    children, real = [], Trainer.step

    def step(self, *args):
        children.extend(psutil.Process().children(recursive=True))
        return real(self, *args)

    before = set(psutil.Process().children(recursive=True))
    monkeypatch.setattr(Trainer, "step", step)
    run = make_run(shapes(tmp_path / "images", 6), model="cnn", epochs=1, **SMALL)
    assert main(run.folder) == SUCCEEDED
    assert set(children) <= before


@pytest.mark.parametrize("kept", [("disc",), ()])
def test_one_class_or_none_is_told(make_run, shapes, tmp_path, kept):
    samples = shapes(tmp_path / "images", 4)
    samples["label"] = [label if label in kept else None for label in samples["label"]]
    run = make_run(samples, classes=("bars", "disc"), model="cnn", epochs=1, **SMALL)
    assert main(run.folder) == REFUSED
    assert "at least two classes" in read_json(run.error)["sentence"]


def test_two_images_a_class_are_enough(make_run, shapes, tmp_path):
    samples = shapes(tmp_path / "images", 2, classes=("disc", "square"))
    samples["split"] = "train"
    run = make_run(samples, model="cnn", epochs=1, **SMALL)
    assert main(run.folder) == SUCCEEDED


def test_class_weights_and_balanced_sampling_with_a_class_that_is_not_in_train(make_run, shapes, tmp_path):
    samples = shapes(tmp_path / "images", 6)
    samples = samples[(samples["split"] != "train") | (samples["label"] != "bars")].reset_index(drop=True)
    for balance in ("weights", "sampling"):
        run = make_run(samples, model="cnn", epochs=1, balance=balance, mixup=0.3, **SMALL)
        assert main(run.folder) == SUCCEEDED, read_json(run.error)
        assert np.isfinite(predictions.read(run.predictions).probabilities).all()
