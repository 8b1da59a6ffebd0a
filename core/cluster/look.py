"""``python -m core.cluster.look ADDRESS``: what a Ray cluster has, as JSON; Ray loads in this process only."""

import json
import subprocess
import sys
from dataclasses import dataclass

from core.cluster.on_ray import connected, slots
from core.cluster.place import Place
from core.domain.errors import BadInput

_SECONDS = 90.0


@dataclass(frozen=True, slots=True)
class Capacity:
    """Nodes that can work, with their cores and GPUs in sum; ``at_once`` workers find room."""

    nodes: int
    cpus: int
    gpus: int
    token: bool

    @property
    def at_once(self) -> int:
        """Workers that find room: one a GPU, or one a node where there are none."""
        return max(1, self.gpus or self.nodes)


def look(place: Place) -> Capacity:
    """Ask the cluster, in a process of its own.

    Raises:
        BadInput: Ray is not installed, the cluster does not answer, or does not take our token.
    """
    command = [sys.executable, "-m", "core.cluster.look", place.ray]
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=_SECONDS, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise BadInput(f"The Ray cluster at {place.ray} gave no answer within {_SECONDS:.0f} seconds.") from error
    lines = done.stdout.strip().splitlines()
    try:
        answer = json.loads(lines[-1])
    except (IndexError, ValueError) as error:
        last = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise BadInput(f"The Ray cluster at {place.ray} could not be asked: {last}") from error
    if "error" in answer:
        raise BadInput(answer["error"])
    return Capacity(**answer)


def main(address: str) -> int:
    """Write the answer to standard output."""
    import os

    try:
        with connected(Place(address)) as ray:
            nodes, _ = slots(ray)
            sums = {name: int(sum(one["Resources"].get(name, 0) for one in nodes)) for name in ("CPU", "GPU")}
            answer: dict[str, object] = {"nodes": len(nodes), "cpus": sums["CPU"], "gpus": sums["GPU"]}
            answer["token"] = os.environ.get("RAY_AUTH_MODE", "").lower() == "token"
    except BadInput as error:
        answer = {"error": str(error)}
    sys.stdout.write("\n" + json.dumps(answer) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
