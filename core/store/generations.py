"""A generation as FiftyOne keeps it beside a sample, and its raw texts as they lie in a collection of their own.

The raw texts of a ComfyUI image are a hundred kilobytes: beside the sample, the App would fetch them for each tile.
"""

import json
import zlib
from collections.abc import Mapping
from typing import Any

from core.domain.generation import Generation, Lora

Document = dict[str, Any]

TEXTS = ("tool", "prompt", "negative_prompt", "model", "model_hash", "sampler", "scheduler", "seed", "source")
INTEGERS = ("steps", "width", "height")
LISTS = ("loras", "claims")
_MOST_PACKED = 12 * 2**20  # bytes; MongoDB takes documents of 16 MB


def document(generation: Generation | None) -> Document | None:
    """Without the raw texts. LoRAs are a list of names, since that is what the App can filter by."""
    if generation is None:
        return None
    return {
        "_cls": "DynamicEmbeddedDocument",
        **{name: getattr(generation, name) for name in (*TEXTS, *INTEGERS, "cfg")},
        "loras": [lora.name for lora in generation.loras],
        "lora_weights": [lora.weight for lora in generation.loras],
        "lora_hashes": [lora.hash for lora in generation.loras],
        "claims": list(generation.claims),
    }


def generation_of(found: Document | None, raw: Mapping[str, str] | None = None) -> Generation | None:
    """The generation of a document; fields that are not there are unknown."""
    if not found or not found.get("tool"):
        return None
    names = list(found.get("loras") or ())
    weights, hashes = ([*(found.get(key) or ()), *[None] * len(names)] for key in ("lora_weights", "lora_hashes"))
    values: Document = {name: found.get(name) for name in (*TEXTS, *INTEGERS, "cfg")}
    for name in ("prompt", "negative_prompt", "source"):
        values[name] = values[name] or ""
    loras = tuple(Lora(*parts) for parts in zip(names, weights, hashes, strict=False))
    return Generation(**values, loras=loras, claims=tuple(found.get("claims") or ()), raw=raw or {})


def packed(raw: Mapping[str, str]) -> bytes | None:
    """Raw texts as bytes; ``None`` where there are none, or more than a document can hold."""
    data = zlib.compress(json.dumps(dict(raw), ensure_ascii=False).encode("utf-8", "replace"), 1) if raw else b""
    return data if 0 < len(data) <= _MOST_PACKED else None


def unpacked(data: bytes) -> dict[str, str]:
    """The reverse of :func:`packed`."""
    found: dict[str, str] = json.loads(zlib.decompress(data))
    return found
