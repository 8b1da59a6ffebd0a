"""What runs on a node of the cluster: one worker of the team, as a process of its own."""

import os
import socket
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

from core.domain.errors import BadInput
from core.runs import members
from core.runs.layout import RunPaths


def meeting_point(folder: str, ours: str) -> int:
    """A free port of this node, for the team to meet at; looked for once its needs are there.

    Raises:
        BadInput: the workspace is not there, or another labelloop is.
    """
    name = socket.gethostname()
    if not RunPaths(Path(folder)).spec.exists():
        raise BadInput(f"{folder} is not on the node {name}: all nodes must mount the workspace at the same path.")
    if (theirs := version("labelloop")) != ours:
        raise BadInput(f"The node {name} has labelloop {theirs} and this machine has {ours}; install the same.")
    with socket.socket() as probe:
        probe.bind(("", 0))
        return int(probe.getsockname()[1])


def work(folder: str, module: str, environment: dict[str, str]) -> int:
    """Run one worker to its end and return its return code; when this process is killed, it is too."""
    paths = RunPaths(Path(folder))
    rank = environment["RANK"]
    log = paths.log if rank == "0" else paths.folder / f"log-{rank}.txt"
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", module, folder],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, **environment},
        )
        try:
            return process.wait()
        finally:
            if process.poll() is None:
                process.kill()


def environment(
    *, rank: int, size: int, local_size: int, address: str, port: int, fence: str, words: str
) -> dict[str, str]:
    """What a member is told, in torchrun's words. Ray shows each its own GPU, so that it is the first of its own."""
    return {
        "RANK": str(rank),
        "WORLD_SIZE": str(size),
        "LOCAL_RANK": "0",
        "LOCAL_WORLD_SIZE": str(local_size),
        "MASTER_ADDR": address,
        "MASTER_PORT": str(port),
        members.FENCE: fence,
        members.PLACE: words,
    }
