"""A file of every format as its tool writes it, and equality on every field."""

import json
from dataclasses import asdict

import pytest

from core.domain.generation import CLAIM, Generation, Lora
from core.generators import read

INFOTEXT = (
    "a photo of a dog, <lora:fluffy:0.8>, (masterpiece:1.2)\nsecond line: with a colon\n"
    "Negative prompt: blurry, low quality\nuglier still\n"
    "Steps: 28, Sampler: DPM++ 2M, Schedule type: Karras, CFG scale: 6.5, Seed: 1234567890, Size: 512x768, "
    'Model hash: 879db523c3, Model: dreamshaper_8, Lora hashes: "fluffy: aabbccddeeff", '
    'Hashes: {"model": "879db523c3"}, Version: v1.10.1'
)
A1111 = Generation(
    tool="AUTOMATIC1111",
    prompt="a photo of a dog, <lora:fluffy:0.8>, (masterpiece:1.2)\nsecond line: with a colon",
    negative_prompt="blurry, low quality\nuglier still",
    model="dreamshaper_8",
    model_hash="879db523c3",
    loras=(Lora("fluffy", 0.8, "aabbccddeeff"),),
    sampler="DPM++ 2M",
    scheduler="Karras",
    steps=28,
    cfg=6.5,
    seed="1234567890",
    width=512,
    height=768,
)


def check(data, expected, *, source=None, hidden=False):
    """Every field but the raw texts; ``source`` where it matters."""
    found = read(data, hidden=hidden)
    assert found is not None
    got, wanted = asdict(found), asdict(expected)
    for side in (got, wanted):
        side.pop("raw")
    if source is None:
        got.pop("source"), wanted.pop("source")
    else:
        wanted["source"] = source
    assert got == wanted
    return found


# AUTOMATIC1111 and those that write as it does


def test_a1111_in_a_png(write):
    found = check(write.png({"parameters": INFOTEXT}), A1111, source="PNG text")
    assert found.raw == {"parameters": INFOTEXT}


@pytest.mark.parametrize("prompt", ["café au lait", "犬の写真", "a dog 🐕"])
def test_a1111_with_other_characters_is_latin_or_international_text(write, prompt):
    text = INFOTEXT.replace("second line: with a colon", prompt)
    found = read(write.png({"parameters": text}))
    assert found.prompt.split("\n")[1] == prompt


def test_a1111_compressed(write):
    check(write.png({"parameters": INFOTEXT}, packed=["parameters"]), A1111)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("container", ["jpeg", "webp"])
def test_a1111_in_exif_as_piexif_writes_it(write, container, order):
    block = write.tiff(sub=[write.user_comment(INFOTEXT)], order=order)
    check(getattr(write, container)(exif=block), A1111, source="EXIF")


def test_a1111_in_a_gif(write):
    import io

    out = io.BytesIO()
    write.pixels().save(out, "GIF", comment=INFOTEXT.encode())
    check(out.getvalue(), A1111, source="comment")


def test_a1111_in_an_avif(write):
    import io

    out = io.BytesIO()
    write.pixels().save(out, "AVIF", exif=write.tiff(sub=[write.user_comment(INFOTEXT)]))
    check(out.getvalue(), A1111, source="EXIF")


@pytest.mark.parametrize(
    ("version", "tool"),
    [
        ("Version: f2.0.1v1.10.1-previous-665-gae278f79", "Forge"),
        ("App: SD.Next, Version: 4c5b3a6, Pipeline: StableDiffusionPipeline", "SD.Next"),
        ("Version: ComfyUI", "ComfyUI"),
        ("Version: v1.6.0", "AUTOMATIC1111"),
    ],
)
def test_the_family_is_told_apart_by_its_version(write, version, tool):
    found = read(write.png({"parameters": INFOTEXT.replace("Version: v1.10.1", version)}))
    assert (found.tool, found.seed, found.steps) == (tool, "1234567890", 28)


def test_sdnext_without_a_sampler(write):
    text = (
        "a cat\nNegative prompt: dog\nSteps: 20, Size: 1024x1024, Seed: 42, CFG scale: 6, App: SD.Next, "
        "Version: 0eb4a98, Scheduler: Euler a, Model: juggernaut, Model hash: d91d35736d"
    )
    expected = Generation(
        tool="SD.Next",
        prompt="a cat",
        negative_prompt="dog",
        model="juggernaut",
        model_hash="d91d35736d",
        scheduler="Euler a",
        steps=20,
        cfg=6.0,
        seed="42",
        width=1024,
        height=1024,
    )
    check(write.jpeg(exif=write.tiff(sub=[write.user_comment(text)])), expected)


