"""Other processes that a test finds, watches and kills: each may end by itself at any moment."""

import contextlib

import psutil

from core.runs.atomic import read_json_lines


def with_argument(word):
    """The processes with ``word`` as an argument of their command line, each with that command line."""
    for process in psutil.process_iter(["cmdline"]):
        line = process.info["cmdline"] or []
        if str(word) in line:
            yield process, line


def of_run(paths):
    """Supervisor and worker of a run or job that is being worked on, by these names; nothing where it is not."""
    attempts = read_json_lines(paths.attempts)
    started = next((line for line in reversed(attempts) if "pid" in line or "returncode" in line), {})
    with contextlib.suppress(psutil.NoSuchProcess):
        worker = psutil.Process(started["pid"]) if "pid" in started else None
        if worker is not None and not ended(worker) and abs(worker.create_time() - started["created"]) < 0.5:
            return {"supervisor": worker.parent(), "worker": worker}
    return {}


def ended(process):
    """Whether a process, or the one of this number, runs no more: a zombie does not."""
    try:
        process = psutil.Process(process) if isinstance(process, int) else process
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def kill(*processes):
    """SIGKILL to each, by itself or by its number; those that ended meanwhile need none."""
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            (psutil.Process(process) if isinstance(process, int) else process).kill()
