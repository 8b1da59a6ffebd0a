"""Labels judged after a run: real pictures, real embeddings, planted errors."""

import json

import numpy as np
import pytest

from core.runs import findings, judgements
from core.runs.judgements import Known
from core.training import judging
from core.training.__main__ import main as train

PLANTED = (0, 4, 8, 21, 25)


@pytest.fixture
def judged_run(shapes, make_run, tmp_path):
    """``judged_run(known)`` is a trained and judged run on shapes of which the ``PLANTED`` have a wrong label."""

    def make(known=None, spoil=PLANTED):
        samples = shapes(tmp_path / "shapes", 24)
        names = ["disc", "square", "bars"]
        for row in spoil:
            samples.loc[row, "label"] = names[(names.index(samples.loc[row, "label"]) + 1) % 3]
        run = make_run(samples, model="instant", classes=names)
        assert train(run.folder) == 0
        if known is not None:
            known.write(run)
        assert judging.main(run.folder) == 0
        return run, samples

    return make


def test_planted_errors_lead_and_become_findings(judged_run):
    run, samples = judged_run(Known(dataset_id="d" * 24))
    table = judgements.read(run)
    assert sorted(table["sample_id"]) == sorted(samples["sample_id"])
    planted = samples["sample_id"].iloc[list(PLANTED)].tolist()
    assert len(set(planted) & set(table["sample_id"].head(8))) >= 4
    assert (np.diff(table["chance"]) <= 0).all()
    assert (table["suggestion"] != table["label"]).all()
    found = findings.read(run.workspace, "d" * 24, "suspicious")
    assert found["sample_id"].tolist() == table["sample_id"].head(len(found)).tolist()
    assert found["score"].between(0, 1).all()
    assert "likely wrong" in found["detail"].iloc[0]
    in_test = found[found["sample_id"].isin(samples.query("split == 'test'")["sample_id"])]
    assert in_test["detail"].str.contains("test label").all()


def test_what_a_person_confirmed_is_no_finding(judged_run):
    reviewed = [f"{row:024x}" for row in PLANTED[:2]]
    run, _ = judged_run(Known(dataset_id="d" * 24, reviewed=tuple(reviewed)))
    table = judgements.read(run).set_index("sample_id")
    assert table.loc[reviewed, "trusted"].all()
    assert (table.loc[reviewed, "chance"] == 0).all()
    assert not set(reviewed) & set(findings.read(run.workspace, "d" * 24, "suspicious")["sample_id"])


def test_decisions_before_shift_the_chances_and_keep_their_order(judged_run):
    doubted = judgements.read(judged_run(Known(shift=-2.0))[0])
    plain = judgements.read(judged_run(Known())[0])
    assert doubted["sample_id"].head(5).tolist() == plain["sample_id"].head(5).tolist()
    assert (doubted["chance"].to_numpy() <= plain["chance"].to_numpy() + 1e-9).all()


def test_near_duplicates_do_not_vouch_for_one_another(judged_run):
    everything = {f"{row:024x}": "one cluster" for row in range(72) if row % 3 == 0}  # all discs
    run, samples = judged_run(Known(groups=everything), spoil=())
    table = judgements.read(run).set_index("sample_id")
    discs = samples.query("label == 'disc' and split == 'train'")["sample_id"]
    # all discs lie in one fold, whose models never saw one: no disc may look certain
    others = samples.query("label != 'disc' and split == 'train'")["sample_id"]
    assert table.loc[discs, "chance"].mean() > table.loc[others, "chance"].mean()


def test_the_outlook_has_a_figure_for_each_class(judged_run):
    run, _ = judged_run()
    outlook = json.loads(run.outlook.read_text())
    assert outlook["classes"] == ["disc", "square", "bars"]
    assert outlook["shares"][-1] == 1
    assert len(outlook["accuracy"]) == len(outlook["shares"])
    assert len(outlook["class_corrections"]) == 3
    for gain in [*outlook["more_images"], outlook["corrections"], *outlook["class_corrections"]]:
        assert gain["low"] <= gain["expected"] <= gain["high"]


def test_a_run_whose_snapshot_is_gone_is_left_alone(judged_run, caplog):
    run, _ = judged_run()
    run.judgements.unlink()
    spec = json.loads(run.spec.read_text())
    run.spec.write_text(json.dumps({**spec, "snapshot": "gone"}))
    assert judging.main(run.folder) == 1
    assert judgements.read(run) is None
