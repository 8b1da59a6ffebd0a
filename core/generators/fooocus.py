"""Fooocus and RuinedFooocus: JSON, or infotext where the person chose that scheme."""

import re

from core.domain.generation import Generation
from core.generators import infotext
from core.generators.containers import Embedded
from core.generators.loras import listed_loras
from core.generators.values import Json, as_float, as_int, as_name, as_seed, as_size, as_text, json_object


def read(found: Embedded) -> Generation | None:
    """Fooocus: JSON or infotext in ``parameters``; in EXIF the scheme stands in MakerNote. Older forks: a comment."""
    scheme = found.texts.get("fooocus_scheme") or found.exif.get("MakerNote", "")
    text = found.texts.get("parameters") or found.exif.get("UserComment") or ""
    signed = found.exif.get("Software", "").startswith("Fooocus")
    if scheme == "a1111" and (signed or "fooocus_scheme" in found.texts):
        return infotext.read(text, tool="Fooocus")
    meta = json_object(text) or json_object(found.texts.get("Comment"))
    if meta is None:
        return None
    if meta.get("software") == "RuinedFooocus":
        return _ruined(meta)
    if scheme == "fooocus" or signed or "base_model" in meta or "Base Model" in meta:
        return _fooocus_of(meta)
    return None


def _fooocus_of(meta: Json) -> Generation:
    fields = {str(key).lower().replace(" ", "_"): value for key, value in meta.items()}
    width, height = as_size(fields.get("resolution"))
    listed = fields.get("loras")
    loras = listed_loras(listed) or tuple(
        lora
        for key, value in fields.items()
        if re.fullmatch(r"lora_?\d+|lora_combined_\d+", key)
        for lora in listed_loras([[part.strip() for part in as_text(value).split(":")]])
    )
    return Generation(
        tool="Fooocus",
        prompt=as_text(fields.get("prompt")) or as_text(fields.get("full_prompt")),
        negative_prompt=as_text(fields.get("negative_prompt")) or as_text(fields.get("full_negative_prompt")),
        model=as_name(fields.get("base_model")) or as_name(fields.get("base_model_name")),
        model_hash=as_name(fields.get("base_model_hash")),
        loras=loras,
        sampler=as_name(fields.get("sampler")),
        scheduler=as_name(fields.get("scheduler")),
        steps=as_int(fields.get("steps")),
        cfg=as_float(fields.get("guidance_scale")),
        seed=as_seed(fields.get("seed")),
        width=width,
        height=height,
    )


def _ruined(meta: Json) -> Generation:
    return Generation(
        tool="RuinedFooocus",
        prompt=as_text(meta.get("Prompt")),
        negative_prompt=as_text(meta.get("Negative")),
        model=as_name(meta.get("base_model_name")),
        model_hash=as_name(meta.get("base_model_hash")),
        loras=listed_loras(meta.get("loras")),
        sampler=as_name(meta.get("sampler_name")),
        scheduler=as_name(meta.get("scheduler")),
        steps=as_int(meta.get("steps")),
        cfg=as_float(meta.get("cfg")),
        seed=as_seed(meta.get("seed")),
        width=as_int(meta.get("width")),
        height=as_int(meta.get("height")),
    )
