"""The output folders of image generators: which tool's a folder is, and which files in it are no images of its own.

By names only. Where a person made folders of their own in between, the folder is theirs: its names mean something.
"""

import posixpath
import re
from collections.abc import Iterable, Iterator, Sequence

Parts = Sequence[str]  # a path below the folder, split: ("txt2img-images", "2026-11-22", "00000-1.png")

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
_A1111_IMAGES = frozenset({"txt2img-images", "img2img-images", "extras-images", "txt2img", "img2img", "extras"})
_A1111_OTHERS = frozenset({"txt2img-grids", "img2img-grids", "init-images"})
_OWN = frozenset({"output", "outputs", "images", "raw", "log", "img-samples", "local", "thumbnails", "temp"})
_SDNEXT_IMAGES = frozenset({"text", "image", "control"})
_SDNEXT_OTHERS = frozenset({"grids", "inputs", "init-images"})
_SDNEXT = _SDNEXT_IMAGES | _SDNEXT_OTHERS | {"output", "outputs", "extras", "save", "video"}
_SDNEXT_FILE = re.compile(r"\d{5}-.+")
_COMFYUI_FILE = re.compile(r".+_\d{5}_\.\w+")
# What lies beside ComfyUI's output folder and holds images: starting images, previews of models, pictures of add-ons.
_COMFYUI_OTHERS = re.compile(
    r"input|temp|custom_nodes|models|web|user|app|blueprints|tests.*|comfy.*|\.?venv|python_embeded", re.IGNORECASE
)
# SwarmUI's folders below its output folder: one a user, "raw" and a day below it; what was starred lies there again.
_SWARMUI = re.compile(r"(?:(?:(?:output/)?[^/]+/)?(?:starred/)?raw/)?\d{4}-\d{2}-\d{2}", re.IGNORECASE)
_SWARMUI_FILE = re.compile(r"(?:[01]\d|2[0-3])[0-5]\d(?:\d{3,}-.+|-.+-\d+\.\w+)")  # hour, minute, a count; once a seed
_SWARMUI_COUNTED = re.compile(r"(?:[01]\d|2[0-3])[0-5]\d{4,}-.+-.+")

_FOOOCUS_FILE = re.compile(r"\d{4}-\d{2}-\d{2}_\d{2}-\d{2}-\d{2}_\d{4}\.\w+")
LOG = "log.html"  # Fooocus's record of a day's folder

# How each tool names its images; enough alone to tell whose a folder is when most files look so.
_FILES = (
    ("Fooocus", _FOOOCUS_FILE),
    ("ComfyUI", _COMFYUI_FILE),
    ("InvokeAI", re.compile(rf"{_UUID}\.png|\d{{6}}\.(?:[0-9a-f]{{8}}\.)?\d+(?:\.\w+)?\.png")),
    ("AUTOMATIC1111", re.compile(r"\d{5}-\d+(?:-.*)?\.\w+")),
    ("NovelAI", re.compile(r".* s-\d+(?: \(\d+\))?\.(?:png|webp)")),
    ("Easy Diffusion", re.compile(r".{1,60}_[0-9a-zA-Z+/=-]{8,13}\.(?:png|jpe?g|webp)")),
)
_GRID = re.compile(r"grid-\d{4}\b.*")
_PREVIEW = re.compile(r"ComfyUI_temp_\w+_\d{5}_\.\w+|.*\.swarmpreview\.\w+")
_THUMBNAIL = re.compile(rf"(?:{_UUID}|\d{{6}}\.[\w.]+)\.webp")  # as InvokeAI names them, after the image
_SESSION = re.compile(r"\d{13}")  # Easy Diffusion's folders: milliseconds


