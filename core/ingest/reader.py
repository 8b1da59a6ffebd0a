"""``python -m core.ingest.reader``: a process that reads image files, so that a decoder that hangs or dies ends alone.

Standard input: a line with the settings, then a path a line, as JSON. Standard output: ``"ready"``, then a record
(core.ingest.one_pass) a path, in order. JSON both ways: what comes from here was computed beside hostile bytes.
"""

import json
import os
import sys
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
    for line in sys.stdin:
        path = Path(json.loads(line))
        _answer(answers, read_image(path, thumbnail_folder=thumbnail_folder, extras=extras))
    return 0


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
