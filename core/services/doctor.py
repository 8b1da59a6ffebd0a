"""What labelloop needs of this machine, looked at one by one: what is there, what is missing, how to get it."""

import importlib.metadata
import os
import platform
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from core.domain.errors import MissingProgram
from core.runs.layout import WorkspacePaths
from core.services import mongod, mongod_program, stack

SMALLEST_DISK = 2_000_000_000  # bytes
SMALLEST_MEMORY = 4_000_000_000  # bytes
_PINNED = {"fiftyone": "1.22.1", "streamlit": "1.67.0"}  # their private surfaces are leant on
_PACKAGES = ("fiftyone", "streamlit", "torch", "torchvision", "onnxruntime", "scikit-learn", "pymongo")
_NETWORK_FILE_SYSTEMS = ("nfs", "cifs", "smb", "9p", "afs", "fuse.sshfs", "fuse.rclone", "glusterfs", "ceph", "lustre")


@dataclass(frozen=True, slots=True)
class Check:
    """One thing looked at. ``ok`` is ``None`` for a note: it works, but somebody may want to know."""

    name: str
    ok: bool | None
    detail: str
    remedy: str = ""


def examine(paths: WorkspacePaths) -> list[Check]:
    """Every check, in the order in which they matter. Starts nothing but ``mongod --version``."""
    checks: Sequence[Callable[[WorkspacePaths], Check]] = (
        _python,
        _packages,
        _mongod,
        _writable,
        _disk,
        _file_system,
        _memory,
        _ports,
        _gpu,
    )
    return [check(paths) for check in checks]


def _python(_: WorkspacePaths) -> Check:
    return Check("Python", True, f"{platform.python_version()} on {platform.system()} {platform.machine()}")


def _packages(_: WorkspacePaths) -> Check:
    versions: dict[str, str] = {}
    for name in _PACKAGES:
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            return Check("Packages", False, f"{name} is not installed", "Install labelloop again: pip install .")
    listed = ", ".join(f"{name} {version}" for name, version in versions.items())
    for name, pinned in _PINNED.items():
        if versions[name] != pinned:
            return Check("Packages", False, f"{name} is {versions[name]}", f"pip install {name}=={pinned}")
    return Check("Packages", True, listed)


def _mongod(paths: WorkspacePaths) -> Check:
    if os.environ.get("LABELLOOP_DATABASE_URI"):
        if mongod.running_uri(paths) is None:
            remedy = "Start that MongoDB, or unset the variable to have labelloop run its own."
            return Check("Database", False, "the MongoDB of LABELLOOP_DATABASE_URI does not answer", remedy)
        return Check("Database", True, "the MongoDB of LABELLOOP_DATABASE_URI answers")
    try:
        program = mongod_program.find_mongod()
        return Check("Database", True, f"mongod {mongod_program.version(program)} at {program}")
    except MissingProgram as error:
        if (
            mongod_program.can_fetch()
            and not os.environ.get("LABELLOOP_MONGOD")
            and "not on this machine" in str(error)
        ):
            return Check("Database", None, "mongod is not here yet", "labelloop fetches it at the first start (40 MB).")
        return Check("Database", False, "mongod does not work", str(error))


def _writable(paths: WorkspacePaths) -> Check:
    folder = _nearest(paths.root)
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        remedy = "Choose another with --workspace or LABELLOOP_WORKSPACE."
        return Check("Workspace", False, f"{paths.root} cannot be written ({error.strerror or error})", remedy)
    return Check("Workspace", True, str(paths.root))


def _disk(paths: WorkspacePaths) -> Check:
    free = shutil.disk_usage(_nearest(paths.root)).free
    detail = f"{free / 1e9:.1f} GB free"
    if free < SMALLEST_DISK:
        return Check("Disk", False, detail, f"Free {SMALLEST_DISK / 1e9:.0f} GB, or use --workspace on another disk.")
    return Check("Disk", True, detail)


def _file_system(paths: WorkspacePaths) -> Check:
    real = _nearest(paths.root).resolve()
    mounts = [m for m in psutil.disk_partitions(all=True) if real.is_relative_to(m.mountpoint)]
    kind = max(mounts, key=lambda mount: len(mount.mountpoint)).fstype if mounts else "unknown"
    if kind.startswith(_NETWORK_FILE_SYSTEMS):
        remedy = "Put the workspace on a local disk: databases and locks are slow or unsafe on network folders."
        return Check("File system", None, f"the workspace is on a network file system ({kind})", remedy)
    return Check("File system", True, kind)


def _memory(_: WorkspacePaths) -> Check:
    memory = psutil.virtual_memory()
    detail = f"{memory.available / 1e9:.1f} of {memory.total / 1e9:.1f} GB available"
    if memory.available < SMALLEST_MEMORY:
        return Check(
            "Memory", None, detail, "Training may be slow or fail; close other programs or use smaller images."
        )
    return Check("Memory", True, detail)


def _ports(paths: WorkspacePaths) -> Check:
    up = stack.running(paths)
    if up is not None:
        return Check("Ports", True, f"labelloop runs at {up.url}")
    taken = [port for port in (stack.PREFERRED_PORT, stack.PREFERRED_APP_PORT) if not stack.is_free(port)]
    if taken:
        listed = " and ".join(map(str, taken))
        return Check("Ports", None, f"{listed} taken by another program", "The next free ones are used instead.")
    return Check("Ports", True, f"{stack.PREFERRED_PORT} and {stack.PREFERRED_APP_PORT} are free")


def _gpu(_: WorkspacePaths) -> Check:
    program = shutil.which("nvidia-smi")
    torch = importlib.metadata.version("torch")
    if program is None:
        if platform.system() == "Darwin" and platform.machine() == "arm64":
            return Check("GPU", None, "Apple silicon; networks are trained on the CPU")
        return Check("GPU", None, "none found; networks are trained on the CPU")
    query = [program, "--query-gpu=name,memory.total", "--format=csv,noheader"]
    try:
        done = subprocess.run(query, capture_output=True, text=True, timeout=15, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return Check("GPU", None, "nvidia-smi does not answer", "Look at the NVIDIA driver; the CPU is used meanwhile.")
    names = "; ".join(line.strip() for line in done.stdout.splitlines() if line.strip())
    if done.returncode != 0 or not names:
        return Check("GPU", None, "no usable NVIDIA GPU", "Look at the NVIDIA driver; the CPU is used meanwhile.")
    if "+cpu" in torch:
        return Check(
            "GPU", None, f"{names}, but torch {torch} is the build without CUDA", "Install torch's CUDA build."
        )
    return Check("GPU", True, f"{names} (torch {torch})")


def _nearest(folder: Path) -> Path:
    """The folder itself, or the nearest above it that exists."""
    for candidate in (folder, *folder.absolute().parents):
        if candidate.exists():
            return candidate
    return Path("/")
