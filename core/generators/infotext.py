"""Infotext: the text of AUTOMATIC1111, Forge, SD.Next and all that write as they do.

A prompt of any number of lines, "Negative prompt: ..." of any number of lines, then one line of ``Key: value`` pairs
joined by ", ". Values that hold a comma, a colon or a newline are quoted as JSON. Read by one pass, no backtracking.
"""

import json
import re
from typing import Any

from core.domain.generation import Generation, Lora
from core.generators.values import as_float, as_int, as_name, as_seed, as_size, as_text, clean

NEGATIVE = "Negative prompt:"
_LEAST_PAIRS = 3
_LINES_BACK = 30  # extensions append lines of their own after the settings
_MOST_PAIRS = 500
_LONGEST_LINE = 65_536  # characters of a settings line
_KEY = re.compile(r"\s*([\w][\w \-/().+]{0,80}?):[ \t]*")
_LORA = re.compile(r"<(?:lora|lyco):([^:<>\n]{1,300})((?::[^:<>\n]{0,40}){0,3})>")
_DECODER = json.JSONDecoder()
_KNOWN = ("Steps", "Sampler", "Seed", "Size", "Model", "Model hash", "CFG scale")

Settings = dict[str, Any]


def split(text: str) -> tuple[str, str, Settings]:
    """Prompt, negative prompt and settings; without settings ({}) it is hardly an infotext."""
    lines = text.replace("\r\n", "\n").strip("\0 \n\t").split("\n")
    settings: Settings = {}
    for place in range(len(lines) - 1, max(-1, len(lines) - 1 - _LINES_BACK), -1):
        found = pairs(lines[place])
        if len(found) >= _LEAST_PAIRS and any(key in found for key in _KNOWN):
            settings, lines = found, lines[:place]
            break
    start = next((place for place, line in enumerate(lines) if line.lstrip().startswith(NEGATIVE)), len(lines))
    negative = "\n".join(lines[start:]).lstrip().removeprefix(NEGATIVE)
    return clean("\n".join(lines[:start])), clean(negative), settings


def pairs(line: str) -> Settings:
    """The ``Key: value`` pairs of a line, {} where it is none."""
    found: Settings = {}
    at = 0
    if len(line) > _LONGEST_LINE:
        return {}
    while at < len(line) and len(found) < _MOST_PAIRS:
        match = _KEY.match(line, at)
        if match is None:
            return found
        value, at = _value(line, match.end())
        found.setdefault(match.group(1).strip(), value)
    return found


def read(text: str, tool: str | None = None) -> Generation | None:
    """The generation of an infotext, ``None`` where it has no settings. ``tool`` overrides what the settings tell."""
    prompt, negative, settings = split(text)
    if not settings:
        return None
    width, height = as_size(settings.get("Size") or settings.get("Resolution"))
    hashes = settings.get("Hashes")
    hashes = hashes if isinstance(hashes, dict) else {}
    return Generation(
        tool=tool or _tool(settings),
        prompt=prompt,
        negative_prompt=negative,
        model=as_name(settings.get("Model")),
        model_hash=as_name(settings.get("Model hash")) or as_name(hashes.get("model")),
        loras=loras(prompt, settings),
        sampler=as_name(settings.get("Sampler")),
        scheduler=as_name(settings.get("Schedule type")) or as_name(settings.get("Scheduler")),
        steps=as_int(settings.get("Steps")),
        cfg=as_float(settings.get("CFG scale") or settings.get("Guidance")),
        seed=as_seed(settings.get("Seed")),
        width=width,
        height=height,
    )


def loras(prompt: str, settings: Settings) -> tuple[Lora, ...]:
    """The LoRAs of a prompt (``<lora:name:weight>``), with their hashes where the settings name them."""
    named = settings.get("Lora hashes")
    hashes = {key: as_name(value) for key, value in pairs(named).items()} if isinstance(named, str) else {}
    found: dict[str, Lora] = {}
    for match in _LORA.finditer(prompt):
        name = clean(match.group(1))
        weights = [as_float(part) for part in match.group(2).split(":")[1:]]
        found.setdefault(name, Lora(name, next((w for w in weights if w is not None), 1.0), hashes.get(name)))
    for name, value in hashes.items():
        found.setdefault(name, Lora(name, None, value))
    return tuple(found.values())


def _value(line: str, at: int) -> tuple[Any, int]:
    """The value that begins at ``at``, and where the next pair begins."""
    if line[at : at + 1] in ('"', "{", "["):
        try:
            value, end = _DECODER.raw_decode(line, at)
        except (ValueError, RecursionError):
            pass
        else:
            comma = line.find(",", end)
            if comma < 0 or not line[end:comma].strip():
                return value, len(line) if comma < 0 else comma + 1
    comma = line.find(",", at)
    end = len(line) if comma < 0 else comma
    return line[at:end].strip(), end + 1


def _tool(settings: Settings) -> str:
    app, version = as_text(settings.get("App")), as_text(settings.get("Version"))
    if "SD.Next" in app or "SD.Next" in version:
        return "SD.Next"
    if version.startswith("ComfyUI"):
        return "ComfyUI"
    if "reforge" in version.lower() or "reforge" in app.lower():
        return "reForge"
    if re.match(r"f\d", version) or "forge" in version.lower() or version.startswith("neo"):
        return "Forge"
    if version.startswith("Fooocus"):
        return "Fooocus"
    if "Civitai resources" in settings:
        return "Civitai"
    return "AUTOMATIC1111"
