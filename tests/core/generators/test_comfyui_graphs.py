"""Graphs other than the plain one: chains of samplers, guiders, primitives, pass-throughs, circles."""

import json
import time

import pytest

from core.domain.generation import Lora
from core.generators import read
from core.generators.workflow import as_prompt


@pytest.fixture
def walk(write):
    return lambda graph: read(write.png({"prompt": json.dumps(graph)}))


def node(kind, **inputs):
    return {"class_type": kind, "inputs": inputs}


def sampler(**changes):
    values = {
        "seed": 1, "steps": 20, "cfg": 7.0, "sampler_name": "euler", "scheduler": "normal", "denoise": 1.0,
        "model": ["m", 0], "positive": ["p", 0], "negative": ["n", 0], "latent_image": ["l", 0],
    }  # fmt: skip
    return node("KSampler", **{**values, **changes})


PARTS = {
    "m": node("CheckpointLoaderSimple", ckpt_name="base.safetensors"),
    "p": node("CLIPTextEncode", text="a dog", clip=["m", 1]),
    "n": node("CLIPTextEncode", text="ugly", clip=["m", 1]),
    "l": node("EmptyLatentImage", width=512, height=768, batch_size=1),
}


def test_flux_with_guider_noise_and_sigmas(walk):
    graph = {
        "noise": node("RandomNoise", noise_seed=9007199254740993),
        "sampler": node("KSamplerSelect", sampler_name="euler"),
        "sigmas": node("BasicScheduler", scheduler="simple", steps=4, denoise=1, model=["u", 0]),
        "u": node("UNETLoader", unet_name="flux1-schnell.safetensors", weight_dtype="default"),
        "text": node("CLIPTextEncode", text="a red fox", clip=["c", 0]),
        "c": node("DualCLIPLoader", clip_name1="t5.safetensors", clip_name2="clip_l.safetensors"),
        "flux": node("FluxGuidance", conditioning=["text", 0], guidance=3.5),
        "guider": node("BasicGuider", model=["u", 0], conditioning=["flux", 0]),
        "l": node("EmptySD3LatentImage", width=1024, height=576, batch_size=1),
        "s": node("SamplerCustomAdvanced", noise=["noise", 0], guider=["guider", 0], sampler=["sampler", 0],
                  sigmas=["sigmas", 0], latent_image=["l", 0]),
        "d": node("VAEDecode", samples=["s", 0]),
        "save": node("SaveImage", images=["d", 0]),
    }  # fmt: skip
    found = walk(graph)
    assert (found.prompt, found.negative_prompt, found.seed) == ("a red fox", "", "9007199254740993")
    assert (found.model, found.sampler, found.scheduler, found.steps) == (
        "flux1-schnell.safetensors", "euler", "simple", 4,
    )  # fmt: skip
    assert (found.width, found.height) == (1024, 576)


def test_the_sampler_that_began_speaks_not_the_one_that_refined(walk):
    graph = {
        **PARTS,
        "first": sampler(seed=111),
        "up": node("LatentUpscale", samples=["first", 0], width=1024, height=1536),
        "second": sampler(seed=222, steps=8, denoise=0.5, latent_image=["up", 0]),
        "d": node("VAEDecode", samples=["second", 0]),
        "save": node("SaveImage", images=["d", 0]),
    }
    found = walk(graph)
    assert (found.seed, found.steps, found.width, found.height) == ("111", 20, 512, 768)


def test_a_sampler_that_was_not_saved_is_not_taken(walk):
    graph = {
        "other": sampler(seed=5, positive=["p2", 0]),
        "p2": node("CLIPTextEncode", text="a cat"),
        **PARTS,
        "mine": sampler(seed=6),
        "d": node("VAEDecode", samples=["mine", 0]),
        "save": node("SaveImage", images=["d", 0]),
    }
    found = walk(graph)
    assert (found.seed, found.prompt) == ("6", "a dog")


def test_prompts_through_controlnet_primitives_and_concatenation(walk):
    graph = {
        **PARTS,
        "k": sampler(positive=["net", 0], negative=["net", 1], seed=["seed", 0], steps=["steps", 0]),
        "net": node("ControlNetApplyAdvanced", positive=["both", 0], negative=["n", 0], strength=1.0),
        "both": node("ConditioningCombine", conditioning_1=["p", 0], conditioning_2=["q", 0]),
        "q": node("CLIPTextEncode", text=["join", 0]),
        "join": node("StringConcatenate", string_a=["a", 0], string_b="in the snow", delimiter=" "),
        "a": node("PrimitiveString", value="at night"),
        "seed": node("Seed Everywhere", seed=77),
        "steps": node("PrimitiveInt", value=33),
        "save": node("SaveImage", images=["k", 0]),
    }
    found = walk(graph)
    assert found.prompt == "a dog, at night in the snow"
    assert (found.negative_prompt, found.seed, found.steps) == ("ugly", "77", 33)


def test_a_negative_that_was_zeroed_is_empty(walk):
    found = walk({**PARTS, "n": node("ConditioningZeroOut", conditioning=["p", 0]), "k": sampler()})
    assert (found.prompt, found.negative_prompt) == ("a dog", "")


