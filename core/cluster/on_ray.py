"""Workers on the nodes of a Ray cluster: given room, started, followed.

A node that dies ends the team, which then starts again elsewhere at its last checkpoint; a cluster that is gone ends
the run, which goes on wherever it is retried.
"""

import contextlib
import logging
import math
import os
import socket
import sys
import threading
import time
from importlib.metadata import version
from typing import Any

from core.cluster import node
from core.cluster.place import Place
from core.domain.errors import BadInput
from core.runs import members
from core.runs.atomic import read_json, write_json
from core.runs.layout import RunPaths
from core.runs.worker import CANCELLED, PAUSED, REFUSED

LOST_AFTER = 12.0  # seconds without an answer of the cluster's head
_LOOK = 1.0
MISSING = "Working on a Ray cluster needs Ray on this machine: pip install labelloop[cluster]."
log = logging.getLogger(__name__)


def work(paths: RunPaths, place: Place, module: str, fence: str) -> int | None:
    """Have the cluster do it. None once the workers have ended; a return code where they never worked to an end."""
    try:
        with connected(place) as ray:
            _Watch(paths, place).start()
            return _Team(ray, paths, place, module, fence).work()
    except BadInput as error:
        return _refuse(paths, str(error))


@contextlib.contextmanager
def connected(place: Place) -> Any:
    """Ray, connected to the cluster. Token authentication is asked for unless ``RAY_AUTH_MODE`` says otherwise.

    Raises:
        BadInput: Ray is not installed, the cluster does not answer, or does not take our token.
    """
    os.environ.setdefault("RAY_AUTH_MODE", "token")
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    if not answers(place):
        raise BadInput(_gone(place))
    try:
        import ray
    except ImportError as error:
        raise BadInput(MISSING) from error
    try:
        ray.init(address=place.ray, namespace="labelloop", log_to_driver=False, logging_level=logging.ERROR)
    except Exception as error:  # Ray's errors share no base
        if _token_is_why(error):
            raise BadInput(
                f"The Ray cluster at {place.ray} does not take our token. Put its own into RAY_AUTH_TOKEN or "
                "~/.ray/auth_token; for a cluster without authentication, say RAY_AUTH_MODE=disabled."
            ) from error
        text = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise BadInput(f"The Ray cluster at {place.ray} could not be joined: {text}") from error
    try:
        yield ray
    finally:
        with contextlib.suppress(Exception):
            ray.shutdown()


def answers(place: Place, seconds: float = 3.0) -> bool:
    """Whether somebody listens at the cluster's address."""
    try:
        with socket.create_connection(place.target, timeout=seconds):
            return True
    except OSError:
        return False


def slots(ray: Any) -> tuple[list[dict[str, Any]], bool]:
    """The living nodes that can work, and whether by their GPUs."""
    alive = [one for one in ray.nodes() if one["Alive"]]
    gpus = [one for one in alive if one["Resources"].get("GPU", 0) >= 1]
    return (gpus, True) if gpus else ([one for one in alive if one["Resources"].get("CPU", 0) >= 1], False)


def stop(ray: Any, tasks: list[Any]) -> None:
    """Have those of ``tasks`` stop that go on; one that cannot be told to keeps none of the others going."""
    going = tasks
    with contextlib.suppress(Exception):
        going = ray.wait(tasks, num_returns=len(tasks), timeout=0)[1] if tasks else []
    for task in going:
        with contextlib.suppress(Exception):
            ray.cancel(task, force=True)


