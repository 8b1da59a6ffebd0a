"""``labelloop progress``: the same figures as JSON and as text, before and after labels were judged."""

import pandas as pd

from core.runs import judgements
from core.runs.atomic import write_json


def test_progress_before_and_after_labels_were_judged(labelloop, trained):
    run = trained.run_paths(trained.runs("shapes")[0].name)
    run.judgements.unlink()
    run.outlook.unlink()
    code, before, err = labelloop("progress", "--dataset", "shapes", "--json")
    assert (code, err) == (0, "")
    assert (before["total"], before["errors"], before["done"]) == (72, None, None)
    assert "known after the first run" in labelloop("progress", "--dataset", "shapes")[1]

    frame = trained.samples("shapes")
    table = frame.loc[:, ["sample_id", "split", "label"]]
    chance = pd.Series(0.0, index=frame.index).where(frame.index >= 3, 1.0)
    judgements.write(run, table.assign(chance=chance, suggestion="circle", share=0.0, trusted=False))
    gain = {"expected": 0.03, "low": 0.01, "high": 0.05}
    classes = ["circle", "square", "stripes"]
    outlook = {"classes": classes, "images": [17] * 3, "more_images": [gain] * 3, "corrections": gain, "next": 20}
    write_json(run.outlook, {**outlook, "more": 30, "shares": [1.0], "accuracy": [0.9]})
    code, after, _ = labelloop("progress", "--dataset", "shapes", "--json")
    assert code == 0
    assert after["errors"]["expected"] == 3
    assert [one["name"] for one in after["classes"]] == classes
    assert after["done"] is False
    text = labelloop("progress", "--dataset", "shapes")[1]
    assert "About 3 wrong labels left" in text
    assert "+3.0 (+1.0 to +5.0)" in text
    assert "Not done" in text


def test_progress_of_no_dataset_is_a_mistake(labelloop, trained):
    code, _, err = labelloop("progress", "--dataset", "nothing")
    assert code == 2
    assert "nothing" in err