def test_the_extras_tab_alone(write):
    text = "Postprocess upscale by: 4, Postprocess upscaler: R-ESRGAN 4x+"
    found = check(write.png({"postprocessing": text}), Generation(tool="AUTOMATIC1111"))
    assert found.raw == {"postprocessing": text}


# ComfyUI

GRAPH = {
    "3": {
        "class_type": "KSampler",
        "inputs": {
            "seed": 18446744073709551615,
            "steps": 20,
            "cfg": 8.0,
            "sampler_name": "dpmpp_2m",
            "scheduler": "karras",
            "denoise": 1.0,
            "model": ["10", 0],
            "positive": ["6", 0],
            "negative": ["7", 0],
            "latent_image": ["5", 0],
        },
    },
    "4": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "v1-5-pruned-emaonly.safetensors"}},
    "5": {"class_type": "EmptyLatentImage", "inputs": {"width": 512, "height": 640, "batch_size": 1}},
    "6": {"class_type": "CLIPTextEncode", "inputs": {"text": "a cat in a glass bottle", "clip": ["10", 1]}},
    "7": {"class_type": "CLIPTextEncode", "inputs": {"text": "text, watermark", "clip": ["10", 1]}},
    "8": {"class_type": "VAEDecode", "inputs": {"samples": ["3", 0], "vae": ["4", 2]}},
    "9": {"class_type": "SaveImage", "inputs": {"filename_prefix": "ComfyUI", "images": ["8", 0]}},
    "10": {
        "class_type": "LoraLoader",
        "inputs": {
            "lora_name": "glass.safetensors",
            "strength_model": 0.7,
            "strength_clip": 1.0,
            "model": ["4", 0],
            "clip": ["4", 1],
        },
    },
}
COMFY = Generation(
    tool="ComfyUI",
    prompt="a cat in a glass bottle",
    negative_prompt="text, watermark",
    model="v1-5-pruned-emaonly.safetensors",
    loras=(Lora("glass.safetensors", 0.7),),
    sampler="dpmpp_2m",
    scheduler="karras",
    steps=20,
    cfg=8.0,
    seed="18446744073709551615",
    width=512,
    height=640,
)


def test_comfyui_png(write):
    workflow = json.dumps({"nodes": [], "links": []})
    check(write.png({"prompt": json.dumps(GRAPH), "workflow": workflow}), COMFY, source="PNG text")


def test_comfyui_animated_webp_keeps_its_graphs_in_the_first_directory(write):
    block = write.tiff(
        main=[(0x010F, 2, b"workflow:{}"), (0x0110, 2, b"prompt:" + json.dumps(GRAPH).encode())], order=">"
    )
    check(write.webp(exif=block), COMFY, source="EXIF")


def test_comfyui_animated_png_has_a_chunk_of_its_own_behind_the_pixels(write):
    body = b"prompt\0" + json.dumps(GRAPH).encode("latin-1")
    check(write.png(after=[(b"comf", body)]), COMFY)


@pytest.mark.parametrize("container", ["jpeg", "webp"])
def test_comfyui_by_save_image_extended(write, container):
    block = write.tiff(main=[(0x010E, 2, b"Workflow: {}"), (0x010F, 2, b"Prompt: " + json.dumps(GRAPH).encode())])
    check(getattr(write, container)(exif=block), COMFY)


def test_comfyui_by_saveimage_plus(write):
    text = json.dumps({"prompt": GRAPH, "workflow": {"nodes": []}}).encode()
    check(write.jpeg(exif=write.tiff(main=[(0x9286, 7, b"ASCII\0\0\0" + text)])), COMFY)


def test_a_comfyui_node_that_writes_infotext_beside_its_graph(write):
    found = read(write.png({"parameters": INFOTEXT, "prompt": json.dumps(GRAPH)}))
    assert (found.tool, found.seed, found.prompt) == ("ComfyUI", "1234567890", A1111.prompt)


# InvokeAI


