"""Files that were moved: samples whose file is gone get the path where the same contents lie now."""

import os
import time
from collections import defaultdict
from collections.abc import Sequence, Set
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

import numpy as np

from core.checks import shelf
from core.domain.decisions import Source
from core.domain.errors import BadInput
from core.domain.samples import FilePlace
from core.ingest.listing import folder_of, list_folder
from core.jobs import folders
from core.runs.atomic import append_json_line
from core.runs.used import digest
from core.snapshots import manifest

if TYPE_CHECKING:
    from core.workspace.facade import Workspace

_RECORD = "relinked.jsonl"


@dataclass(frozen=True, slots=True)
class Moved:
    """A sample whose file was found. ``twin`` is the sample that an import made of the moved file, "" for none."""

    sample_id: str
    old: str
    new: str
    twin: str = ""


@dataclass(frozen=True, slots=True)
class Relinks:
    """What relinking does: the ``moves`` of those of the ``missing`` files that it finds in ``folder``.

    ``kept`` counts those whose file is by now another sample's that a person has decided on: both stay as they are.
    An excluded sample whose file is by now another one's, as that of an earlier relinking's twin, is not missed.
    """

    folder: str
    missing: int
    moves: tuple[Moved, ...]
    kept: int

    @property
    def sentence(self) -> str:
        """What was found, for a person."""
        if not self.missing:
            return "No file is missing."
        parts = [f"{len(self.moves):,} of {self.missing:,} missing files found in {self.folder}"]
        twins = sum(bool(move.twin) for move in self.moves)
        if twins:
            parts.append(f"{twins:,} of them had come in anew from there, which is excluded")
        if self.kept:
            parts.append(f"{self.kept:,} came in anew and were decided on since: they stay as they are")
        return "; ".join(parts) + "."


class Relinking:
    """Moved files of a workspace's datasets. Ids, labels, splits and history stay; no file is touched."""

    def __init__(self, workspace: "Workspace") -> None:
        self._workspace = workspace

    def preview(self, dataset: str, folder: str | Path, *, old: str | Path | None = None) -> Relinks:
        """Which missing files lie in ``folder`` now, by their contents; nothing is written.

        With ``old`` only files that lay below that folder are looked for.

        Raises:
            NotFound: no such dataset.
            BadInput: ``folder`` cannot be read, or nothing of the dataset lay below ``old``.
        """
        root = folder_of(folder)
        frame = self._workspace.samples(dataset)
        if old is not None:
            named = os.path.expanduser(str(old))
            below = tuple(os.path.join(path, "") for path in (os.path.abspath(named), os.path.realpath(named)))
            frame = frame[[path.startswith(below) for path in frame["filepath"]]]
            if not len(frame):
                raise BadInput(f"No image of {dataset!r} lies below {str(old)!r}.")
        gone = frame[np.array([bool(shelf.why_missing(path)) for path in frame["filepath"]], dtype=bool)]
        found = _by_content(root, set(gone["size_bytes"]), set(gone["content_hash"]))
        whole = self._workspace.samples(dataset)
        owners = dict(zip(whole["filepath"], zip(whole["sample_id"], whole["reviewed"], strict=True), strict=True))
        moves, kept, missing = [], 0, len(gone)
        for content, rows in gone.groupby("content_hash", sort=True):
            wanted = dict(zip(rows["sample_id"], rows["filepath"], strict=True))
            excluded = set(rows["sample_id"][rows["excluded"].to_numpy(dtype=bool)])
            for sample_id, path in _matched(wanted, found.get(str(content), []), excluded).items():
                twin, decided = owners.get(path, ("", False))
                if twin and sample_id in excluded:
                    missing -= 1
                elif decided:
                    kept += 1
                else:
                    moves.append(Moved(sample_id, wanted[sample_id], path, twin))
        return Relinks(str(root), missing, tuple(moves), kept)

    def relink(
        self, dataset: str, folder: str | Path, *, old: str | Path | None = None, source: Source = "grid"
    ) -> Relinks:
        """Carry out what :meth:`preview` says; what was done is kept in ``checks/ID/relinked.jsonl``.

        A sample that an import has made of a moved file gets the old path in exchange and is excluded: two samples
        never share a path, and restore brings it back.
        """
        plan = self.preview(dataset, folder, old=old)
        if not plan.moves:
            return plan
        workspace, info = self._workspace, self._workspace.dataset(dataset)
        kept = workspace.paths.checked(info.id)
        kept.mkdir(parents=True, exist_ok=True)
        lines = [[move.sample_id, move.old, move.new] for move in plan.moves]
        append_json_line(kept / _RECORD, {"at": time.time(), "who": workspace.user, "moves": lines})
        workspace.store.add_root(info.id, plan.folder)
        places: dict[str, FilePlace] = {}
        for move in plan.moves:
            places[move.sample_id] = FilePlace(move.new, os.stat(move.new).st_mtime_ns, plan.folder)
            if move.twin:
                places[move.twin] = FilePlace(move.old, 0, os.path.dirname(move.old))
        workspace.store.move_files(info.id, places)
        twins = [move.twin for move in plan.moves if move.twin]
        if twins:
            workspace.health.exclude(dataset, twins, source=source, why="relinked")
        paths = {move.sample_id: move.new for move in plan.moves}  # of the twins' contents nothing lies at the old ones
        runs = folders.listed(workspace.paths.runs)
        for snapshot in [*workspace.paths.snapshots.glob("[!.]*"), *(run.snapshot for run in runs)]:
            manifest.relocate(snapshot, paths)
        shelf.forget_missing(kept, [move.sample_id for move in plan.moves])
        return plan


def _by_content(root: Path, sizes: set[int], contents: set[str]) -> dict[str, list[str]]:
    """The images below ``root`` that hold one of the contents; only files of a fitting size are read."""
    found: dict[str, list[str]] = defaultdict(list)
    for name in list_folder(root).images if contents else ():
        path = os.path.join(root, name)
        try:
            if os.stat(path).st_size not in sizes:
                continue
        except (OSError, ValueError):
            continue
        content = digest(Path(path))
        if content in contents:
            found[content].append(path)
    return found


def _matched(wanted: dict[str, str], files: Sequence[str], excluded: Set[str]) -> dict[str, str]:
    """A file for each sample (id to old path), those first whose paths end alike, and the ``excluded`` ones last; each
    file is used once.
    """
    offers = sorted(
        ((_common_end(old, file), sample_id, file) for sample_id, old in wanted.items() for file in files),
        key=lambda one: (one[1] in excluded, -one[0], one[1], one[2]),
    )
    made: dict[str, str] = {}
    used: set[str] = set()
    for _, sample_id, file in offers:
        if sample_id not in made and file not in used:
            made[sample_id] = file
            used.add(file)
    return made


def _common_end(left: str, right: str) -> int:
    count = 0
    for one, other in zip(reversed(PurePath(left).parts), reversed(PurePath(right).parts), strict=False):
        if one != other:
            break
        count += 1
    return count
