"""A workspace's own identity: a random id that it is given once, by which two workspaces of one name are told apart."""

import uuid

from filelock import FileLock

from core.runs.atomic import read_json, write_json
from core.runs.layout import WorkspacePaths


def identity(workspace: WorkspacePaths) -> str:
    """The id, made where there is none yet."""
    with FileLock(workspace.root / ".identity.lock", timeout=30):
        found = read_json(workspace.identity)
        if isinstance(found, dict) and isinstance(found.get("id"), str) and found["id"].isalnum():
            return str(found["id"])
        made = uuid.uuid4().hex
        write_json(workspace.identity, {"id": made})
        return made