@pytest.mark.parametrize(
    "model", [{"name": "Juggernaut XL", "hash": "blake3:ab"}, {"model_name": "Juggernaut XL", "hash": "blake3:ab"}]
)
def test_invokeai(write, model):
    meta = {
        "app_version": "5.4.2",
        "generation_mode": "sdxl_txt2img",
        "positive_prompt": "a fox",
        "negative_prompt": "a hound",
        "width": 1024,
        "height": 768,
        "seed": 4294967295,
        "cfg_scale": 5.5,
        "steps": 30,
        "scheduler": "euler_a",
        "model": model,
        "loras": [{"model": {"name": "pixel", "hash": "blake3:cd"}, "weight": 0.75}],
    }
    expected = Generation(
        tool="InvokeAI",
        prompt="a fox",
        negative_prompt="a hound",
        model="Juggernaut XL",
        model_hash="blake3:ab",
        loras=(Lora("pixel", 0.75, "blake3:cd"),),
        sampler="euler_a",
        scheduler="euler_a",
        steps=30,
        cfg=5.5,
        seed="4294967295",
        width=1024,
        height=768,
    )
    check(write.png({"invokeai_metadata": json.dumps(meta), "invokeai_graph": "{}"}), expected)


def test_invokeai_2(write):
    meta = {
        "model": "stable diffusion",
        "model_weights": "stable-diffusion-1.5",
        "model_hash": "cc6cb27103",
        "app_version": "2.3.5",
        "image": {
            "prompt": [{"prompt": "a fox [a hound]", "weight": 1.0}],
            "steps": 50,
            "cfg_scale": 7.5,
            "sampler": "k_lms",
            "seed": 77,
            "width": 512,
            "height": 512,
        },
    }
    expected = Generation(
        tool="InvokeAI",
        prompt="a fox",
        negative_prompt="a hound",
        model="stable-diffusion-1.5",
        model_hash="cc6cb27103",
        sampler="k_lms",
        steps=50,
        cfg=7.5,
        seed="77",
        width=512,
        height=512,
    )
    check(write.png({"sd-metadata": json.dumps(meta), "Dream": '"a fox" -s 50'}), expected)


def test_invokeai_1(write):
    line = '"a fox [a hound]" -s 50 -S 77 -W 512 -H 448 -C 7.5 -A k_lms'
    expected = Generation(
        tool="InvokeAI",
        prompt="a fox",
        negative_prompt="a hound",
        sampler="k_lms",
        steps=50,
        cfg=7.5,
        seed="77",
        width=512,
        height=448,
    )
    check(write.png({"Dream": line}), expected)


# Fooocus

FOOOCUS_JSON = {
    "adm_guidance": "(1.5, 0.8, 0.3)",
    "base_model": "juggernautXL_v8Rundiffusion",
    "base_model_hash": "aeb7e9e689",
    "full_negative_prompt": ["unrealistic", "blurry"],
    "full_prompt": ["cinematic still a fox"],
    "guidance_scale": 4,
    "loras": [["sd_xl_offset_example-lora_1.0", 0.1, "4852686128"]],
    "metadata_scheme": "fooocus",
    "negative_prompt": "unrealistic",
    "performance": "Speed",
    "prompt": "a fox",
    "resolution": "(1152, 896)",
    "sampler": "dpmpp_2m_sde_gpu",
    "scheduler": "karras",
    "seed": "9223372036854775807",
    "sharpness": 2,
    "steps": 30,
    "styles": "['Fooocus V2']",
    "version": "Fooocus v2.5.5",
}
FOOOCUS = Generation(
    tool="Fooocus",
    prompt="a fox",
    negative_prompt="unrealistic",
    model="juggernautXL_v8Rundiffusion",
    model_hash="aeb7e9e689",
    loras=(Lora("sd_xl_offset_example-lora_1.0", 0.1, "4852686128"),),
    sampler="dpmpp_2m_sde_gpu",
    scheduler="karras",
    steps=30,
    cfg=4.0,
    seed="9223372036854775807",
    width=1152,
    height=896,
)


def test_fooocus(write):
    check(write.png({"parameters": json.dumps(FOOOCUS_JSON), "fooocus_scheme": "fooocus"}), FOOOCUS)


@pytest.mark.parametrize("container", ["jpeg", "webp"])
def test_fooocus_writes_plain_strings_into_the_first_directory(write, container):
    block = write.tiff(
        main=[
            (0x0131, 2, b"Fooocus v2.5.5"),
            (0x927C, 2, b"fooocus"),
            (0x9286, 2, json.dumps(FOOOCUS_JSON).encode()),
        ]
    )
    check(getattr(write, container)(exif=block), FOOOCUS, source="EXIF")


