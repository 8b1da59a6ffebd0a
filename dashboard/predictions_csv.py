"""A run's predictions as CSV text: the same columns as the command line's, guarded against formulas."""

import csv
import io

from core.workspace import Workspace
from dashboard.wording import csv_safe


def of_run(workspace: Workspace, run: str) -> bytes:
    """UTF-8 with a byte order mark, so that spreadsheets read names in any script."""
    frame = workspace.samples(workspace.run(run).dataset)
    paths = dict(zip(frame["sample_id"], frame["filepath"], strict=True))
    found = workspace.predictions(run).ordered(frame["sample_id"])
    heads = ["sample_id", "filepath", "split", "label", "predicted", "confidence", *found.classes]
    rows = zip(found.sample_id, found.split, found.label, found.predicted, found.confidence, strict=True)
    return table(
        heads,
        [
            [sample, paths.get(sample, ""), split, label or "", predicted, f"{confidence:.6f}"]
            + [f"{value:.6f}" for value in probabilities]
            for (sample, split, label, predicted, confidence), probabilities in zip(
                rows, found.probabilities, strict=True
            )
        ],
    )


def table(heads: list[str], rows: list[list[str]]) -> bytes:
    """CSV bytes of a table whose every cell is guarded."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow([csv_safe(head) for head in heads])
    writer.writerows([csv_safe(cell) for cell in row] for row in rows)
    return text.getvalue().encode("utf-8-sig")
