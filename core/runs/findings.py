"""Findings on disk, one file a dataset and kind: left by checks, suspicion and import, read by queues and pages."""

import re
from collections.abc import Iterable
from dataclasses import asdict, fields

import pandas as pd

from core.domain.findings import Finding
from core.runs.atomic import written_aside
from core.runs.layout import WorkspacePaths

COLUMNS = tuple(field.name for field in fields(Finding))


def write(paths: WorkspacePaths, dataset_id: str, kind: str, findings: Iterable[Finding]) -> None:
    """Replace all findings of one kind; an empty list says that there are none.

    Raises:
        ValueError: a finding of another kind, or a kind that no file can be named after.
    """
    rows = [asdict(finding) for finding in findings]
    if strange := {row["kind"] for row in rows} - {kind}:
        raise ValueError(f"findings of kind {strange} among those of kind {kind!r}")
    table = pd.DataFrame(rows, columns=list(COLUMNS)).astype({"score": "float64", "value": "float64"})
    with written_aside(paths.findings(dataset_id) / _file(kind)) as aside:
        table.to_parquet(aside, index=False)


def read(paths: WorkspacePaths, dataset_id: str, kind: str) -> pd.DataFrame:
    """The findings of one kind as a frame with ``COLUMNS``, strongest first; empty where none were written."""
    try:
        table = pd.read_parquet(paths.findings(dataset_id) / _file(kind))
    except FileNotFoundError:
        return pd.DataFrame(columns=list(COLUMNS))
    return table.sort_values("score", ascending=False, kind="stable", ignore_index=True)


def kinds(paths: WorkspacePaths, dataset_id: str) -> dict[str, float]:
    """The kinds that were looked for, each with the time of it (Unix seconds)."""
    files = paths.findings(dataset_id).glob("[!.]*.parquet")
    return {file.stem: file.stat().st_mtime for file in sorted(files)}


def _file(kind: str) -> str:
    if not re.fullmatch(r"[a-z][a-z0-9-]*", kind):
        raise ValueError(f"not the name of a kind of finding: {kind!r}")
    return f"{kind}.parquet"
