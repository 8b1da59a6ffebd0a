"""``up.json``: what runs on a workspace, for the pages, the command line and the next start of ``labelloop up``."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from core.runs.atomic import read_json
from core.runs.layout import WorkspacePaths
from core.services.processes import ProcessId


@dataclass(frozen=True, slots=True)
class UpInfo:
    """A running ``labelloop up``. ``processes`` holds its children by name: ``dashboard``, ``app``."""

    url: str
    port: int
    app_port: int
    app_token: str = field(repr=False)
    launcher: ProcessId
    processes: Mapping[str, ProcessId]
    ready: bool = False


def running(paths: WorkspacePaths) -> UpInfo | None:
    """What runs on this workspace and answers already, else ``None``."""
    info = read(paths)
    return info if info is not None and info.ready and info.launcher.alive() else None


def read(paths: WorkspacePaths) -> UpInfo | None:
    """What the file says, whether it is still so or not."""
    content = read_json(_file(paths))
    try:
        launcher = ProcessId.from_json(content["launcher"])
        children = {str(name): ProcessId.from_json(child) for name, child in content["processes"].items()}
        if launcher is None:
            return None
        return UpInfo(
            url=str(content["url"]),
            port=int(content["port"]),
            app_port=int(content["app_port"]),
            app_token=str(content["app_token"]),
            launcher=launcher,
            processes={name: child for name, child in children.items() if child is not None},
            ready=content["ready"] is True,
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        return None


def write(paths: WorkspacePaths, info: UpInfo) -> None:
    """Replace the file; only its owner can read it, since it holds the token."""
    content: dict[str, Any] = {
        "url": info.url,
        "port": info.port,
        "app_port": info.app_port,
        "app_token": info.app_token,
        "launcher": info.launcher.to_json(),
        "processes": {name: child.to_json() for name, child in info.processes.items()},
        "ready": info.ready,
    }
    aside = _file(paths).with_name(f".up.{os.getpid()}.part")
    aside.unlink(missing_ok=True)
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(content, file)
    os.replace(aside, _file(paths))


def remove(paths: WorkspacePaths) -> None:
    """Forget it."""
    _file(paths).unlink(missing_ok=True)


def _file(paths: WorkspacePaths) -> Path:
    return paths.root / "up.json"
