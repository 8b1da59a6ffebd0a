"""What all widgets with JavaScript of their own have in common."""

from pathlib import Path

import pytest

WIDGETS = Path(__file__).parents[2] / "dashboard" / "widgets"
SCRIPTS = sorted(WIDGETS.rglob("*.js"))


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: str(path.relative_to(WIDGETS)))
def test_no_script_reads_a_name_as_html_or_code(path):
    text = path.read_text(encoding="utf-8")
    for word in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function", "srcdoc"):
        assert word not in text
