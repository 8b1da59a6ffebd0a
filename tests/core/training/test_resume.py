"""A run that was killed, paused or stopped: it goes on, and ends with the numbers of one that was not interrupted."""

import contextlib
import errno
import hashlib
import os
import pkgutil
import shutil
import signal
import subprocess
import sys
import time

import pytest
import safetensors.torch
import torch

from core.domain.errors import LabelloopError
from core.domain.runs import TrainOptions
from core.runs import predictions, used
from core.runs.atomic import read_json, read_json_lines, write_json
from core.runs.layout import RunPaths
from core.runs.worker import PAUSED, REFUSED, SUCCEEDED
from core.training import checkpoints, loop, trainer
from core.training.__main__ import main

EVERYTHING = {
    "model": "cnn",
    "image_size": 32,
    "batch_size": 8,
    "epochs": 4,
    "mixup": 0.2,
    "ema": 0.9,
    "balance": "sampling",
    "schedule": "plateau",
    "find_rate": True,
    "patience": 50,
    "clip": 1.0,
    "augmentation": "strong",
}
PLAIN = {"model": "cnn", "image_size": 32, "batch_size": 8, "epochs": 4}
TRIVIAL = {"model": "shared-cnn", "image_size": 64, "batch_size": 8, "epochs": 3, "augmentation": "trivial"}
SGD = {
    "model": "block-resnet",
    "batch_size": 4,
    "blocks": 1,
    "image_size": 16,
    "epochs": 4,
    "optimizer": "sgd",
    "learning_rate": 0.02,
}
TWO_PHASES = {
    "model": "efficientnet-lite0",
    "batch_size": 4,
    "image_size": 32,
    "epochs": 3,
    "fine_tuning": "two-phase",
    "head_epochs": 1,
}
RECIPES = {"everything": EVERYTHING, "plain": PLAIN, "trivial": TRIVIAL, "sgd": SGD, "two phases": TWO_PHASES}


@pytest.fixture(autouse=True)
def without_export(monkeypatch):
    """The ONNX file is another test's; making it takes longer than all that is tested here."""
    monkeypatch.setattr("core.training.network.export", lambda paths, *_: paths.model.touch())


class Killed(BaseException):
    """As abrupt as a kill: nothing of ours catches it."""


@pytest.fixture
def whole_and_other(make_run, shapes, tmp_path):
    """``whole_and_other(recipe)``: a finished run, and the folder of another with the same spec, not started yet."""

    def make(recipe) -> tuple[RunPaths, RunPaths]:
        samples = shapes(tmp_path / "images", 9)
        one, two = make_run(samples, **recipe), make_run(samples, **recipe)
        assert main(one.folder) == SUCCEEDED, read_json(one.error)
        return one, two

    return make


def assert_same(one: RunPaths, two: RunPaths) -> None:
    """Equal to the bit: what was learned, what is predicted, and every figure but the times."""
    first, second = (safetensors.torch.load_file(run.checkpoints / "best.safetensors") for run in (one, two))
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert (predictions.read(one.predictions).probabilities == predictions.read(two.predictions).probabilities).all()
    timed = {"seconds", "images_per_second"}
    figures = [
        [{key: value for key, value in line.items() if key not in timed} for line in read_json_lines(run.metrics)]
        for run in (one, two)
    ]
    assert figures[0] == figures[1]


def test_on_several_threads_too_it_ends_bit_for_bit_the_same(whole_and_other, monkeypatch):
    monkeypatch.setenv("LABELLOOP_CORES", "2")
    one, two = whole_and_other({**PLAIN, "epochs": 2})
    with killed_at(monkeypatch, trainer.Trainer, "step", 4, "after"):
        main(two.folder)
    assert main(two.folder) == SUCCEEDED
    assert_same(one, two)
    assert used.read(two)["threads"] == min(2, os.cpu_count())


@pytest.mark.parametrize("recipe", RECIPES)
def test_a_run_killed_within_an_epoch_goes_on_and_ends_bit_for_bit_the_same(whole_and_other, monkeypatch, recipe):
    one, two = whole_and_other(RECIPES[recipe])
    with monkeypatch.context() as patch:
        real, steps = trainer.Trainer.step, []

        def step(self, *args):
            steps.append(self.place.epoch)
            if steps.count(1) == 2:
                raise Killed
            return real(self, *args)

        patch.setattr(trainer.Trainer, "step", step)
        with pytest.raises(Killed):
            main(two.folder)
    torch.manual_seed(99)  # another process would have other random numbers
    assert main(two.folder) == SUCCEEDED
    assert_same(one, two)


