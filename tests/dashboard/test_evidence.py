"""What the single view is told of an image's making and of what it is kept together with."""

import pandas as pd
import pytest

from core.checks import shelf
from core.checks.shelf import PAIR_COLUMNS
from core.domain.generation import CLAIM, Generation, Lora
from dashboard import evidence


@pytest.fixture
def workspace(in_memory, new_samples):
    info = in_memory.store.create("zoo", ["cat"])
    in_memory.store.insert(info.id, new_samples("cat", "cat", "cat"))
    return in_memory


def told(workspace, made=None, at=0):
    dataset_id, sample_id = workspace.dataset("zoo").id, workspace.samples("zoo")["sample_id"].iat[at]
    if made is not None:
        workspace.store.set_generations(dataset_id, {sample_id: made})
    return evidence.of(workspace, dataset_id, sample_id)


def test_everything_that_a_generator_wrote_is_shown(workspace):
    raw = {"parameters": "a <b>roof</b>\nSteps: 9", "workflow": "x" * 30_000}
    made = Generation(
        "ComfyUI", "a roof", "rain", "slate.safetensors", "abcd", (Lora("tiles", 0.8), Lora("moss")), "euler",
        "karras", 9, 7.5, "12345678901234567890", 512, 768, source="PNG text", raw=raw,
    )  # fmt: skip
    found = told(workspace, made)
    assert found["generation"] == {
        "Prompt": "a roof",
        "Negative prompt": "rain",
        "Made with ComfyUI": "slate.safetensors (abcd), euler, scheduler karras, steps 9, cfg 7.5, "
        "seed 12345678901234567890, 512 × 768 asked for",
        "LoRAs": "tiles at 0.8, moss",
        "Read from": "PNG text",
    }
    (name, text), (_, long) = found["raw"]
    assert (name, text) == ("parameters", "a <b>roof</b>\nSteps: 9")
    assert long.endswith("… (10,000 more characters)")


def test_claims_are_shown_as_claims(workspace):
    claims = ("claim generator: Painter 3", "digital source type: trainedAlgorithmicMedia")
    found = told(workspace, Generation(CLAIM, claims=claims, source="C2PA"))
    assert found["generation"] == {"C2PA claims, not proof": "; ".join(claims), "Read from": "C2PA"}


def test_what_an_image_is_kept_together_with_is_told_with_the_reason(workspace):
    assert told(workspace)["together"] == {}
    folder = workspace.paths.checked(workspace.dataset("zoo").id)
    pair = (f"{0:064x}", f"{2:064x}", 0.97, "hash", 3, 1.0)
    shelf.write_pairs(folder, pd.DataFrame([pair], columns=list(PAIR_COLUMNS)))
    found = told(workspace)["together"]
    other = workspace.samples("zoo")["sample_id"].iat[2]
    assert (found["count"], found["why"]) == (1, "near duplicates")
    assert found["samples"] == [{"sample": other, "label": "cat", "split": "train", "hash": "0" * 8}]
