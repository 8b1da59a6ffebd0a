"""The output folders of image generators: which tool's a folder is, and which files in it are no images of its own.

By names only. Where a person made folders of their own in between, the folder is theirs: its names mean something.
"""

import re
from collections.abc import Sequence

Parts = Sequence[str]  # a path below the folder, split: ("txt2img-images", "2026-11-22", "00000-1.png")

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
_A1111_IMAGES = frozenset({"txt2img-images", "img2img-images", "extras-images", "txt2img", "img2img", "extras"})
_A1111_OTHERS = frozenset({"txt2img-grids", "img2img-grids", "init-images"})
_OWN = frozenset({"output", "outputs", "images", "raw", "log", "img-samples", "local", "thumbnails", "temp"})

# How each tool names its images; enough alone to tell whose a folder is when most files look so.
_FILES = (
    ("Fooocus", re.compile(r"\d{4}-\d{2}-\d{2}_\d{2}-\d{2}-\d{2}_\d{4}\.\w+")),
    ("ComfyUI", re.compile(r".+_\d{5}_\.\w+")),
    ("InvokeAI", re.compile(rf"{_UUID}\.png|\d{{6}}\.\d+\.png")),
    ("AUTOMATIC1111", re.compile(r"\d{5}-\d+(?:-.*)?\.\w+")),
    ("NovelAI", re.compile(r".* s-\d+(?: \(\d+\))?\.(?:png|webp)")),
    ("Easy Diffusion", re.compile(r".{1,60}_[0-9a-zA-Z+/=-]{8,13}\.(?:png|jpe?g|webp)")),
)
_GRID = re.compile(r"grid-\d{4}\b.*")
_PREVIEW = re.compile(r"ComfyUI_temp_\w+_\d{5}_\.\w+|.*\.swarmpreview\.\w+")
_SESSION = re.compile(r"\d{13}")  # Easy Diffusion's folders: milliseconds


def tool_of(paths: Sequence[Parts]) -> str | None:
    """The tool whose output folder holds ``paths``, ``None`` where folders of a person's own lie in between."""
    if not paths or not all(_own(part) for parts in paths for part in parts[:-1]):
        return None
    folders = {part for parts in paths for part in parts[:-1]}
    if folders & (_A1111_OTHERS | {"txt2img-images", "img2img-images", "extras-images"}):
        return "AUTOMATIC1111"
    if "raw" in folders and any(_DATE.fullmatch(part) for part in folders):
        return "SwarmUI"
    for tool, pattern in _FILES:
        if tool == "Easy Diffusion" and not any(_SESSION.fullmatch(part) for part in folders):
            continue
        if sum(pattern.fullmatch(parts[-1]) is not None for parts in paths) * 2 > len(paths):
            return tool
    return None


def why_skipped(parts: Parts) -> str | None:
    """Why a file is no image of its own to import: a grid of others, a preview, a thumbnail; ``None`` for images."""
    *folders, name = parts
    if _PREVIEW.fullmatch(name):
        return "a preview that an image generator left"
    if _A1111_OTHERS & set(folders):
        return "a grid or a starting image of an image generator, not a result"
    parent = folders[-1] if folders else ""
    if _GRID.fullmatch(name) and (_DATE.fullmatch(parent) or parent in _A1111_IMAGES or "images" in parent):
        return "a grid of images that an image generator put together"
    if parent == "thumbnails" and len(folders) > 1 and folders[-2] in ("images", "outputs"):
        return "a thumbnail that an image generator left"
    return None


def _own(part: str) -> bool:
    """Whether a folder of this name is one that the tools make themselves."""
    plain = part.lower()
    return bool(plain in _OWN | _A1111_IMAGES | _A1111_OTHERS or _DATE.fullmatch(part) or _SESSION.fullmatch(part))
