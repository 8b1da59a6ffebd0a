"""Metadata beside the image rather than in it: ``.txt`` and ``.json`` of the same name, Fooocus's log of a folder."""

import html
import os
import re
import stat
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from urllib.parse import unquote

from core.domain.generation import Generation
from core.generators import fooocus, infotext, tools
from core.generators.containers import Embedded
from core.generators.folders import LOG
from core.generators.values import json_object

MAX_BYTES = 2 * 2**20
MAX_LOG_BYTES = 64 * 2**20
_LOGGED = re.compile(r"""<a href="([^"]{1,400})"[^>]*>.*?to_clipboard\('([^']*)'\)""", re.DOTALL)


def read_beside(path: Path) -> Generation | None:
    """What lies beside an image on its making; ``None`` where nothing does or it cannot be read."""
    for name, reader in (
        (f"{path.stem}.swarm.json", _swarm),
        (f"{path.stem}.json", _json),
        (f"{path.stem}.txt", _text),
    ):
        text = _content(path.with_name(name), MAX_BYTES)
        if text and (generation := reader(text)) is not None:
            return replace(generation, source="side file", raw={name: text})
    return _logged(path)


def _swarm(text: str) -> Generation | None:
    return tools.swarmui_of(json_object(text) or {})


def _json(text: str) -> Generation | None:
    meta = json_object(text) or {}
    found = tools.easy_diffusion_of(meta) or tools.swarmui_of(meta)
    return found or fooocus.read(Embedded(texts={"parameters": text}))


def _text(text: str) -> Generation | None:
    """Infotext, or Easy Diffusion's lines of "Label: value"; a caption for training is neither."""
    lines = (line.partition(":") for line in text.splitlines()[:200])
    fields = {key.strip(): value.strip() for key, mark, value in lines if mark}
    return tools.easy_diffusion_of(fields) or infotext.read(text)


def _logged(path: Path) -> Generation | None:
    log = path.with_name(LOG)
    try:
        found_log = log.stat()
    except OSError:
        return None
    if found_log.st_size > MAX_LOG_BYTES:
        return None
    found = fooocus_log(str(log), found_log.st_mtime_ns, found_log.st_size).get(path.name)
    if found is None:
        return None
    generation = fooocus.read(Embedded(texts={"fooocus_scheme": "fooocus", "parameters": found}))
    return None if generation is None else replace(generation, source="side file", raw={LOG: found})


@lru_cache(maxsize=16)
def fooocus_log(log: str, mtime_ns: int, size: int) -> dict[str, str]:  # noqa: ARG001  (they are the cache's key)
    """The JSON of each image that a Fooocus log names, by file name: the only record where embedding is off."""
    text = _content(Path(log), MAX_LOG_BYTES) or ""
    found = {}
    for part in text.split('class="image-container"')[1:]:
        match = _LOGGED.search(part)
        if match is not None:
            found[html.unescape(match.group(1))] = unquote(match.group(2))
    return found


def _content(path: Path, most: int) -> str | None:
    """A regular file's text, ``None`` where there is none of that size. A pipe of that name would never end."""
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    except (OSError, ValueError):
        return None
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return None
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            data = file.read(most + 1)
    except OSError:
        return None
    finally:
        os.close(descriptor)
    return data.decode("utf-8-sig", "replace") if len(data) <= most else None