def test_fooocus_with_infotext(write):
    text = INFOTEXT.replace("Version: v1.10.1", "Version: Fooocus v2.5.5")
    found = read(write.png({"parameters": text, "fooocus_scheme": "a1111"}))
    assert (found.tool, found.prompt, found.seed) == ("Fooocus", A1111.prompt, A1111.seed)


def test_ruined_fooocus(write):
    meta = {
        "Prompt": "a fox",
        "Negative": "a hound",
        "steps": 30,
        "cfg": 8.0,
        "width": 1344,
        "height": 768,
        "seed": 7,
        "sampler_name": "dpmpp_2m_sde_gpu",
        "scheduler": "karras",
        "base_model_name": "sd_xl_base_1.0_0.9vae.safetensors",
        "base_model_hash": "e6bb9ea85b",
        "loras": [["0.9", "pixel.safetensors"]],
        "software": "RuinedFooocus",
    }
    meta["loras"] = [{"name": "pixel.safetensors", "weight": 0.9}]
    expected = Generation(
        tool="RuinedFooocus",
        prompt="a fox",
        negative_prompt="a hound",
        model="sd_xl_base_1.0_0.9vae.safetensors",
        model_hash="e6bb9ea85b",
        loras=(Lora("pixel.safetensors", 0.9),),
        sampler="dpmpp_2m_sde_gpu",
        scheduler="karras",
        steps=30,
        cfg=8.0,
        seed="7",
        width=1344,
        height=768,
    )
    check(write.png({"parameters": json.dumps(meta)}), expected)


# SwarmUI

SWARM_JSON = {
    "sui_image_params": {
        "prompt": "a fox",
        "negativeprompt": "a hound",
        "model": "OfficialStableDiffusion/sd_xl_base_1.0",
        "seed": 9999999999,
        "steps": "25",
        "cfgscale": 6.5,
        "width": 1024,
        "height": 1152,
        "sampler": "euler",
        "scheduler": "simple",
        "loras": "pixel,snow",
        "loraweights": "0.5,1",
        "swarm_version": "0.9.4.0",
    },
    "sui_extra_data": {"date": "2026-11-22", "generation_time": "2.0 seconds"},
    "sui_models": [
        {"name": "OfficialStableDiffusion/sd_xl_base_1.0.safetensors", "param": "model", "hash": "0x31e35c80fc"},
        {"name": "pixel.safetensors", "param": "loras", "hash": "0xaa"},
    ],
}
SWARM = Generation(
    tool="SwarmUI",
    prompt="a fox",
    negative_prompt="a hound",
    model="OfficialStableDiffusion/sd_xl_base_1.0",
    model_hash="0x31e35c80fc",
    loras=(Lora("pixel", 0.5, "0xaa"), Lora("snow", 1.0)),
    sampler="euler",
    scheduler="simple",
    steps=25,
    cfg=6.5,
    seed="9999999999",
    width=1024,
    height=1152,
)


def test_swarmui_before_the_comfyui_graph_that_stands_beside(write):
    texts = {"prompt": json.dumps(GRAPH), "parameters": json.dumps(SWARM_JSON)}
    check(write.png(texts, international=["parameters"]), SWARM)


@pytest.mark.parametrize("container", ["jpeg", "webp"])
def test_swarmui_writes_little_endian(write, container):
    block = write.tiff(sub=[write.user_comment(json.dumps(SWARM_JSON), "utf-16-le")])
    check(getattr(write, container)(exif=block), SWARM)


def test_swarmui_legacy(write):
    check(write.jpeg(exif=write.tiff(main=[(0x0110, 2, json.dumps(SWARM_JSON).encode())])), SWARM)


# NovelAI

NOVELAI_COMMENT = {
    "prompt": "1girl, fox ears",
    "steps": 28,
    "height": 1216,
    "width": 832,
    "scale": 5.0,
    "uncond_scale": 0.0,
    "seed": 3735928559,
    "sampler": "k_euler_ancestral",
    "noise_schedule": "karras",
    "uc": "lowres",
    "v4_prompt": {"caption": {"base_caption": "1girl, fox ears", "char_captions": []}},
    "signed_hash": "abc",
}
NOVELAI_TEXTS = {
    "Title": "NovelAI generated image",
    "Description": "1girl, fox ears",
    "Software": "NovelAI",
    "Source": "NovelAI Diffusion V4.5 4BDE2A90",
    "Generation time": "2.2",
    "Comment": json.dumps(NOVELAI_COMMENT),
}
NOVELAI = Generation(
    tool="NovelAI",
    prompt="1girl, fox ears",
    negative_prompt="lowres",
    model="NovelAI Diffusion V4.5",
    model_hash="4BDE2A90",
    sampler="k_euler_ancestral",
    scheduler="karras",
    steps=28,
    cfg=5.0,
    seed="3735928559",
    width=832,
    height=1216,
)


