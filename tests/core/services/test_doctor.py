"""The doctor names each thing once, and says how to mend what is missing."""

from core.runs.layout import WorkspacePaths
from core.services import doctor, stack


def by_name(paths):
    checks = doctor.examine(paths)
    assert len({check.name for check in checks}) == len(checks)
    assert all(check.detail for check in checks)
    assert all(check.remedy for check in checks if check.ok is False)
    return {check.name: check for check in checks}


def test_a_good_machine_is_found_good_and_nothing_is_left_behind(tmp_path):
    checks = by_name(WorkspacePaths(tmp_path / "not made yet"))
    for name in ("Python", "Packages", "Database", "Workspace", "Disk", "File system"):
        assert checks[name].ok is True, checks[name]
    assert "6.0" in checks["Database"].detail
    assert list(tmp_path.iterdir()) == []


def test_what_is_missing_comes_with_its_remedy(tmp_path, monkeypatch):
    program = tmp_path / "mongod"
    program.write_text("#!/bin/sh\necho 'error while loading shared libraries: libcurl.so.4: no' >&2\nexit 127\n")
    program.chmod(0o755)
    monkeypatch.setenv("LABELLOOP_MONGOD", str(program))
    monkeypatch.setattr(doctor, "SMALLEST_DISK", 10**18)
    monkeypatch.setattr(stack, "is_free", lambda port: False)
    (tmp_path / "file").write_text("x")
    checks = by_name(WorkspacePaths(tmp_path / "file"))
    assert checks["Database"].ok is False
    assert "apt-get install libcurl4" in checks["Database"].remedy
    assert checks["Disk"].ok is False
    assert checks["Workspace"].ok is False
    assert checks["Ports"].ok is None
