"""The fields that slices are cut along, out of a store in memory."""

from dataclasses import replace

import pytest

from core.domain.generation import Generation, Lora
from core.workspace.fields import MADE_BY, fields, words


@pytest.fixture
def made(in_memory, new_samples):
    """``made(generations, tags)`` are the fields of as many samples."""

    def of(generations, tags=()):
        store = in_memory.store
        info = store.create("pets", ["cat", "dog"])
        samples = new_samples(*["cat"] * len(generations))
        ids = store.insert(info.id, [replace(s, generation=g) for s, g in zip(samples, generations, strict=True)])
        for sample_id, given in zip(ids, tags, strict=False):
            store._get(info.id).rows[sample_id].tags = given
        return fields(in_memory, "pets")

    return of


def test_each_tag_is_a_field_of_its_own(made):
    table = made([None] * 3, [("night", "blurred"), ("night",), ()])
    assert words(table["with tag night"]) == ["yes", "yes", "no"]
    assert words(table["with tag blurred"]) == ["yes", "no", "no"]


def test_each_lora_is_a_field_of_its_own_and_one_model_is_one_whatever_its_file_is_called(made):
    def generation(model, *loras):
        return Generation(tool="ComfyUI", model=model, loras=tuple(Lora(name) for name in loras))

    table = made(
        [
            generation("sub/base.safetensors", "styles/ink.safetensors", "grain"),
            generation("base", "ink"),
            generation("other"),
            None,
        ]
    )
    assert words(table["with LoRA ink"]) == ["yes", "yes", "no", None]
    assert words(table["with LoRA grain"]) == ["yes", "no", "no", None]
    assert words(table["model"]) == ["base", "base", "other", None]
    assert words(table[MADE_BY])[:3] == ["base (ComfyUI)", "base (ComfyUI)", "other (ComfyUI)"]


@pytest.mark.parametrize(
    ("days", "said"),
    [
        ((0, 0.4, 0.9), None),  # within a day: says nothing
        ((0, 31.2, 31.9), ["1970-01-01", "1970-02-01", "1970-02-01"]),
        ((0, 31.2, 400), ["1970-01", "1970-02", "1971-02"]),
        ((0, 31.2, 4000), ["1970", "1970", "1980"]),
    ],
)
def test_the_time_of_a_file_is_told_as_finely_as_they_lie_apart(in_memory, new_samples, days, said):
    info = in_memory.store.create("pets", ["cat", "dog"])
    samples = new_samples(*["cat"] * len(days))
    stamped = [replace(s, mtime_ns=int(day * 86_400e9)) for s, day in zip(samples, days, strict=True)]
    in_memory.store.insert(info.id, stamped)
    table = fields(in_memory, "pets")
    assert ("file time" in table) == (said is not None)
    assert said is None or words(table["file time"]) == said
