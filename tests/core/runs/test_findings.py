"""Findings on disk: what was written comes back, strongest first, and replaces what was there."""

import pytest

from core.domain.findings import Finding
from core.runs import findings
from core.runs.layout import WorkspacePaths


def test_what_was_written_comes_back_strongest_first(tmp_path):
    paths = WorkspacePaths(tmp_path)
    weak = Finding("a", "blurred", 0.2, "sharpness 31", value=31.0)
    strong = Finding("b", "blurred", 0.9, "sharpness 2", suggestion="cat", value=2.0, group="g1")
    findings.write(paths, "d", "blurred", [weak, strong])
    table = findings.read(paths, "d", "blurred")
    assert list(table["sample_id"]) == ["b", "a"]
    assert Finding(**table.iloc[0].to_dict()) == strong
    assert set(findings.kinds(paths, "d")) == {"blurred"}


def test_writing_again_replaces_and_empty_means_looked_for(tmp_path):
    paths = WorkspacePaths(tmp_path)
    findings.write(paths, "d", "dark", [Finding("a", "dark", 1.0, "")])
    findings.write(paths, "d", "dark", [])
    assert findings.read(paths, "d", "dark").empty
    assert "dark" in findings.kinds(paths, "d")
    assert findings.read(paths, "d", "never").empty
    assert "never" not in findings.kinds(paths, "d")


@pytest.mark.parametrize("kind", ["", "../x", "A", "a/b"])
def test_a_kind_that_is_no_file_name_is_a_bug(tmp_path, kind):
    with pytest.raises(ValueError, match="kind"):
        findings.write(WorkspacePaths(tmp_path), "d", kind, [])


def test_a_finding_of_another_kind_is_a_bug(tmp_path):
    with pytest.raises(ValueError, match="among"):
        findings.write(WorkspacePaths(tmp_path), "d", "dark", [Finding("a", "bright", 1.0, "")])
