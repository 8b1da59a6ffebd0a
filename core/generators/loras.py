"""LoRAs as the tools list them."""

from typing import Any

from core.domain.generation import Lora
from core.generators.values import as_float, as_list, as_name, as_object

MOST_LORAS = 100


def listed_loras(value: Any) -> tuple[Lora, ...]:
    """LoRAs as a list of objects or of [name, weight, hash]."""
    found = []
    for one in as_list(value)[:MOST_LORAS]:
        if isinstance(one, list):
            name, weight, digest = (*one, None, None, None)[:3]
        elif isinstance(one, dict):
            inner = as_object(one.get("model")) or as_object(one.get("lora")) or one
            name = inner.get("name") or inner.get("model_name") or inner.get("file") or one.get("model")
            weight = one.get("weight", one.get("strength"))
            digest = inner.get("hash")
        else:
            name, weight, digest = one, None, None
        if named := as_name(name):
            found.append(Lora(named, as_float(weight), as_name(digest)))
    return tuple(found)
