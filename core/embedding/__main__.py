"""``python -m core.embedding JOBDIR``: embed a dataset's samples in the background."""

import sys
from pathlib import Path

import pandas as pd

from core.domain.errors import BadInput
from core.embedding.backbone import Backbone, ensure_backbone
from core.embedding.blocks import EmbeddingStore
from core.embedding.pipeline import embed_missing
from core.runs.atomic import read_json, write_json
from core.runs.layout import RunPaths
from core.runs.worker import Progress, run_worker


def embed(paths: RunPaths, progress: Progress) -> None:
    """Embed the samples of the job's table and write its report.

    Raises:
        BadInput: the job has no table of samples.
        Cancelled: somebody asked for a stop; what is embedded so far is kept.
    """
    spec = read_json(paths.spec) or {}
    table = paths.folder / str(spec.get("samples", "samples.parquet"))
    if not table.exists():
        raise BadInput("This embedding job has no table of samples.")
    samples = pd.read_parquet(table, columns=["filepath", "content_hash"])
    files = list(zip(samples["filepath"], samples["content_hash"], strict=True))

    def advanced(images: int) -> None:
        progress.advance(images)
        progress.check()

    report = embed_missing(
        files,
        EmbeddingStore(paths.workspace.embeddings),
        lambda: Backbone(ensure_backbone(paths.workspace.cache)),
        started=lambda total: progress.phase("embedding", total=total),
        advanced=advanced,
    )
    write_json(
        paths.report,
        {
            "embedded": report.embedded,
            "present": report.present,
            "unreadable": [{"filepath": path, "reason": reason} for path, reason in report.unreadable.items()],
        },
    )


if __name__ == "__main__":
    sys.exit(run_worker(Path(sys.argv[1]), embed))
