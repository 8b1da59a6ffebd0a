"""A worker as a fork of this process, with the imports that are behind it."""

import importlib
import os
import sys
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path

Poll = Callable[[], int | None]  # the return code once it has ended, minus the signal's number where one killed it
Send = Callable[[int], None]  # a signal


def forked(
    module: str, folder: Path, *, start: Callable[[], None], environment: Mapping[str, str] | None = None
) -> tuple[int, Poll, Send]:
    """Have ``module``'s ``main`` (or that of its ``__main__``) work on ``folder``, ``start`` called first.

    Returns its pid, and how it is looked after.
    """
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            start()
            os.environ.update(environment or {})
            worker = importlib.import_module(module)
            if not hasattr(worker, "main"):
                worker = importlib.import_module(f"{module}.__main__")
            code = int(worker.main(folder))
        except SystemExit as ending:
            code = ending.code if isinstance(ending.code, int) else 1
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)

    def poll() -> int | None:
        ended, status = os.waitpid(pid, os.WNOHANG)
        return os.waitstatus_to_exitcode(status) if ended else None

    return pid, poll, lambda number: os.kill(pid, number)