def test_novelai(write):
    check(write.png(NOVELAI_TEXTS, mode="RGBA"), NOVELAI, source="PNG text")


def test_novelai_webp(write):
    comment = {
        "Comment": json.dumps(NOVELAI_COMMENT),
        "Source": "NovelAI Diffusion V4.5 4BDE2A90",
        "Description": "1girl, fox ears",
        "Software": "NovelAI",
    }
    block = write.tiff(
        main=[(0x0131, 2, b"NovelAI"), (0x010E, 2, b"\0\0\0\x001girl, fox ears")],
        sub=[(0x9286, 7, b"ASCII\0\0\0" + json.dumps(comment).encode())],
    )
    check(write.webp(exif=block), NOVELAI, source="EXIF")


# hidden in the pixels, on request only


@pytest.mark.parametrize(
    ("signature", "mode"),
    [
        (b"stealth_pnginfo", "RGBA"),
        (b"stealth_pngcomp", "RGBA"),
        (b"stealth_rgbinfo", "RGB"),
        (b"stealth_rgbcomp", "RGB"),
    ],
)
def test_a_hidden_infotext(write, signature, mode):
    data = write.stealth(INFOTEXT, signature, mode)
    assert read(data) is None
    check(data, A1111, source="hidden in the pixels", hidden=True)


def test_hidden_novelai_and_swarmui(write):
    texts = {key: value for key, value in NOVELAI_TEXTS.items() if key != "Title"}
    check(write.stealth(json.dumps(texts)), NOVELAI, hidden=True)
    check(write.stealth(json.dumps(SWARM_JSON)), SWARM, hidden=True)


def test_nothing_hidden(write):
    assert read(write.png(mode="RGBA"), hidden=True) is None
    assert read(write.stealth("no settings here"), hidden=True) is None


# Easy Diffusion

EASY_FIELDS = {
    "prompt": "a fox",
    "negative_prompt": "a hound",
    "seed": "1234",
    "use_stable_diffusion_model": "sd-v1-5",
    "sampler_name": "euler_a",
    "num_inference_steps": "25",
    "guidance_scale": "7.5",
    "width": "512",
    "height": "640",
    "use_lora_model": "['pixel']",
    "lora_alpha": "[0.5]",
}
EASY = Generation(
    tool="Easy Diffusion",
    prompt="a fox",
    negative_prompt="a hound",
    model="sd-v1-5",
    loras=(Lora("pixel", 0.5),),
    sampler="euler_a",
    steps=25,
    cfg=7.5,
    seed="1234",
    width=512,
    height=640,
)
EASY_LABELS = {
    "Prompt": "a fox",
    "Negative Prompt": "a hound",
    "Seed": "1234",
    "Stable Diffusion model": "sd-v1-5",
    "Sampler": "euler_a",
    "Steps": "25",
    "Guidance Scale": "7.5",
    "Width": "512",
    "Height": "640",
    "LoRA model": "pixel",
    "LoRA Strength": "0.5",
}


@pytest.mark.parametrize("fields", [EASY_FIELDS, EASY_LABELS])
def test_easy_diffusion(write, fields):
    check(write.png(fields), EASY)


def test_easy_diffusion_jpeg(write):
    fields = {**EASY_FIELDS, "use_lora_model": ["pixel"], "lora_alpha": [0.5], "seed": 1234}
    check(write.jpeg(exif=write.tiff(sub=[write.user_comment(json.dumps(fields))])), EASY)


# Draw Things

DRAW_JSON = {
    "c": "a fox & a <hound>",
    "uc": "blurry",
    "model": "sd_xl_base_1.0_f16.ckpt",
    "sampler": "DPM++ 2M Karras",
    "scale": 7,
    "seed": 3141592653,
    "seed_mode": "Scale Alike",
    "size": "1024x896",
    "steps": 20,
    "strength": 1,
    "lora": [{"model": "pixel_lora_f16.ckpt", "weight": 0.6}],
}


