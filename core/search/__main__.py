"""``python -m core.search FOLDER``: the worker of a search. It holds no device; its trials queue like any run."""

import math
import sys
import time
from pathlib import Path
from typing import Any

import optuna
from optuna.trial import Trial, TrialState

from core.cluster import place
from core.cluster.look import look
from core.domain.errors import BadInput, Cancelled, LabelloopError, Paused
from core.domain.models import INSTANT
from core.jobs.asking import Warm
from core.jobs.devices import devices
from core.jobs.launcher import Launcher
from core.jobs.restart import restart
from core.runs.atomic import read_json, write_json
from core.runs.layout import RunPaths
from core.runs.states import state
from core.runs.worker import Progress, run_worker
from core.search import study as studies
from core.search import trials
from core.search.space import Space, read_space

EVERY = 0.3  # seconds between looks at the trials
RESULT = "result.json"
TABLE = "trials.json"
MOST_FAILURES = 5  # in a row, without one trial that worked


def search(paths: RunPaths, progress: Progress) -> None:
    """Try points until there are enough, then train the best recipe once on all splits and measure it on test.

    Raises:
        BadInput: no trial worked.
        Cancelled: somebody asked for a stop; its trials stop as well.
        Paused: somebody asked for a pause; its trials pause as well.
    """
    spec = read_json(paths.spec) or {}
    worker = _Search(paths, spec, progress)
    try:
        worker.try_points()
        worker.finish()
    finally:
        worker.close()


