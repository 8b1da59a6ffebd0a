"""Prompts of a real dataset: read at import, labels by rules through the journal, findings against a run."""

import numpy as np
import pytest
from PIL.PngImagePlugin import PngInfo

from core.domain.errors import BadInput
from core.domain.generation import Generation
from core.generators import prompt_rules
from core.review.queues import QueueSpec
from core.runs import findings
from core.runs.predictions import Predictions
from core.workspace.prompts import MISMATCH, mismatches

RULES = ["circle, disc -> circle", "square -> square", "stripes -> stripes"]


@pytest.fixture(scope="module")
def generated(trained, draw_shape, tmp_path_factory):
    """A flat folder of unlabelled shapes with prompts; two prompts name another shape than is drawn, one names none."""
    folder = tmp_path_factory.mktemp("outputs")
    for number in range(12):
        shape = ("circle", "square", "stripes")[number % 3]
        named = {0: "square", 1: "stripes", 2: "something"}.get(number, shape)
        text = (
            f"a big {named}, <lora:x:1>\nNegative prompt: blurry\nSteps: 20, Sampler: Euler, Seed: {number}, Size: 9x9"
        )
        info = PngInfo()
        info.add_text("parameters", text)
        draw_shape(shape, seed=70_000 + number, size=96).save(folder / f"{number:02}.png", pnginfo=info)
    view = trained.wait(trained.start_import(folder, "generated"), timeout=120)
    assert view.state == "succeeded", view.error
    return trained


def test_import_keeps_what_the_files_say(generated):
    frame = generated.prompts.frame("generated")
    assert frame["tool"].tolist() == ["AUTOMATIC1111"] * 12
    assert sorted(frame["seed"]) == sorted(str(number) for number in range(12))
    found = generated.prompts.generation("generated", frame["sample_id"][3])
    assert isinstance(found, Generation)
    assert "parameters" in found.raw


def test_files_are_read_again_on_request(generated):
    dataset_id, frame = generated.dataset("generated").id, generated.samples("generated")
    generated.store.set_generations(dataset_id, {frame["sample_id"][0]: None, frame["sample_id"][1]: Generation("old")})
    assert generated.prompts.read_again("generated") == 12
    assert generated.prompts.frame("generated")["tool"].tolist() == ["AUTOMATIC1111"] * 12


def test_share_matched_is_told_before_anything_is_written(generated):
    found = generated.prompts.match("generated", RULES)
    assert (found.total, found.with_prompt, found.matched) == (12, 12, 11)
    assert found.unmatched == ["a big something, <lora:x:1>"]
    assert generated.samples("generated")["label"].isna().all()


def test_labels_by_rules_are_one_batch_that_can_be_undone(generated):
    outcomes = generated.prompts.label("generated", RULES, source="cli")
    assert sum(one.saved for one in outcomes) == 11
    labels = generated.samples("generated")["label"]
    assert labels.value_counts().to_dict() == {"stripes": 4, "square": 4, "circle": 3}
    assert generated.dataset("generated").classes == ("circle", "square", "stripes") or set(
        generated.dataset("generated").classes
    ) == {"circle", "square", "stripes"}
    assert generated.prompts.rules("generated") == RULES
    with pytest.raises(BadInput, match="nothing was changed"):
        generated.prompts.label("generated", RULES, source="cli")
    generated.undo("generated", source="cli")
    assert generated.samples("generated")["label"].isna().all()


def test_disagreement_of_prompt_and_picture_is_a_queue(generated):
    """The predictions are written by hand: what is drawn, surely."""
    frame = generated.samples("generated")
    run = generated.runs("shapes")[0]
    drawn = [("circle", "square", "stripes")[int(path[-6:-4]) % 3] for path in frame["filepath"]]
    classes = ("circle", "square", "stripes")
    chances = np.full((12, 3), 0.05, np.float32)
    for row, name in enumerate(drawn):
        chances[row, classes.index(name)] = 0.9
    ids = frame["sample_id"].to_numpy(dtype=object)
    none = np.full(12, None, dtype=object)
    rows = Predictions(classes, ids, np.full(12, "test", dtype=object), none, chances, np.zeros(12, dtype=bool))
    known = generated.prompts.frame("generated")
    prompts = dict(zip(known["sample_id"], known["prompt"], strict=True))
    found = mismatches(prompts, prompt_rules.parse(RULES), rows, run.name)
    assert [(f.suggestion, f.kind) for f in found] == [("circle", MISMATCH), ("square", MISMATCH)]
    assert found[0].detail == f"the prompt says square, {run.name} sees circle (90%)"
    assert found[0].score == pytest.approx(0.85)
    findings.write(generated.paths, generated.dataset("generated").id, MISMATCH, found)
    queue = generated.queue("generated", QueueSpec(kind="finding", finding=MISMATCH))
    assert {item.sample_id for item in queue} == {f.sample_id for f in found}


def test_without_rules_or_run_the_reason_is_told(generated):
    with pytest.raises(BadInput, match="no rules"):
        generated.prompts.find_mismatches("shapes", lines=[])
    with pytest.raises(BadInput, match="click Retrain"):
        generated.prompts.find_mismatches("generated", lines=RULES)
    assert generated.prompts.find_mismatches("shapes", lines=RULES) == 0  # no prompts, no disagreement
