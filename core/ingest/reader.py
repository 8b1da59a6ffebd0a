"""``python -m core.ingest.reader``: a process that reads image files, so that a decoder that hangs or dies ends alone.

Standard input: a line with the settings, then a path a line, as JSON. Standard output: ``"ready"``, then a record
(core.ingest.one_pass) a path, in order. JSON both ways: what comes from here was computed beside hostile bytes.
"""

import contextlib
import json
import os
import queue
import sys
import threading
from pathlib import Path
from typing import Any

from core.ingest.one_pass import Extras, read_image

MEMORY = 4 * 2**30  # bytes of address space; an image at the pixel limit needs about 1.5 GB


def main() -> int:
    """Read until standard input ends."""
    answers = _only_for_answers()
    _limit_memory()
    settings = json.loads(sys.stdin.readline() or "null")
    if settings is None:
        return 0
    thumbnail_folder, extras = Path(settings["thumbnails"]), Extras(**settings["extras"])
    _answer(answers, "ready")
    asked: queue.SimpleQueue[Path | None] = queue.SimpleQueue()
    threading.Thread(target=_fetch_ahead, args=(asked,), daemon=True).start()
    while (path := asked.get()) is not None:
        _answer(answers, read_image(path, thumbnail_folder=thumbnail_folder, extras=extras))
    return 0


def _fetch_ahead(asked: "queue.SimpleQueue[Path | None]") -> None:
    """Take the paths that wait, and have the system read their files from the disk while earlier ones are decoded."""
    for line in sys.stdin:
        path = Path(json.loads(line))
        asked.put(path)
        if hasattr(os, "posix_fadvise"):
            with contextlib.suppress(OSError, ValueError):
                descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
                try:
                    os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_WILLNEED)
                finally:
                    os.close(descriptor)
    asked.put(None)


def _answer(answers: Any, value: Any) -> None:
    answers.write(json.dumps(value) + "\n")
    answers.flush()


def _only_for_answers() -> Any:
    """Standard output kept for answers: what libraries print goes to standard error."""
    kept = os.fdopen(os.dup(1), "w", encoding="ascii")
    os.dup2(2, 1)
    return kept


def _limit_memory() -> None:
    if sys.platform == "linux":
        import resource

        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        soft = MEMORY if hard == resource.RLIM_INFINITY else min(MEMORY, hard)
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


if __name__ == "__main__":
    sys.exit(main())