def test_loaders_that_hold_everything(walk):
    graph = {
        "e": node("Efficient Loader", ckpt_name="base.safetensors", positive="a dog", negative="ugly",
                  empty_latent_width=640, empty_latent_height=512, lora_name="None"),
        "k": node("KSampler (Efficient)", seed=3, steps=9, cfg=2, sampler_name="lcm", scheduler="simple", denoise=1,
                  model=["e", 0], positive=["e", 1], negative=["e", 2], latent_image=["e", 3]),
    }  # fmt: skip
    found = walk(graph)
    assert (found.prompt, found.negative_prompt, found.model) == ("a dog", "ugly", "base.safetensors")
    assert (found.width, found.height, found.loras) == (640, 512, ())


def test_loras_of_a_power_loader_that_are_on(walk):
    on = {"on": True, "lora": "snow.safetensors", "strength": 0.6}
    off = {"on": False, "lora": "rain.safetensors", "strength": 1}
    loader = node("Power Lora Loader (rgthree)", lora_1=on, lora_2=off, model=["m", 0])
    found = walk({**PARTS, "power": loader, "k": sampler(model=["power", 0])})
    assert found.loras == (Lora("snow.safetensors", 0.6),)
    assert found.model == "base.safetensors"


def test_a_graph_in_circles_ends(walk):
    graph = {
        "k": sampler(positive=["a", 0], latent_image=["k", 0], model=["x", 0], denoise=0.3),
        "a": node("ConditioningCombine", conditioning_1=["b", 0], conditioning_2=["a", 0]),
        "b": node("ConditioningCombine", conditioning_1=["a", 0], text=["b", 0]),
        "x": node("LoraLoader", lora_name="l", model=["x", 0], strength_model=1),
        "n": node("CLIPTextEncode", text=["n", 0]),
        "save": node("SaveImage", images=["k", 0]),
    }
    found = walk(graph)
    assert (found.tool, found.prompt, found.seed) == ("ComfyUI", "", "1")


def test_a_huge_graph_whose_nodes_all_lead_to_all_ends_soon(walk):
    names = [str(number) for number in range(3_000)]
    near = {name: node("ConditioningCombine", **{
        f"conditioning_{place}": [names[(int(name) * 7 + place) % 3_000], 0] for place in range(12)
    }) for name in names}  # fmt: skip
    started = time.monotonic()
    found = walk({**near, "k": sampler(positive=["0", 0]), "save": node("SaveImage", images=["k", 0])})
    assert found.seed == "1"
    assert time.monotonic() - started < 20  # minutes or for ever without the bound


@pytest.mark.parametrize("graph", [
    {"1": {"class_type": "KSampler", "inputs": None}},
    {"1": {"class_type": None, "inputs": {"seed": {}, "steps": [], "positive": 3, "negative": [["x"], 0]}}},
    {"1": {"class_type": "KSampler", "inputs": {"seed": 1, "steps": 1, "positive": ["missing", 0], "model": ["1", 9]}}},
    {"1": None, "2": {"class_type": "SaveImage", "inputs": {"images": [1, "x"]}}},
])  # fmt: skip
def test_odd_graphs_are_comfyui_and_nothing_breaks(walk, graph):
    assert walk(graph).tool == "ComfyUI"


def test_a_drawn_graph_alone(write):
    workflow = {
        "nodes": [
            {"id": 4, "type": "CheckpointLoaderSimple", "widgets_values": ["base.safetensors"], "inputs": []},
            {"id": 6, "type": "CLIPTextEncode", "widgets_values": ["a dog"], "inputs": [{"name": "clip", "link": 3}]},
            {"id": 7, "type": "CLIPTextEncode", "widgets_values": ["ugly"], "inputs": [{"name": "clip", "link": 5}]},
            {"id": 5, "type": "EmptyLatentImage", "widgets_values": [512, 768, 1], "inputs": []},
            {
                "id": 3,
                "type": "KSampler",
                "widgets_values": [156680208700286, "randomize", 20, 8, "euler", "normal", 1],
                "inputs": [
                    {"name": "model", "link": 1},
                    {"name": "positive", "link": 4},
                    {"name": "negative", "link": 6},
                    {"name": "latent_image", "link": 2},
                ],
            },
            {"id": 9, "type": "SaveImage", "widgets_values": ["ComfyUI"], "inputs": [{"name": "images", "link": 9}]},
        ],
        "links": [
            [1, 4, 0, 3, 0, "MODEL"], [2, 5, 0, 3, 3, "LATENT"], [3, 4, 1, 6, 0, "CLIP"], [4, 6, 0, 3, 1, "C"],
            [5, 4, 1, 7, 0, "CLIP"], [6, 7, 0, 3, 2, "C"], [9, 3, 0, 9, 0, "IMAGE"],
        ],
    }  # fmt: skip
    found = read(write.png({"workflow": json.dumps(workflow)}))
    assert (found.prompt, found.negative_prompt, found.model) == ("a dog", "ugly", "base.safetensors")
    assert (found.seed, found.steps, found.cfg, found.sampler) == ("156680208700286", 20, 8.0, "euler")
    assert (found.width, found.height) == (512, 768)


def test_newer_drawn_graphs_name_their_widgets():
    node = {
        "id": 1,
        "type": "Some New Sampler",
        "inputs": [{"name": "seed", "widget": {"name": "seed"}}, {"name": "steps", "widget": {"name": "steps"}}],
        "widgets_values": [5, "fixed", 12],
    }
    assert as_prompt({"nodes": [node]})["1"]["inputs"] == {"seed": 5, "steps": 12}
