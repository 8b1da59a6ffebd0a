"""Readers of the tools that write their settings as JSON or field by field: one function a tool, all pure.

Each takes what a file carries and gives its generation, or ``None`` where the file is not that tool's.
"""

import re
from typing import Any
from xml.etree import ElementTree

from core.domain.generation import Generation, Lora
from core.generators.containers import Embedded
from core.generators.loras import MOST_LORAS, listed_loras
from core.generators.values import (
    Json,
    as_float,
    as_int,
    as_list,
    as_name,
    as_object,
    as_seed,
    as_size,
    as_text,
    clean,
    json_object,
)

_NOVELAI_SOURCE = re.compile(r"(.*\S)\s+([0-9A-F]{8})")


def novelai(found: Embedded) -> Generation | None:
    """NovelAI: PNG texts, or EXIF in its WebP files."""
    texts, tags = found.texts, found.exif
    if not (texts.get("Software") == "NovelAI" or tags.get("Software", "").startswith("NovelAI")):
        return None
    comment = json_object(texts.get("Comment")) or json_object(tags.get("UserComment")) or {}
    source = texts.get("Source") or as_text(comment.get("Source")) or _after_novelai(tags.get("Software", ""))
    described = texts.get("Description") or as_text(comment.get("Description")) or tags.get("ImageDescription", "")
    return novelai_of(as_object(comment.get("Comment")) or comment, source=source, described=described)


def novelai_of(meta: Json, *, source: str, described: str) -> Generation:
    """NovelAI's JSON, as it also stands in the alpha channel."""
    match = _NOVELAI_SOURCE.fullmatch(clean(source))
    v4 = as_object(as_object(meta.get("v4_prompt")).get("caption")).get("base_caption")
    v4_negative = as_object(as_object(meta.get("v4_negative_prompt")).get("caption")).get("base_caption")
    return Generation(
        tool="NovelAI",
        prompt=as_text(meta.get("prompt")) or as_text(v4) or clean(described),
        negative_prompt=as_text(meta.get("uc")) or as_text(v4_negative),
        model=match.group(1) if match else as_name(source),
        model_hash=match.group(2) if match else None,
        sampler=as_name(meta.get("sampler")),
        scheduler=as_name(meta.get("noise_schedule")),
        steps=as_int(meta.get("steps")),
        cfg=as_float(meta.get("scale")),
        seed=as_seed(meta.get("seed")),
        width=as_int(meta.get("width")),
        height=as_int(meta.get("height")),
    )


def draw_things(found: Embedded) -> Generation | None:
    """Draw Things: JSON inside the XMP packet's ``exif:UserComment``."""
    if "Draw Things" not in found.xmp:
        return None
    try:
        root = ElementTree.fromstring(_without_doctype(found.xmp))
    except (ElementTree.ParseError, ValueError):
        return None
    meta: Json = {}
    for element in root.iter():
        if element.tag.endswith("}UserComment"):
            meta = json_object("".join(element.itertext())) or meta
    if not meta:
        return None
    width, height = as_size(meta.get("size"))
    return Generation(
        tool="Draw Things",
        prompt=as_text(meta.get("c")),
        negative_prompt=as_text(meta.get("uc")),
        model=as_name(meta.get("model")),
        loras=listed_loras(meta.get("lora")),
        sampler=as_name(meta.get("sampler")),
        steps=as_int(meta.get("steps")),
        cfg=as_float(meta.get("scale")),
        seed=as_seed(meta.get("seed")),
        width=width,
        height=height,
    )


def swarmui(found: Embedded) -> Generation | None:
    """SwarmUI: JSON with ``sui_image_params``; also what it writes into an alpha channel or a side file."""
    for text in (found.texts.get("parameters"), found.exif.get("UserComment"), found.exif.get("Model")):
        if text and "sui_image_params" in text and (meta := json_object(text)) is not None:
            return swarmui_of(meta)
    return None


def swarmui_of(meta: Json) -> Generation | None:
    """SwarmUI's JSON. No key is guaranteed and values may be strings."""
    asked = meta.get("sui_image_params")
    if not isinstance(asked, dict):
        return None
    models = [as_object(model) for model in as_list(meta.get("sui_models"))]
    hashes = {as_text(m.get("param")): as_name(m.get("hash")) for m in models if m.get("param") != "loras"}
    lora_hashes = {as_text(m.get("name")): as_name(m.get("hash")) for m in models if m.get("param") == "loras"}
    weights = [as_float(weight) for weight in _listed(asked.get("loraweights"))]
    names = [clean(as_text(name)) for name in _listed(asked.get("loras"))][:MOST_LORAS]
    return Generation(
        tool="SwarmUI",
        prompt=as_text(asked.get("prompt")),
        negative_prompt=as_text(asked.get("negativeprompt")),
        model=as_name(asked.get("model")),
        model_hash=hashes.get("model"),
        loras=tuple(
            Lora(name, weights[place] if place < len(weights) else None, _hash_of(name, lora_hashes))
            for place, name in enumerate(names)
            if name
        ),
        sampler=as_name(asked.get("sampler")),
        scheduler=as_name(asked.get("scheduler")),
        steps=as_int(asked.get("steps")),
        cfg=as_float(asked.get("cfgscale")),
        seed=as_seed(asked.get("seed")),
        width=as_int(asked.get("width")),
        height=as_int(asked.get("height")),
    )