class _Team:
    def __init__(self, ray: Any, paths: RunPaths, place: Place, module: str, fence: str) -> None:
        self._ray, self._paths, self._place, self._module, self._fence = ray, paths, place, module, fence
        self._begun = time.time()

    def work(self) -> int | None:
        ray = self._ray
        from ray.util.placement_group import remove_placement_group

        room = self._room()
        tasks: list[Any] = []
        try:
            ended = self._wait_for(room)
            if ended is not None:
                return ended
            tasks = self._started(room)
            self._follow(tasks)
        finally:
            stop(ray, tasks)
            with contextlib.suppress(Exception):
                remove_placement_group(room)
        return None

    def _room(self) -> Any:
        """Ask for a place a worker: a GPU each where the cluster has any, else the cores that fall to each."""
        from ray.util.placement_group import placement_group

        nodes, by_gpu = slots(self._ray)
        options = (read_json(self._paths.spec) or {}).get("options") or {}
        if by_gpu and options.get("device", "auto") != "cpu" and self._module == "core.training":
            each: dict[str, float] = {"CPU": 1, "GPU": 1}
        else:
            per_node = math.ceil(self._place.workers / max(1, len(nodes)))
            cores = min((one["Resources"].get("CPU", 1) for one in nodes), default=1)
            each = {"CPU": max(1, cores // per_node)}
        return placement_group([each] * self._place.workers, strategy="SPREAD")

    def _wait_for(self, room: Any) -> int | None:
        ready = room.ready()
        while not self._ray.wait([ready], timeout=_LOOK)[0]:
            if self._paths.cancel.exists():
                return CANCELLED
            if self._paths.pause.exists():
                return PAUSED
            status = {**(read_json(self._paths.status) or {}), "phase": "queued", "place": self._place.words}
            message = f"waiting for room on the Ray cluster at {self._place.ray}"
            write_json(self._paths.status, {**status, "message": message, "heartbeat": time.time()})
        return None

    def _started(self, room: Any) -> list[Any]:
        ray, place, folder = self._ray, self._place, str(self._paths.folder)
        from ray.util import placement_group_table
        from ray.util.scheduling_strategies import PlacementGroupSchedulingStrategy

        def at(rank: int, **resources: float) -> dict[str, Any]:
            strategy = PlacementGroupSchedulingStrategy(room, placement_group_bundle_index=rank)
            return {"max_retries": 0, "scheduling_strategy": strategy, **resources}

        homes = placement_group_table(room)["bundles_to_node_id"]
        addresses = {one["NodeID"]: one["NodeManagerAddress"] for one in ray.nodes()}
        each = room.bundle_specs[0]
        point = ray.remote(**at(0, num_cpus=0))(node.meeting_point)
        try:
            port = ray.get(point.remote(folder, version("labelloop")))
        except ray.exceptions.RayTaskError as error:
            if isinstance(error.cause, BadInput):
                raise error.cause from error
            raise BadInput(f"A node of the Ray cluster cannot work: {error.cause}") from error
        except ray.exceptions.RayError as error:  # it has no core.cluster, as a rule
            raise BadInput(f"A node of the Ray cluster cannot run labelloop; is it installed there? {error}") from error
        names = ", ".join(dict.fromkeys(addresses.get(homes[rank], "?") for rank in range(place.workers)))
        worker = {"num_cpus": each.get("CPU", 1), "num_gpus": each.get("GPU", 0)}
        return [
            ray.remote(**at(rank, **worker))(node.work).remote(
                folder,
                self._module,
                node.environment(
                    rank=rank,
                    size=place.workers,
                    local_size=sum(home == homes[rank] for home in homes.values()),
                    address=addresses[homes[0]],
                    port=port,
                    fence=self._fence,
                    words=f"{place.words} (nodes {names})",
                ),
            )
            for rank in range(place.workers)
        ]

    def _follow(self, tasks: list[Any]) -> None:
        """Until all have ended, or one has died, or one told the outcome and the others linger."""
        ray, waiting, told_at = self._ray, list(tasks), None
        while waiting:
            done, waiting = ray.wait(waiting, timeout=_LOOK)
            for task in done:
                try:
                    code = ray.get(task)
                except ray.exceptions.RayError as error:
                    log.warning("a worker of the cluster died: %s", str(error).splitlines()[0])
                    return
                if code != 0:
                    log.warning("a worker of the cluster ended with %s", code)
                    return
            if told_at is None and members.outcome(self._paths) is not None:
                told_at = time.monotonic()
            if told_at is not None and time.monotonic() - told_at > members.GRACE:
                return


class _Watch(threading.Thread):
    """Ends this process when the cluster's head has gone: Ray itself waits for minutes, and then ends it unasked."""

    def __init__(self, paths: RunPaths, place: Place) -> None:
        super().__init__(name="watch the cluster", daemon=True)
        self._paths, self._place = paths, place

    def run(self) -> None:
        heard = time.monotonic()
        while time.monotonic() - heard < LOST_AFTER:
            time.sleep(_LOOK)
            if answers(self._place, seconds=2.0):
                heard = time.monotonic()
        if members.outcome(self._paths) is None:
            self._paths.fence.unlink(missing_ok=True)  # workers that live on write nothing any more
            code = _refuse(self._paths, f"{_gone(self._place)} What the run has is kept.")
            sys.stdout.flush()
            os._exit(code)


def _token_is_why(error: BaseException | None) -> bool:
    """Whether it is our token; Ray 2.60 tells that by a type of its own, or in the text of an error further down."""
    while error is not None:
        if "AuthenticationError" in (type(error).__name__ + str(error)):
            return True
        error = error.__cause__
    return False


def _gone(place: Place) -> str:
    return (
        f"The Ray cluster at {place.ray} does not answer. Retry it on this machine, and it goes on at its last "
        "checkpoint: labelloop retry RUN --here."
    )


def _refuse(paths: RunPaths, sentence: str) -> int:
    log.warning(sentence)
    write_json(paths.error, {"sentence": sentence.replace("retry RUN", f"retry {paths.name}")})
    return REFUSED
