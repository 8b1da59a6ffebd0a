"""What a request to the FiftyOne server may ask for once host, origin and token are right: paths and bodies.

FiftyOne trusts whoever reaches it: its operators read folders, its routes write files, its queries run
aggregations. The App that people use here needs a small part of that, which is listed; the rest is refused.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from graphql import GraphQLError, OperationDefinitionNode, parse
from graphql.language import FieldNode, FragmentDefinitionNode, FragmentSpreadNode, InlineFragmentNode, SelectionSetNode

PLUGIN = "@labelloop/review"
BUILT_IN_OPERATORS = frozenset(  # those that the App calls by itself and that only read
    f"@voxel51/operators/{name}"
    for name in (
        "get_field_schema",
        "get_label_schemas",
        "list_saved_views",
        "list_valid_annotation_fields",
        "list_workspaces",
        "validate_label_schemas",
    )
)
EDITABLE = ("ground_truth", "tags")  # fields that the App may change natively (its Annotate tab, its tags)

_HEX = r"[0-9a-f]{24}"
_POSTS = frozenset(
    (
        "/aggregate",
        "/embeddings/color-by-choices",
        "/embeddings/extended-stage",
        "/embeddings/plot",
        "/embeddings/selection",
        "/events",
        "/graphql",
        "/operators",
        "/operators/execute",
        "/operators/execute/generator",
        "/operators/resolve-execution-options",
        "/operators/resolve-placements",
        "/operators/resolve-type",
        "/sort",
        "/tag",
        "/tagging",
        "/values",
    )
)
_PATCH = re.compile(rf"/dataset/{_HEX}/sample/{_HEX}")
_REFUSED_READS = re.compile(r"/(screenshot|runtime-assets|dataset|frames|geo|graphql|operators|event|events)(/.*)?")
_NAMED_OPERATOR = re.compile(r"/operators/(execute(/generator)?|resolve-type|resolve-execution-options)")
_MUTATIONS = frozenset(
    (
        "createSavedView",
        "deleteSavedView",
        "searchSelectFields",
        "setColorScheme",
        "setDataset",
        "setFieldVisibilityStage",
        "setGroupSlice",
        "setLabelSelectionStyle",
        "setSample",
        "setSampleSelectionStyle",
        "setSelected",
        "setSelectedLabels",
        "setSelectedSamples",
        "setSidebarGroups",
        "setSpaces",
        "setView",
        "updateSavedView",
    )
)
_MONGO_REFUSED = frozenset(  # they write, run scripts, or read other collections
    ("$out", "$merge", "$function", "$where", "$accumulator", "$lookup", "$graphLookup", "$unionWith")
)


def may_operate(uri: object) -> bool:
    """Whether an operator is ours, or a built-in that the App needs and that only reads."""
    return isinstance(uri, str) and (uri.startswith(PLUGIN + "/") or uri in BUILT_IN_OPERATORS)


def may_request(method: str, path: str) -> bool:
    """Whether the App has any business with ``path``."""
    if ".." in path.split("/") or "\\" in path:
        return False
    if method in ("GET", "HEAD"):
        return _REFUSED_READS.fullmatch(path) is None
    if method == "POST":
        return path in _POSTS
    return method == "PATCH" and _PATCH.fullmatch(path) is not None


def why_refused(method: str, path: str, body: bytes) -> str | None:
    """A sentence for a body that asks for what is refused, else ``None``."""
    try:
        content = json.loads(body.decode("utf-8"))
    except ValueError:
        return "The body is not JSON."
    if any(key in _MONGO_REFUSED for key in _keys(content)):
        return "Database commands that write, run scripts or read elsewhere are not allowed."
    if path == "/graphql":
        return _why_not_query(content)
    if _NAMED_OPERATOR.fullmatch(path) and not (isinstance(content, dict) and may_operate(content.get("operator_uri"))):
        return "This operator is not allowed."
    if method == "PATCH" and not _edits_allowed(content):
        return "Only labels and tags can be changed."
    return None


def _why_not_query(content: Any) -> str | None:
    query = content.get("query") if isinstance(content, dict) else None
    if not isinstance(query, str):
        return "There is no query."
    try:
        document = parse(query, max_tokens=20_000)
    except GraphQLError:
        return "The query cannot be read."
    fragments = {node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)}
    for node in document.definitions:
        if not isinstance(node, OperationDefinitionNode) or node.operation.value == "query":
            continue
        if node.operation.value != "mutation" or any(
            name not in _MUTATIONS for name in _fields(node.selection_set, fragments, depth=0)
        ):
            return "This change is not allowed."
    return None


def _fields(
    selected: SelectionSetNode, fragments: Mapping[str, FragmentDefinitionNode], *, depth: int
) -> Iterator[str]:
    for node in selected.selections:
        if isinstance(node, FieldNode):
            yield node.name.value
        elif depth > 5:
            yield "too deep"
        elif isinstance(node, FragmentSpreadNode):
            fragment = fragments.get(node.name.value)
            if fragment is None:
                yield "unknown fragment"
            else:
                yield from _fields(fragment.selection_set, fragments, depth=depth + 1)
        elif isinstance(node, InlineFragmentNode):
            yield from _fields(node.selection_set, fragments, depth=depth + 1)


def _edits_allowed(content: Any) -> bool:
    if isinstance(content, dict):
        return all(name.split(".")[0] in EDITABLE for name in content)
    if not isinstance(content, list):
        return False
    paths = [
        str(change.get(key, "/"))
        for change in content
        if isinstance(change, dict)
        for key in ("path", "from")
        if key == "path" or key in change
    ]
    return len(paths) >= len(content) and all(path.split("/")[1:2] in [[name] for name in EDITABLE] for path in paths)


def _keys(value: Any, depth: int = 0) -> Iterator[str]:
    """Every key in ``value``, also in JSON that is wrapped in a string (FiftyOne unpacks that)."""
    if depth > 60:
        yield "$out"  # nothing honest is that deep
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield key
            yield from _keys(inner, depth + 1)
    elif isinstance(value, list):
        for inner in value:
            yield from _keys(inner, depth + 1)
    elif isinstance(value, str) and "$" in value and value.lstrip()[:1] in ("{", "[", '"'):
        try:
            yield from _keys(json.loads(value), depth + 1)
        except ValueError:
            return
