"""A dataset's facts put together from what lies on disk, and its findings written."""

from collections.abc import Collection, Iterable, Mapping

import numpy as np
import pandas as pd

from core.checks import findings, outliers, shelf
from core.checks.findings import Facts
from core.domain.findings import Finding
from core.domain.generation import Generation
from core.runs import findings as finding_files
from core.runs import measurements
from core.runs.layout import WorkspacePaths


def facts(
    paths: WorkspacePaths,
    dataset_id: str,
    frame: pd.DataFrame,
    origins: Mapping[str, str],
    described: Collection[str] = frozenset(),
) -> Facts:
    """What is known of the samples of ``frame`` (the store's); excluded ones are left out.

    ``origins`` holds what identifies how an image was generated, by sample id (see :func:`origins_of`); ``described``
    the ids of all that carry anything of their making.
    """
    if "excluded" in frame.columns:
        frame = frame[~frame["excluded"].to_numpy(dtype=bool)]
    frame = frame.reset_index(drop=True)
    folder, hashes = paths.checked(dataset_id), frame["content_hash"].tolist()
    records, measured = measurements.read(paths, hashes)
    missing, compared = shelf.read_missing(folder), shelf.read_compared(folder)
    return Facts(
        frame=frame,
        records=records,
        measured=measured,
        compared=np.array([content in compared for content in hashes], dtype=bool),
        embedded=np.array([compared.get(content, False) for content in hashes], dtype=bool),
        pairs=shelf.read_pairs(folder),
        distances=outliers.read(folder, hashes),
        missing=[missing.get(sample_id) for sample_id in frame["sample_id"]],
        origins=[origins.get(sample_id) for sample_id in frame["sample_id"]],
        described=np.array([sample_id in described for sample_id in frame["sample_id"]], dtype=bool),
    )


def origins_of(generations: Iterable[tuple[str, Generation]]) -> dict[str, str]:
    """Seed and prompt in one text by sample id, where both are known: images that share them share a composition."""
    found = {}
    for sample_id, generation in generations:
        prompt = " ".join(generation.prompt.split())
        if prompt and generation.seed not in (None, "", "-1"):
            found[sample_id] = f"{generation.seed}\n{prompt}"
    return found


def write_findings(
    paths: WorkspacePaths, dataset_id: str, frame: pd.DataFrame, origins: Mapping[str, str]
) -> dict[str, list[Finding]]:
    """Make all findings anew and write them; returns them by kind."""
    known = facts(paths, dataset_id, frame, origins)
    folder = paths.checked(dataset_id)
    found = findings.find(known, findings.thresholds(known, shelf.read_thresholds(folder)))
    for kind, rows in found.items():
        finding_files.write(paths, dataset_id, kind, rows)
    return found