def test_draw_things(write):
    from xml.sax.saxutils import escape

    xmp = (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">'
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="" '
        'xmlns:exif="http://ns.adobe.com/exif/1.0/" xmlns:xmp="http://ns.adobe.com/xap/1.0/">'
        "<xmp:CreatorTool>Draw Things</xmp:CreatorTool>"
        f'<exif:UserComment><rdf:Alt><rdf:li xml:lang="x-default">{escape(json.dumps(DRAW_JSON))}</rdf:li></rdf:Alt>'
        '</exif:UserComment></rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="w"?>'
    )
    expected = Generation(
        tool="Draw Things",
        prompt="a fox & a <hound>",
        negative_prompt="blurry",
        model="sd_xl_base_1.0_f16.ckpt",
        loras=(Lora("pixel_lora_f16.ckpt", 0.6),),
        sampler="DPM++ 2M Karras",
        steps=20,
        cfg=7.0,
        seed="3141592653",
        width=1024,
        height=896,
    )
    texts = {"XML:com.adobe.xmp": xmp}
    check(write.png(texts, international=["XML:com.adobe.xmp"]), expected, source="XMP")


# C2PA: claims, never more

CLAIMS = (
    {"claim_generator_info": [{"name": "ChatGPT", "org.cai.c2pa_rs": "0.67"}], "claim_generator": "ChatGPT c2pa"},
    {
        "actions": [
            {
                "action": "c2pa.created",
                "softwareAgent": {"name": "gpt-image 2.0"},
                "digitalSourceType": "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia",
            }
        ]
    },
)


@pytest.mark.parametrize("container", ["png", "jpeg", "webp"])
def test_a_manifest_is_shown_as_claims(write, container):
    box = write.manifest(*CLAIMS)
    data = write.png(chunks=[(b"caBX", box)]) if container == "png" else getattr(write, container)(c2pa=box)
    found = read(data)
    assert (found.tool, found.prompt, found.source) == (CLAIM, "", "C2PA manifest")
    assert set(found.claims) == {
        "claim generator: ChatGPT",
        "claim generator: ChatGPT c2pa",
        "software agent: gpt-image 2.0",
        "digital source type: trainedAlgorithmicMedia",
    }


def test_claims_stand_beside_what_the_tool_wrote(write):
    found = read(write.png({"parameters": INFOTEXT}, chunks=[(b"caBX", write.manifest(*CLAIMS))]))
    assert (found.tool, len(found.claims)) == ("AUTOMATIC1111", 4)


# others


def test_civitai_tensorart_and_diffusers(write):
    extra = {"prompt": "a fox", "negativePrompt": "a hound", "steps": 25, "cfgScale": 4, "sampler": "Euler", "seed": 5}
    civitai = json.dumps({"resource-stack": {"class_type": "x"}, "extraMetadata": json.dumps(extra)})
    found = read(write.jpeg(exif=write.tiff(sub=[write.user_comment(civitai)])))
    assert (found.tool, found.prompt, found.negative_prompt, found.cfg, found.seed) == (
        "Civitai", "a fox", "a hound", 4.0, "5",
    )  # fmt: skip
    tensor = {"prompt": "a fox", "baseModel": {"modelFileName": "xl", "hash": "ab"}, "seed": "5", "cfgScale": 4}
    found = read(write.png({"generation_data": json.dumps(tensor) + "\0\0"}))
    assert (found.tool, found.model, found.model_hash, found.seed) == ("TensorArt", "xl", "ab", "5")
    space = {
        "prompt": "a fox",
        "num_inference_steps": 28,
        "Model": "Animagine XL",
        "resolution": "832 x 1216",
        "seed": 5,
    }
    found = read(write.png({"parameters": json.dumps(space)}))
    assert (found.tool, found.model, found.steps, found.width, found.height) == (
        "diffusers", "Animagine XL", 28, 832, 1216,
    )  # fmt: skip


def test_photographs_say_nothing(write):
    camera = write.tiff(
        main=[(0x010F, 2, b"Canon"), (0x0110, 2, b"Canon EOS 5D: the prompt one")],
        sub=[(0x9286, 7, b"ASCII\0\0\0at the lake")],
    )
    assert read(write.jpeg(exif=camera, comment=b"at the lake")) is None
    assert read(write.png({"Software": "GIMP", "Comment": "Created with GIMP", "Description": "x"})) is None
    assert read(b"") is None
    assert read(b"<html>") is None