@pytest.mark.parametrize("recipe", ["everything", "trivial"])
def test_a_pause_within_an_epoch_loses_not_even_a_step(whole_and_other, monkeypatch, recipe):
    one, two = whole_and_other(RECIPES[recipe])
    steps = []
    real = trainer.Trainer.step

    def step(self, *args):
        steps.append((self.place.epoch, self.place.seen))
        if len(steps) in (3, 64):
            two.pause.touch()
        return real(self, *args)

    monkeypatch.setattr(trainer.Trainer, "step", step)
    endings = []
    while not endings or endings[-1] == PAUSED:
        two.pause.unlink(missing_ok=True)
        endings.append(main(two.folder))
        torch.manual_seed(99)
    assert PAUSED in endings
    assert endings[-1] == SUCCEEDED
    if recipe == "trivial":  # without a finder's trial steps: each step of the run was made once
        assert len(steps) == len(set(steps))
    assert_same(one, two)


@contextlib.contextmanager
def killed_at(monkeypatch, owner, function, count, moment):
    """A kill "before" or "after" the ``count``-th call of that function; it has to come."""
    real, calls = getattr(owner, function), []

    def killing(*args, **kwargs):
        calls.append(1)
        last = len(calls) == count
        if last and moment == "before":
            raise Killed
        result = real(*args, **kwargs)
        if last:
            raise Killed
        return result

    with monkeypatch.context() as patch:
        patch.setattr(owner, function, killing)
        with pytest.raises(Killed):
            yield


NAMES = ("append_json_line", "checkpoints.save_last", "checkpoints.save_best", "evaluate", "checkpoints.load_best")


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("name", NAMES)
def test_a_kill_at_any_write_of_an_epoch_changes_nothing(whole_and_other, monkeypatch, name, moment):
    one, two = whole_and_other({**PLAIN, "epochs": 3})
    owner, _, function = name.rpartition(".")
    place = checkpoints if owner else loop
    with killed_at(monkeypatch, place, function, 1 if function == "load_best" else 2, moment):
        main(two.folder)
    assert main(two.folder) == SUCCEEDED
    assert_same(one, two)
    assert [line["epoch"] for line in read_json_lines(two.metrics)] == [1, 2, 3]


PHASES = {
    "decoding": ("core.embedding.blocks.Blocks.add", 2),
    "finding the rate": ("core.training.trainer.Trainer.step", 20),
    "before the first step": ("core.training.trainer.Trainer.epoch", 1),
    "predicting": ("core.training.network.Examples.images", 3),
    "writing predictions": ("core.runs.predictions.write", 1),
    "exporting": ("core.training.network.export", 1),
}


@pytest.mark.parametrize("phase", PHASES)
def test_a_kill_in_any_phase_changes_nothing(whole_and_other, monkeypatch, phase):
    """After a piece of the work of that phase, and once more before it: the next start does what is missing."""
    monkeypatch.setattr("core.training.pixels._BLOCK_BYTES", 6_000)  # seven images a block: several writes
    name, count = PHASES[phase]
    recipe = {**PLAIN, "image_size": 16, "epochs": 2, "precision": "fp32"}
    one, two = whole_and_other({**recipe, "find_rate": phase == "finding the rate"})
    shutil.rmtree(two.workspace.cache / "pixels")
    owner, _, function = name.rpartition(".")
    for moment in ("after", "before"):
        with killed_at(monkeypatch, pkgutil.resolve_name(owner), function, count, moment):
            main(two.folder)
        if phase == "decoding":
            break  # what was decoded stays: there are no writes of a second start to kill
    assert main(two.folder) == SUCCEEDED
    assert_same(one, two)
    assert two.model.exists()


@pytest.mark.slow
def test_a_process_killed_with_signal_9_goes_on_in_another(whole_and_other):
    one, two = whole_and_other({**PLAIN, "epochs": 12, "batch_size": 4})
    command = [sys.executable, "-m", "core.training", str(two.folder)]
    first = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    until = time.monotonic() + 90
    while not (two.checkpoints / "last.json").exists() and time.monotonic() < until:
        time.sleep(0.005)
    os.kill(first.pid, signal.SIGKILL)
    assert first.wait() == -signal.SIGKILL
    assert len(read_json_lines(two.metrics)) < 12
    assert subprocess.run(command, stderr=subprocess.DEVNULL, check=False).returncode == SUCCEEDED
    assert_same(one, two)


def test_stop_keeps_the_best_and_predicts_with_it(make_run, shapes, tmp_path, monkeypatch):
    run = make_run(shapes(tmp_path / "images", 9), **{**PLAIN, "epochs": 500})
    real = trainer.Trainer.end_epoch

    def end_epoch(self):
        real(self)
        if self.place.epoch == 3:
            run.stop.touch()

    monkeypatch.setattr(trainer.Trainer, "end_epoch", end_epoch)
    assert main(run.folder) == SUCCEEDED
    assert len(read_json_lines(run.metrics)) == 3
    kept = read_json(run.checkpoints / "best.json")
    assert f"Stopped on request; epoch {kept['epoch']} is kept." in read_json(run.status)["message"]
    val = predictions.read(run.predictions).where("val")
    assert (val.predicted == val.label).mean() == pytest.approx(kept["accuracy"])


