"""``samples`` and ``prompts`` on the command line."""

import pytest
from PIL.PngImagePlugin import PngInfo


@pytest.fixture(scope="module")
def made(workspace, draw_shape, tmp_path_factory):
    folder = tmp_path_factory.mktemp("made")
    settings = "Steps: 20, Sampler: Euler, CFG scale: 7, Seed: 18446744073709551615, Size: 512x640, Model: m"
    text = f"a circle <lora:ink:0.5>\n{settings}"
    info = PngInfo()
    info.add_text("parameters", text)
    draw_shape("circle", seed=1, size=96).save(folder / "a.png", pnginfo=info)
    draw_shape("square", seed=2, size=96).save(folder / "b.png")
    view = workspace.wait(workspace.start_import(folder, "made"), timeout=120)
    assert view.state == "succeeded"
    return workspace


def test_samples_are_json_lines(labelloop, made):
    code, out, err = labelloop("samples", "--dataset", "made", "--json", lines=True)
    assert code == 0, err
    first, second = out
    assert set(first) >= {"id", "filepath", "label", "split", "generation"}
    assert second["generation"] is None
    assert first["generation"] == {
        "tool": "AUTOMATIC1111",
        "prompt": "a circle <lora:ink:0.5>",
        "negative_prompt": "",
        "model": "m",
        "model_hash": None,
        "loras": [{"name": "ink", "weight": 0.5, "hash": None}],
        "sampler": "Euler",
        "scheduler": None,
        "steps": 20,
        "cfg": 7.0,
        "seed": "18446744073709551615",
        "width": 512,
        "height": 640,
        "claims": [],
        "source": "PNG text",
    }
    code, out, _ = labelloop("samples", "--dataset", "made", "--tool", "ComfyUI", "--json", lines=True)
    assert (code, out) == (0, [])


def test_prompts_label_by_rules(labelloop, made):
    code, found, err = labelloop("prompts", "-d", "made", "--rule", "circle, disc -> round", "--label", "--json")
    assert code == 0, err
    assert (found["with_prompt"], found["matched"], found["relabelled"]) == (1, 1, 1)
    assert found["rules"] == ["circle, disc -> round"]
    assert made.samples("made")["label"].tolist() == ["round", None]
    code, _, err = labelloop("prompts", "-d", "made", "--rule", "circle")
    assert code == 2
    assert "needs words, an arrow and a class" in err


def test_import_labels_from_prompts(labelloop, made, tmp_path):
    (source,) = made.dataset("made").roots
    code, _, err = labelloop("import", source, "-d", "by-prompt", "--label-from", "prompt", "--rule", "circle")
    assert (code, "needs words" in err) == (2, True)
    rule = ("--label-from", "prompt", "--rule", "circle, disc -> round", "--json")
    code, found, err = labelloop("import", source, "-d", "by-prompt", "--preview", *rule)
    assert code == 0, err
    assert found["prompts"]["tools"] == {"AUTOMATIC1111": 1}
    assert (found["prompts"]["with_prompt"], found["prompts"]["matched"]) == (1, 1)
    code, report, err = labelloop("import", source, "-d", "by-prompt", *rule)
    assert code == 0, err
    assert report["prompts"]["share_matched"] == 1.0
    assert "1 of 1 prompts are matched by the rules (100%)." in report["notes"]
    assert made.samples("by-prompt")["label"].tolist() == ["round", None]
    assert made.prompts.rules("by-prompt") == ["circle, disc -> round"]
