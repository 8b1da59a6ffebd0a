"""InvokeAI: JSON since version 3, another JSON in 2, a command line in 1."""

import re

from core.domain.generation import Generation
from core.generators.containers import Embedded
from core.generators.loras import listed_loras
from core.generators.values import as_float, as_int, as_name, as_object, as_seed, as_text, clean, json_object

_LEGACY_OPTION = re.compile(r"\s-([A-Za-z])\s?([^\s-][^\s]*)")


def read(found: Embedded) -> Generation | None:
    """InvokeAI from version 3 on. Its "scheduler" names sampler and noise schedule in one, as diffusers has it."""
    meta = json_object(found.texts.get("invokeai_metadata"))
    if meta is None:
        return None
    model = as_object(meta.get("model"))
    scheduler = as_name(meta.get("scheduler"))
    return Generation(
        tool="InvokeAI",
        prompt=as_text(meta.get("positive_prompt")),
        negative_prompt=as_text(meta.get("negative_prompt")),
        model=as_name(model.get("name")) or as_name(model.get("model_name")) or as_name(meta.get("model")),
        model_hash=as_name(model.get("hash")),
        loras=listed_loras(meta.get("loras")),
        sampler=scheduler,
        scheduler=scheduler,
        steps=as_int(meta.get("steps")),
        cfg=as_float(meta.get("cfg_scale")),
        seed=as_seed(meta.get("seed")),
        width=as_int(meta.get("width")),
        height=as_int(meta.get("height")),
    )


def read_legacy(found: Embedded) -> Generation | None:
    """InvokeAI 1 and 2: ``sd-metadata`` as JSON, ``Dream`` as a command line."""
    meta = json_object(found.texts.get("sd-metadata"))
    if meta is None:
        return _dream(found.texts.get("Dream"))
    image = as_object(meta.get("image"))
    parts = image.get("prompt")
    words = [as_text(as_object(part).get("prompt")) for part in parts] if isinstance(parts, list) else [as_text(parts)]
    prompt, negative = _bracketed(" ".join(word for word in words if word))
    return Generation(
        tool="InvokeAI",
        prompt=prompt,
        negative_prompt=negative,
        model=as_name(meta.get("model_weights")) or as_name(meta.get("model")),
        model_hash=as_name(meta.get("model_hash")),
        sampler=as_name(image.get("sampler")),
        steps=as_int(image.get("steps")),
        cfg=as_float(image.get("cfg_scale")),
        seed=as_seed(image.get("seed")),
        width=as_int(image.get("width")),
        height=as_int(image.get("height")),
    )


def _dream(text: str | None) -> Generation | None:
    """``"a prompt [unwanted]" -s 50 -S 1234 -W 512 -H 512 -C 7.5 -A k_lms``."""
    if not text:
        return None
    plain = clean(text)
    end = plain.rfind('"')
    quoted = plain.startswith('"') and end > 0
    prompt, negative = _bracketed(plain[1:end] if quoted else plain.split(" -", 1)[0])
    options = dict(_LEGACY_OPTION.findall(plain[end + 1 :] if quoted else plain))
    return Generation(
        tool="InvokeAI",
        prompt=prompt,
        negative_prompt=negative,
        sampler=as_name(options.get("A")),
        steps=as_int(options.get("s")),
        cfg=as_float(options.get("C")),
        seed=as_seed(options.get("S")),
        width=as_int(options.get("W")),
        height=as_int(options.get("H")),
    )


def _bracketed(prompt: str) -> tuple[str, str]:
    """InvokeAI's legacy prompts hold what is unwanted in square brackets."""
    unwanted = re.findall(r"\[([^\[\]]*)\]", prompt)
    wanted = re.sub(r"\s*\[[^\[\]]*\]", "", prompt)
    return clean(wanted), clean(", ".join(part.strip() for part in unwanted if part.strip()))
