"""What an image generator wrote lies beside its sample, the raw texts apart: on both stores."""

from dataclasses import replace

from core.domain.generation import Generation, Lora

MADE = Generation(
    tool="ComfyUI",
    prompt="a dog\nin the snow",
    negative_prompt="blurry",
    model="sd_xl_base_1.0.safetensors",
    model_hash="31e35c80fc",
    loras=(Lora("snow", 0.8, "abc"), Lora("fur")),
    sampler="euler",
    scheduler="karras",
    steps=20,
    cfg=7.5,
    seed="18446744073709551615",
    width=1024,
    height=768,
    claims=("software agent: x",),
    source="PNG text",
    raw={"prompt": "{}", "work.flow": "$x"},
)


def test_a_generation_comes_back_as_it_went_in(store, new_samples):
    info = store.create("pets", ["dog"])
    first, second = new_samples("dog", None)
    ids = store.insert(info.id, [replace(first, generation=MADE), second])
    assert list(store.generations(info.id)) == [(ids[0], replace(MADE, raw={}))]
    assert store.generation(info.id, ids[0]) == MADE
    assert store.generation(info.id, ids[1]) is None


def test_what_is_read_anew_replaces_what_was_read(store, new_samples):
    info = store.create("pets", ["dog"])
    first, second = new_samples("dog", None)
    ids = store.insert(info.id, [replace(first, generation=MADE), second])
    version = store.version(info.id)
    store.set_generations(info.id, {ids[0]: None, ids[1]: Generation(tool="NovelAI", seed="1")})
    assert list(store.generations(info.id)) == [(ids[1], Generation(tool="NovelAI", seed="1"))]
    assert store.version(info.id) != version


def test_a_file_with_other_contents_brings_its_own_generation(store, new_samples):
    info = store.create("pets", ["dog"])
    (sample,) = new_samples("dog")
    (sample_id,) = store.insert(info.id, [replace(sample, generation=MADE)])
    other = replace(MADE, tool="Fooocus", raw={"parameters": "{}"})
    store.replace_file(info.id, sample_id, replace(sample, content_hash="f" * 64, generation=other))
    assert store.generation(info.id, sample_id) == other
