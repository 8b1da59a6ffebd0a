"""A network's worker that was killed with signal 9 and that nobody cancelled: most likely memory ran out, which a CPU
tells by nothing else. A kill can be somebody's too, so the first one changes nothing; from the second on, the run goes
on with half the batch each time.
"""

import signal

from core.cluster import place
from core.jobs import attempts
from core.runs.atomic import read_json, read_json_lines, write_json
from core.runs.layout import RunPaths
from core.runs.worker import LOST_WORKER

_FROM = 2  # kills
_LEAST = 2  # images: BatchNorm cannot learn from one
_HUNGRY = ("training", "finding the rate", "evaluating")  # phases whose memory is the batch's


def after(paths: RunPaths, code: int) -> None:
    """Leave a smaller batch size for the next start, if the end of the last one with ``code`` asks for that."""
    if not _killed(paths, code) or paths.cancel.exists():
        return
    status = read_json(paths.status) or {}
    size = int(status.get("batch_size") or 0)
    if kills(paths) < _FROM or status.get("phase") not in _HUNGRY or size <= _LEAST:
        return
    paths.checkpoints.mkdir(exist_ok=True)
    write_json(paths.smaller_batch, {"size": max(_LEAST, size // 2), "killed": True})


def sentence(paths: RunPaths, found: list[int | None]) -> str:
    """Why a run is not started again by itself, and what a retry would do differently."""
    smaller = read_json(paths.smaller_batch) or {}
    return attempts.sentence(found) + (f" It will take batches of {smaller['size']}." if smaller.get("killed") else "")


def kills(paths: RunPaths) -> int:
    """How often a worker of this run was killed with signal 9."""
    return sum(_killed(paths, line.get("returncode")) for line in read_json_lines(paths.attempts))


def _killed(paths: RunPaths, code: int | None) -> bool:
    """A member of a team in this box dies of nothing else; on a cluster its node can have gone."""
    return code == -signal.SIGKILL or (code == LOST_WORKER and not place.of_run(paths).ray)
