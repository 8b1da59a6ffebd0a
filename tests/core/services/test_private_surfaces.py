"""What labelloop leans on in FiftyOne and nobody promises: a new version that moves it fails here first."""

import importlib.metadata
import importlib.util
import re
from pathlib import Path

import pytest
import yaml

from core.services.app_rules import BUILT_IN_OPERATORS, PLUGIN
from core.services.app_server import PLUGINS

FIFTYONE = Path(importlib.util.find_spec("fiftyone").origin).parent


@pytest.fixture(scope="module")
def bundle():
    return "\n".join(path.read_text("utf-8", "replace") for path in (FIFTYONE / "server/static/assets").glob("*.js"))


def test_the_version_is_the_one_that_was_read():
    assert importlib.metadata.version("fiftyone") == "1.22.1"


@pytest.mark.parametrize(
    "name", ["__foo__", "executeOperator", "fiftyone-enterprise-tooltip-seen", "mui-mode", "modalon"]
)
def test_the_app_bundle_has_the_names_that_the_plugin_uses(bundle, name):
    assert name in bundle


def test_the_built_in_operators_are_there():
    listed = yaml.safe_load((FIFTYONE.parent / "plugins/operators/fiftyone.yml").read_text())["operators"]
    assert {uri.rsplit("/", 1)[1] for uri in BUILT_IN_OPERATORS} <= set(listed)


@pytest.mark.parametrize(
    ("file", "names"),
    [
        ("server/events/__init__.py", ("dispatch_event", "get_state", "set_port")),
        ("core/session/events.py", ("class StateUpdate", "class Refresh")),
        ("core/state.py", ("def build_color_scheme", "selected_samples", "spaces", "sample_id")),
        ("operators/permissions.py", ("class ManagedOperators", "def has_operator", "PermissionedOperatorRegistry")),
        ("operators/registry.py", ("def list_operators",)),
        ("core/dataset.py", ("class DatasetNotFoundError", "def load_dataset")),
        ("server/app.py", ("app = Starlette(",)),
        ("server/samples.py", ("async def _create_sample_item(", "_create_sample_item(\n                view,\n")),
    ],
)
def test_the_functions_that_the_server_uses_are_where_they_were(file, names):
    text = (FIFTYONE / file).read_text()
    assert [name for name in names if name not in text] == []


def test_no_route_has_come_that_nobody_looked_at():
    """The fence lists what may be posted; a new route has to be read, then named here."""
    routes = (FIFTYONE / "server/routes").glob("*.py")
    paths = [re.findall(r'^\s*\(?"(/[a-z][^"\s]*)",', file.read_text(), re.MULTILINE) for file in routes]
    assert {path.split("/")[1] for found in paths for path in found} == {
        "tag",
        "frames",
        "screenshot",
        "ontologies",
        "video-labels",
        "plugins",
        "features",
        "tagging",
        "dataset",
        "event",
        "runtime-assets",
        "media",
        "events",
        "sort",
        "fiftyone",
        "embeddings",
        "aggregate",
        "get-similar-labels-frames",
        "values",
        "geo",
    }


def test_the_plugin_lists_what_it_registers():
    listed = yaml.safe_load((PLUGINS / "labelloop/fiftyone.yml").read_text())
    assert listed["name"] == PLUGIN
    text = (PLUGINS / "labelloop/__init__.py").read_text()
    verdicts = text[text.index("VERDICTS = ") : text.index("DONE = ")]
    named = set(re.findall(r'OperatorConfig\(name="(\w+)"', text)) | set(re.findall(r'^    \("(\w+)"', verdicts, re.M))
    assert named | {f"class_{index}" for index in range(1, 10)} == set(listed["operators"])
    assert (PLUGINS / "labelloop" / listed["js_bundle"]).is_file()
