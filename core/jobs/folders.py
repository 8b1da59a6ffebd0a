"""Making run and job folders: numbered under a lock, so that two clicks never share one."""

import contextlib
import json
import shutil
import time
from pathlib import Path
from typing import Any

from filelock import FileLock

from core.runs.atomic import write_json
from core.runs.layout import RunPaths


def lock_of(parent: Path) -> FileLock:
    """The lock under which folders of ``parent`` are made."""
    parent.mkdir(parents=True, exist_ok=True)
    return FileLock(parent / ".folders.lock", timeout=30)


def make(parent: Path, prefix: str, spec: dict[str, Any]) -> RunPaths:
    """A new folder ``prefix-N`` with its spec.json, N one more than any before. Call it under :func:`lock_of`."""
    numbers = [RunPaths(folder).number for folder in parent.iterdir() if folder.name.startswith(f"{prefix}-")]
    name = f"{prefix}-{max(numbers, default=0) + 1}"
    aside = parent / f".{name}.part"
    aside.mkdir(exist_ok=True)
    # The spec is written before the folder has its name: a run without a spec never shows up.
    whole = {**spec, "name": name, "created_at": time.time()}
    json.dumps(whole)
    write_json(aside / "spec.json", whole)
    aside.rename(parent / name)
    return RunPaths(parent / name)


def listed(parent: Path) -> list[RunPaths]:
    """All run or job folders, newest first."""
    if not parent.is_dir():
        return []
    folders = [RunPaths(f) for f in parent.iterdir() if not f.name.startswith(".") and (f / "spec.json").exists()]
    return sorted(folders, key=lambda paths: paths.number, reverse=True)


def emptied(paths: RunPaths) -> None:
    """Remove what a run's folder holds, the spec first; the folder stays, so that its number is not given again."""
    paths.spec.unlink(missing_ok=True)
    shutil.rmtree(paths.folder, ignore_errors=True)
    paths.folder.mkdir(exist_ok=True)


def size_of(paths: RunPaths) -> int:
    """The bytes of all its files; what goes away meanwhile counts nothing."""
    total = 0
    for file in paths.folder.rglob("*"):
        with contextlib.suppress(OSError):
            total += file.stat().st_size if file.is_file() else 0
    return total
