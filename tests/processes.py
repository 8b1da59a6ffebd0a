"""Other processes that a test finds, watches and kills: each may end by itself at any moment."""

import contextlib

import psutil


def with_argument(word):
    """The processes with ``word`` as an argument of their command line, each with that command line."""
    for process in psutil.process_iter(["cmdline"]):
        line = process.info["cmdline"] or []
        if str(word) in line:
            yield process, line


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
