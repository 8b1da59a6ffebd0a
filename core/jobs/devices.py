"""The devices of this machine and the queue before each: runs wait for their turn, in an order that people change.

A queue is a small file of run names, ``WORKSPACE/queue/DEVICE.json``. A name counts while its supervisor lives (it
holds its ``run.lock``), so a supervisor that was killed never blocks the others. Whoever trains holds ``DEVICE.lock``.
"""

import contextlib
import os
import re
import time
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock, Timeout

from core.runs.atomic import read_json, write_json
from core.runs.layout import RunPaths, WorkspacePaths
from core.runs.states import is_held

CPU = "cpu"
POLL = 0.1


def devices() -> list[str]:
    """The names of the queues on this machine: "gpu-0" and so on where there are NVIDIA GPUs, then "cpu"."""
    return [*(f"gpu-{number}" for number in _gpus()), CPU]


def suited(wanted: str) -> list[str]:
    """The queues that a recipe's device may wait in: "auto" takes any GPU, or the CPU where there is none."""
    gpus = [name for name in devices() if name != CPU]
    if wanted == CPU or not gpus:
        return [CPU]
    number = re.fullmatch(r"cuda:(\d+)", wanted)
    if number and int(number.group(1)) < len(gpus):
        return [gpus[int(number.group(1))]]
    return gpus


def waiting(workspace: WorkspacePaths, device: str) -> list[str]:
    """The runs that wait for a device, the next one first."""
    listed = read_json(_file(workspace, device))
    names = [str(name) for name in listed] if isinstance(listed, list) else []
    return [name for name in names if is_held(workspace.run(name).lock)]


def queues(workspace: WorkspacePaths) -> dict[str, list[str]]:
    """All devices that have somebody waiting, with who waits in order."""
    names = {file.stem for file in workspace.queue.glob("*.json")} if workspace.queue.is_dir() else set()
    found = {device: waiting(workspace, device) for device in sorted(names)}
    return {device: runs for device, runs in found.items() if runs}


def move(workspace: WorkspacePaths, run: str, place: int) -> bool:
    """Put a waiting run at ``place`` (0: it is next) in its queue; False where it does not wait."""
    device = next((name for name, runs in queues(workspace).items() if run in runs), None)
    if device is None:
        return False
    with _changing(workspace, device):
        runs = waiting(workspace, device)
        if run not in runs:
            return False
        runs.remove(run)
        runs.insert(max(0, place), run)
        write_json(_file(workspace, device), runs)
    return True


@contextlib.contextmanager
def turn(paths: RunPaths, wanted: str, *, workers: int = 1) -> Iterator[str | None]:
    """Wait for a device and hold it; yields its name, or None where the run is to pause or to be cancelled first.

    Several ``workers`` hold a GPU each, where there are any: the names, with blanks between. They are taken in one
    order, so that two such runs never wait for one another.
    """
    workspace = paths.workspace
    suitable = suited(wanted)
    several = suitable[:workers] if workers > 1 and CPU not in suitable else []
    device = several[0] if several else min(suitable, key=lambda name: _load(workspace, name))
    _enter(workspace, device, paths.name)
    lock = FileLock(workspace.device_lock(device))
    try:
        while not (paths.cancel.exists() or paths.pause.exists()):
            if _is_next(workspace, device, paths.name):
                with contextlib.suppress(Timeout):
                    lock.acquire(timeout=0)
                    break
            time.sleep(POLL)
        _leave(workspace, device, paths.name)
        with contextlib.ExitStack() as others:
            whole = lock.is_locked and all(_also(paths, name, others) for name in several[1:])
            yield (" ".join(several) or device) if whole else None
    finally:
        _leave(workspace, device, paths.name)
        lock.release()


def _also(paths: RunPaths, device: str, held: contextlib.ExitStack) -> bool:
    """Wait for one more device; False where the run is to pause or to be cancelled first."""
    lock = FileLock(paths.workspace.device_lock(device))
    while not (paths.cancel.exists() or paths.pause.exists()):
        with contextlib.suppress(Timeout):
            held.enter_context(lock.acquire(timeout=0))
            return True
        time.sleep(POLL)
    return False


def _gpus() -> list[int]:
    """GPU numbers as CUDA counts them here; found without torch."""
    seen = sorted(
        int(file.name.removeprefix("nvidia"))
        for file in Path("/dev").glob("nvidia[0-9]*")
        if file.name.removeprefix("nvidia").isdecimal()
    )
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is None:
        return list(range(len(seen)))
    return list(range(len([one for one in visible.split(",") if one.strip()]))) if seen else []


def _load(workspace: WorkspacePaths, device: str) -> int:
    return len(waiting(workspace, device)) + is_held(workspace.device_lock(device))


def _is_next(workspace: WorkspacePaths, device: str, run: str) -> bool:
    runs = waiting(workspace, device)
    if run not in runs:  # somebody spoilt the file: at the end again
        _enter(workspace, device, run)
    return runs[:1] == [run]


def _enter(workspace: WorkspacePaths, device: str, run: str) -> None:
    with _changing(workspace, device):
        runs = waiting(workspace, device)
        if run not in runs:
            write_json(_file(workspace, device), [*runs, run])


def _leave(workspace: WorkspacePaths, device: str, run: str) -> None:
    with _changing(workspace, device):
        write_json(_file(workspace, device), [name for name in waiting(workspace, device) if name != run])


def _changing(workspace: WorkspacePaths, device: str) -> FileLock:
    workspace.queue.mkdir(parents=True, exist_ok=True)
    return FileLock(workspace.queue / f".{device}.changing", timeout=30)


def _file(workspace: WorkspacePaths, device: str) -> Path:
    return workspace.queue / f"{device}.json"