def test_stop_in_the_first_epoch_keeps_what_there_is(make_run, shapes, tmp_path, monkeypatch):
    run = make_run(shapes(tmp_path / "images", 9), **{**PLAIN, "epochs": 500})
    real, steps = trainer.Trainer.step, []

    def step(self, *args):
        steps.append(1)
        if len(steps) == 2:
            run.stop.touch()
        return real(self, *args)

    monkeypatch.setattr(trainer.Trainer, "step", step)
    assert main(run.folder) == SUCCEEDED
    assert len(steps) == 2
    assert len(read_json_lines(run.metrics)) == 1
    assert run.model.exists()


def test_there_are_two_checkpoints_however_long_it_trains(make_run, shapes, tmp_path):
    run = make_run(shapes(tmp_path / "images", 6), **{**PLAIN, "epochs": 6})
    assert main(run.folder) == SUCCEEDED
    names = {"best.safetensors", "best.json", "last.safetensors", "last.json"}
    assert {path.name for path in run.checkpoints.iterdir()} == names


@pytest.mark.parametrize("how", ["no room", "while writing", "library"])
def test_a_full_disk_fails_in_one_sentence_and_goes_on_when_there_is_room(whole_and_other, monkeypatch, how):
    one, two = whole_and_other({**PLAIN, "epochs": 3})
    with monkeypatch.context() as patch:
        real, calls = safetensors.torch.save_file, []

        def full(*args, **kwargs):
            calls.append(1)
            if len(calls) < 4:
                return real(*args, **kwargs)
            if how == "library":
                raise safetensors.SafetensorError("I/O error: No space left on device (os error 28)")
            raise OSError(errno.ENOSPC, "No space left on device")

        patch.setattr(safetensors.torch, "save_file", full)
        if how == "no room":
            usage = shutil.disk_usage(two.folder)
            patch.setattr(checkpoints.shutil, "disk_usage", lambda path: usage._replace(free=len(calls) < 3 and 10**12))
        assert main(two.folder) == REFUSED
    assert "disk is full" in read_json(two.error)["sentence"]
    assert [path.name for path in two.checkpoints.iterdir() if path.suffix == ".part"] == []
    assert main(two.folder) == SUCCEEDED
    assert_same(one, two)


def test_a_run_says_what_it_computed_with(make_run, shapes, tmp_path):
    samples = shapes(tmp_path / "images", 9)
    first = make_run(samples, **{**PLAIN, "find_rate": True, "epochs": 1, "batch_size": 4})
    assert main(first.folder) == SUCCEEDED
    found = used.read(first)
    assert found["learning_rate"] == (read_json(first.folder / "rate.json")["rate"] or TrainOptions(**PLAIN).peak_rate)
    assert (found["batch_size"], found["weights"], found["device"], found["workers"]) == (4, "none", "cpu", 1)
    assert found["precision"] in ("fp32", "bf16")
    assert found["threads"] == torch.get_num_threads()
    weights = first.best_checkpoint
    second = make_run(samples, **{**PLAIN, "epochs": 1, "weights": str(weights)})
    assert main(second.folder) == SUCCEEDED
    assert used.read(second)["weights_sha256"] == hashlib.sha256(weights.read_bytes()).hexdigest()


def test_a_damaged_checkpoint_is_told(make_run, shapes, tmp_path):
    run = make_run(shapes(tmp_path / "images", 6), **PLAIN)
    run.checkpoints.mkdir()
    (run.checkpoints / "last.safetensors").write_bytes(b"\x08\0\0\0\0\0\0\0{}")
    assert main(run.folder) == REFUSED
    assert "damaged" in read_json(run.error)["sentence"]


def test_the_checkpoint_of_a_version_that_could_not_resume_begins_anew(make_run, shapes, tmp_path):
    run = make_run(shapes(tmp_path / "images", 6), **{**PLAIN, "epochs": 1})
    run.checkpoints.mkdir()
    safetensors.torch.save_file({"x": torch.zeros(1)}, run.checkpoints / "last.safetensors", metadata={"epoch": "1"})
    assert main(run.folder) == SUCCEEDED


def test_a_gpu_that_fails_is_told_with_what_to_do(make_run, shapes, tmp_path, monkeypatch):
    def failing(self, *args):
        raise RuntimeError("CUDA error: unspecified launch failure\nCUDA kernel errors might be reported later")

    monkeypatch.setattr(trainer.Trainer, "step", failing)
    run = make_run(shapes(tmp_path / "images", 6), **PLAIN)
    assert main(run.folder) == REFUSED
    assert "The GPU failed (CUDA error: unspecified launch failure)" in read_json(run.error)["sentence"]


def test_a_checkpoint_is_never_larger_than_what_is_free(tmp_path, monkeypatch):
    paths = RunPaths(tmp_path)
    write_json(paths.spec, {})
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(checkpoints.shutil, "disk_usage", lambda path: usage._replace(free=399))
    with pytest.raises(LabelloopError, match="disk is full"):
        checkpoints.save_best(paths, torch.nn.Linear(10, 10, bias=False), {"epoch": 2})
    assert not list(paths.checkpoints.iterdir())
