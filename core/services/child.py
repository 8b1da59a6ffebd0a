"""One service process under supervision: started, asked whether it answers, started again when it dies."""

import logging
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from core.services import processes
from core.services.processes import ProcessId

_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 30.0  # seconds between a death and the next start, doubled each time
_STEADY = 60.0  # seconds of life after which earlier deaths are forgotten
_MOST_DEATHS = 6  # in a row

logger = logging.getLogger(__name__)


@dataclass
class Child:
    """``command`` is made anew for each start; ``answers`` asks the service itself, and may take a second."""

    name: str
    command: Callable[[], Sequence[str]]
    env: Mapping[str, str]
    log: Path
    answers: Callable[[], bool]
    cwd: Path | None = None
    pass_fds: tuple[int, ...] = ()
    identity: ProcessId | None = None
    deaths: int = 0
    ready: bool = False
    _process: subprocess.Popen[bytes] | None = field(default=None, repr=False)
    _started_at: float = 0.0
    _died_at: float | None = None

    def start(self) -> None:
        """Start it now."""
        processes.roll(self.log)
        self._process = processes.start(
            self.command(), log=self.log, env=self.env, cwd=self.cwd, pass_fds=self.pass_fds
        )
        self.identity = ProcessId.of(self._process.pid)
        self._started_at, self._died_at, self.ready = time.monotonic(), None, False

    @property
    def dead(self) -> bool:
        """Whether it was started and has ended."""
        return self._process is not None and self._process.poll() is not None

    @property
    def given_up(self) -> bool:
        """Whether it died so often in a row that it is not started again."""
        return self.deaths >= _MOST_DEATHS

    def look_after(self) -> bool:
        """Notice that it answers or died, and start it again when its pause is over; true when it was started."""
        if self._process is None or self.given_up:
            return False
        now = time.monotonic()
        if not self.dead:
            self.ready = self.ready or self.answers()
            if self.ready and now - self._started_at > _STEADY:
                self.deaths = 0
            return False
        if self._died_at is None:
            self._died_at, self.ready = now, False
            self.deaths += 1
            logger.warning("%s ended with status %s", self.name, self._process.returncode)
        pause = min(_FIRST_PAUSE * 2 ** (self.deaths - 1), _LONGEST_PAUSE)
        if self.given_up or now - self._died_at < pause:
            return False
        self.start()
        return True

    def ask_to_end(self) -> None:
        """SIGTERM, without waiting."""
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()

    def end(self, *, patience: float) -> None:
        """Wait for its end; SIGKILL after ``patience`` seconds."""
        if self._process is None:
            return
        try:
            self._process.wait(patience)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None
