"""ComfyUI: a walk through the graph from what was saved to the sampler that began it, and from there to its inputs.

``prompt`` is the graph as it ran ({id: {class_type, inputs}}, an input that is [id, index] being a link); ``workflow``
is the graph as it was drawn. Graphs come from anyone: each walk remembers where it was and takes a bounded number of
steps, so one that goes in circles, or has a hundred thousand nodes, ends.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from core.domain.generation import Generation, Lora
from core.generators.containers import Embedded
from core.generators.values import Json, as_float, as_int, as_name, as_object, as_seed, as_text, clean, json_object
from core.generators.workflow import as_prompt

_MOST_STEPS = 20_000  # nodes visited for one image
_DEEPEST = 200
_TEXTS = (
    "populated_text", "text", "text_g", "text_l", "t5xxl", "clip_l", "prompt", "string", "value", "wildcard_text",
    "text_positive", "positive_prompt", "string_a", "string_b", "text_a", "text_b", "text1", "text2", "text_1",
    "text_2", "Text", "String",
)  # fmt: skip
_MODELS = ("ckpt_name", "unet_name", "model_name", "base_ckpt_name", "gguf_name", "model_path", "checkpoint")
_SAVES = ("Save", "Preview", "Output", "Websocket")
_NUMBERS = ("value", "int", "seed", "float", "Number", "number", "Value", "noise_seed")


def read(found: Embedded) -> Generation | None:
    """ComfyUI's own PNG, WebP and animated PNG, and what its third-party nodes write into JPEG."""
    prompt, workflow = _graphs(found)
    if prompt is None and workflow is None:
        return None
    graph = _Graph(prompt if prompt is not None else as_prompt(workflow or {}))
    return graph.generation()


def _graphs(found: Embedded) -> tuple[Json | None, Json | None]:
    prompt = _api(json_object(found.texts.get("prompt")))
    workflow = json_object(found.texts.get("workflow"))
    comment = json_object(found.exif.get("UserComment")) or {}
    prompt = prompt or _api(as_object(comment.get("prompt")) or None)
    workflow = workflow or as_object(comment.get("workflow")) or None
    for text in found.exif.values():
        key, mark, rest = text.partition(":")
        if mark and key.strip().lower() == "prompt":
            prompt = prompt or _api(json_object(rest))
        elif mark and key.strip().lower() == "workflow":
            workflow = workflow or json_object(rest)
    return prompt, workflow if workflow and isinstance(workflow.get("nodes"), list) else None


def _api(graph: Json | None) -> Json | None:
    """``graph`` if it is one that ran."""
    nodes = (graph or {}).values()
    return graph if any(isinstance(node, dict) and "class_type" in node for node in nodes) else None


