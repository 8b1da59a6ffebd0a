"""Import at scale: memory by the number of files, and the import of a folder that has not changed.

    python benchmarks/ingest_scale.py [--files 10000 100000] [--keep DIR]

Small JPEGs (64 x 48), each of its own contents, imported by the product's own job; then the same folder twice more.
"""

import argparse
import os
import tempfile
from pathlib import Path

from photographs import fill
from whole_import import bring_in, workspace_at


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--files", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--keep", type=Path, help="where the images are made once and kept")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch, workspace_at(Path(scratch) / "workspace") as workspace:
        for count in arguments.files:
            folder = fill((arguments.keep or Path(scratch)) / f"small-{count}", count, (64, 48), None)
            for again in range(3):
                load = os.getloadavg()[0]
                took = bring_in(workspace, folder, f"small-{count}")
                assert took.report["present" if again else "added"] == count, took.report
                print(
                    f"{count:,} files, {'unchanged' if again else 'new'}: {took.seconds:.1f} s "
                    f"({took.processor:.1f} s of processor), worker {took.worker:.0f} MB, "
                    f"readers {took.readers:.0f} MB together, load {load:.1f}",
                    flush=True,
                )


if __name__ == "__main__":
    main()
