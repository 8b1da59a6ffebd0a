"""Sets of samples that somebody picked on a chart, a map or a table: a file each, so that an address can name them."""

import hashlib
import re
from collections.abc import Sequence

from core.runs.atomic import read_json, write_json
from core.runs.layout import WorkspacePaths

KEPT = 500  # sets; the oldest go


def write(paths: WorkspacePaths, sample_ids: Sequence[str]) -> str:
    """Keep a set, in its order; returns its name. The same set has the same name."""
    name = hashlib.sha256("\n".join(sample_ids).encode()).hexdigest()[:16]
    write_json(paths.picked / f"{name}.json", {"samples": list(sample_ids)})
    files = sorted(paths.picked.glob("[!.]*.json"), key=lambda file: file.stat().st_mtime, reverse=True)
    for file in files[KEPT:]:
        file.unlink(missing_ok=True)
    return name


def read(paths: WorkspacePaths, name: str) -> list[str]:
    """The sample ids of a set, in order; empty where it is gone."""
    if not re.fullmatch(r"[0-9a-f]{16}", name):
        return []
    found = read_json(paths.picked / f"{name}.json") or {}
    return [str(sample_id) for sample_id in found.get("samples", ())]
