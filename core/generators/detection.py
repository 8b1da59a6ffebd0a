"""Which tool made an image, and what it says of it: the readers in an order in which none takes another's files."""

import logging
from collections.abc import Callable
from dataclasses import replace

from core.domain.generation import CLAIM, Generation
from core.generators import c2pa, comfyui, fooocus, infotext, invokeai, stealth, tools
from core.generators.containers import Embedded, embedded
from core.generators.values import clean, json_object

log = logging.getLogger(__name__)

_MOST_RAW = 4 * 2**20  # characters of raw text kept for one image
_SOURCES = {"PNG": "PNG text", "JPEG": "EXIF", "WebP": "EXIF", "AVIF": "EXIF", "GIF": "comment"}
# Values come from anyone, in any shape: what a reader stumbles over costs that reader's result, not the import.
_STRANGE = (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError)

Reader = Callable[[Embedded], Generation | None]


def read(data: bytes, *, hidden: bool = False) -> Generation | None:
    """What an image file's bytes say of its making; ``None`` where they say nothing, as photographs do.

    ``hidden`` looks into the pixels too where nothing else was found, which decodes the image. Pure: no file is
    touched, nothing is remembered, any number of threads may call it.
    """
    found = embedded(data)
    generation = read_embedded(found)
    if generation is None and hidden and (text := stealth.hidden_text(data)) is not None:
        generation = read_hidden(text)
    claims = c2pa.claims(found.c2pa) if found.c2pa else ()
    if generation is None:
        return Generation(tool=CLAIM, claims=claims, source="C2PA manifest") if claims else None
    return replace(generation, claims=claims) if claims else generation


def read_embedded(found: Embedded) -> Generation | None:
    """As :func:`read`, from the texts that the file carries."""
    if found.empty:
        return None
    for reader in READERS:
        try:
            generation = reader(found)
        except _STRANGE as error:
            log.debug("%s could not read a file's metadata: %s", reader.__name__, error)
            continue
        if generation is not None:
            return replace(generation, source=_source(found, generation), raw=_raw(found))
    return None


def read_hidden(text: str) -> Generation | None:
    """What a text from the pixels says: infotext, NovelAI's JSON or SwarmUI's."""
    meta = json_object(text)
    if meta is None:
        generation = infotext.read(text)
    elif "sui_image_params" in meta:
        generation = tools.swarmui_of(meta)
    else:
        texts = {key: value for key, value in meta.items() if isinstance(value, str)}
        generation = tools.novelai(Embedded(texts={"Comment": text, **texts, "Software": "NovelAI"}))
    return None if generation is None else replace(generation, source="hidden in the pixels", raw={"hidden": text})


def _infotext(found: Embedded) -> Generation | None:
    graph = "prompt" in found.texts or "workflow" in found.texts
    tool = "Stability Matrix" if "smproj" in found.texts else "ComfyUI" if graph else None
    for text in (found.exif.get("UserComment"), found.texts.get("parameters"), found.texts.get("Comment")):
        if text and (generation := infotext.read(text, tool)) is not None:
            return generation
    return None


def _remains(found: Embedded) -> Generation | None:
    """Texts under AUTOMATIC1111's keys that hold no settings: a prompt alone, or what its Extras tab leaves."""
    if "postprocessing" in found.texts:
        return Generation(tool="AUTOMATIC1111")
    text = found.texts.get("parameters")
    if not text or json_object(text) is not None:
        return None
    prompt, negative, _ = infotext.split(text)
    return Generation(tool="AUTOMATIC1111", prompt=prompt, negative_prompt=negative) if prompt else None


READERS: tuple[Reader, ...] = (
    invokeai.read,
    invokeai.read_legacy,
    tools.novelai,
    tools.draw_things,
    fooocus.read,
    tools.swarmui,
    tools.easy_diffusion,
    tools.generic,
    _infotext,
    comfyui.read,
    _remains,
)


def _source(found: Embedded, generation: Generation) -> str:
    return "XMP" if generation.tool == "Draw Things" else _SOURCES.get(found.format, "text")


def _raw(found: Embedded) -> dict[str, str]:
    texts = dict(found.texts)
    texts.update({f"EXIF:{name}": text for name, text in found.exif.items()})
    if found.xmp:
        texts["XMP"] = found.xmp
    kept, room = {}, _MOST_RAW
    for key, text in texts.items():
        if len(text) <= room:
            kept[clean(key)] = text.encode("utf-8", "replace").decode("utf-8")
            room -= len(text)
    return kept
