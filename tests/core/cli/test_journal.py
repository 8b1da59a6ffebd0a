"""The journal on the command line: text, one JSON document, CSV and JSON Lines, on standard output and in files."""

import csv
import json
import uuid

from core.domain.decisions import Decision


def test_the_journal_as_csv_and_json_lines(labelloop, workspace, new_samples, tmp_path):
    info = workspace.store.create("journalled", ["cat", "=dog"])
    (sample,) = workspace.store.insert(info.id, new_samples("cat"))
    workspace.decide("journalled", [Decision(sample, "relabel", "=dog", "cat", uuid.uuid4().hex)], source="grid")

    code, text, _ = labelloop("journal", "--dataset", "journalled", "--csv")
    (row,) = csv.DictReader(text.splitlines())
    assert (code, row["sample_id"], row["old"], row["new"]) == (0, sample, "cat", "'=dog")
    code, text, _ = labelloop("journal", "--dataset", "journalled", "--jsonl")
    assert (code, json.loads(text)["new"]) == (0, "=dog")
    file = tmp_path / "journal.csv"
    assert labelloop("journal", "--dataset", "journalled", "--csv", "--out", file)[0] == 0
    assert [one["new"] for one in csv.DictReader(file.read_text(encoding="utf-8").splitlines())] == ["'=dog"]
    assert labelloop("journal", "--dataset", "journalled", "--csv", "--jsonl")[0] == 2
    assert labelloop("journal", "--dataset", "journalled", "--out", file)[0] == 2
