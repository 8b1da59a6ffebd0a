"""Several workers in one box, started by torchrun: one a GPU, or sharing the cores."""

import os
import signal
import subprocess
import sys
import time

from core.cluster.place import Place
from core.runs import members
from core.runs.layout import RunPaths

_POLL = 0.2


def work(paths: RunPaths, place: Place, module: str, fence: str) -> None:
    """Start the workers and wait until all have ended; the outcome lies in the folder, if they told one."""
    command = [sys.executable, "-m", "torch.distributed.run", "--nnodes=1", f"--nproc-per-node={place.workers}"]
    command += ["--master-addr=127.0.0.1", "--master-port=0", "--rdzv-backend=c10d", "--rdzv-endpoint=127.0.0.1:0"]
    command += ["--local-addr=127.0.0.1", "--max-restarts=0", "--module", module, str(paths.folder)]
    environment = {**os.environ, members.FENCE: fence, members.PLACE: place.words}
    # In torchrun's eyes, a worker's threads are its own affair: each takes its share of the cores (training.devices).
    environment.setdefault("OMP_NUM_THREADS", "1")
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        env=environment,
        preexec_fn=members.die_with_parent if sys.platform == "linux" else None,  # noqa: PLW1509  (no threads here)
    )
    told_at: float | None = None
    try:
        while process.poll() is None:
            if told_at is None and members.outcome(paths) is not None:
                told_at = time.monotonic()
            if told_at is not None and time.monotonic() - told_at > members.GRACE:
                process.send_signal(signal.SIGTERM)
                told_at = time.monotonic()
            time.sleep(_POLL)
    finally:
        if process.poll() is None:
            process.kill()