def easy_diffusion(found: Embedded) -> Generation | None:
    """Easy Diffusion: one PNG text a field, or JSON of the same fields in EXIF."""
    return easy_diffusion_of(found.texts) or easy_diffusion_of(json_object(found.exif.get("UserComment")) or {})


def easy_diffusion_of(fields: Any) -> Generation | None:
    """Easy Diffusion's fields under either of their two sets of names."""
    meta = {str(key).lower().replace(" ", "_"): value for key, value in dict(fields).items()}
    model = meta.get("use_stable_diffusion_model") or meta.get("stable_diffusion_model")
    if not model or "prompt" not in meta:
        return None
    names = _listed(meta.get("use_lora_model") or meta.get("lora_model"))
    weights = [as_float(weight) for weight in _listed(meta.get("lora_alpha") or meta.get("lora_strength"))]
    return Generation(
        tool="Easy Diffusion",
        prompt=as_text(meta.get("prompt")),
        negative_prompt=as_text(meta.get("negative_prompt")),
        model=as_name(model),
        loras=tuple(
            Lora(name, weights[place] if place < len(weights) else None)
            for place, name in enumerate(as_text(one) for one in names[:MOST_LORAS])
            if name and name != "None"
        ),
        sampler=as_name(meta.get("sampler_name") or meta.get("sampler")),
        scheduler=as_name(meta.get("scheduler_name") or meta.get("scheduler")),
        steps=as_int(meta.get("num_inference_steps") or meta.get("steps")),
        cfg=as_float(meta.get("guidance_scale")),
        seed=as_seed(meta.get("seed")),
        width=as_int(meta.get("width")),
        height=as_int(meta.get("height")),
    )


def generic(found: Embedded) -> Generation | None:
    """JSON of a tool without a reader of its own: Civitai, Stability Matrix, TensorArt, Spaces with diffusers."""
    extra = json_object(as_text((json_object(found.exif.get("UserComment")) or {}).get("extraMetadata")))
    if extra is not None and (generation := _loose(extra, "Civitai")) is not None:
        return generation
    for key, tool in (
        ("parameters-json", "Stability Matrix"),
        ("generation_data", "TensorArt"),
        ("parameters", "diffusers"),
    ):
        meta = json_object(found.texts.get(key))
        if meta is not None and (generation := _loose(meta, tool)) is not None:
            return generation
    return None


def _loose(meta: Json, tool: str) -> Generation | None:
    fields = {str(key).lower().replace("_", "").replace(" ", ""): value for key, value in meta.items()}

    def first(*names: str) -> Any:
        return next((fields[name] for name in names if fields.get(name) not in (None, "")), None)

    prompt = as_text(first("prompt", "positiveprompt"))
    if not prompt:
        return None
    width, height = as_size(first("resolution", "size"))
    base = as_object(first("basemodel"))
    model = first("modelname", "model", "basemodelname") or base.get("modelFileName") or base.get("label")
    return Generation(
        tool=tool,
        prompt=prompt,
        negative_prompt=as_text(first("negativeprompt", "uc")),
        model=as_name(model),
        model_hash=as_name(first("modelhash")) or as_name(base.get("hash")),
        loras=listed_loras(first("loras")),
        sampler=as_name(first("sampler", "samplername")),
        scheduler=as_name(first("scheduler")),
        steps=as_int(first("steps", "numinferencesteps")),
        cfg=as_float(first("cfgscale", "guidancescale", "cfg")),
        seed=as_seed(first("seed")),
        width=as_int(first("width")) or width,
        height=as_int(first("height")) or height,
    )


def _listed(value: Any) -> list[Any]:
    """A list, JSON of one, or a text whose parts commas divide."""
    if isinstance(value, list):
        return value
    text = as_text(value).strip("[]")
    return [part.strip().strip("'\"") for part in text.split(",")] if text else []


def _hash_of(name: str, hashes: dict[str, str | None]) -> str | None:
    return next((value for key, value in hashes.items() if key == name or key.startswith(f"{name}.")), None)


def _after_novelai(software: str) -> str:
    return software if software != "NovelAI" else ""


def _without_doctype(xmp: str) -> str:
    """XMP has no document type; one would be there to define entities that unpack without end."""
    if "<!DOCTYPE" in xmp or "<!ENTITY" in xmp:
        raise ValueError("a document type in XMP")
    start = xmp.find("<x:xmpmeta")
    end = xmp.rfind("</x:xmpmeta>")
    return xmp[start : end + len("</x:xmpmeta>")] if 0 <= start < end else xmp.strip("\0 \n")
