"""used.json: what a run really computed with, where its recipe leaves that open or memory forced something else."""

import hashlib
from pathlib import Path
from typing import Any

from core.runs.atomic import read_json, write_json
from core.runs.layout import RunPaths


def note(paths: RunPaths, **facts: Any) -> None:
    """Add facts; later ones replace earlier ones."""
    write_json(paths.used, {**read(paths), **facts})


def read(paths: RunPaths) -> dict[str, Any]:
    """The facts so far: ``device``, ``precision``, ``threads``, ``workers``, ``weights``, ``weights_sha256`` (of a
    file), ``learning_rate`` (the peak) and ``batch_size``; empty for an instant run, or one of an older version.
    """
    found = read_json(paths.used)
    return found if isinstance(found, dict) else {}


def digest(file: Path) -> str | None:
    """The SHA-256 of a file, None where it cannot be read."""
    try:
        with file.open("rb") as opened:
            return hashlib.file_digest(opened, "sha256").hexdigest()
    except OSError:
        return None
