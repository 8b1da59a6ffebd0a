"""``.ci/run`` with a make that plays its part: what it passes, and what it looks at once more."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

MAKE = """#!/bin/sh
case "$*" in
  check) exit "$CHECK" ;;
  *--last-failed*) echo "== 1 passed in 2.00s =="; exit "$AGAIN" ;;
esac
for number in $FAILING; do echo "FAILED tests/test_a.py::test_$number - AssertionError"; done
echo "== some tests in 9.00s =="
exit "$TESTS"
"""


@pytest.mark.parametrize(
    ("tests", "failing", "again", "check", "passes", "looked_again"),
    [
        (0, "", 0, 0, True, False),
        (0, "", 0, 2, False, False),
        (2, "1 2", 0, 0, True, True),
        (2, "1 2", 2, 0, False, True),
        (2, "1", 0, 2, False, True),
        (2, "1 2 3 4 5 6", 0, 0, False, False),
        (2, "", 0, 0, False, False),  # the tests did not even start
    ],
)
def test_few_that_fail_are_run_once_more_alone_and_named(tmp_path, tests, failing, again, check, passes, looked_again):
    (tmp_path / ".ci").mkdir()
    run = shutil.copy(ROOT / ".ci" / "run", tmp_path / ".ci" / "run")
    (tmp_path / "make").write_text(MAKE)
    (tmp_path / "make").chmod(0o755)
    played = {
        "TESTS": tests,
        "FAILING": failing,
        "AGAIN": again,
        "CHECK": check,
        "PATH": f"{tmp_path}:{os.environ['PATH']}",
    }
    done = subprocess.run(
        [run],
        env=os.environ | {name: str(value) for name, value in played.items()},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode == 0) == passes, done.stdout + done.stderr
    end = done.stdout.rpartition("\n\n")[2]  # what is said once all is done
    assert ("== 1 passed in 2.00s ==" in end) == looked_again
    assert "== some tests in 9.00s ==" in end
    assert all(f"test_{number} " in end for number in failing.split())
