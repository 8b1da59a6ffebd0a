"""A worker that is one of several on the same run: which one it is, and how the team's one outcome is told.

Whoever starts a team (core.cluster) gives each member the environment that torchrun gives, and a fence: a token that
also stands in the run's folder. Members whose token is not the one there any more write nothing: the run goes on
elsewhere.
"""

import ctypes
import os
import signal
import sys
from dataclasses import dataclass

from core.runs.atomic import read_json, write_json
from core.runs.layout import RunPaths

FENCE = "LABELLOOP_FENCE"
PLACE = "LABELLOOP_PLACE"  # in words, for the status
GRACE = 20.0  # seconds that the others have once one has told the outcome
_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True, slots=True)
class Member:
    """Number ``rank`` of ``size`` on the run, ``local_rank`` of ``local_size`` on this machine."""

    rank: int = 0
    size: int = 1
    local_rank: int = 0
    local_size: int = 1
    fence: str = ""

    @property
    def first(self) -> bool:
        """Whether it is the one that writes status, metrics and checkpoints."""
        return self.rank == 0

    @property
    def alone(self) -> bool:
        """Whether nobody else works on the run, nor ever did under another token."""
        return self.size == 1 and not self.fence

    def holds(self, paths: RunPaths) -> bool:
        """Whether the run is still this team's."""
        return not self.fence or read_json(paths.fence) == self.fence


def this_member() -> Member:
    """What the environment says of this process; a plain worker is the first of one."""
    fence = os.environ.get(FENCE, "")
    if not fence:
        return Member()
    rank, size, local_rank, local_size = (
        int(os.environ.get(name, default))
        for name, default in (("RANK", "0"), ("WORLD_SIZE", "1"), ("LOCAL_RANK", "0"), ("LOCAL_WORLD_SIZE", "1"))
    )
    return Member(rank, size, local_rank, local_size, fence)


def tell(paths: RunPaths, member: Member, code: int) -> None:
    """Leave a return code for whoever started the team; the first one told stays, for what follows is its echo."""
    if member.holds(paths) and outcome(paths) is None:
        write_json(paths.outcome, {"code": code, "rank": member.rank})


def outcome(paths: RunPaths) -> int | None:
    """The return code that the team told, None where it told none."""
    found = read_json(paths.outcome)
    return int(found["code"]) if isinstance(found, dict) and "code" in found else None


def die_with_parent() -> None:
    """Have the kernel kill this process when whoever started it dies, so that it neither writes on nor holds a GPU.

    Linux only; elsewhere it ends when its work does.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
