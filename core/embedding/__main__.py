"""``python -m core.embedding JOBDIR``: embed a dataset's samples in the background."""

import sys
import time
from pathlib import Path
from typing import Any

import pandas as pd

from core.domain.errors import BadInput
from core.embedding.backbone import Backbone, ensure_backbone
from core.embedding.blocks import EmbeddingStore
from core.embedding.pipeline import embed_missing
from core.runs.atomic import read_json, write_json
from core.runs.layout import RunPaths
from core.runs.members import Member, this_member
from core.runs.worker import Progress, run_worker

_LOOK = 0.5  # seconds between looks at what the others have written


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
    member = this_member()
    mine = samples.iloc[member.rank :: member.size]
    files = list(zip(mine["filepath"], mine["content_hash"], strict=True))
    part = paths.folder / f"part-{member.rank}.json"
    part.unlink(missing_ok=True)

    def advanced(images: int) -> None:
        progress.advance(images * member.size)  # shares are equal, and the first one tells for all
        progress.check()

    report = embed_missing(
        files,
        EmbeddingStore(paths.workspace.embeddings),
        lambda: Backbone(ensure_backbone(paths.workspace.cache)),
        started=lambda total: progress.phase("embedding", total=total * member.size),
        advanced=advanced,
    )
    unreadable = [{"filepath": path, "reason": reason} for path, reason in report.unreadable.items()]
    found = {"embedded": report.embedded, "present": report.present, "unreadable": unreadable}
    if not member.first:
        write_json(part, {"fence": member.fence, **found})
        return
    write_json(paths.report, _with_others(paths, progress, member, found))


def _with_others(paths: RunPaths, progress: Progress, member: Member, found: dict[str, Any]) -> dict[str, Any]:
    """The report of all: what the others write once they are done is waited for."""
    for rank in range(1, member.size):
        part = paths.folder / f"part-{rank}.json"
        while not isinstance(theirs := read_json(part), dict) or theirs.get("fence") != member.fence:
            progress.check()
            time.sleep(_LOOK)
        found = {name: value + theirs[name] for name, value in found.items()}
        part.unlink(missing_ok=True)
    return found


def main(folder: Path) -> int:
    """Do the job in ``folder`` and return the process's exit code."""
    return run_worker(folder, embed)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
