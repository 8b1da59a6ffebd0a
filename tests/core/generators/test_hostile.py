"""Metadata that is broken, huge or meant to harm costs that metadata and nothing else."""

import json
import struct
import zlib

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.domain.generation import Generation
from core.generators import exif, infotext, read
from core.generators.containers import MAX_TEXT, Embedded
from core.generators.detection import read_embedded

GOOD = "a dog\nNegative prompt: x\nSteps: 20, Sampler: Euler, CFG scale: 7, Seed: 1, Size: 8x8"


def chunk(kind, body, crc=None):
    checksum = zlib.crc32(kind + body) if crc is None else crc
    return struct.pack(">I4s", len(body), kind) + body + struct.pack(">I", checksum)


def png_of(*chunks):
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 8, 8, 8, 2, 0, 0, 0)) + b"".join(chunks)


GOOD_CHUNK = chunk(b"tEXt", b"parameters\0" + GOOD.encode())


def test_a_wrong_checksum_and_a_cut_end_leave_the_text(write):
    assert read(png_of(chunk(b"tEXt", b"parameters\0" + GOOD.encode(), crc=1))).prompt == "a dog"
    whole = write.png({"parameters": GOOD})
    assert read(whole[: len(whole) // 3]).prompt == "a dog"


def test_a_text_that_unpacks_to_gigabytes_is_left_out_and_the_next_one_read():
    bomb = zlib.compress(b"a" * (64 * 2**20), 9)
    data = png_of(chunk(b"zTXt", b"bomb\0\0" + bomb), chunk(b"iTXt", b"b\0\1\0\0\0" + bomb), GOOD_CHUNK)
    found = read(data)
    assert found.prompt == "a dog"
    assert sum(map(len, found.raw.values())) < MAX_TEXT


def test_a_chunk_longer_than_the_file_ends_the_reading():
    assert read(png_of(GOOD_CHUNK, struct.pack(">I4s", 2**31, b"tEXt"))).prompt == "a dog"
    assert read(png_of(struct.pack(">I4s", 2**31, b"tEXt"), GOOD_CHUNK)) is None


def test_a_hundred_thousand_chunks_end():
    assert read(png_of(chunk(b"aaAa", b"") * 100_000, GOOD_CHUNK)) is None


def test_json_nested_without_end_and_numbers_without_end(write):
    assert read(write.png({"prompt": '{"a":' * 100_000 + "1" + "}" * 100_000})) is None
    digits = '{"positive_prompt": "p", "seed": ' + "9" * 5_000 + "}"
    assert read(write.png({"invokeai_metadata": digits})) is None
    meta = {"positive_prompt": "p", "seed": 2**64 - 1, "steps": 1e300, "width": -5, "cfg_scale": "nan"}
    found = read(write.png({"invokeai_metadata": json.dumps(meta)}))
    assert (found.seed, found.steps, found.width, found.cfg) == ("18446744073709551615", None, None, None)


def test_values_of_the_wrong_kind(write):
    odd = {"sui_image_params": {"prompt": ["x", 3], "model": {"a": 1}, "seed": True, "loras": 5, "steps": "many"}}
    found = read(write.png({"parameters": json.dumps(odd)}))
    assert (found.tool, found.prompt, found.model, found.seed, found.steps) == ("SwarmUI", "", None, None, None)


def test_what_a_database_cannot_hold_is_made_holdable(write):
    lone = write.tiff(sub=[(0x9286, 7, b"UNICODE\0\xd8\x00" + GOOD.encode("utf-16-be"))])  # half a surrogate pair
    found = read(write.jpeg(exif=lone))
    assert found.seed == "1"
    found = read(write.png({"invokeai_metadata": '{"positive_prompt": "a\\ud800b\\u0000c"}'}))
    assert found.prompt == "a?bc"
    for text in (found.prompt, *found.raw.values()):
        text.encode("utf-8")


def test_xmp_with_entities_is_not_parsed(write):
    xmp = (
        '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
        '<x:xmpmeta xmlns:x="adobe:ns:meta/">Draw Things &b;</x:xmpmeta>'
    )
    assert read(write.webp(xmp=xmp.encode())) is None


def test_exif_that_points_in_circles_or_out_of_the_file():
    circle = b"II*\0" + struct.pack("<I", 8) + struct.pack("<H", 1) + struct.pack("<HHII", 0x8769, 4, 1, 8)
    assert exif.texts(circle) == {}
    outside = b"MM\0*" + struct.pack(">I", 8) + struct.pack(">H", 60_000) + struct.pack(">HHII", 0x9286, 7, 99, 10**9)
    assert exif.texts(outside) == {}
    assert exif.texts(b"II*\0") == {}


def test_a_settings_line_without_end_takes_no_time():
    line = "a: {" * 200_000
    assert infotext.read(line) is None
    assert infotext.pairs("x" * 1_000_000) == {}
    many = ", ".join(f"k{number}: [" for number in range(9_000))
    assert len(infotext.pairs(many[:60_000])) <= 500


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=400))
def test_any_bytes_behind_a_signature_are_read_or_not_but_never_break(tail):
    for head in (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe1", b"RIFF\x10\0\0\0WEBP", b"GIF89a", b"\0\0\0\x18ftypavif"):
        found = read(head + tail)
        assert found is None or isinstance(found, Generation)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=12,
)
KEYS = [
    "positive_prompt", "negative_prompt", "model", "loras", "seed", "steps", "image", "prompt", "scheduler",
    "class_type", "inputs", "sui_image_params", "base_model", "resolution", "uc", "v4_prompt", "extraMetadata", "nodes",
    "links", "use_stable_diffusion_model", "use_lora_model", "cfg", "width", "positive", "latent_image", "1", "2",
]  # fmt: skip


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(st.sampled_from(KEYS), json_values | st.dictionaries(st.sampled_from(KEYS), json_values)))
def test_known_keys_with_any_values_never_break(meta):
    text = json.dumps(meta)
    for keys in (("parameters",), ("invokeai_metadata",), ("sd-metadata",), ("prompt",), ("workflow",), ("Comment",)):
        texts = dict.fromkeys(keys, text)
        for extra in ({}, {"Software": "NovelAI"}, {"fooocus_scheme": "fooocus"}):
            found = read_embedded(Embedded(format="PNG", texts={**texts, **extra}))
            if found is not None:
                json.dumps(found.as_json(), allow_nan=False).encode("utf-8")


printable = st.text(st.characters(blacklist_categories=["Cs", "Cc"]), min_size=1, max_size=60).map(str.strip)
plain = printable.filter(lambda text: text and "Negative prompt:" not in text and infotext.pairs(text) == {})


@settings(max_examples=100, deadline=None)
@given(plain, plain, st.integers(0, 2**64 - 1), st.integers(1, 150))
def test_any_prompt_comes_back_from_infotext(prompt, negative, seed, steps):
    text = f"{prompt}\nNegative prompt: {negative}\nSteps: {steps}, Sampler: Euler, Seed: {seed}, Size: 512x512"
    found = infotext.read(text)
    assert (found.prompt, found.negative_prompt) == (prompt, negative)
    assert (found.seed, found.steps, found.width) == (str(seed), steps, 512)
