"""``python -m core.cluster FOLDER``: have a team of workers do the run or job in that folder."""

import sys
import uuid
from pathlib import Path

from core.cluster import box, on_ray, place
from core.runs import members
from core.runs.atomic import read_json, write_json
from core.runs.layout import RunPaths
from core.runs.worker import LOST_WORKER, SUCCEEDED

MODULES = {"train": "core.training", "embed": "core.embedding"}


def main(folder: Path) -> int:
    """Returns why the team never worked, or that it has ended; what it told lies in the folder."""
    paths = RunPaths(folder.resolve())
    members.die_with_parent()
    where = place.of_run(paths)
    module = MODULES[str((read_json(paths.spec) or {})["kind"])]
    fence = uuid.uuid4().hex
    write_json(paths.fence, fence)  # from here on, no earlier team writes
    if where.ray:
        refused = on_ray.work(paths, where, module, fence)
        if refused is not None:
            return refused
    else:
        box.work(paths, where, module, fence)
    return LOST_WORKER if members.outcome(paths) is None else SUCCEEDED


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