@dataclass(slots=True)
class _Graph:
    nodes: Json
    steps: int = 0
    loras: dict[str, Lora] = field(default_factory=dict)

    def generation(self) -> Generation:
        """What the graph says of the sampler that began the image."""
        sampler = self._first_sampler()
        if sampler is None:
            prompt = "\n".join(dict.fromkeys(text for node in self.nodes for text in self._own_texts(str(node))))
            return Generation(tool="ComfyUI", prompt=clean(prompt), model=self._any_model(), loras=self._all_loras())
        guider = self._linked(sampler, "guider") or sampler
        width, height = self._size(sampler)
        seed = self._value(sampler, "seed", "noise_seed") or self._value(self._linked(sampler, "noise"), "noise_seed")
        model = self._model(guider, "model") or self._model(sampler, "model") or self._any_model()
        name = self._value(sampler, "sampler_name") or self._value(self._linked(sampler, "sampler"), "sampler_name")
        sigmas = self._linked(sampler, "sigmas")
        positive = self._prompt(guider, "positive") or self._prompt(guider, "conditioning")
        return Generation(
            tool="ComfyUI",
            prompt=positive,
            negative_prompt=self._prompt(guider, "negative"),
            model=model,
            loras=tuple(self.loras.values()),
            sampler=as_name(name),
            scheduler=as_name(self._value(sampler, "scheduler") or self._value(sigmas, "scheduler")),
            steps=as_int(self._value(sampler, "steps") or self._value(sigmas, "steps")),
            cfg=as_float(self._value(guider, "cfg", "cfg_conds", "cfg1")),
            seed=as_seed(seed),
            width=width,
            height=height,
        )

    def _node(self, node_id: str | None) -> tuple[str, Json]:
        node = as_object(self.nodes.get(node_id)) if node_id is not None else {}
        return str(node.get("class_type") or ""), as_object(node.get("inputs"))

    def _link(self, value: Any) -> str | None:
        """The node that an input is linked to."""
        if isinstance(value, list) and len(value) == 2 and isinstance(value[1], int) and not isinstance(value[0], list):
            return str(value[0]) if str(value[0]) in self.nodes else None
        return None

    def _linked(self, node_id: str | None, name: str) -> str | None:
        return self._link(self._node(node_id)[1].get(name))

    def _count(self) -> bool:
        self.steps += 1
        return self.steps <= _MOST_STEPS

    def _upstream(self, starts: Sequence[str], only: Sequence[str] = ()) -> Iterator[str]:
        """Nodes from ``starts`` against the links, nearest first, each once; by way of the inputs ``only``, if any."""
        pending, seen = list(starts), set(starts)
        for node_id in pending:
            if not self._count():
                return
            yield node_id
            for name, value in self._node(node_id)[1].items():
                linked = self._link(value)
                if linked is not None and linked not in seen and (not only or name in only):
                    seen.add(linked)
                    pending.append(linked)

    def _samples(self, node_id: str) -> bool:
        kind, inputs = self._node(node_id)
        begins = "seed" in inputs or "noise_seed" in inputs or "noise" in inputs
        guided = "positive" in inputs or "guider" in inputs or "conditioning" in inputs
        return begins and guided and ("steps" in inputs or "sigmas" in inputs or "Sampler" in kind)

    def _first_sampler(self) -> str | None:
        """The sampler nearest to what was saved; one that refines gives way to the one whose latent it refines."""
        saves = [node for node in map(str, self.nodes) if self._node(node)[0].startswith(_SAVES)]
        saves.sort(key=lambda node: not self._node(node)[0].startswith("Save"))
        reached = next((node for node in self._upstream(saves) if self._samples(node)), None)
        current = reached or next((node for node in map(str, self.nodes) if self._samples(node)), None)
        seen: set[str] = set()
        while current is not None and current not in seen and self._refines(current):
            seen.add(current)
            latent = self._linked(current, "latent_image") or self._linked(current, "samples")
            before = self._upstream([latent]) if latent else iter(())
            current = next((node for node in before if self._samples(node) and node not in seen), None) or current
        return current

    def _refines(self, node_id: str) -> bool:
        inputs = self._node(node_id)[1]
        denoise = as_float(self._value(node_id, "denoise"))
        start = as_int(self._value(node_id, "start_at_step"))
        return (denoise is not None and denoise < 1) or bool(start) or inputs.get("add_noise") == "disable"

    def _value(self, node_id: str | None, *names: str) -> Any:
        """The value of the first of these inputs that has one, through nodes that only hold a value."""
        inputs = self._node(node_id)[1]
        for name in names:
            value: Any = inputs.get(name)
            for _ in range(_DEEPEST):
                linked = self._link(value)
                if linked is None:
                    break
                held = self._node(linked)[1]
                value = next((held[key] for key in (name, *_NUMBERS) if key in held), None)
            if value is not None and not isinstance(value, list | dict):
                return value
        return None

    def _prompt(self, node_id: str | None, role: str) -> str:
        """The text behind the input ``role`` ("positive", "negative", "conditioning")."""
        value = self._node(node_id)[1].get(role)
        if isinstance(value, str):
            return clean(value)
        linked = self._link(value)
        return clean(", ".join(self._conditions(linked, role, set()))) if linked else ""

    def _conditions(self, node_id: str, role: str, seen: set[str]) -> list[str]:
        if node_id in seen or len(seen) > _DEEPEST or not self._count():
            return []
        seen.add(node_id)
        kind, inputs = self._node(node_id)
        if "ZeroOut" in kind:
            return []
        if role in inputs:  # both conditionings pass through (ControlNet), or a loader holds both prompts
            value = inputs[role]
            linked = self._link(value)
            return [clean(value)] if isinstance(value, str) else self._conditions(linked, role, seen) if linked else []
        texts = self._own_texts(node_id)
        if texts:
            return [" ".join(dict.fromkeys(texts))]
        found: list[str] = []
        for name, value in inputs.items():
            linked = self._link(value)
            if linked and ("conditioning" in name.lower() or name in ("positive", "negative", "input", "any", "value")):
                found += self._conditions(linked, role, seen)
        return found

    def _own_texts(self, node_id: str, depth: int = 0) -> list[str]:
        """The texts that a node holds or is given by nodes of text."""
        kind, inputs = self._node(node_id)
        if depth > 20 or not self._count() or "Loader" in kind:
            return []
        found: list[str] = []
        for name in _TEXTS:
            value = inputs.get(name)
            linked = self._link(value)
            if isinstance(value, str) and value.strip():
                found.append(clean(value))
            elif linked:
                found += self._own_texts(linked, depth + 1)
        return found

    def _model(self, node_id: str | None, name: str) -> str | None:
        """The model behind an input; the LoRAs on the way to it are kept."""
        linked = self._linked(node_id, name)
        for node in (
            self._upstream([linked], ("model", "MODEL", "base_model", "lora_stack", "optional_lora_stack"))
            if linked
            else ()
        ):
            inputs = self._node(node)[1]
            for lora in _loras_of(inputs):
                self.loras.setdefault(lora.name, lora)
            for key in _MODELS:
                if found := as_name(self._value(node, key)):
                    return found
        return None

    def _any_model(self) -> str | None:
        names = (as_name(self._value(str(node), key)) for node in self.nodes for key in _MODELS if self._count())
        return next((name for name in names if name), None)

    def _all_loras(self) -> tuple[Lora, ...]:
        return tuple(lora for node in list(self.nodes)[:_MOST_STEPS] for lora in _loras_of(self._node(str(node))[1]))

    def _size(self, sampler: str) -> tuple[int | None, int | None]:
        latent = self._linked(sampler, "latent_image") or self._linked(sampler, "latent")
        for node in self._upstream([latent or sampler]):
            inputs = self._node(node)[1]
            for names in (("width", "height"), ("empty_latent_width", "empty_latent_height")):
                if all(name in inputs for name in names):
                    width, height = (as_int(self._value(node, name)) for name in names)
                    if width and height:
                        return width, height
        return None, None


def _loras_of(inputs: Json) -> list[Lora]:
    """The LoRAs that a loader names: one, a numbered list, or the objects of rgthree's loader."""
    found = []
    for key, value in inputs.items():
        if isinstance(value, dict) and as_name(value.get("lora")) and value.get("on", True):
            found.append(Lora(as_text(value["lora"]), as_float(value.get("strength"))))
        elif key == "lora_name" and (name := as_name(value)):
            found.append(Lora(name, as_float(inputs.get("strength_model"))))
        elif key.startswith("lora_name_") and (name := as_name(value)):
            place = key.removeprefix("lora_name_")
            weight = inputs.get(f"lora_wt_{place}", inputs.get(f"model_str_{place}"))
            found.append(Lora(name, as_float(weight)))
    return found
