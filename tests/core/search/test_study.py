"""The study by itself: what it asks after it was opened again, and what it learns."""

import pytest

from core.runs.layout import RunPaths
from core.search import study as studies
from core.search.space import read_space

SPACE = read_space({"model": "cnn", "learning_rate": {"low": 1e-4, "high": 1e-1, "log": True}, "mixup": [0.0, 0.2]})


def _open(folder, method="tpe", objective="accuracy"):
    return studies.open_study(RunPaths(folder), method=method, objective=objective, seed=3, prune=True)


def test_a_study_that_is_opened_again_knows_all_and_asks_something_new(tmp_path):
    asked = []
    for _ in range(3):
        study = _open(tmp_path, method="random")
        for _ in range(4):
            trial, params = studies.ask(study, SPACE, "tpe")
            asked.append(params["learning_rate"])
            study.tell(trial, 0.5)
    assert len(studies.finished(_open(tmp_path))) == 12
    assert len(set(asked)) == 12


def test_a_trial_that_was_never_told_is_found(tmp_path):
    study = _open(tmp_path)
    trial, params = studies.ask(study, SPACE, "tpe")
    (found,) = studies.unfinished(_open(tmp_path))
    assert (found.number, found.params) == (trial.number, params)


def test_tpe_comes_near_the_best_rate(tmp_path):
    study = _open(tmp_path)
    for _ in range(40):
        trial, params = studies.ask(study, SPACE, "tpe")
        distance = abs(params["learning_rate"] - 0.01) / 0.01
        study.tell(trial, 1 / (1 + distance))
    assert study.best_params["learning_rate"] == pytest.approx(0.01, rel=0.2)
    shares = studies.importance(study)
    assert next(iter(shares)) == "learning_rate"
    assert sum(shares.values()) == pytest.approx(1)


def test_a_grid_asks_each_point_once(tmp_path):
    space = read_space({"model": "cnn", "epochs": [1, 2, 3], "optimizer": ["adamw", "sgd"]})
    study, asked = _open(tmp_path, method="grid"), []
    while (found := studies.ask(study, space, "grid")) is not None:
        trial, params = found
        asked.append((params["epochs"], params["optimizer"]))
        study.tell(trial, 1.0)
        study = _open(tmp_path, method="grid")
    assert sorted(asked) == [(e, o) for e in (1, 2, 3) for o in ("adamw", "sgd")]


def test_a_trial_that_lags_behind_is_pruned_and_one_that_leads_is_not(tmp_path):
    study = _open(tmp_path)
    for _ in range(6):
        trial, _ = studies.ask(study, SPACE, "tpe")
        for epoch in (1, 2, 3):
            trial.report(0.8, epoch)
        study.tell(trial, 0.8)
    for value, expected in ((0.3, True), (0.9, False)):
        trial, _ = studies.ask(study, SPACE, "tpe")
        trial.report(value, 1)
        trial.report(value, 2)
        assert bool(trial.should_prune()) is expected
        study.tell(trial, value)
