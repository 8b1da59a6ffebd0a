"""``labelloop relabel``: by sample ids, or by a CSV of file paths; everything is checked before anything is written."""

import csv
import uuid
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from core.domain.decisions import Decision, Outcome
from core.domain.errors import BadInput

if TYPE_CHECKING:
    import pandas as pd

    from core.workspace import Workspace


def relabel(
    workspace: "Workspace", dataset: str, *, to: str | None, ids: Sequence[str], file: Path | None
) -> list[Outcome]:
    """Relabel ``ids`` to ``to``, or what the CSV ``file`` (filepath,label) says.

    Raises:
        BadInput: nothing or both given, an unknown sample, class or file; nothing was written.
    """
    if (file is None) == (to is None):
        raise BadInput("Give either --to CLASS with --sample ID, or --file CSV.")
    if to is not None and not ids:
        raise BadInput("Name the samples to relabel with --sample ID.")
    workspace.reconcile(dataset)
    frame = workspace.samples(dataset)
    wanted = [(sample_id, to) for sample_id in ids] if file is None else _read(file, frame)
    labels = dict(zip(frame["sample_id"], frame["label"], strict=True))
    missing = [sample_id for sample_id, _ in wanted if sample_id not in labels]
    if missing:
        raise BadInput(f"There is no sample {missing[0]!r} in {dataset!r}; nothing was changed.")
    decisions = []
    for sample_id, label in dict(wanted).items():
        decisions.append(Decision(sample_id, "relabel", label, labels[sample_id], uuid.uuid4().hex))
    return workspace.decide(dataset, decisions, source="cli")


def _read(file: Path, frame: "pd.DataFrame") -> list[tuple[str, str | None]]:
    try:
        text = file.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise BadInput(f"There is no file {str(file)!r}.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{str(file)!r} cannot be read as UTF-8 text ({error}).") from None
    reader = csv.DictReader(text.splitlines(keepends=True))
    if reader.fieldnames is None or not {"filepath", "label"} <= set(reader.fieldnames):
        raise BadInput(f"{str(file)!r} needs a first line that names the columns filepath and label.")
    by_path: dict[str, list[str]] = defaultdict(list)
    for sample_id, path in zip(frame["sample_id"], frame["filepath"], strict=True):
        by_path[path].append(sample_id)
    wanted: list[tuple[str, str | None]] = []
    for row in reader:
        path = row["filepath"] or ""
        found = by_path.get(path) or by_path.get(str(Path(path).expanduser().resolve()))
        if not found:
            raise BadInput(f"Line {reader.line_num}: no image {path!r} in this dataset; nothing was changed.")
        wanted.extend((sample_id, row["label"]) for sample_id in found)
    if not wanted:
        raise BadInput(f"{str(file)!r} names no images.")
    return wanted
