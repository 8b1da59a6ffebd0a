"""The Optuna study of a search, in a journal file of its folder: what it asks next, what it was told."""

import logging
from collections.abc import Sequence
from itertools import product
from typing import Any, Literal

import optuna
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import FrozenTrial, Trial, TrialState

from core.runs.layout import RunPaths
from core.search.space import Dimension, Space

Method = Literal["tpe", "random", "grid"]
Objective = Literal["accuracy", "macro_f1", "loss"]
JOURNAL = "study.journal"
_NAME = "search"
_STARTUP = 4  # trials that finish before any is pruned

logging.getLogger("optuna").setLevel(logging.WARNING)


def open_study(paths: RunPaths, *, method: Method, objective: Objective, seed: int, prune: bool) -> optuna.Study:
    """Open the study, or make it."""
    storage = JournalStorage(JournalFileBackend(str(paths.folder / JOURNAL)))
    pruner: optuna.pruners.BasePruner = optuna.pruners.NopPruner()
    if prune:
        pruner = optuna.pruners.MedianPruner(n_startup_trials=_STARTUP, n_warmup_steps=1)
    study = optuna.create_study(
        storage=storage,
        study_name=_NAME,
        direction="minimize" if objective == "loss" else "maximize",
        load_if_exists=True,
        pruner=pruner,
    )
    # A search that goes on must not draw the numbers of its beginning again.
    study.sampler = _sampler(method, seed + 7919 * len(study.trials))
    return study


def ask(study: optuna.Study, space: Space, method: Method) -> tuple[Trial, dict[str, Any]] | None:
    """A new trial and its values; None where a grid has none left."""
    if method == "grid":
        # Optuna's own grid sampler wants to stop the study, which only its own loop allows.
        names = [dimension.name for dimension in space.dimensions]
        tried = [trial.params or trial.system_attrs.get("fixed_params") for trial in study.get_trials(deepcopy=False)]
        points = (dict(zip(names, values, strict=True)) for values in product(*(d.points() for d in space.dimensions)))
        point = next((point for point in points if point not in tried), None)
        waiting = study.get_trials(deepcopy=False, states=(TrialState.WAITING,))
        if point is None and not waiting:
            return None
        if not waiting and point is not None:
            study.enqueue_trial(point)
    trial = study.ask()
    return trial, {dimension.name: _suggest(trial, dimension) for dimension in space.dimensions}


def unfinished(study: optuna.Study) -> list[Trial]:
    """The trials that were asked and not told, as when the search was killed."""
    frozen = study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))
    return [Trial(study, trial._trial_id) for trial in frozen]


def finished(study: optuna.Study) -> Sequence[FrozenTrial]:
    """The trials that were told."""
    return study.get_trials(deepcopy=False, states=(TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL))


def importance(study: optuna.Study) -> dict[str, float]:
    """How much of the difference between trials each field explains, most first; empty where too few tell."""
    complete = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    if len(complete) < _STARTUP or len({trial.value for trial in complete}) < 2:
        return {}
    try:
        evaluator = optuna.importance.FanovaImportanceEvaluator(seed=0)
        found = optuna.importance.get_param_importances(study, evaluator=evaluator)
    except (RuntimeError, ValueError):  # fields that never varied
        return {}
    return {name: float(value) for name, value in found.items()}


def _sampler(method: Method, seed: int) -> optuna.samplers.BaseSampler:
    if method in ("random", "grid"):
        return optuna.samplers.RandomSampler(seed=seed)
    return optuna.samplers.TPESampler(seed=seed, n_startup_trials=8, constant_liar=True)


def _suggest(trial: Trial, dimension: Dimension) -> Any:
    if dimension.choices:
        return trial.suggest_categorical(dimension.name, dimension.choices)
    if dimension.whole:
        low, high = int(dimension.low), int(dimension.high)
        return trial.suggest_int(dimension.name, low, high, step=int(dimension.step or 1), log=dimension.log)
    return trial.suggest_float(dimension.name, dimension.low, dimension.high, step=dimension.step, log=dimension.log)