def tool_of(paths: Sequence[Parts], root: str = "") -> str | None:
    """The tool whose output folder holds ``paths``, ``None`` where folders of a person's own lie in between.

    ``root`` is the folder's own name: below one called "raw" lies what lies below SwarmUI's.
    """
    if not paths:
        return None
    paths = _below_wrapper(paths)
    if root.lower() == "raw":
        paths = [("raw", *parts) for parts in paths]
    if _is_swarmui(paths):
        return "SwarmUI"
    if _is_sdnext(paths):
        return "SD.Next"
    if not all(_own(part) for parts in paths for part in parts[:-1]):
        return None
    folders = {part for parts in paths for part in parts[:-1]}
    if folders & (_A1111_OTHERS | {"txt2img-images", "img2img-images", "extras-images"}):
        return "AUTOMATIC1111"
    for tool, pattern in _FILES:
        if tool == "Easy Diffusion" and not any(_SESSION.fullmatch(part) for part in folders):
            continue
        if _mostly(pattern, paths):
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
    if "thumbnails" in folders and _THUMBNAIL.fullmatch(name):
        return "a thumbnail that an image generator left"
    if parent == "thumbnails" and len(folders) > 1 and folders[-2] in ("images", "outputs"):
        return "a thumbnail that an image generator left"
    return None


def left_out(names: Sequence[str]) -> Iterator[tuple[str, str]]:
    """The images, each with the reason, that only what lies beside them gives away as none to import.

    ``names`` are paths below a folder, parted by "/" and in order. SD.Next's "grids" and ComfyUI's "input" are names
    that a class may have; beside the tool's own images they are not.
    """
    base = posixpath.commonpath([posixpath.dirname(name) for name in (names[0], names[-1])]) if names else ""
    start = len(base) + 1 if base else 0
    tops = {name[start:].partition("/")[0] for name in names}
    if "output" in tops and all(top == "output" or _COMFYUI_OTHERS.fullmatch(top) for top in tops):
        results = [name.split("/") for name in names if name.startswith("output/", start)]
        if _mostly(_COMFYUI_FILE, results):
            for name in names:
                if not name.startswith("output/", start):
                    yield name, "it lies beside ComfyUI's output folder and is no result"
    elif tops & _SDNEXT and _is_sdnext([name[start:].split("/") for name in names]):
        for name in names:
            if _SDNEXT_OTHERS & set(name[start:].split("/")[:-1]):
                yield name, "a grid or a starting image of an image generator, not a result"


def logged(names: Iterable[str]) -> set[str]:
    """The folders, parted by "/", whose images Fooocus made: a log.html there is the record of their making."""
    found = (name.rpartition("/") for name in names)
    return {folder for folder, _, base in found if _FOOOCUS_FILE.fullmatch(base)}


def _below_wrapper(paths: Sequence[Parts]) -> Sequence[Parts]:
    """Without the folders of the tool itself, where all lies in its output folder: "ComfyUI/output/"."""
    at = next((at for at, part in enumerate(paths[0][:-1]) if part.lower() in ("output", "outputs")), 0)
    wrapper = list(paths[0][: at + 1])
    if at and all(list(parts[: at + 1]) == wrapper and len(parts) > at + 1 for parts in paths):
        return [parts[at:] for parts in paths]
    return paths


def _is_swarmui(paths: Sequence[Parts]) -> bool:
    folders = {"/".join(parts[:-1]) for parts in paths}
    if not all(_SWARMUI.fullmatch(folder) for folder in folders):
        return False
    if all(folder.lower().removeprefix("output/").startswith(("local/", "raw/")) for folder in folders):
        return True
    below = all("raw/" in folder.lower() for folder in folders)
    return _mostly(_SWARMUI_FILE if below else _SWARMUI_COUNTED, paths)


def _is_sdnext(paths: Sequence[Parts]) -> bool:
    folders = {part for parts in paths for part in parts[:-1]}
    if not folders & _SDNEXT_IMAGES or not all(part in _SDNEXT or _DATE.fullmatch(part) for part in folders):
        return False
    return _mostly(_SDNEXT_FILE, paths)


def _mostly(pattern: re.Pattern[str], paths: Sequence[Parts]) -> bool:
    return sum(pattern.fullmatch(parts[-1]) is not None for parts in paths) * 2 > len(paths)


def _own(part: str) -> bool:
    """Whether a folder of this name is one that the tools make themselves."""
    plain = part.lower()
    return bool(plain in _OWN | _A1111_IMAGES | _A1111_OTHERS or _DATE.fullmatch(part) or _SESSION.fullmatch(part))
