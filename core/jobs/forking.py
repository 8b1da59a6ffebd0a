"""A worker as a fork of this process, with the imports that are behind it."""

import importlib
import os
import sys
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NoReturn

Poll = Callable[[], int | None]  # the return code once it has ended, minus the signal's number where one killed it
Send = Callable[[int], None]  # a signal


def forked(
    module: str, folder: Path, *, start: Callable[[], None], environment: Mapping[str, str] | None = None
) -> tuple[int, Poll, Send]:
    """Have ``module``'s ``main`` (or that of its ``__main__``) work on ``folder``, ``start`` called first.

    Returns its pid, and how it is looked after.
    """

    def work() -> int:
        start()
        os.environ.update(environment or {})
        worker = importlib.import_module(module)
        if not hasattr(worker, "main"):
            worker = importlib.import_module(f"{module}.__main__")
        return int(worker.main(folder))

    pid = os.fork()
    if pid == 0:
        end_with(work)

    def poll() -> int | None:
        ended, status = os.waitpid(pid, os.WNOHANG)
        return os.waitstatus_to_exitcode(status) if ended else None

    return pid, poll, lambda number: os.kill(pid, number)


def end_with(work: Callable[[], int]) -> NoReturn:
    """In a forked process: do the work and end with its return code. What the libraries do at a normal exit would wait
    for threads that a fork does not have.
    """
    code = 1
    try:
        code = work()
    except SystemExit as ending:
        code = ending.code if isinstance(ending.code, int) else 1
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
