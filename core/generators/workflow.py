"""ComfyUI's ``workflow``, the graph as it was drawn, brought into the form of the graph that runs.

It names no inputs for the values of a node's widgets; newer files list them, for the nodes that matter they are known.
Used only where a file carries no ``prompt``.
"""

from typing import Any

from core.generators.values import Json, as_list, as_object

_MOST_NODES = 20_000
_WIDGETS = {
    "KSampler": ("seed", None, "steps", "cfg", "sampler_name", "scheduler", "denoise"),
    "KSamplerAdvanced": (
        "add_noise", "noise_seed", None, "steps", "cfg", "sampler_name", "scheduler", "start_at_step", "end_at_step",
    ),
    "SamplerCustom": ("add_noise", "noise_seed", None, "cfg"),
    "RandomNoise": ("noise_seed", None),
    "KSamplerSelect": ("sampler_name",),
    "BasicScheduler": ("scheduler", "steps", "denoise"),
    "CLIPTextEncode": ("text",),
    "CheckpointLoaderSimple": ("ckpt_name",),
    "UNETLoader": ("unet_name",),
    "LoraLoader": ("lora_name", "strength_model", "strength_clip"),
    "LoraLoaderModelOnly": ("lora_name", "strength_model"),
    "EmptyLatentImage": ("width", "height", "batch_size"),
    "EmptySD3LatentImage": ("width", "height", "batch_size"),
    "PrimitiveNode": ("value",),
}  # fmt: skip
_MUTED = (2, 4)  # a node's mode: never run, or passed by


def as_prompt(workflow: Json) -> Json:
    """{id: {class_type, inputs}} of a drawn graph; what cannot be understood is left out."""
    sources = {}
    for link in as_list(workflow.get("links"))[: 4 * _MOST_NODES]:
        if isinstance(link, list) and len(link) >= 5:
            sources[str(link[0])] = [str(link[1]), link[2] if isinstance(link[2], int) else 0]
        elif isinstance(link, dict):
            sources[str(link.get("id"))] = [str(link.get("origin_id")), 0]
    graph: Json = {}
    for node in map(as_object, as_list(workflow.get("nodes"))[:_MOST_NODES]):
        if node.get("mode") not in _MUTED:
            graph[str(node.get("id"))] = {"class_type": str(node.get("type") or ""), "inputs": _inputs(node, sources)}
    return graph


def _inputs(node: Json, sources: Json) -> Json:
    found: Json = {}
    values = node.get("widgets_values")
    if isinstance(values, dict):
        found.update(values)
    elif isinstance(values, list):
        found.update(_named(node, values))
    for slot in map(as_object, as_list(node.get("inputs"))):
        source = sources.get(str(slot.get("link")))
        if source is not None:
            found[str(slot.get("name"))] = source
    return found


def _named(node: Json, values: list[Any]) -> Json:
    names: list[str | None] = list(_WIDGETS.get(str(node.get("type")), ()))
    if not names:
        for slot in map(as_object, as_list(node.get("inputs"))):
            if slot.get("widget"):
                names.append(str(slot.get("name")))
                if slot.get("name") in ("seed", "noise_seed"):
                    names.append(None)  # "randomize" or "fixed" follows each seed
    return {name: value for name, value in zip(names, values, strict=False) if name is not None}