class _Search:
    def __init__(self, paths: RunPaths, spec: dict[str, Any], progress: Progress) -> None:
        self._paths, self._spec, self._progress = paths, spec, progress
        self._space: Space = read_space(spec["space"])
        self._objective: studies.Objective = spec["objective"]
        self._wanted = int(spec["trials"])
        self._study = studies.open_study(
            paths,
            method=spec["method"],
            objective=self._objective,
            seed=int(spec.get("seed", 0)),
            prune=bool(spec.get("prune", True)),
        )
        where = place.Place.read(self._spec.get("place"))
        # While a trial goes, the imports of the next one are done; a team's workers have imports of their own.
        kind: Warm = "light" if set(self._space.models) == {INSTANT} else "network"
        self._launcher = Launcher(spare=kind if where.plain else None, pause=0.0)
        self._at_once = max(1, look(where).at_once // where.workers) if where.ray else len(devices())
        self._active: dict[int, tuple[Trial, RunPaths, int]] = {}  # by number: trial, run, steps reported

    def try_points(self) -> None:
        self._progress.phase("searching", total=self._wanted)
        self._progress.advance(len(studies.finished(self._study)))
        self._take_up()
        while True:
            self._heed()
            told = studies.finished(self._study)
            while len(self._active) < self._at_once and len(told) + len(self._active) < self._wanted:
                if not self._ask():
                    break
            for number in list(self._active):
                self._look(number)
            if not self._active and len(studies.finished(self._study)) >= self._wanted:
                break
            self._give_up_early()
            time.sleep(EVERY)
        self._write()

    def finish(self) -> None:
        """The test split's one look: the best recipe on the whole snapshot."""
        if not any(trial.state == TrialState.COMPLETE for trial in self._study.trials):
            raise BadInput(f"No trial worked; the last one: {self._last_error()}")
        best = self._study.best_trial
        self._progress.phase("the best recipe, with test", total=0)
        run = trials.start(self._paths, self._space.options(best.params), self._launch, final=True)
        while (found := trials.keep_going(run, self._launch)) in ("queued", "running", "paused"):
            if found == "paused" and not self._paths.pause.exists():
                restart(run, self._launch, by="recovery")
            self._heed(run)
            time.sleep(EVERY)
        if found != "succeeded":
            raise BadInput(f"The best recipe could not be trained with all splits: {trials.error_of(run)}")
        result = {"best_trial": best.number, "value": best.value, "params": best.params, "run": run.name}
        write_json(self._paths.folder / RESULT, result)

    def close(self) -> None:
        """Let the spare go."""
        self._launcher.close()

    def _launch(self, run: RunPaths) -> None:
        self._launcher.start(run)

    def _take_up(self) -> None:
        """Follow on the trials that went when this search was killed or paused."""
        runs = trials.of_search(self._paths)
        for trial in studies.unfinished(self._study):
            run = runs.get(trial.number)
            if run is None:  # killed between asking and starting
                self._study.tell(trial, state=TrialState.FAIL)
                self._study.enqueue_trial(trial.params)
                self._wanted += 1  # the same point is asked once more
                continue
            if state(run) == "paused":
                restart(run, self._launch, by="recovery")
            reported = len(self._study.trials[trial.number].intermediate_values)
            self._active[trial.number] = (trial, run, reported)

    def _ask(self) -> bool:
        asked = studies.ask(self._study, self._space, self._spec["method"])
        if asked is None:
            self._wanted = len(self._study.trials)
            return False
        trial, params = asked
        try:
            options = self._space.options(params)
        except LabelloopError as error:
            trial.set_user_attr("error", str(error))
            self._study.tell(trial, state=TrialState.FAIL)
            self._progress.advance(1)
            return False  # looked at before the next is asked: all of them may fail
        run = trials.start(self._paths, options, self._launch, trial=trial.number)
        self._active[trial.number] = (trial, run, 0)
        self._write()
        return True

    def _look(self, number: int) -> None:
        trial, run, reported = self._active[number]
        now = trials.keep_going(run, self._launch)
        found = trials.steps(run, self._objective)
        for epoch in sorted(found)[reported:]:
            if math.isfinite(found[epoch]):
                trial.report(found[epoch], epoch)
        self._active[number] = (trial, run, max(reported, len(found)))
        if len(found) > reported:
            self._write()
        if now in ("queued", "running", "paused"):
            if now == "running" and len(found) > reported and trial.should_prune():
                trial.set_user_attr("pruned", True)
                run.cancel.touch()
            return
        self._tell(trial, run, now)
        del self._active[number]
        self._progress.advance(1)
        self._write()

    def _tell(self, trial: Trial, run: RunPaths, ended: str) -> None:
        reached = trials.value(run, self._objective) if ended == "succeeded" else None
        if reached is not None and math.isfinite(reached):
            self._study.tell(trial, reached)
        elif trial.user_attrs.get("pruned"):
            self._study.tell(trial, state=TrialState.PRUNED)
        else:
            said = "It was cancelled." if ended == "cancelled" else trials.error_of(run)
            trial.set_user_attr("error", said)
            self._study.tell(trial, state=TrialState.FAIL)

    def _heed(self, *more: RunPaths) -> None:
        """Pass on what somebody asked of the search to the runs that go."""
        going = [*(run for _, run, _ in self._active.values()), *more]
        if self._paths.cancel.exists():
            for run in going:
                run.cancel.touch()
            raise Cancelled("The search was cancelled; what its trials found is kept.")
        if self._paths.pause.exists():
            for run in going:
                run.pause.touch()
            while any(state(run) in ("queued", "running") for run in going):
                time.sleep(EVERY)
            raise Paused("The search was paused.")

    def _give_up_early(self) -> None:
        told = studies.finished(self._study)
        if len(told) >= MOST_FAILURES and all(trial.state == TrialState.FAIL for trial in told):
            raise BadInput(f"The first {len(told)} trials all failed; the last one: {self._last_error()}")

    def _last_error(self) -> str:
        told = studies.finished(self._study)
        return str(told[-1].user_attrs.get("error", "it says nothing")) if told else "there was none"

    def _write(self) -> None:
        """What the page shows, so that it needs no Optuna."""
        runs = trials.of_search(self._paths)
        rows = []
        for trial in self._study.get_trials(deepcopy=False):
            run = runs.get(trial.number)
            rows.append(
                {
                    "trial": trial.number,
                    "run": run.name if run is not None else None,
                    "state": trial.state.name.lower(),
                    "value": trial.value if trial.state == TrialState.COMPLETE else None,
                    "params": trial.params,
                    "steps": {str(step): value for step, value in trial.intermediate_values.items()},
                    "seconds": trial.duration.total_seconds() if trial.duration else None,
                    "error": trial.user_attrs.get("error", ""),
                }
            )
        complete = [row for row in rows if row["state"] == "complete"]
        best = self._study.best_trial if complete else None
        document = {
            "trials": rows,
            "best": best.number if best else None,
            "importance": studies.importance(self._study),
            "optuna": optuna.__version__,
        }
        write_json(self._paths.folder / TABLE, document)
        if best is not None:
            self._progress.update(message=f"best so far: trial {best.number} with {best.value:.3f} on val")


def main(folder: Path) -> int:
    """Run the search in ``folder`` and return the process's exit code."""
    return run_worker(folder, search)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
